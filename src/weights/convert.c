/* SPDX-License-Identifier: Apache-2.0 */
/* Half-precision conversions are branch-free, so that the compiler vectorises them, and
 * never make a subnormal f32, so that they hold where a caller flushes those to zero.
 */
#include "weights/convert.h"

#include <assert.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "tensors in files are little-endian, and so must this machine be"
#endif

#define BLOCK 2048 /* elements converted at a time when they must be gathered first */

size_t st_dtype_size(enum st_dtype dtype)
{
    switch (dtype) {
    case ST_F64:
    case ST_I64:
        return 8;
    case ST_F32:
    case ST_I32:
        return 4;
    case ST_F16:
    case ST_BF16:
    case ST_I16:
        return 2;
    case ST_I8:
    case ST_U8:
    case ST_BOOL:
        return 1;
    }
    return 0;
}

const char *st_dtype_name(enum st_dtype dtype)
{
    static const char *const names[] = {
        [ST_F32] = "f32", [ST_F16] = "f16",   [ST_BF16] = "bf16", [ST_F64] = "f64",
        [ST_I64] = "i64", [ST_I32] = "i32",   [ST_I16] = "i16",   [ST_I8] = "i8",
        [ST_U8] = "u8",   [ST_BOOL] = "bool",
    };
    return (size_t)dtype < sizeof names / sizeof *names ? names[dtype] : "?";
}

