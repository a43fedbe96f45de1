/* SPDX-License-Identifier: Apache-2.0 */
/* Depthwise over F32, and everything between elements, eight lanes at a time. */
#include "kernels/x86/pixel_avx2.h"

/* Channels of a depthwise convolution at a time: what they read stays in the first cache. */
#define SOME ((size_t)128)

/* A part of a row's channels. A missing row is another one with weights of zero. */
struct part {
    const float *rows[3];
    const float *bias;
    size_t C, count; /* from pixel to pixel; channels of the part */
    float weights[SOME / 8][9][8];
};

static void load_part(struct part *part, const struct st_depthwise *d, const void *const rows[3],
                      size_t c)
{
    const float *weights = (const float *)d->weights + c;
    part->C = d->C;
    part->count = d->C - c < SOME ? d->C - c : SOME;
    part->bias = d->bias + c;
    assert(rows[1]);
    for (size_t row = 0; row < 3; row++) {
        part->rows[row] = (const float *)(rows[row] ? rows[row] : rows[1]) + c;
        for (size_t i = 0; i < part->count / 8; i++)
            for (size_t tap = 3 * row; tap < 3 * row + 3; tap++)
                _mm256_storeu_ps(part->weights[i][tap],
                                 rows[row] ? _mm256_loadu_ps(weights + tap * d->C + 8 * i)
                                           : _mm256_setzero_ps());
    }
}

/* One output; of each row, taps [first, end) exist, of columns from `column` on. */
static void filter_one(const struct part *part, float *dst, size_t column, size_t first, size_t end)
{
    for (size_t i = 0; i < part->count / 8; i++) {
        __m256 sum = _mm256_loadu_ps(part->bias + 8 * i);
        for (size_t row = 0; row < 3; row++) {
            const float *src = part->rows[row] + column * part->C + 8 * i;
            for (size_t tap = first; tap < end; tap++, src += part->C)
                sum = _mm256_fmadd_ps(_mm256_loadu_ps(src),
                                      _mm256_loadu_ps(part->weights[i][row * 3 + tap]), sum);
        }
        _mm256_storeu_ps(dst + 8 * i, _mm256_max_ps(sum, _mm256_setzero_ps()));
    }
}

/* Addresses of pixels that lie `step` bytes apart, three to a register. */
struct reach {
    const char *from[3];
    size_t step;
};

ST_ALWAYS struct reach reach(const void *first, size_t step, const size_t count)
{
    struct reach r = {.step = step};
    for (size_t i = 0; 3 * i < count; i++) {
        r.from[i] = (const char *)first + 3 * i * step;
        __asm__("" : "+r"(r.from[i])); /* or it is computed anew each time */
    }
    return r;
}

ST_ALWAYS const char *at(const struct reach *r, size_t i)
{
    return r->from[i / 3] + i % 3 * r->step;
}

ST_ALWAYS void advance(struct reach *r, const size_t count)
{
    for (size_t i = 0; 3 * i < count; i++)
        r->from[i] += 32;
}

/* Four neighbouring outputs; all columns exist, and are read once. */
ST_ALWAYS void filter_four(const struct part *part, float *dst, size_t dst_stride, size_t first,
                           const size_t stride)
{
    const size_t columns = 3 * stride + 3, step = part->C * sizeof(float);
    struct reach rows[3], out = reach(dst, dst_stride * sizeof(float), 4);
    const float(*w)[8] = part->weights[0], *bias = part->bias, *const end = bias + part->count;
#pragma GCC unroll 3
    for (size_t row = 0; row < 3; row++)
        rows[row] = reach(part->rows[row] + first * part->C, step, columns);
    for (; bias < end; bias += 8, w += 9) {
        __m256 sums[4];
        sums[0] = sums[1] = sums[2] = sums[3] = _mm256_loadu_ps(bias);
#pragma GCC unroll 3
        for (size_t row = 0; row < 3; row++) {
            __m256 column[9];
#pragma GCC unroll 9
            for (size_t j = 0; j < columns; j++)
                column[j] = _mm256_loadu_ps((const float *)(const void *)at(&rows[row], j));
#pragma GCC unroll 3
            for (size_t tap = 0; tap < 3; tap++) {
                const __m256 weights = _mm256_loadu_ps(w[row * 3 + tap]);
#pragma GCC unroll 4
                for (size_t j = 0; j < 4; j++)
                    sums[j] = _mm256_fmadd_ps(column[j * stride + tap], weights, sums[j]);
            }
            advance(&rows[row], columns);
        }
#pragma GCC unroll 4
        for (size_t j = 0; j < 4; j++)
            _mm256_storeu_ps((float *)(void *)at(&out, j),
                             _mm256_max_ps(sums[j], _mm256_setzero_ps()));
        advance(&out, 4);
    }
}

