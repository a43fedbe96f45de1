/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/pixel.h"

#include <assert.h>

#include "kernels/pixel_impl.h"
#include "synctalk/machine.h"

void st_pixel_kernels_init(struct st_pixel_kernels *k, unsigned flags)
{
    *k = (struct st_pixel_kernels){0};
    st_pixel_kernels_ref(k);
#if defined(__x86_64__)
    if (flags & SYNCTALK_CPU_AVX2)
        st_pixel_kernels_avx2(k);
    if (flags & SYNCTALK_CPU_AVX512)
        st_pixel_kernels_avx512(k);
    if (flags & SYNCTALK_CPU_VNNI)
        st_pixel_kernels_avx512_vnni(k);
    if (flags & SYNCTALK_CPU_BF16)
        st_pixel_kernels_avx512_bf16(k);
    const unsigned tiles = SYNCTALK_CPU_AMX | SYNCTALK_CPU_VNNI | SYNCTALK_CPU_BF16;
    if ((flags & tiles) == tiles)
        st_pixel_kernels_amx(k);
#else
    (void)flags;
#endif
}

bool st_pixel_kernels_have(unsigned flags, enum st_element element)
{
#if defined(__x86_64__)
    if (element == ST_ELEMENT_BF16)
        return flags & SYNCTALK_CPU_BF16;
    return flags & SYNCTALK_CPU_AVX2;
#else
    (void)flags;
    (void)element;
    return false;
#endif
}

bool st_pixel_kernels_narrow(unsigned flags)
{
    return (flags & SYNCTALK_CPU_AVX2) && !(flags & SYNCTALK_CPU_VNNI);
}

size_t st_pixel_packed_bytes(enum st_element element, size_t K, size_t C)
{
    return K * C * st_element_bytes(element);
}

void st_pixel_pack(void *dst, enum st_element element, const float *weights, size_t K, size_t C)
{
    const size_t n = 4 / st_element_bytes(element);
    assert(K % 16 == 0 && C % 16 == 0);
    for (size_t k = 0; k < K; k++) {
        for (size_t c = 0; c < C; c++) {
            size_t at = ((k / 16 * (C / n) + c / n) * 16 + k % 16) * n + c % n;
            float w = weights[k * C + c];
            if (element == ST_ELEMENT_F32)
                ((float *)dst)[at] = w;
            else if (element == ST_ELEMENT_BF16)
                ((uint16_t *)dst)[at] = st_bf16_element(w);
            else
                ((int8_t *)dst)[at] = (int8_t)w;
        }
    }
}
