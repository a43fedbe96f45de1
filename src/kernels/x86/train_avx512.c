/* SPDX-License-Identifier: Apache-2.0 */
/* Training in f32, blocks of sixteen channels. */
#include <immintrin.h>

#include "kernels/train_impl.h"

#ifndef __AVX512F__
#error "compile this file with the flags that src/kernels/meson.build gives it"
#endif

#define E float
#define LOAD(p) _mm512_loadu_ps(p)
#define STORE(p, v) _mm512_storeu_ps(p, v)
#define KEPT(v) (v)
#include "kernels/x86/train_lanes_avx512.h"

#include "kernels/x86/train_body.h"

void st_train_kernels_avx512(struct st_train_kernels *k)
{
    fill(k, "avx512");
}
