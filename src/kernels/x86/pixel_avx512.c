/* SPDX-License-Identifier: Apache-2.0 */
/* F32 products, depthwise over F32, and everything between elements, sixteen channels at a
 * time. */
#ifndef __AVX512BW__
#include "kernels/pixel.h"
#error "compile this file with the flags that src/kernels/meson.build gives it"
#endif

#define ST_SUMS __m512
#define ST_ZERO() _mm512_setzero_ps()
#define ST_STEP(sum, x, w) \
    ((sum) = _mm512_fmadd_ps(_mm512_castsi512_ps(x), _mm512_castsi512_ps(w), (sum)))
#define ST_NUMBERS(sum) (sum)
#define ST_TILE_NAME st_pointwise_avx512
#include "kernels/x86/pixel_tile_avx512.h"

/* `count` neighbouring outputs of sixteen channels; all columns that they read exist. */
ST_ALWAYS void depthwise_pixels(const struct st_depthwise *d, void *dst, const void *const rows[3],
                                size_t x, size_t c, size_t first_tap, size_t taps,
                                const size_t count, const size_t stride)
{
    const size_t C = d->C;
    const float *weights = (const float *)d->weights + c;
    __m512 sums[4];
#pragma GCC unroll 4
    for (size_t i = 0; i < count; i++)
        sums[i] = _mm512_setzero_ps();
    for (size_t row = 0; row < 3; row++) {
        if (!rows[row])
            continue;
        const float *src = (const float *)rows[row] + (x * stride + first_tap - 1) * C + c;
#pragma GCC unroll 3
        for (size_t tap = 0; tap < taps; tap++) {
            const __m512 w = _mm512_loadu_ps(weights + (row * 3 + first_tap + tap) * C);
#pragma GCC unroll 4
            for (size_t i = 0; i < count; i++)
                sums[i] =
                    _mm512_fmadd_ps(_mm512_loadu_ps(src + (i * stride + tap) * C), w, sums[i]);
        }
    }
    const __m512 bias = _mm512_loadu_ps(d->bias + c);
#pragma GCC unroll 4
    for (size_t i = 0; i < count; i++)
        store16(dst, d->out, (x + i) * C + c,
                _mm512_max_ps(_mm512_add_ps(sums[i], bias), _mm512_setzero_ps()));
}

static void depthwise_avx512(ST_DEPTHWISE_ARGS)
{
    const size_t C = depthwise->C, stride = depthwise->stride;
    assert(C % 16 == 0 && (stride == 1 || stride == 2));
    for (size_t x = 0; x < out_W;) {
        const size_t first = x * stride < 1 ? 1 : 0;
        const size_t last = x * stride + 1 < W ? 3 : 2; /* taps before it exist */
        if (!first && x + 4 <= out_W && (x + 3) * stride + 1 < W) {
            for (size_t c = 0; c < C; c += 16) {
                if (stride == 1)
                    depthwise_pixels(depthwise, dst, rows, x, c, 0, 3, 4, 1);
                else
                    depthwise_pixels(depthwise, dst, rows, x, c, 0, 3, 4, 2);
            }
            x += 4;
            continue;
        }
        for (size_t c = 0; c < C; c += 16)
            depthwise_pixels(depthwise, dst, rows, x, c, first, last - first, 1, stride);
        x++;
    }
}

ST_ALWAYS __m512 load_number(const struct st_pixel_row *row, const void *data, size_t at, size_t c)
{
    const __m512 x = load16(data, row->element, at);
    if (row->element != ST_ELEMENT_U8 || !row->levels)
        return x;
    return _mm512_fmadd_ps(x, _mm512_loadu_ps(row->levels->scale + c),
                           _mm512_loadu_ps(row->levels->offset + c));
}

ST_ALWAYS void store_number(const struct st_pixel_row *row, size_t p, size_t c, __m512 x)
{
    if (row->element == ST_ELEMENT_U8 && row->levels)
        x = _mm512_fmadd_ps(x, _mm512_loadu_ps(row->levels->inverse + c),
                            _mm512_loadu_ps(row->levels->zero + c));
    store16(row->data, row->element, p * row->stride + c, x);
}

