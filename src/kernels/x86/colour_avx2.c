/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/colour_impl.h"

#if !defined(__AVX2__)
#error "compile this file with the flags that src/kernels/meson.build gives it"
#endif

#include "kernels/colour_body.h"

void st_colour_kernels_avx2(struct st_colour_kernels *k)
{
    *k = table;
}
