/* SPDX-License-Identifier: Apache-2.0 */
/* Audio windows for output frames in order, from ready features or from the sound itself.
 *
 * A frame's window is the 2 x half vectors around it; where it runs off either end, the
 * nearest existing vector is repeated. Only the vectors in reach are held, so memory does
 * not depend on the length of the sound.
 */
#ifndef ST_GENERATE_FEATURE_SOURCE_H
#define ST_GENERATE_FEATURE_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#include "models/encoder.h"
#include "synctalk/progress.h"
#include "weights/weights.h"

struct st_feature_source;

/* From an .npy of [N, ...] with `vector` floats a row. `features` is borrowed until close. */
synctalk_status st_feature_source_from_file(struct st_feature_source **out,
                                            const struct st_weights *features, size_t vector,
                                            int window, synctalk_error *err);

/* From the sound of `audio` through `encoder`, borrowed until close. An encoder that
 * measures is shown the whole sound here. */
synctalk_status st_feature_source_from_sound(struct st_feature_source **out, const char *audio,
                                             const struct st_encoder *encoder, int window,
                                             const synctalk_callbacks *callbacks,
                                             synctalk_error *err);

/* From any thread: a window that is being made ends with E_CANCELLED within a second. */
void st_feature_source_stop(struct st_feature_source *source);

void st_feature_source_close(struct st_feature_source **source);

/* Window of output frame `i` into `dst` [window, vector]: vectors i - window/2 ...
 * i + window/2 - 1. `i` never decreases from call to call. */
synctalk_status st_feature_source_window(struct st_feature_source *source, int64_t i, float *dst,
                                         synctalk_error *err);

#endif /* ST_GENERATE_FEATURE_SOURCE_H */
