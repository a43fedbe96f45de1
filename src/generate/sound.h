/* SPDX-License-Identifier: Apache-2.0 */
/* First look at a recording: how long, how loud. */
#ifndef ST_GENERATE_SOUND_H
#define ST_GENERATE_SOUND_H

#include <stdint.h>

#include "synctalk/progress.h"
#include "synctalk/status.h"

struct st_sound {
    int64_t samples; /* sample frames at rate_hz; > 0 */
    int rate_hz;     /* the file's own */
    int channels;    /* the file's own */
    float peak;      /* largest |sample| of the mono mix */
};

/* Decode the whole file once, in constant memory. E_FORMAT when it holds no samples, E_ARG when
 * it is longer than max_seconds (0: no limit), told as soon as that is known. Warns through
 * callbacks->log of (near) silence and of damaged parts. */
synctalk_status st_sound_measure(struct st_sound *sound, const char *path, int max_seconds,
                                 const synctalk_callbacks *callbacks, synctalk_error *err);

/* Show a whole recording to a stream whose encoder measures; nothing else is read. */
struct st_encoder_stream;
synctalk_status st_sound_show(const char *audio, struct st_encoder_stream *stream,
                              const synctalk_callbacks *callbacks, synctalk_error *err);

/* Write the features of a whole recording as .npy; see synctalk_features_write(). */
struct st_encoder;
synctalk_status st_sound_write_features(const char *audio, const struct st_encoder *encoder,
                                        const char *output, int overwrite,
                                        const synctalk_callbacks *callbacks, int64_t *vectors,
                                        synctalk_error *err);

#endif /* ST_GENERATE_SOUND_H */
