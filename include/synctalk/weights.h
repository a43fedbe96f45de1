/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file weights.h
 * Look into files of named tensors and turn one format into another.
 */
#ifndef SYNCTALK_WEIGHTS_H
#define SYNCTALK_WEIGHTS_H

#include <stddef.h>
#include <stdint.h>

#include "synctalk/export.h"
#include "synctalk/settings.h"
#include "synctalk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SYNCTALK_MAX_RANK 8

/** An open file: PyTorch (.pth, .pt, .bin, zip form), safetensors, .npy or .npz. */
typedef struct synctalk_weights synctalk_weights;

typedef struct synctalk_tensor_info {
    const char *name;  /**< borrowed from the synctalk_weights */
    const char *dtype; /**< "f32", "f16", "bf16", "f64", "i64", ...; static */
    int rank;          /**< 0 ... SYNCTALK_MAX_RANK */
    int64_t dims[SYNCTALK_MAX_RANK];
    int64_t count; /**< product of dims; 1 for a scalar */
    int64_t bytes; /**< count times the element's size */
} synctalk_tensor_info;

/** The format is judged by content, never by name. Nothing in the file is executed. */
SYNCTALK_API synctalk_status synctalk_weights_open(synctalk_weights **out, const char *path,
                                                   synctalk_error *err);
SYNCTALK_API void synctalk_weights_close(synctalk_weights **weights);

SYNCTALK_API const char *synctalk_weights_format(const synctalk_weights *weights);
SYNCTALK_API size_t synctalk_weights_count(const synctalk_weights *weights);
/** Tensor `index` < count, in the file's order. */
SYNCTALK_API synctalk_tensor_info synctalk_weights_tensor(const synctalk_weights *weights,
                                                          size_t index);
/** Metadata pair `index`; 0 when there is none left, else 1 and borrowed strings. */
SYNCTALK_API int synctalk_weights_metadata(const synctalk_weights *weights, size_t index,
                                           const char **key, const char **value);
/** What the tensors make up, "UNet, full width, ave or hubert"; "" when not one of ours. */
SYNCTALK_API void synctalk_weights_describe(const synctalk_weights *weights, char *buf,
                                            size_t size);
/** Least, greatest and mean element, for inspection: NaN, all three, for a tensor without
    elements; a NaN among the elements makes the mean NaN. */
SYNCTALK_API synctalk_status synctalk_weights_range(const synctalk_weights *weights, size_t index,
                                                    double *least, double *greatest, double *mean,
                                                    synctalk_error *err);

typedef enum synctalk_weights_format_kind {
    SYNCTALK_WEIGHTS_SAFETENSORS_F32 = 0,
    SYNCTALK_WEIGHTS_SAFETENSORS_F16 = 1,
    SYNCTALK_WEIGHTS_PTH = 2, /**< zip form, f32 floats; torch.load() reads it */
    /** A UNet's graph with batch norms folded, operator set 13, f32; of other networks
        SYNCTALK_E_MODEL. `encoder` is needed where the file does not say it. */
    SYNCTALK_WEIGHTS_ONNX = 3,
} synctalk_weights_format_kind;

/**
 * Write every tensor under its name. Floating tensors take the format's type, integers
 * stay. `encoder`, unless auto, is stored as metadata so that ave and hubert, whose
 * shapes are equal, can be told apart later. Written beside its name and renamed.
 */
SYNCTALK_API synctalk_status synctalk_weights_convert(const synctalk_weights *weights,
                                                      const char *output,
                                                      synctalk_weights_format_kind kind,
                                                      synctalk_encoder encoder, int overwrite,
                                                      synctalk_error *err);

#ifdef __cplusplus
}
#endif

#endif /* SYNCTALK_WEIGHTS_H */
