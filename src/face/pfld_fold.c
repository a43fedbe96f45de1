/* SPDX-License-Identifier: Apache-2.0 */
/* Branches are linear, so their sum is one convolution: each adds its weights, times what
 * its batch norm multiplies by, in the taps that it has. In double, because the branches
 * may nearly cancel. Easy to get wrong: a 1x1 branch, and x itself, are the middle tap.
 */
#include "face/pfld_fold.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "weights/weights.h"

#define BRANCHES 6
#define NORM_EPSILON 1e-5 /* torch.nn.BatchNorm2d's default */

enum norm_tensor { GAMMA, BETA, MEAN, VARIANCE, NORM_TENSORS };
static const char *const norm_names[NORM_TENSORS] = {
    [GAMMA] = "weight", [BETA] = "bias", [MEAN] = "running_mean", [VARIANCE] = "running_var"};

/* One block while it is folded. K channels written, C read by each of them. */
struct folding {
    const struct st_pfld_conv *conv;
    const struct st_weights *weights;
    size_t K, C, area;
    double *sum;    /* [K, C, area]; owned */
    double *offset; /* [K]; in the same block, as is the next */
    double *factor; /* [K], of the batch norm at hand */
    float *branch;  /* [K, C, area], of the branch at hand; owned */
    float *norm;    /* [NORM_TENSORS, K]; in the same block */
};

static size_t group_channels(const struct st_pfld_conv *conv)
{
    return conv->depthwise ? 1 : (size_t)conv->cin;
}

/* PREFIX MIDDLE LAST as f32. The reader's sentence says what was found and needed. */
static synctalk_status take(const struct st_weights *weights, const char *prefix,
                            const char *middle, const char *last, int rank, const size_t *dims,
                            float *dst, synctalk_error *err)
{
    char name[2 * ST_PFLD_NAME_MAX], shape[96] = "";
    synctalk_error unfit = {0};
    snprintf(name, sizeof name, "%s%s%s", prefix, middle, last);
    if (st_weights_find(weights, name)) {
        synctalk_status st = st_weights_take_f32(weights, name, rank, dims, dst, &unfit);
        return st ? st_fail(err, SYNCTALK_E_FORMAT, "%s", unfit.message) : SYNCTALK_OK;
    }
    for (int axis = 0, at = 0; axis < rank; axis++)
        at +=
            snprintf(shape + at, sizeof shape - (size_t)at, "%s%zu", axis ? ", " : "", dims[axis]);
    return st_fail(err, SYNCTALK_E_FORMAT,
                   "%s: has no tensor %s of shape [%s], which the network of 110 landmarks, "
                   "PFLD-GhostOne, needs",
                   st_weights_path(weights), name, shape);
}

/* The batch norm at NAME MIDDLE, as a factor; what it adds goes to the offset. */
static synctalk_status take_norm(struct folding *f, const char *middle, synctalk_error *err)
{
    for (size_t i = 0; i < NORM_TENSORS; i++) {
        synctalk_status st = take(f->weights, f->conv->name, middle, norm_names[i], 1, &f->K,
                                  f->norm + i * f->K, err);
        if (st)
            return st;
    }
    for (size_t k = 0; k < f->K; k++) {
        f->factor[k] = (double)f->norm[GAMMA * f->K + k] /
                       sqrt((double)f->norm[VARIANCE * f->K + k] + NORM_EPSILON);
        f->offset[k] +=
            (double)f->norm[BETA * f->K + k] - (double)f->norm[MEAN * f->K + k] * f->factor[k];
    }
    return SYNCTALK_OK;
}

/* The convolution at NAME MIDDLE, of the block's kernel or of 1x1. */
static synctalk_status add_conv(struct folding *f, const char *branch, bool pointwise,
                                synctalk_error *err)
{
    const size_t side = pointwise ? 1 : (size_t)f->conv->kernel;
    const size_t dims[4] = {f->K, f->C, side, side};
    const size_t taps = side * side, middle = pointwise ? f->area / 2 : 0;
    char conv[32], norm[32];
    snprintf(conv, sizeof conv, "%s.conv.", branch);
    snprintf(norm, sizeof norm, "%s.bn.", branch);
    synctalk_status st = take(f->weights, f->conv->name, conv, "weight", 4, dims, f->branch, err);
    if (!st)
        st = take_norm(f, norm, err);
    for (size_t i = 0; !st && i < f->K * f->C; i++)
        for (size_t tap = 0; tap < taps; tap++)
            f->sum[i * f->area + middle + tap] +=
                (double)f->branch[i * taps + tap] * f->factor[i / f->C];
    return st;
}

