/* SPDX-License-Identifier: Apache-2.0 */
/* Weights files for the public interface: looking in, naming what is there, converting. */
#include "synctalk/weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "models/unet_onnx.h"
#include "weights/convert.h"
#include "weights/weights.h"

#define ENCODER_KEY "synctalk.encoder"
#define BLOCK 1024 /* elements read at a time */

_Static_assert(SYNCTALK_MAX_RANK == ST_MAX_RANK, "a tensor's rank is the same inside and outside");

struct synctalk_weights {
    struct st_weights *set; /* owned */
};

synctalk_status synctalk_weights_open(synctalk_weights **out, const char *path, synctalk_error *err)
{
    synctalk_status st;

    if (!out)
        return st_fail(err, SYNCTALK_E_ARG, "synctalk_weights_open: out is NULL");
    *out = NULL;
    if (!path || !*path)
        return st_fail(err, SYNCTALK_E_ARG, "the name of the weights file is empty");
    synctalk_weights *weights = calloc(1, sizeof *weights);
    if (!weights)
        return st_fail_memory(err, "a set of weights", sizeof *weights);
    if ((st = st_weights_open(&weights->set, path, err))) {
        synctalk_weights_close(&weights);
        return st;
    }
    *out = weights;
    return SYNCTALK_OK;
}

void synctalk_weights_close(synctalk_weights **weights)
{
    if (!weights || !*weights)
        return;
    st_weights_close(&(*weights)->set);
    free(*weights);
    *weights = NULL;
}

const char *synctalk_weights_format(const synctalk_weights *weights)
{
    return weights ? st_weights_format(weights->set) : "";
}

size_t synctalk_weights_count(const synctalk_weights *weights)
{
    return weights ? st_weights_count(weights->set) : 0;
}

static const struct st_tensor *tensor_at(const synctalk_weights *weights, size_t index)
{
    return weights ? st_weights_at(weights->set, index) : NULL;
}

synctalk_tensor_info synctalk_weights_tensor(const synctalk_weights *weights, size_t index)
{
    const struct st_tensor *tensor = tensor_at(weights, index);
    synctalk_tensor_info info = {.name = "", .dtype = ""};

    if (!tensor)
        return info;
    info.name = tensor->name;
    info.dtype = st_dtype_name(tensor->dtype);
    info.rank = tensor->rank;
    for (int axis = 0; axis < tensor->rank; axis++)
        info.dims[axis] = (int64_t)tensor->dims[axis];
    info.count = (int64_t)tensor->count;
    info.bytes = (int64_t)(tensor->count * st_dtype_size(tensor->dtype));
    return info;
}

int synctalk_weights_metadata(const synctalk_weights *weights, size_t index, const char **key,
                              const char **value)
{
    return weights && key && value && st_weights_metadata_at(weights->set, index, key, value);
}

/* Dimension `axis` of tensor `name`; 0 where there is no such tensor or dimension. */
static size_t dim_of(const struct st_weights *set, const char *name, int axis)
{
    const struct st_tensor *tensor = st_weights_find(set, name);
    return tensor && axis < tensor->rank ? tensor->dims[axis] : 0;
}

static void describe_unet(const struct st_weights *set, char *buf, size_t size)
{
    size_t audio = dim_of(set, "audio_model.conv1.conv.0.weight", 1);
    size_t last = dim_of(set, "outc.conv.weight", 1);
    const char *note = st_weights_metadata(set, ENCODER_KEY);
    const char *encoder = audio == 256 || audio == 128 ? "wenet" : note ? note : "ave or hubert";
    const char *width = last == 16 ? "full width" : last == 8 ? "narrow" : "unknown width";
    snprintf(buf, size, "UNet, %s, %.40s", width, encoder);
}

static void describe_syncnet(const struct st_weights *set, char *buf, size_t size)
{
    size_t audio = dim_of(set, "audio_encoder.0.conv_block.0.weight", 1);
    snprintf(buf, size, "SyncNet, %s", audio == 32 ? "ave or hubert" : "wenet");
}

static void describe_hubert(const struct st_weights *set, const char *prefix, char *buf,
                            size_t size)
{
    char name[64];
    unsigned layers = 0;
    snprintf(name, sizeof name, "%sfeature_projection.projection.weight", prefix);
    size_t hidden = dim_of(set, name, 0);
    do
        snprintf(name, sizeof name, "%sencoder.layers.%u.attention.q_proj.weight", prefix, layers);
    while (st_weights_find(set, name) && ++layers < 1000);
    snprintf(buf, size, "HuBERT, %u layers of %zu", layers, hidden);
}

