/* SPDX-License-Identifier: Apache-2.0 */
/* A folded block must be what its branches are together: both are applied to one random
 * patch, the branches one by one in double.
 */
#include "support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "face/pfld_fold.h"

#define EPSILON 1e-5
#define MAX_CHANNELS 8
#define MAX_TAPS 9

struct block {
    const char *what;
    struct st_pfld_conv conv;
    bool scale, skip; /* branches that it has besides the six */
};

static const struct block blocks[] = {
    {"dense", {"dense", 3, 8, 3, 1, false}, true, false},
    {"dense, with x", {"dense_x", 6, 6, 3, 1, false}, true, true},
    {"dense, stride 2", {"dense_s2", 6, 6, 3, 2, false}, true, false},
    {"depthwise", {"depthwise", 5, 5, 3, 1, true}, true, true},
    {"depthwise, stride 2", {"depthwise_s2", 5, 5, 3, 2, true}, true, false},
    {"1x1", {"point", 4, 7, 1, 1, false}, false, false},
    {"1x1, with x", {"point_x", 7, 7, 1, 1, false}, false, true},
};

struct scene {
    struct st_weights *weights;
    uint64_t seed;
    float patch[MAX_CHANNELS * MAX_TAPS]; /* [cin, kernel, kernel] */
    double sum[MAX_CHANNELS];             /* of all branches so far */
};

static float *random_tensor(struct scene *s, const char *block, const char *name, int rank,
                            const size_t *dims, float low, float high)
{
    char whole[256];
    size_t count = 1;
    for (int axis = 0; axis < rank; axis++)
        count *= dims[axis];
    float *data = malloc(count * sizeof *data);
    assert_non_null(data);
    for (size_t i = 0; i < count; i++)
        data[i] = low + (high - low) * st_random_unit(&s->seed);
    snprintf(whole, sizeof whole, "%s.%s", block, name);
    ST_OK(st_weights_add_f32(s->weights, whole, rank, dims, data, err));
    return data;
}

/* Add a batch norm at PREFIX to the set, and the norm of `y` to the sum. */
static void add_norm(struct scene *s, const struct st_pfld_conv *conv, const char *prefix,
                     const double *y)
{
    static const char *const names[] = {"weight", "bias", "running_mean", "running_var"};
    static const float low[] = {0.5F, -1, -1, 0.1F}, high[] = {1.5F, 1, 1, 2};
    const size_t K = (size_t)conv->channels;
    float *norm[4];
    for (int i = 0; i < 4; i++) {
        char name[96];
        snprintf(name, sizeof name, "%s.%s", prefix, names[i]);
        norm[i] = random_tensor(s, conv->name, name, 1, &K, low[i], high[i]);
    }
    for (size_t k = 0; k < K; k++)
        s->sum[k] +=
            (y[k] - (double)norm[2][k]) / sqrt((double)norm[3][k] + EPSILON) * (double)norm[0][k] +
            (double)norm[1][k];
    for (int i = 0; i < 4; i++)
        free(norm[i]);
}

static void add_branch(struct scene *s, const struct st_pfld_conv *conv, const char *branch,
                       int kernel)
{
    const size_t C = conv->depthwise ? 1 : (size_t)conv->cin, side = (size_t)kernel;
    const size_t dims[4] = {(size_t)conv->channels, C, side, side};
    const size_t area = (size_t)conv->kernel * (size_t)conv->kernel, taps = side * side;
    const size_t first = (area - taps) / 2; /* 1x1: the middle */
    double y[MAX_CHANNELS] = {0};
    char name[64];
    snprintf(name, sizeof name, "%s.conv.weight", branch);
    float *w = random_tensor(s, conv->name, name, 4, dims, -1, 1);
    for (size_t k = 0; k < dims[0]; k++)
        for (size_t i = 0; i < C * taps; i++)
            y[k] += (double)w[k * C * taps + i] *
                    (double)s->patch[((conv->depthwise ? k : i / taps)) * area + first + i % taps];
    free(w);
    snprintf(name, sizeof name, "%s.bn", branch);
    add_norm(s, conv, name, y);
}

static void begin(struct scene *s, const struct block *block)
{
    const struct st_pfld_conv *conv = &block->conv;
    double x[MAX_CHANNELS] = {0};
    memset(s->sum, 0, sizeof s->sum);
    for (size_t i = 0; i < MAX_CHANNELS * MAX_TAPS; i++)
        s->patch[i] = 2 * st_random_unit(&s->seed) - 1;
    for (int i = 0; i < 6; i++) {
        char branch[32];
        snprintf(branch, sizeof branch, "rbr_conv.%d", i);
        add_branch(s, conv, branch, conv->kernel);
    }
    if (block->scale)
        add_branch(s, conv, "rbr_scale", 1);
    const int area = conv->kernel * conv->kernel;
    for (int c = 0; c < conv->cin; c++)
        x[c] = (double)s->patch[c * area + area / 2];
    if (block->skip)
        add_norm(s, conv, "rbr_skip", x);
}

/* A branch in the wrong tap, forgotten, or folded where the block has none. */
static void test_folding(void **state)
{
    (void)state;
    struct scene s = {.seed = 51};
    ST_OK(st_weights_create(&s.weights, "blocks", err));
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        const struct st_pfld_conv *conv = &blocks[i].conv;
        const size_t area = (size_t)conv->kernel * (size_t)conv->kernel;
        const size_t each = (conv->depthwise ? 1 : (size_t)conv->cin) * area;
        struct st_pfld_folded folded;
        begin(&s, &blocks[i]);
        ST_OK(st_pfld_fold(&folded, conv, s.weights, err));
        for (size_t k = 0; k < (size_t)conv->channels; k++) {
            double y = (double)folded.bias[k];
            for (size_t j = 0; j < each; j++)
                y += (double)folded.weights[k * each + j] *
                     (double)s.patch[(conv->depthwise ? k * area : 0) + j];
            if (!(fabs(y - s.sum[k]) < 2e-5))
                fail_msg("%s, channel %zu: %g, by branches %g", blocks[i].what, k, y, s.sum[k]);
        }
        st_pfld_folded_free(&folded);
        assert_null(folded.weights);
    }
    st_weights_close(&s.weights);
}

static void test_plain(void **state)
{
    (void)state;
    static const struct st_pfld_conv conv = {"head", 2, 3, 1, 1, false};
    static const float w[] = {1, 2, 3, 4, 5, 6}, b[] = {7, 8, 9};
    struct st_weights *weights;
    struct st_pfld_folded folded;
    synctalk_error error = {0};
    ST_OK(st_weights_create(&weights, "head", err));
    ST_OK(st_weights_add_f32(weights, "head.weight", 4, (size_t[]){3, 2, 1, 1}, w, err));
    ST_OK(st_pfld_plain(&folded, &conv, false, weights, err));
    assert_memory_equal(folded.weights, w, sizeof w);
    assert_memory_equal(folded.bias, ((float[]){0, 0, 0}), sizeof b);
    st_pfld_folded_free(&folded);

    assert_int_equal(st_pfld_plain(&folded, &conv, true, weights, &error), SYNCTALK_E_FORMAT);
    assert_non_null(strstr(error.message, "no tensor head.bias of shape [3]"));
    assert_null(folded.weights);
    ST_OK(st_weights_add_f32(weights, "head.bias", 1, (size_t[]){3}, b, err));
    ST_OK(st_pfld_plain(&folded, &conv, true, weights, err));
    assert_memory_equal(folded.bias, b, sizeof b);
    st_pfld_folded_free(&folded);
    st_weights_close(&weights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_folding),
        cmocka_unit_test(test_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
