/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels of rows.h over vectors of B floats. Whoever includes this file has defined V,
 * B, LOAD, STORE, STORE_BF16, SET, ADD, SUB, MUL, DIV, FMA, NEGATIVE_FMA (c - ab), MAX,
 * ABS, ROUND and POWER (2 to a whole number >= -127).
 *
 * Ends of rows go through a buffer of one vector. Easy to get wrong: what such a buffer
 * holds beyond the row must not count in a sum.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#define TWO_B ((size_t)2 * B)

static inline V load_some(const float *p, size_t n, float rest)
{
    float buffer[B];
    for (size_t i = 0; i < B; i++)
        buffer[i] = i < n ? p[i] : rest;
    return LOAD(buffer);
}

static inline void store(void *dst, enum st_row_element element, size_t at, size_t n, V v)
{
    if (n == B) {
        if (element == ST_ROW_F32)
            STORE((float *)dst + at, v);
        else
            STORE_BF16((uint16_t *)dst + at, v);
    } else if (element == ST_ROW_F32) {
        float buffer[B];
        STORE(buffer, v);
        memcpy((float *)dst + at, buffer, n * sizeof *buffer);
    } else {
        uint16_t buffer[B];
        STORE_BF16(buffer, v);
        memcpy((uint16_t *)dst + at, buffer, n * sizeof *buffer);
    }
}

static inline float sum_of(V v)
{
    float lanes[B];
    float sum = 0;
    STORE(lanes, v);
    for (size_t i = 0; i < B; i++)
        sum += lanes[i];
    return sum;
}

/* e^x for x <= 0; below -87.3 it is 0 or next to it. Source: Cephes, expf. */
static inline V exp_negative(V x)
{
    x = MAX(x, SET(-88.0f));
    V n = ROUND(MUL(x, SET(1.44269504088896341f)));
    V r = NEGATIVE_FMA(n, SET(0.693359375f), x);
    r = NEGATIVE_FMA(n, SET(-2.12194440e-4f), r);
    V p = SET(1.9875691500e-4f);
    p = FMA(p, r, SET(1.3981999507e-3f));
    p = FMA(p, r, SET(8.3334519073e-3f));
    p = FMA(p, r, SET(4.1665795894e-2f));
    p = FMA(p, r, SET(1.6666665459e-1f));
    p = FMA(p, r, SET(5.0000001201e-1f));
    p = FMA(MUL(p, r), r, ADD(r, SET(1.0f)));
    return MUL(p, POWER(n));
}

/* max(x, 0) - |x| erfc(|x| / sqrt 2) / 2, which is gelu(x) without its cancellation.
 * Source: Abramowitz and Stegun, 7.1.26; the error of erfc is below 1.5e-7. */
static inline V gelu(V x)
{
    V a = ABS(x);
    V z = MUL(a, SET(0.70710678118654752440f));
    V t = DIV(SET(1.0f), FMA(z, SET(0.3275911f), SET(1.0f)));
    V p = SET(1.061405429f);
    p = FMA(p, t, SET(-1.453152027f));
    p = FMA(p, t, SET(1.421413741f));
    p = FMA(p, t, SET(-0.284496736f));
    p = FMA(p, t, SET(0.254829592f));
    V tail = MUL(MUL(p, t), exp_negative(NEGATIVE_FMA(z, z, SET(0.0f))));
    return NEGATIVE_FMA(MUL(a, SET(0.5f)), tail, MAX(x, SET(0.0f)));
}

static float mean_of(const float *x, size_t width)
{
    V even = SET(0.0f);
    V odd = SET(0.0f);
    size_t i = 0;
    for (; i + TWO_B <= width; i += TWO_B) {
        even = ADD(even, LOAD(x + i));
        odd = ADD(odd, LOAD(x + i + B));
    }
    for (; i < width; i += B)
        even = ADD(even, width - i < B ? load_some(x + i, width - i, 0) : LOAD(x + i));
    return sum_of(ADD(even, odd)) / (float)width;
}

static float variance_of(const float *x, size_t width, float mean)
{
    V even = SET(0.0f);
    V odd = SET(0.0f);
    size_t i = 0;
    for (; i + TWO_B <= width; i += TWO_B) {
        V a = SUB(LOAD(x + i), SET(mean));
        V b = SUB(LOAD(x + i + B), SET(mean));
        even = FMA(a, a, even);
        odd = FMA(b, b, odd);
    }
    for (; i < width; i += B) {
        V a = SUB(width - i < B ? load_some(x + i, width - i, mean) : LOAD(x + i), SET(mean));
        even = FMA(a, a, even);
    }
    return sum_of(ADD(even, odd)) / (float)width;
}