/* Outputs [x, x + count), 4 or 1, where they belong. */
static void filter_pixels(const struct st_depthwise *d, const struct part *part, void *dst,
                          size_t x, size_t c, size_t count, size_t W)
{
    float numbers[4 * SOME];
    const bool plain = d->out == ST_ELEMENT_F32;
    float *to = plain ? (float *)dst + x * d->C + c : numbers;
    const size_t dst_stride = plain ? d->C : SOME;
    const size_t first = x == 0 ? 1 : 0, end = x * d->stride + 1 < W ? 3 : 2;
    const size_t column = x * d->stride + first - 1;
    if (count == 1)
        filter_one(part, to, column, first, end);
    else if (d->stride == 1)
        filter_four(part, to, dst_stride, column, 1);
    else
        filter_four(part, to, dst_stride, column, 2);
    for (size_t p = 0; !plain && p < count; p++)
        for (size_t i = 0; i < part->count; i += 16)
            store16(dst, d->out, (x + p) * d->C + c + i, _mm256_loadu_ps(numbers + p * SOME + i),
                    _mm256_loadu_ps(numbers + p * SOME + i + 8));
}

static void depthwise_f32_avx2(ST_DEPTHWISE_ARGS)
{
    const size_t stride = depthwise->stride;
    struct part part;
    assert(depthwise->C % 16 == 0 && (stride == 1 || stride == 2));
    for (size_t c = 0; c < depthwise->C; c += SOME) {
        load_part(&part, depthwise, rows, c);
        for (size_t x = 0; x < out_W;) {
            const bool inside = x > 0 && x + 4 <= out_W && (x + 3) * stride + 1 < W;
            filter_pixels(depthwise, &part, dst, x, c, inside ? 4 : 1, W);
            x += inside ? 4 : 1;
        }
    }
}

ST_ALWAYS __m256 load_number(const struct st_pixel_row *row, const void *data, size_t at, size_t c)
{
    const __m256 x = load8(data, row->element, at);
    if (row->element != ST_ELEMENT_U8 || !row->levels)
        return x;
    return _mm256_fmadd_ps(x, _mm256_loadu_ps(row->levels->scale + c),
                           _mm256_loadu_ps(row->levels->offset + c));
}

ST_ALWAYS void store_numbers(const struct st_pixel_row *row, size_t p, size_t c, __m256 low,
                             __m256 high)
{
    if (row->element == ST_ELEMENT_U8 && row->levels) {
        low = _mm256_fmadd_ps(low, _mm256_loadu_ps(row->levels->inverse + c),
                              _mm256_loadu_ps(row->levels->zero + c));
        high = _mm256_fmadd_ps(high, _mm256_loadu_ps(row->levels->inverse + c + 8),
                               _mm256_loadu_ps(row->levels->zero + c + 8));
    }
    store16(row->data, row->element, p * row->stride + c, low, high);
}

static void blend_avx2(float *dst, const struct st_pixel_row *a, const void *b, float t, size_t P,
                       size_t C)
{
    assert(C % 16 == 0);
    const __m256 at = _mm256_set1_ps(t);
    for (size_t p = 0; p < P; p++) {
        for (size_t c = 0; c < C; c += 8) {
            const __m256 from = load_number(a, a->data, p * a->stride + c, c);
            const __m256 to = load_number(a, b, p * a->stride + c, c);
            _mm256_storeu_ps(dst + p * C + c, _mm256_fmadd_ps(at, _mm256_sub_ps(to, from), from));
        }
    }
}

