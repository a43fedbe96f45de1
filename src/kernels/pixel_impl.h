/* SPDX-License-Identifier: Apache-2.0 */
/* The variants, for pixel.c and the files that define them; and the conversion of a single
 * number, for the references and the tails. */
#ifndef ST_KERNELS_PIXEL_IMPL_H
#define ST_KERNELS_PIXEL_IMPL_H

#include <stdint.h>
#include <string.h>

#include "kernels/pixel.h"

#define ST_POINTWISE_ARGS                                                                \
    const struct st_pointwise *pointwise, void *dst, size_t dst_stride, const void *src, \
        size_t src_stride, const void *add, size_t add_stride, size_t P
#define ST_DEPTHWISE_ARGS                                                                 \
    const struct st_depthwise *depthwise, void *dst, const void *const rows[3], size_t W, \
        size_t out_W

void st_pixel_kernels_ref(struct st_pixel_kernels *k);
void st_pixel_kernels_avx2(struct st_pixel_kernels *k);
void st_pixel_kernels_avx512(struct st_pixel_kernels *k);
void st_pixel_kernels_avx512_vnni(struct st_pixel_kernels *k);
void st_pixel_kernels_avx512_bf16(struct st_pixel_kernels *k);
/* After the two above: it hands on what its tiles do not fit. */
void st_pixel_kernels_amx(struct st_pixel_kernels *k);

void st_pointwise_avx512(ST_POINTWISE_ARGS);
void st_pointwise_vnni(ST_POINTWISE_ARGS);
void st_pointwise_bf16(ST_POINTWISE_ARGS);

static inline float st_bf16_number(uint16_t element)
{
    uint32_t bits = (uint32_t)element << 16;
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static inline uint16_t st_bf16_element(float number)
{
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    return (uint16_t)((bits + 0x7FFFU + (bits >> 16 & 1U)) >> 16);
}

#endif /* ST_KERNELS_PIXEL_IMPL_H */