bool st_dtype_is_float(enum st_dtype dtype)
{
    return dtype == ST_F32 || dtype == ST_F16 || dtype == ST_BF16 || dtype == ST_F64;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* f16 is 1 sign, 5 exponent (bias 15), 10 fraction; f32 is 1, 8 (bias 127), 23. */
static float float_of_half(uint16_t half)
{
    const uint32_t rebias = (127u - 15u) << 23;
    uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
    uint32_t magnitude = (uint32_t)(half & 0x7fffu) << 13;
    uint32_t exponent = magnitude & (0x1fu << 23);
    uint32_t normal = magnitude + rebias;
    uint32_t special = normal + rebias; /* infinity and NaN: exponent 31 becomes 255 */
    /* Subnormal: fraction as 2^-14 * (1 + f), less the 1 that is not there. */
    uint32_t small = bits_of(float_of(magnitude + rebias + (1u << 23)) - 0x1p-14f);
    uint32_t bits = exponent == 0 ? small : normal;
    bits = exponent == 0x1fu << 23 ? special : bits;
    return float_of(bits | sign);
}

static uint16_t half_of_float(float value)
{
    uint32_t bits = bits_of(value);
    uint32_t sign = bits >> 16 & 0x8000u;
    uint32_t magnitude = bits & 0x7fffffffu;
    /* Normal: half an ulp less one, plus the bit that decides a tie, then cut. */
    uint32_t odd = magnitude >> 13 & 1u;
    uint32_t normal = (magnitude - ((127u - 15u) << 23) + 0xfffu + odd) >> 13;
    /* Below 2^-14: in [0.5, 1) an f32 has the spacing of the least half, 2^-24, so that
     * the addition rounds as needed. Larger magnitudes take 0 through it, unused. */
    uint32_t is_small = magnitude < 0x38800000u;
    uint32_t small = bits_of(float_of(is_small ? magnitude : 0u) + 0.5f) - 0x3f000000u;
    uint32_t half = is_small ? small : normal;
    half = magnitude >= 0x47800000u ? 0x7c00u : half;                             /* >= 65536 */
    half = magnitude > 0x7f800000u ? 0x7e00u | (magnitude >> 13 & 0x3ffu) : half; /* NaN */
    return (uint16_t)(half | sign);
}

void st_f32_to_f16(const float *src, size_t count, uint16_t *dst)
{
    for (size_t i = 0; i < count; i++)
        dst[i] = half_of_float(src[i]);
}

/* One loop per element type: `raw` is read by memcpy, because it need not be aligned. */
#define CONVERT(type, expression)                 \
    for (size_t i = 0; i < count; i++) {          \
        type v;                                   \
        memcpy(&v, raw + i * sizeof v, sizeof v); \
        dst[i] = (expression);                    \
    }                                             \
    break

void st_elements_to_f32(enum st_dtype dtype, const uint8_t *raw, size_t count, float *dst)
{
    switch (dtype) {
    case ST_F32:
        if (count)
            memcpy(dst, raw, count * sizeof *dst);
        break;
    case ST_F16:
        CONVERT(uint16_t, float_of_half(v));
    case ST_BF16:
        CONVERT(uint16_t, float_of((uint32_t)v << 16));
    case ST_F64:
        CONVERT(double, (float)v);
    case ST_I64:
        CONVERT(int64_t, (float)v);
    case ST_I32:
        CONVERT(int32_t, (float)v);
    case ST_I16:
        CONVERT(int16_t, (float)v);
    case ST_I8:
        CONVERT(int8_t, (float)v);
    case ST_U8:
        CONVERT(uint8_t, (float)v);
    case ST_BOOL:
        CONVERT(uint8_t, v ? 1.0f : 0.0f);
    }
}

void st_elements_to_f64(enum st_dtype dtype, const uint8_t *raw, size_t count, double *dst)
{
    switch (dtype) {
    case ST_F32:
        CONVERT(float, (double)v);
    case ST_F16:
        CONVERT(uint16_t, (double)float_of_half(v));
    case ST_BF16:
        CONVERT(uint16_t, (double)float_of((uint32_t)v << 16));
    case ST_F64:
        CONVERT(double, v);
    case ST_I64:
        CONVERT(int64_t, (double)v);
    case ST_I32:
        CONVERT(int32_t, (double)v);
    case ST_I16:
        CONVERT(int16_t, (double)v);
    case ST_I8:
        CONVERT(int8_t, (double)v);
    case ST_U8:
        CONVERT(uint8_t, (double)v);
    case ST_BOOL:
        CONVERT(uint8_t, v ? 1.0 : 0.0);
    }
}

/* Dimensions of one element are dropped, and neighbours that lie row-major are joined, so
 * that a contiguous tensor becomes a single run. */
void st_tensor_cursor_init(struct st_tensor_cursor *cursor, const struct st_tensor *tensor)
{
    *cursor = (struct st_tensor_cursor){
        .data = tensor->data,
        .size = st_dtype_size(tensor->dtype),
        .left = tensor->count,
    };
    for (int axis = 0; axis < tensor->rank; axis++) {
        size_t dim = tensor->dims[axis];
        size_t stride = tensor->strides[axis];
        int last = cursor->rank - 1;
        if (dim == 1)
            continue;
        if (last >= 0 && cursor->strides[last] == dim * stride) {
            cursor->dims[last] *= dim;
            cursor->strides[last] = stride;
        } else {
            cursor->dims[cursor->rank] = dim;
            cursor->strides[cursor->rank++] = stride;
        }
    }
    if (cursor->rank == 0) {
        cursor->rank = 1;
        cursor->dims[0] = 1;
        cursor->strides[0] = 1;
    }
}

/* Copy `count` elements of `size` bytes that lie `stride` elements apart. */
static void copy_run(uint8_t *to, const uint8_t *from, size_t count, size_t stride, size_t size)
{
    if (stride == 1) {
        memcpy(to, from, count * size);
        return;
    }
    for (size_t i = 0; i < count; i++)
        memcpy(to + i * size, from + i * stride * size, size);
}

/* Step the index past `run` elements of the last dimension, carrying upwards. */
static void advance(struct st_tensor_cursor *cursor, size_t run)
{
    int axis = cursor->rank - 1;
    cursor->index[axis] += run;
    while (axis > 0 && cursor->index[axis] == cursor->dims[axis]) {
        cursor->index[axis] = 0;
        cursor->index[--axis]++;
    }
}

size_t st_tensor_gather(struct st_tensor_cursor *cursor, uint8_t *raw, size_t most)
{
    size_t size = cursor->size;
    int last = cursor->rank - 1;
    size_t done = 0;

    while (done < most && cursor->left) {
        size_t offset = 0;
        for (int axis = 0; axis <= last; axis++)
            offset += cursor->index[axis] * cursor->strides[axis];
        size_t run = cursor->dims[last] - cursor->index[last];
        if (run > most - done)
            run = most - done;
        copy_run(raw + done * size, cursor->data + offset * size, run, cursor->strides[last], size);
        advance(cursor, run);
        cursor->left -= run;
        done += run;
    }
    return done;
}

void st_tensor_to_f32(const struct st_tensor *tensor, float *dst)
{
    struct st_tensor_cursor cursor;
    uint8_t raw[BLOCK * sizeof(double)];

    if (tensor->count == 0)
        return;
    st_tensor_cursor_init(&cursor, tensor);
    if (cursor.rank == 1 && cursor.strides[0] == 1) {
        st_elements_to_f32(tensor->dtype, tensor->data, tensor->count, dst);
        return;
    }
    for (size_t n; (n = st_tensor_gather(&cursor, raw, BLOCK)) > 0; dst += n)
        st_elements_to_f32(tensor->dtype, raw, n, dst);
}