ST_ALWAYS __m256 between(const float *a, const float *b, __m256 t)
{
    const __m256 from = _mm256_loadu_ps(a);
    return _mm256_fmadd_ps(t, _mm256_sub_ps(_mm256_loadu_ps(b), from), from);
}

static void stretch_avx2(const struct st_pixel_row *dst, const float *src, const uint32_t *first,
                         const uint32_t *second, const float *t, size_t P, size_t C)
{
    assert(C % 16 == 0);
    for (size_t p = 0; p < P; p++) {
        const float *a = src + first[p] * C, *b = src + second[p] * C;
        const __m256 at = _mm256_set1_ps(t[p]);
        for (size_t c = 0; c < C; c += 16)
            store_numbers(dst, p, c, between(a + c, b + c, at), between(a + c + 8, b + c + 8, at));
    }
}

static void convert_avx2(const struct st_pixel_row *dst, const struct st_pixel_row *src, size_t P,
                         size_t C)
{
    assert(C % 16 == 0);
    for (size_t p = 0; p < P; p++)
        for (size_t c = 0; c < C; c += 16)
            store_numbers(dst, p, c, load_number(src, src->data, p * src->stride + c, c),
                          load_number(src, src->data, p * src->stride + c + 8, c + 8));
}

/* exp(x) = 2^n exp(r), r = x - n ln 2 in two steps. Coefficients: Cephes, expf. */
ST_ALWAYS __m256 exponential(__m256 x)
{
    x = _mm256_min_ps(_mm256_max_ps(x, _mm256_set1_ps(-87)), _mm256_set1_ps(87));
    const __m256i whole = _mm256_cvtps_epi32(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504F)));
    const __m256 n = _mm256_cvtepi32_ps(whole);
    __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375F), x);
    r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4F), r);
    static const float terms[] = {1.3981999507e-3F, 8.3334519073e-3F, 4.1665795894e-2F,
                                  1.6666665459e-1F, 5.0000001201e-1F};
    __m256 sum = _mm256_set1_ps(1.9875691500e-4F);
    for (int i = 0; i < 5; i++)
        sum = _mm256_fmadd_ps(sum, r, _mm256_set1_ps(terms[i]));
    sum = _mm256_fmadd_ps(sum, _mm256_mul_ps(r, r), _mm256_add_ps(r, _mm256_set1_ps(1)));
    const __m256i power = _mm256_slli_epi32(_mm256_add_epi32(whole, _mm256_set1_epi32(127)), 23);
    return _mm256_mul_ps(sum, _mm256_castsi256_ps(power));
}

static void sigmoid_avx2(float *planes, size_t plane, size_t count, const float *src, size_t stride,
                         size_t P)
{
    const __m256 one = _mm256_set1_ps(1);
    for (size_t p = 0; p < P; p += 8) {
        const size_t some = P - p < 8 ? P - p : 8;
        for (size_t i = 0; i < count; i++) {
            float x[8] = {0};
            for (size_t j = 0; j < some; j++)
                x[j] = -src[(p + j) * stride + i];
            const __m256 e = exponential(_mm256_loadu_ps(x));
            const __m256 y = _mm256_div_ps(one, _mm256_add_ps(one, e));
            if (some == 8) {
                _mm256_storeu_ps(planes + i * plane + p, y);
                continue;
            }
            _mm256_storeu_ps(x, y);
            memcpy(planes + i * plane + p, x, some * sizeof *x);
        }
    }
}

void st_pixel_kernels_avx2(struct st_pixel_kernels *k)
{
    k->pointwise[ST_ELEMENT_F32] = st_pointwise_f32_avx2;
    k->pointwise[ST_ELEMENT_U8] = st_pointwise_u8_avx2;
    k->names[ST_ELEMENT_F32] = k->names[ST_ELEMENT_U8] = "avx2";
    k->depthwise[ST_ELEMENT_F32] = depthwise_f32_avx2;
    k->depthwise[ST_ELEMENT_U8] = st_depthwise_u8_avx2;
    k->blend = blend_avx2;
    k->stretch = stretch_avx2;
    k->convert = convert_avx2;
    k->sigmoid = sigmoid_avx2;
}