static synctalk_status add_identity(struct folding *f, synctalk_error *err)
{
    synctalk_status st = take_norm(f, ".rbr_skip.", err);
    for (size_t k = 0; !st && k < f->K; k++)
        f->sum[(k * f->C + (f->C > 1 ? k : 0)) * f->area + f->area / 2] += f->factor[k];
    return st;
}

static synctalk_status add_branches(struct folding *f, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    for (int i = 0; !st && i < BRANCHES; i++) {
        char branch[16];
        snprintf(branch, sizeof branch, ".rbr_conv.%d", i);
        st = add_conv(f, branch, false, err);
    }
    if (!st && f->conv->kernel > 1)
        st = add_conv(f, ".rbr_scale", true, err);
    if (!st && f->conv->cin == f->conv->channels && f->conv->stride == 1)
        st = add_identity(f, err);
    return st;
}

static synctalk_status check_finite(const struct st_pfld_folded *folded, size_t count,
                                    const struct st_pfld_conv *conv,
                                    const struct st_weights *weights, synctalk_error *err)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(folded->weights[i]))
            return st_fail(err, SYNCTALK_E_FORMAT,
                           "%s: the weights of %s, or of a batch norm in it, are not all finite "
                           "numbers; take another checkpoint",
                           st_weights_path(weights), conv->name);
    return SYNCTALK_OK;
}

/* Weights and, behind them, the bias: zeros. */
static synctalk_status make_room(struct st_pfld_folded *out, size_t count, size_t K,
                                 synctalk_error *err)
{
    *out = (struct st_pfld_folded){.weights = calloc(count + K, sizeof(float))};
    if (!out->weights)
        return st_fail_memory(err, "a network's weights", (count + K) * sizeof(float));
    out->bias = out->weights + count;
    return SYNCTALK_OK;
}

synctalk_status st_pfld_fold(struct st_pfld_folded *out, const struct st_pfld_conv *conv,
                             const struct st_weights *weights, synctalk_error *err)
{
    struct folding f = {
        .conv = conv,
        .weights = weights,
        .K = (size_t)conv->channels,
        .C = group_channels(conv),
        .area = (size_t)conv->kernel * (size_t)conv->kernel,
    };
    const size_t count = f.K * f.C * f.area;
    synctalk_status st = make_room(out, count, f.K, err);
    if (st)
        return st;
    f.sum = calloc(count + 2 * f.K, sizeof *f.sum);
    f.branch = malloc((count + NORM_TENSORS * f.K) * sizeof *f.branch);
    if (!f.sum || !f.branch) {
        st = st_fail_memory(err, "a network's weights", count * sizeof *f.sum);
        goto done;
    }
    f.offset = f.sum + count;
    f.factor = f.offset + f.K;
    f.norm = f.branch + count;

    if ((st = add_branches(&f, err)))
        goto done;
    for (size_t i = 0; i < count + f.K; i++)
        out->weights[i] = (float)f.sum[i];
    st = check_finite(out, count + f.K, conv, weights, err);
done:
    if (st)
        st_pfld_folded_free(out);
    free(f.branch);
    free(f.sum);
    return st;
}

synctalk_status st_pfld_plain(struct st_pfld_folded *out, const struct st_pfld_conv *conv,
                              bool bias, const struct st_weights *weights, synctalk_error *err)
{
    const size_t K = (size_t)conv->channels, C = group_channels(conv);
    const size_t side = (size_t)conv->kernel, dims[4] = {K, C, side, side};
    const size_t count = K * C * side * side;
    synctalk_status st = make_room(out, count, K, err);
    if (!st)
        st = take(weights, conv->name, ".weight", "", 4, dims, out->weights, err);
    if (!st && bias)
        st = take(weights, conv->name, ".bias", "", 1, &K, out->bias, err);
    if (!st)
        st = check_finite(out, count + K, conv, weights, err);
    if (st)
        st_pfld_folded_free(out);
    return st;
}

void st_pfld_folded_free(struct st_pfld_folded *folded)
{
    free(folded->weights);
    *folded = (struct st_pfld_folded){0};
}
