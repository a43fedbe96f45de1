/* SPDX-License-Identifier: Apache-2.0 */
/* The definitions. fmaf() is exact whatever the machine has. */
#include <assert.h>
#include <math.h>

#include "kernels/pixel_impl.h"

static float load(const void *data, enum st_element element, size_t at)
{
    switch (element) {
    case ST_ELEMENT_F32:
        return ((const float *)data)[at];
    case ST_ELEMENT_BF16:
        return st_bf16_number(((const uint16_t *)data)[at]);
    default:
        return ((const uint8_t *)data)[at];
    }
}

static void store(void *data, enum st_element element, size_t at, float number)
{
    switch (element) {
    case ST_ELEMENT_F32:
        ((float *)data)[at] = number;
        break;
    case ST_ELEMENT_BF16:
        ((uint16_t *)data)[at] = st_bf16_element(number);
        break;
    default:
        number = rintf(number);
        ((uint8_t *)data)[at] = (uint8_t)(number > 255 ? 255 : number > 0 ? number : 0);
        break;
    }
}

static float load_number(const struct st_pixel_row *row, const void *data, size_t p, size_t c)
{
    float x = load(data, row->element, p * row->stride + c);
    if (row->element != ST_ELEMENT_U8 || !row->levels)
        return x;
    return fmaf(x, row->levels->scale[c], row->levels->offset[c]);
}

static void store_number(const struct st_pixel_row *row, size_t p, size_t c, float x)
{
    if (row->element == ST_ELEMENT_U8 && row->levels)
        x = fmaf(x, row->levels->inverse[c], row->levels->zero[c]);
    store(row->data, row->element, p * row->stride + c, x);
}

/* The place of w[k][c]: see st_pixel_pack(). */
static size_t packed(const struct st_pointwise *p, size_t k, size_t c, size_t n)
{
    return ((k / 16 * (p->C / n) + c / n) * 16 + k % 16) * n + c % n;
}

static float sum(const struct st_pointwise *p, const void *src, size_t at, size_t k)
{
    float y = 0;
    int32_t exact = 0;
    for (size_t c = 0; c < p->C; c++) {
        if (p->in == ST_ELEMENT_F32)
            y = fmaf(((const float *)src)[at + c], ((const float *)p->weights)[packed(p, k, c, 1)],
                     y);
        else if (p->in == ST_ELEMENT_BF16)
            y = fmaf(st_bf16_number(((const uint16_t *)src)[at + c]),
                     st_bf16_number(((const uint16_t *)p->weights)[packed(p, k, c, 2)]), y);
        else
            exact +=
                ((const uint8_t *)src)[at + c] * ((const int8_t *)p->weights)[packed(p, k, c, 4)];
    }
    return p->in == ST_ELEMENT_U8 ? (float)exact : y;
}

static void pointwise_ref(ST_POINTWISE_ARGS)
{
    assert(pointwise->C % 16 == 0 && pointwise->K % 16 == 0);
    for (size_t p = 0; p < P; p++) {
        for (size_t k = 0; k < pointwise->K; k++) {
            float y = sum(pointwise, src, p * src_stride, k);
            float v = pointwise->scale ? fmaf(y, pointwise->scale[k], pointwise->bias[k])
                                       : y + pointwise->bias[k];
            if (pointwise->adds)
                v = fmaf(load(add, pointwise->add, p * add_stride + k), pointwise->add_scale[k], v);
            if (pointwise->relu && !(v > 0))
                v = 0;
            store(dst, pointwise->out, p * dst_stride + k, v);
        }
    }
}

static void depthwise_ref(ST_DEPTHWISE_ARGS)
{
    const size_t C = depthwise->C;
    const bool exact = depthwise->in == ST_ELEMENT_U8;
    for (size_t x = 0; x < out_W; x++) {
        for (size_t c = 0; c < C; c++) {
            float y = 0;
            int32_t integer = 0;
            for (size_t i = 0; i < 9; i++) {
                size_t row = i / 3, column = x * depthwise->stride + i % 3;
                if (!rows[row] || column < 1 || column > W)
                    continue;
                size_t at = (column - 1) * C + c;
                if (exact)
                    integer += ((const uint8_t *)rows[row])[at] *
                               ((const int8_t *)depthwise->weights)[(i % 3 * C + c) * 4 + row];
                else
                    y = fmaf(((const float *)rows[row])[at],
                             ((const float *)depthwise->weights)[i * C + c], y);
            }
            float v = exact ? fmaf((float)integer, depthwise->scale[c], depthwise->bias[c])
                            : y + depthwise->bias[c];
            store(dst, depthwise->out, x * C + c, v > 0 ? v : 0);
        }
    }
}

static void blend_ref(float *dst, const struct st_pixel_row *a, const void *b, float t, size_t P,
                      size_t C)
{
    for (size_t p = 0; p < P; p++) {
        for (size_t c = 0; c < C; c++) {
            float from = load_number(a, a->data, p, c), to = load_number(a, b, p, c);
            dst[p * C + c] = fmaf(t, to - from, from);
        }
    }
}

static void stretch_ref(const struct st_pixel_row *dst, const float *src, const uint32_t *first,
                        const uint32_t *second, const float *t, size_t P, size_t C)
{
    for (size_t p = 0; p < P; p++) {
        for (size_t c = 0; c < C; c++) {
            float from = src[first[p] * C + c], to = src[second[p] * C + c];
            store_number(dst, p, c, fmaf(t[p], to - from, from));
        }
    }
}

static void convert_ref(const struct st_pixel_row *dst, const struct st_pixel_row *src, size_t P,
                        size_t C)
{
    for (size_t p = 0; p < P; p++)
        for (size_t c = 0; c < C; c++)
            store_number(dst, p, c, load_number(src, src->data, p, c));
}

static void sigmoid_ref(float *planes, size_t plane, size_t count, const float *src, size_t stride,
                        size_t P)
{
    for (size_t i = 0; i < count; i++)
        for (size_t p = 0; p < P; p++)
            planes[i * plane + p] = 1.0F / (1.0F + expf(-src[p * stride + i]));
}

void st_pixel_kernels_ref(struct st_pixel_kernels *k)
{
    for (int i = 0; i < ST_ELEMENT_COUNT; i++) {
        k->pointwise[i] = pointwise_ref;
        k->names[i] = "ref";
    }
    k->depthwise[ST_ELEMENT_F32] = depthwise_ref;
    k->depthwise[ST_ELEMENT_U8] = depthwise_ref;
    k->blend = blend_ref;
    k->stretch = stretch_ref;
    k->convert = convert_ref;
    k->sigmoid = sigmoid_ref;
}
