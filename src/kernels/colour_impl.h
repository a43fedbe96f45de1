/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ST_KERNELS_COLOUR_IMPL_H
#define ST_KERNELS_COLOUR_IMPL_H

#include "kernels/colour.h"

void st_colour_kernels_ref(struct st_colour_kernels *k);
void st_colour_kernels_avx2(struct st_colour_kernels *k);

#endif /* ST_KERNELS_COLOUR_IMPL_H */
