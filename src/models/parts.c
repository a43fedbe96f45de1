/* SPDX-License-Identifier: Apache-2.0 */
/* Folding is in double: w' = w g / sqrt(var + eps), b' = (b - mean) g / sqrt(var + eps) +
 * beta. Random numbers are uniform, made of additions, multiplications and square roots
 * alone, so they are the same bytes on every machine.
 */
#include "models/parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"

#define NORM_EPSILON 1e-5 /* torch.nn.BatchNorm2d's default */

/* The names after the prefix, in the order of torch.nn.BatchNorm2d. */
enum norm_tensor { GAMMA, BETA, MEAN, VARIANCE, NORM_TENSORS };
static const char *const norm_names[NORM_TENSORS] = {
    [GAMMA] = "weight", [BETA] = "bias", [MEAN] = "running_mean", [VARIANCE] = "running_var"};

static void join(char name[2 * ST_PART_NAME_MAX], const char *prefix, const char *last)
{
    snprintf(name, (size_t)2 * ST_PART_NAME_MAX, "%s.%s", prefix, last);
}

static synctalk_status take(const struct st_weights *weights, const char *prefix, const char *last,
                            int rank, const size_t *dims, float *dst, synctalk_error *err)
{
    char name[2 * ST_PART_NAME_MAX];
    join(name, prefix, last);
    return st_weights_take_f32(weights, name, rank, dims, dst, err);
}

/* `norm` is [NORM_TENSORS, K]. */
static void fold(const struct st_part *part, struct st_folded *folded, const float *norm)
{
    const size_t K = part->K, each = part->C * part->kernel * part->kernel;
    for (size_t k = 0; k < K; k++) {
        double scale =
            (double)norm[GAMMA * K + k] / sqrt((double)norm[VARIANCE * K + k] + NORM_EPSILON);
        double b = ((double)folded->bias[k] - (double)norm[MEAN * K + k]) * scale;
        folded->bias[k] = (float)(b + (double)norm[BETA * K + k]);
        for (size_t i = 0; i < each; i++)
            folded->weights[k * each + i] = (float)((double)folded->weights[k * each + i] * scale);
    }
}

static synctalk_status check_finite(const struct st_part *part, const struct st_folded *folded,
                                    const struct st_weights *weights, synctalk_error *err)
{
    const size_t each = part->C * part->kernel * part->kernel;
    bool finite = true;
    for (size_t k = 0; k < part->K; k++) {
        finite = finite && isfinite(folded->bias[k]);
        for (size_t i = 0; i < each; i++)
            finite = finite && isfinite(folded->weights[k * each + i]);
    }
    if (finite)
        return SYNCTALK_OK;
    return st_fail(err, SYNCTALK_E_MODEL,
                   "%s: the weights of %s, or of the batch norm after it, are not all finite "
                   "numbers; take another checkpoint",
                   st_weights_path(weights), part->conv);
}

synctalk_status st_part_load(struct st_folded *out, const struct st_part *part,
                             const struct st_weights *weights, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    const size_t K = part->K, count = K * part->C * part->kernel * part->kernel;
    const size_t dims[4] = {K, part->C, part->kernel, part->kernel};
    float *norm = calloc(NORM_TENSORS * K, sizeof *norm);
    *out = (struct st_folded){
        .weights = malloc(count * sizeof(float)),
        .bias = calloc(K, sizeof(float)),
    };
    if (!norm || !out->weights || !out->bias) {
        st = st_fail_memory(err, "a network's weights", count * sizeof(float));
        goto done;
    }

    if ((st = take(weights, part->conv, "weight", 4, dims, out->weights, err)))
        goto done;
    if (part->bias && (st = take(weights, part->conv, "bias", 1, dims, out->bias, err)))
        goto done;
    if (part->norm[0]) {
        for (size_t i = 0; i < NORM_TENSORS; i++)
            if ((st = take(weights, part->norm, norm_names[i], 1, dims, norm + i * K, err)))
                goto done;
        fold(part, out, norm);
    }
    st = check_finite(part, out, weights, err);
done:
    if (st)
        st_folded_free(out);
    free(norm);
    return st;
}

void st_folded_free(struct st_folded *folded)
{
    free(folded->weights);
    free(folded->bias);
    *folded = (struct st_folded){0};
}

/* splitmix64. Source: Steele, Lea, Flood, "Fast splittable pseudorandom number
 * generators", 2014. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

/* `count` numbers, uniform in [middle - spread, middle + spread). */
static void fill(float *dst, size_t count, float middle, float spread, uint64_t *state)
{
    for (size_t i = 0; i < count; i++) {
        float unit = (float)(next_random(state) >> 40) * 0x1p-23F - 1.0F;
        dst[i] = middle + spread * unit;
    }
}

static synctalk_status add(struct st_weights *weights, const char *prefix, const char *last,
                           int rank, const size_t *dims, const float *data, synctalk_error *err)
{
    char name[2 * ST_PART_NAME_MAX];
    join(name, prefix, last);
    return st_weights_add_f32(weights, name, rank, dims, data, err);
}

synctalk_status st_part_random(const struct st_part *part, struct st_weights *weights,
                               uint64_t *state, synctalk_error *err)
{
    static const float middle[NORM_TENSORS] = {[GAMMA] = 1, [VARIANCE] = 1};
    const size_t dims[4] = {part->K, part->C, part->kernel, part->kernel};
    const size_t fan_in = part->C * part->kernel * part->kernel;
    const size_t count = part->K * fan_in;
    float *data = malloc(count * sizeof *data);
    if (!data)
        return st_fail_memory(err, "random weights", count * sizeof *data);

    /* A uniform distribution on [-a, a) has variance a^2 / 3. */
    fill(data, count, 0, sqrtf(3 * part->gain / (float)fan_in), state);
    synctalk_status st = add(weights, part->conv, "weight", 4, dims, data, err);
    if (!st && part->bias) {
        fill(data, part->K, 0, 0.05F, state);
        st = add(weights, part->conv, "bias", 1, dims, data, err);
    }
    for (size_t i = 0; !st && part->norm[0] && i < NORM_TENSORS; i++) {
        fill(data, part->K, middle[i], 0.05F, state);
        st = add(weights, part->norm, norm_names[i], 1, dims, data, err);
    }
    free(data);
    return st;
}
