/* SPDX-License-Identifier: Apache-2.0 */
/* The definition of the kernels of training: one pixel, one channel at a time. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "kernels/train_impl.h"

/* One set of functions for each element: LOAD and STORE below are the only difference. */
static float load_f32(const void *p, size_t i)
{
    return ((const float *)p)[i];
}

static void store_f32(void *p, size_t i, float v)
{
    ((float *)p)[i] = v;
}

static float load_bf16(const void *p, size_t i)
{
    uint32_t bits = (uint32_t)((const uint16_t *)p)[i] << 16;
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* Rounded to nearest, ties to even; a NaN stays one. */
static void store_bf16(void *p, size_t i, float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    bool nan = (bits & UINT32_C(0x7FFFFFFF)) > UINT32_C(0x7F800000);
    bits = nan ? bits | UINT32_C(0x400000) : bits + UINT32_C(0x7FFF) + (bits >> 16 & 1);
    ((uint16_t *)p)[i] = (uint16_t)(bits >> 16);
}

static float act(float v, float slope)
{
    return v > 0 ? v : slope * v;
}

static float norm_value(const struct st_train_norm_block *norm, size_t b, float z)
{
    return norm->scale[b] * (z - norm->mean[b]) + norm->beta[b];
}

/* Bilinear x2: where output `at` of a side of `size` lies between its two inputs. */
struct between {
    size_t i0, i1;
    float f;
};

static struct between place(size_t at, size_t size)
{
    const float scale = (float)(size - 1) / (float)(2 * size - 1);
    float x = scale * (float)at;
    size_t i0 = (size_t)x;
    return (struct between){.i0 = i0, .i1 = i0 + (i0 + 1 < size), .f = x - (float)i0};
}

#define LOAD load_f32
#define STORE store_f32
#define NAME(kernel) kernel##_f32
#include "kernels/train_ref_body.h"
#undef LOAD
#undef STORE
#undef NAME

#define LOAD load_bf16
#define STORE store_bf16
#define NAME(kernel) kernel##_bf16
#include "kernels/train_ref_body.h"

void st_train_kernels_ref(struct st_train_kernels *k)
{
    if (k->element == ST_TRAIN_ELEMENT_F32)
        fill_f32(k);
    else
        fill_bf16(k);
}
