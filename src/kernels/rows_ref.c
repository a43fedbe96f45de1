/* SPDX-License-Identifier: Apache-2.0 */
/* Defines the kernels of rows.h: plain loops, sums in double. */
#include <math.h>
#include <string.h>

#include "kernels/rows_impl.h"

static void put(void *dst, enum st_row_element element, size_t i, float value)
{
    if (element == ST_ROW_F32) {
        ((float *)dst)[i] = value;
        return;
    }
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if (isnan(value))
        bits = 0x7fc00000u;
    else
        bits += 0x7fffu + (bits >> 16 & 1u);
    ((uint16_t *)dst)[i] = (uint16_t)(bits >> 16);
}

static float gelu(float x)
{
    return (float)(0.5 * (double)x * (1 + erf((double)x * 0.70710678118654752440)));
}

static void norm_ref(void *dst, enum st_row_element element, const float *src,
                     const struct st_row_norm *norm, size_t rows, size_t width)
{
    for (size_t r = 0; r < rows; r++) {
        const float *x = src + r * width;
        double sum = 0;
        double square = 0;
        for (size_t i = 0; i < width; i++)
            sum += (double)x[i];
        const double mean = sum / (double)width;
        for (size_t i = 0; i < width; i++)
            square += ((double)x[i] - mean) * ((double)x[i] - mean);
        const double factor = 1 / sqrt(square / (double)width + (double)norm->epsilon);
        for (size_t i = 0; i < width; i++) {
            float y = (float)(((double)x[i] - mean) * factor * (double)norm->scale[i] +
                              (double)norm->shift[i]);
            put(dst, element, r * width + i, norm->gelu ? gelu(y) : y);
        }
    }
}

static void scale_gelu_ref(void *dst, enum st_row_element element, const float *src,
                           const float *scale, const float *shift, size_t rows, size_t width)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < width; i++)
            put(dst, element, r * width + i, gelu(src[r * width + i] * scale[i] + shift[i]));
}

static void copy_ref(void *dst, enum st_row_element element, const float *src, size_t count)
{
    for (size_t i = 0; i < count; i++)
        put(dst, element, i, src[i]);
}

/* src is written by other variants. NOLINTNEXTLINE(readability-non-const-parameter) */
static void softmax_ref(void *dst, enum st_row_element element, float *src, size_t valid,
                        size_t rows, size_t width)
{
    for (size_t r = 0; r < rows; r++) {
        const float *x = src + r * width;
        double sum = 0;
        float largest = x[0];
        for (size_t i = 1; i < valid; i++)
            largest = fmaxf(largest, x[i]);
        for (size_t i = 0; i < valid; i++)
            sum += exp((double)x[i] - (double)largest);
        for (size_t i = 0; i < valid; i++)
            put(dst, element, r * width + i, (float)(exp((double)x[i] - (double)largest) / sum));
        for (size_t i = valid; i < width; i++)
            put(dst, element, r * width + i, 0);
    }
}

void st_row_kernels_ref(struct st_row_kernels *k)
{
    *k = (struct st_row_kernels){
        .variant = "ref",
        .norm = norm_ref,
        .scale_gelu = scale_gelu_ref,
        .copy = copy_ref,
        .softmax = softmax_ref,
    };
}
