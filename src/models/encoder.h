/* SPDX-License-Identifier: Apache-2.0 */
/* Audio encoders: sound in, one feature vector per video frame out, as a stream.
 *
 * One file each, private struct first, descriptor last; encoder.c has the one array that
 * names them. A stream holds a bounded stretch of sound, whatever the length.
 *
 *     struct st_encoder *e;                      loaded weights, shareable
 *     struct st_encoder_stream *s;               one recording, one thread
 *     st_encoder_stream_open(&s, e, err);
 *     if (info->measures)
 *         while (samples)  st_encoder_stream_measure(s, pcm, n, err)
 *     while (samples)  st_encoder_stream_push(s, pcm, n, err), pull...
 *     st_encoder_stream_finish(s, err), pull until got == 0
 */
#ifndef ST_MODELS_ENCODER_H
#define ST_MODELS_ENCODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/stop.h"
#include "synctalk/settings.h"
#include "synctalk/status.h"

#define ST_ENCODER_HZ 16000       /* of the sound */
#define ST_ENCODER_PUSH_MAX 16000 /* samples in one push */

struct st_kernels;

/* What is known of an encoder without loading it. Static. */
struct st_encoder_info {
    synctalk_encoder kind;
    const char *name;                 /* "ave" */
    const char *const *weight_files;  /* below the models folder, tried in order; NULL-ended */
    const char *const *feature_files; /* in dataset/NAME, tried in order; NULL-ended */
    size_t vector;                    /* floats in a vector */
    int rank;                         /* of one vector in the .npy: 1 or 2 */
    size_t shape[2];                  /* e.g. {512}, {2, 1024} */
    int fps;                          /* vectors, and so frames, per second */
    bool measures; /* the whole recording is shown to a stream before its first push */
};

/* How an encoder may use the machine. */
struct st_encoder_options {
    const struct st_kernels *kernels; /* copied */
    int threads;                      /* that one stream may keep busy; 0 is 1 */
    bool exact;                       /* f32 throughout, else the fastest that is near it */
    const char *onnxruntime;          /* library, borrowed for the call; NULL: the usual places */
};

/* NULL for AUTO, and for CUSTOM, of which a description tells: models/encoder_custom.h. */
const struct st_encoder_info *st_encoder_info(synctalk_encoder kind);

struct st_encoder;
struct st_encoder_stream;

/* Load `path`: the network, or the description of a custom encoder. E_UNSUPPORTED where ONNX
 * Runtime is needed and absent. */
synctalk_status st_encoder_open(struct st_encoder **out, synctalk_encoder kind, const char *path,
                                const struct st_encoder_options *options, synctalk_error *err);
void st_encoder_close(struct st_encoder **encoder);

/* Of the loaded network: its vector may have another size than st_encoder_info() says of
 * the published one. Lives as long as the encoder. */
const struct st_encoder_info *st_encoder_describe(const struct st_encoder *encoder);

synctalk_status st_encoder_stream_open(struct st_encoder_stream **out,
                                       const struct st_encoder *encoder, synctalk_error *err);
void st_encoder_stream_close(struct st_encoder_stream **stream);

/* From now on every call ends with E_CANCELLED within a second after `stop`, borrowed until
 * close, was asked for. Without it a call may last as long as a piece of sound takes. */
void st_encoder_stream_stop_by(struct st_encoder_stream *stream, const struct st_stop *stop);

/* All samples of the recording, in as many calls as the caller likes, where info.measures;
 * elsewhere it does nothing. */
synctalk_status st_encoder_stream_measure(struct st_encoder_stream *stream, const float *samples,
                                          size_t count, synctalk_error *err);

/* Samples: mono f32 at 16 kHz. Push at most ST_ENCODER_PUSH_MAX at a time, and pull until empty
 * after each push: that bounds what the stream holds. */
synctalk_status st_encoder_stream_push(struct st_encoder_stream *stream, const float *samples,
                                       size_t count, synctalk_error *err);
synctalk_status st_encoder_stream_finish(struct st_encoder_stream *stream, synctalk_error *err);

/* Up to `capacity` ready vectors, in order; *got = 0: push more, or after finish: done. */
synctalk_status st_encoder_stream_pull(struct st_encoder_stream *stream, float *vectors,
                                       size_t capacity, size_t *got, synctalk_error *err);

#endif /* ST_MODELS_ENCODER_H */
