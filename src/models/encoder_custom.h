/* SPDX-License-Identifier: Apache-2.0 */
/* An audio encoder of the user's own: NAME.json beside a network in ONNX says what the
 * network takes and gives. docs/MANUAL.md describes the keys.
 */
#ifndef ST_MODELS_ENCODER_CUSTOM_H
#define ST_MODELS_ENCODER_CUSTOM_H

#include "base/file.h"
#include "models/encoder.h"
#include "models/window_network.h"

#define ST_ENCODER_NAME 64 /* bytes of a name, terminator included */

/* Not to be copied: `info` points into it. */
struct st_custom_encoder {
    struct st_encoder_info info;
    struct st_window_form form;
    char name[ST_ENCODER_NAME];
    char features[ST_ENCODER_NAME + 16]; /* "aud_NAME.npy" */
    const char *feature_files[2];
    char network[ST_PATH_MAX]; /* the ONNX file, beside the description */
};

/* Letters, digits, '-' and '_', not too many, and not what stands for another encoder. */
bool st_encoder_name_is_own(const char *name);

/* Read a description; the network is not opened. E_MISSING, E_FORMAT: names the key, what
 * was found and what is needed. */
synctalk_status st_custom_encoder_read(struct st_custom_encoder *custom, const char *path,
                                       synctalk_error *err);

#endif /* ST_MODELS_ENCODER_CUSTOM_H */
