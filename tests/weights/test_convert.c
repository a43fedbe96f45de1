/* SPDX-License-Identifier: Apache-2.0 */
/* Element conversions against their definition by ldexp(), and strided views. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support/support.h"
#include "weights/convert.h"

static double half_value(uint16_t half)
{
    int exponent = half >> 10 & 31;
    int fraction = half & 1023;
    double magnitude = exponent == 31  ? (fraction ? (double)NAN : (double)INFINITY)
                       : exponent == 0 ? ldexp(fraction, -24)
                                       : ldexp(1024 + fraction, exponent - 25);
    return half & 0x8000 ? -magnitude : magnitude;
}

/* Guards: subnormal halves (their exponent has another meaning) and infinity. */
static void every_half_becomes_its_value(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 65536; i++) {
        uint16_t half = (uint16_t)i;
        float value;
        st_elements_to_f32(ST_F16, (const uint8_t *)&half, 1, &value);
        double want = half_value(half);
        if (isnan(want))
            assert_true(isnan(value));
        else if ((double)value != want || !signbit(value) != !signbit(want))
            fail_msg("half %04x gives %g, should give %g", i, (double)value, want);
    }
}

/* Guards: rounding up always, or away from zero on ties, or overflow wrapping round. */
static void floats_round_to_the_nearest_half_ties_to_even(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 0x7c00; i++) {
        double low = half_value((uint16_t)i);
        double high = i + 1 == 0x7c00 ? 65536.0 : half_value((uint16_t)(i + 1));
        float middle = (float)((low + high) / 2); /* exact: one more bit than a half has */
        float in[6] = {(float)low, nextafterf(middle, 0),
                       middle,     nextafterf(middle, INFINITY),
                       -middle,    (float)high};
        unsigned even = i % 2 ? i + 1 : i;
        unsigned want[6] = {i, i, even, i + 1, even | 0x8000, i + 1};
        uint16_t out[6];
        st_f32_to_f16(in, 6, out);
        for (int k = 0; k < 6; k++) {
            if (out[k] != want[k])
                fail_msg("%a gives half %04x, should give %04x", (double)in[k], out[k], want[k]);
        }
    }
    float special[] = {INFINITY, -INFINITY, NAN, 1e30f, -0.0f, 1e-30f, 65519.99f, 65520.0f};
    uint16_t want[] = {0x7c00, 0xfc00, 0, 0x7c00, 0x8000, 0, 0x7bff, 0x7c00};
    uint16_t out[8];
    st_f32_to_f16(special, 8, out);
    for (int k = 0; k < 8; k++) {
        if (k == 2)
            assert_true((out[k] & 0x7c00) == 0x7c00 && (out[k] & 0x3ff));
        else
            assert_int_equal(out[k], want[k]);
    }
}

/* Guards: reading through a cast pointer; members of a zip lie at any address. */
static void every_type_converts_from_odd_addresses(void **state)
{
    (void)state;
    uint8_t raw[1 + 16];
    float out[2];
#define CHECK(dtype, type, ...)                                              \
    do {                                                                     \
        const type in[2] = {__VA_ARGS__};                                    \
        double wide[2];                                                      \
        memcpy(raw + 1, in, sizeof in);                                      \
        st_elements_to_f32(dtype, raw + 1, 2, out);                          \
        st_elements_to_f64(dtype, raw + 1, 2, wide);                         \
        for (int k = 0; k < 2; k++) {                                        \
            assert_true(out[k] == (float)in[k] && wide[k] == (double)in[k]); \
        }                                                                    \
        assert_int_equal(st_dtype_size(dtype), sizeof(type));                \
    } while (0)
    CHECK(ST_F32, float, 1.5f, -3e38f);
    CHECK(ST_F64, double, 0.1, -1e300);
    CHECK(ST_I64, int64_t, -5, (int64_t)1 << 40);
    CHECK(ST_I32, int32_t, -70000, 7);
    CHECK(ST_I16, int16_t, -300, 300);
    CHECK(ST_I8, int8_t, -128, 127);
    CHECK(ST_U8, uint8_t, 255, 0);
    CHECK(ST_BOOL, uint8_t, 1, 0);

    const uint16_t brain[2] = {0x3fc0, 0xff80};
    memcpy(raw + 1, brain, sizeof brain);
    st_elements_to_f32(ST_BF16, raw + 1, 2, out);
    assert_true(out[0] == 1.5f && out[1] == -INFINITY);
}

/* Reference: walk the index in the plainest way. */
static void check_view(const struct st_tensor *tensor)
{
    float *got = malloc((tensor->count + 1) * sizeof *got);
    size_t index[ST_MAX_RANK] = {0};
    assert_non_null(got);
    got[tensor->count] = -77.0f;
    st_tensor_to_f32(tensor, got);
    for (size_t i = 0; i < tensor->count; i++) {
        size_t offset = 0;
        for (int axis = 0; axis < tensor->rank; axis++)
            offset += index[axis] * tensor->strides[axis];
        float want;
        memcpy(&want, tensor->data + offset * sizeof want, sizeof want);
        assert_true(got[i] == want);
        for (int axis = tensor->rank - 1; axis >= 0 && ++index[axis] == tensor->dims[axis]; axis--)
            index[axis] = 0;
    }
    assert_true(got[tensor->count] == -77.0f);
    free(got);
}

/* Guards: joining dimensions that are not neighbours in memory, and a row that ends within
 * a block. */
static void strided_views_are_gathered_in_row_major_order(void **state)
{
    (void)state;
    enum { ELEMENTS = 40000 };
    float *data = malloc(ELEMENTS * sizeof *data);
    uint64_t seed = 1;
    assert_non_null(data);
    for (size_t i = 0; i < ELEMENTS; i++)
        data[i] = (float)i;

    for (int round = 0; round < 500; round++) {
        struct st_tensor tensor = {.dtype = ST_F32, .count = 1, .data = (const uint8_t *)data};
        tensor.rank = (int)(st_random_next(&seed) % 6);
        size_t last = 0;
        for (int axis = 0; axis < tensor.rank; axis++) {
            size_t dim = 1 + st_random_next(&seed) % 9;
            size_t most = dim > 1 ? (ELEMENTS / 8 - 1) / (dim - 1) : 100;
            tensor.dims[axis] = dim;
            tensor.strides[axis] = st_random_next(&seed) % (most < 64 ? most : 64);
            last += (dim - 1) * tensor.strides[axis];
            tensor.count *= dim;
        }
        assert_true(last < ELEMENTS);
        check_view(&tensor);
    }
    /* Transposed, and longer than one block. */
    struct st_tensor turned = {
        .dtype = ST_F32, .rank = 2, .dims = {200, 200}, .strides = {1, 200}, .count = 40000};
    turned.data = (const uint8_t *)data;
    check_view(&turned);
    struct st_tensor every_second = {
        .dtype = ST_F32, .rank = 1, .dims = {20000}, .strides = {2}, .count = 20000};
    every_second.data = (const uint8_t *)data;
    check_view(&every_second);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_becomes_its_value),
        cmocka_unit_test(floats_round_to_the_nearest_half_ties_to_even),
        cmocka_unit_test(every_type_converts_from_odd_addresses),
        cmocka_unit_test(strided_views_are_gathered_in_row_major_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
