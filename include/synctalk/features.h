/* SPDX-License-Identifier: Apache-2.0 */
/** @file features.h  Audio features: what the network hears. */
#ifndef SYNCTALK_FEATURES_H
#define SYNCTALK_FEATURES_H

#include <stdint.h>

#include "synctalk/export.h"
#include "synctalk/progress.h"
#include "synctalk/settings.h"
#include "synctalk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Run the encoder over `audio` and write its features as NumPy .npy, float32:
 * ave [N, 512], in the form the published tools write. Streams: memory does not grow
 * with the length. Written beside its name and renamed at the end.
 *
 * @param settings     root, models, encoder, overwrite, cpu_mask count here
 * @param[out] vectors N, or NULL
 */
SYNCTALK_API synctalk_status synctalk_features_write(const synctalk_settings *settings,
                                                     const char *audio, const char *output,
                                                     const synctalk_callbacks *callbacks,
                                                     int64_t *vectors, synctalk_error *err);

#ifdef __cplusplus
}
#endif

#endif /* SYNCTALK_FEATURES_H */
