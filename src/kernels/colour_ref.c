/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/colour_impl.h"

#include "kernels/colour_body.h"

void st_colour_kernels_ref(struct st_colour_kernels *k)
{
    *k = table;
}
