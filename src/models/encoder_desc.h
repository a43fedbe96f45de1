/* SPDX-License-Identifier: Apache-2.0 */
/* What an audio encoder must offer to encoder.c. Private to the encoder_*.c files. */
#ifndef ST_MODELS_ENCODER_DESC_H
#define ST_MODELS_ENCODER_DESC_H

#include "models/encoder.h"

struct st_encoder_desc {
    struct st_encoder_info info;

    /* `self` is the loaded encoder, `stream` one
     * recording; close() and stream_close() are NULL-safe. */
    synctalk_status (*open)(void **self, const char *path, const struct st_encoder_options *options,
                            synctalk_error *err);
    void (*close)(void *self);
    /* What `self` is, where that depends on its file; NULL: info. */
    const struct st_encoder_info *(*describe)(const void *self);
    synctalk_status (*stream_open)(void **stream, const void *self, synctalk_error *err);
    void (*stream_close)(void *stream);
    /* NULL where no call takes longer than a tenth of a second. */
    void (*stream_stop_by)(void *stream, const struct st_stop *stop);
    /* NULL where info.measures is false. */
    synctalk_status (*measure)(void *stream, const float *samples, size_t count,
                               synctalk_error *err);
    synctalk_status (*push)(void *stream, const float *samples, size_t count, synctalk_error *err);
    synctalk_status (*finish)(void *stream, synctalk_error *err);
    synctalk_status (*pull)(void *stream, float *vectors, size_t capacity, size_t *got,
                            synctalk_error *err);
};

extern const struct st_encoder_desc st_encoder_ave;
extern const struct st_encoder_desc st_encoder_hubert;
extern const struct st_encoder_desc st_encoder_wenet;
extern const struct st_encoder_desc st_encoder_custom;

#endif /* ST_MODELS_ENCODER_DESC_H */