static void norm(void *dst, enum st_row_element element, const float *src,
                 const struct st_row_norm *norm, size_t rows, size_t width)
{
    for (size_t r = 0; r < rows; r++) {
        const float *x = src + r * width;
        const float mean = mean_of(x, width);
        const V factor = SET(1.0f / sqrtf(variance_of(x, width, mean) + norm->epsilon));
        for (size_t i = 0; i < width; i += B) {
            const size_t n = width - i < B ? width - i : B;
            const bool whole = n == B;
            V v = whole ? LOAD(x + i) : load_some(x + i, n, 0);
            V scale = whole ? LOAD(norm->scale + i) : load_some(norm->scale + i, n, 0);
            V shift = whole ? LOAD(norm->shift + i) : load_some(norm->shift + i, n, 0);
            v = FMA(MUL(SUB(v, SET(mean)), factor), scale, shift);
            store(dst, element, r * width + i, n, norm->gelu ? gelu(v) : v);
        }
    }
}

static void scale_gelu(void *dst, enum st_row_element element, const float *src, const float *scale,
                       const float *shift, size_t rows, size_t width)
{
    for (size_t r = 0; r < rows; r++) {
        const float *x = src + r * width;
        for (size_t i = 0; i < width; i += B) {
            const size_t n = width - i < B ? width - i : B;
            const bool whole = n == B;
            V v = whole ? LOAD(x + i) : load_some(x + i, n, 0);
            V a = whole ? LOAD(scale + i) : load_some(scale + i, n, 0);
            V b = whole ? LOAD(shift + i) : load_some(shift + i, n, 0);
            store(dst, element, r * width + i, n, gelu(FMA(v, a, b)));
        }
    }
}

static void copy(void *dst, enum st_row_element element, const float *src, size_t count)
{
    for (size_t i = 0; i < count; i += B) {
        const size_t n = count - i < B ? count - i : B;
        store(dst, element, i, n, n == B ? LOAD(src + i) : load_some(src + i, n, 0));
    }
}

static float largest_of(const float *x, size_t count)
{
    V most = SET(-FLT_MAX);
    float lanes[B];
    for (size_t i = 0; i < count; i += B)
        most = MAX(most, count - i < B ? load_some(x + i, count - i, x[i]) : LOAD(x + i));
    STORE(lanes, most);
    float largest = lanes[0];
    for (size_t i = 1; i < B; i++)
        largest = lanes[i] > largest ? lanes[i] : largest;
    return largest;
}

static void softmax(void *dst, enum st_row_element element, float *src, size_t valid, size_t rows,
                    size_t width)
{
    const size_t whole = valid / B * B, bytes = st_row_element_bytes(element);
    for (size_t r = 0; r < rows; r++) {
        float *x = src + r * width;
        const V most = SET(largest_of(x, valid));
        V sum = SET(0.0f);
        for (size_t i = 0; i < whole; i += B) {
            V e = exp_negative(SUB(LOAD(x + i), most));
            STORE(x + i, e);
            sum = ADD(sum, e);
        }
        float total = sum_of(sum);
        if (whole < valid) {
            float lanes[B];
            STORE(lanes, exp_negative(SUB(load_some(x + whole, valid - whole, 0), most)));
            for (size_t i = whole; i < valid; i++)
                total += x[i] = lanes[i - whole];
        }
        const V factor = SET(1.0f / total);
        for (size_t i = 0; i < whole; i += B)
            store(dst, element, r * width + i, B, MUL(LOAD(x + i), factor));
        if (whole < valid)
            store(dst, element, r * width + whole, valid - whole,
                  MUL(load_some(x + whole, valid - whole, 0), factor));
        memset((char *)dst + (r * width + valid) * bytes, 0, (width - valid) * bytes);
    }
}

static void fill(struct st_row_kernels *k, const char *variant)
{
    *k = (struct st_row_kernels){
        .variant = variant,
        .norm = norm,
        .scale_gelu = scale_gelu,
        .copy = copy,
        .softmax = softmax,
    };
}
