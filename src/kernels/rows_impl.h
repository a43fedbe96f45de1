/* SPDX-License-Identifier: Apache-2.0 */
/* The variants of the kernels of rows.h, and how all of them round to bf16. */
#ifndef ST_KERNELS_ROWS_IMPL_H
#define ST_KERNELS_ROWS_IMPL_H

#include "kernels/rows.h"

void st_row_kernels_ref(struct st_row_kernels *k);
void st_row_kernels_avx2(struct st_row_kernels *k);
void st_row_kernels_avx512(struct st_row_kernels *k);

#endif /* ST_KERNELS_ROWS_IMPL_H */