static void blend_avx512(float *dst, const struct st_pixel_row *a, const void *b, float t, size_t P,
                         size_t C)
{
    assert(C % 16 == 0);
    const __m512 at = _mm512_set1_ps(t);
    for (size_t p = 0; p < P; p++) {
        for (size_t c = 0; c < C; c += 16) {
            const __m512 from = load_number(a, a->data, p * a->stride + c, c);
            const __m512 to = load_number(a, b, p * a->stride + c, c);
            _mm512_storeu_ps(dst + p * C + c, _mm512_fmadd_ps(at, _mm512_sub_ps(to, from), from));
        }
    }
}

static void stretch_avx512(const struct st_pixel_row *dst, const float *src, const uint32_t *first,
                           const uint32_t *second, const float *t, size_t P, size_t C)
{
    assert(C % 16 == 0);
    for (size_t p = 0; p < P; p++) {
        const float *a = src + first[p] * C, *b = src + second[p] * C;
        const __m512 at = _mm512_set1_ps(t[p]);
        for (size_t c = 0; c < C; c += 16) {
            const __m512 from = _mm512_loadu_ps(a + c), to = _mm512_loadu_ps(b + c);
            store_number(dst, p, c, _mm512_fmadd_ps(at, _mm512_sub_ps(to, from), from));
        }
    }
}

static void convert_avx512(const struct st_pixel_row *dst, const struct st_pixel_row *src, size_t P,
                           size_t C)
{
    assert(C % 16 == 0);
    for (size_t p = 0; p < P; p++)
        for (size_t c = 0; c < C; c += 16)
            store_number(dst, p, c, load_number(src, src->data, p * src->stride + c, c));
}

/* exp(x) = 2^n exp(r), r = x - n ln 2 in two steps. Coefficients: Cephes, expf. */
static __m512 exponential(__m512 x)
{
    x = _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(-87)), _mm512_set1_ps(87));
    const __m512 n = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504F)), 0);
    __m512 r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693359375F), x);
    r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.12194440e-4F), r);
    static const float terms[] = {1.3981999507e-3F, 8.3334519073e-3F, 4.1665795894e-2F,
                                  1.6666665459e-1F, 5.0000001201e-1F};
    __m512 sum = _mm512_set1_ps(1.9875691500e-4F);
    for (int i = 0; i < 5; i++)
        sum = _mm512_fmadd_ps(sum, r, _mm512_set1_ps(terms[i]));
    sum = _mm512_fmadd_ps(sum, _mm512_mul_ps(r, r), _mm512_add_ps(r, _mm512_set1_ps(1)));
    return _mm512_scalef_ps(sum, n);
}

static void sigmoid_avx512(float *planes, size_t plane, size_t count, const float *src,
                           size_t stride, size_t P)
{
    const __m512 one = _mm512_set1_ps(1);
    const __m512i lanes =
        _mm512_mullo_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                           _mm512_set1_epi32((int)stride));
    for (size_t p = 0; p < P; p += 16) {
        const __mmask16 m = P - p < 16 ? (__mmask16)((1U << (P - p)) - 1) : 0xFFFF;
        for (size_t i = 0; i < count; i++) {
            const __m512 x =
                _mm512_mask_i32gather_ps(_mm512_setzero_ps(), m, lanes, src + p * stride + i, 4);
            const __m512 e = exponential(_mm512_sub_ps(_mm512_setzero_ps(), x));
            _mm512_mask_storeu_ps(planes + i * plane + p, m,
                                  _mm512_div_ps(one, _mm512_add_ps(one, e)));
        }
    }
}

void st_pixel_kernels_avx512(struct st_pixel_kernels *k)
{
    k->pointwise[ST_ELEMENT_F32] = st_pointwise_avx512;
    k->names[ST_ELEMENT_F32] = "avx512";
    k->depthwise[ST_ELEMENT_F32] = depthwise_avx512;
    k->blend = blend_avx512;
    k->stretch = stretch_avx512;
    k->convert = convert_avx512;
    k->sigmoid = sigmoid_avx512;
}