void synctalk_weights_describe(const synctalk_weights *weights, char *buf, size_t size)
{
    if (!buf || size == 0)
        return;
    buf[0] = '\0';
    if (!weights)
        return;
    const struct st_weights *set = weights->set;

    if (dim_of(set, "inc.inconv.0.conv.0.weight", 1) == 6 &&
        dim_of(set, "outc.conv.weight", 0) == 3)
        describe_unet(set, buf, size);
    else if (st_weights_find(set, "face_encoder.0.conv_block.0.weight"))
        describe_syncnet(set, buf, size);
    else if (dim_of(set, "0.conv_block.0.weight", 1) == 1 ||
             dim_of(set, "audio_encoder.0.conv_block.0.weight", 1) == 1)
        snprintf(buf, size, "AVE audio encoder");
    else if (st_weights_find(set, "conv1.rbr_conv.0.conv.weight") &&
             st_weights_find(set, "conv_out.weight"))
        snprintf(buf, size, "PFLD-GhostOne landmarks, %zu points",
                 dim_of(set, "conv_out.weight", 0) / 2);
    else if (dim_of(set, "stft_conv.weight", 0) == 258)
        snprintf(buf, size, "Silero voice activity, 16 kHz");
    else if (st_weights_find(set, "hubert.feature_projection.projection.weight"))
        describe_hubert(set, "hubert.", buf, size);
    else if (st_weights_find(set, "feature_projection.projection.weight"))
        describe_hubert(set, "", buf, size);
}

/* NaN elements make the mean NaN; least and greatest are those of the other elements. A
 * tensor without elements has NaN for all three. */
synctalk_status synctalk_weights_range(const synctalk_weights *weights, size_t index, double *least,
                                       double *greatest, double *mean, synctalk_error *err)
{
    const struct st_tensor *tensor = tensor_at(weights, index);
    struct st_tensor_cursor cursor;
    uint8_t raw[BLOCK * sizeof(double)];
    double values[BLOCK];
    double sum = 0;

    if (!tensor || !least || !greatest || !mean)
        return st_fail(err, SYNCTALK_E_ARG, "tensor %zu of %zu does not exist", index,
                       synctalk_weights_count(weights));
    *least = *greatest = *mean = (double)NAN;
    st_tensor_cursor_init(&cursor, tensor);
    for (size_t n; (n = st_tensor_gather(&cursor, raw, BLOCK)) > 0;) {
        st_elements_to_f64(tensor->dtype, raw, n, values);
        for (size_t i = 0; i < n; i++) {
            *least = fmin(*least, values[i]); /* the other one where one is NaN */
            *greatest = fmax(*greatest, values[i]);
            sum += values[i];
        }
    }
    if (tensor->count)
        *mean = sum / (double)tensor->count;
    return SYNCTALK_OK;
}

static synctalk_status write_onnx(const struct st_weights *set, const char *output,
                                  synctalk_encoder encoder, bool overwrite, synctalk_error *err)
{
    struct st_unet_form form;
    synctalk_status st = st_unet_recognise(&form, set, encoder, err);
    if (st)
        return st;
    if (form.encoder == SYNCTALK_ENCODER_AUTO)
        return st_fail(err, SYNCTALK_E_ARG,
                       "%s: does not say whether its network was made for ave or hubert features; "
                       "give --encoder ave or --encoder hubert",
                       st_weights_path(set));
    return st_unet_write_onnx(set, &form, output, overwrite, err);
}

synctalk_status synctalk_weights_convert(const synctalk_weights *weights, const char *output,
                                         synctalk_weights_format_kind kind,
                                         synctalk_encoder encoder, int overwrite,
                                         synctalk_error *err)
{
    static const char *const names[] = {NULL, "ave", "hubert", "wenet"};

    if (!weights || !output)
        return st_fail(err, SYNCTALK_E_ARG, "nothing to convert, or no name to write it to");
    if (encoder == SYNCTALK_ENCODER_CUSTOM)
        return st_fail(err, SYNCTALK_E_ARG,
                       "encoder: only ave, hubert and wenet can be noted; a network trained with "
                       "another has its name in it");
    if ((unsigned)encoder >= sizeof names / sizeof *names)
        return st_fail(err, SYNCTALK_E_ARG, "encoder %d does not exist", (int)encoder);
    const char *note = names[encoder];
    const char *key = note ? ENCODER_KEY : NULL;

    switch (kind) {
    case SYNCTALK_WEIGHTS_SAFETENSORS_F32:
        return st_weights_write_safetensors(weights->set, output, ST_F32, key, note, overwrite != 0,
                                            err);
    case SYNCTALK_WEIGHTS_SAFETENSORS_F16:
        return st_weights_write_safetensors(weights->set, output, ST_F16, key, note, overwrite != 0,
                                            err);
    case SYNCTALK_WEIGHTS_PTH:
        return st_weights_write_pth(weights->set, output, key, note, overwrite != 0, err);
    case SYNCTALK_WEIGHTS_ONNX:
        return write_onnx(weights->set, output, encoder, overwrite != 0, err);
    }
    return st_fail(err, SYNCTALK_E_ARG, "output format %d does not exist", (int)kind);
}
