/* SPDX-License-Identifier: Apache-2.0 */
/* A network in ONNX that hears sound in windows: what the encoder wenet is, and any that a
 * user describes. Sound becomes units, single samples or rows of filter banks; a window of
 * them goes into the network, which gives one vector, or several, for every hop.
 *
 * Windows begin at 0, hop, 2 hop, ... until one reaches the end; it is filled up with zeros.
 */
#ifndef ST_MODELS_WINDOW_NETWORK_H
#define ST_MODELS_WINDOW_NETWORK_H

#include <stdbool.h>

#include "models/encoder.h"
#include "onnx/onnx.h"

#define ST_WINDOW_CONSTANTS_MAX 8
#define ST_WINDOW_NAME 64 /* bytes of a port's name, terminator included */

enum st_window_input { ST_WINDOW_WAVEFORM, ST_WINDOW_FILTER_BANKS };

/* An input that is the same in every run. */
struct st_window_constant {
    char name[ST_WINDOW_NAME];
    int type; /* F32, I32 or I64 */
    int rank;
    int64_t dims[ST_ONNX_RANK_MAX];
    double value; /* of every element */
};

struct st_window_form {
    enum st_window_input input;
    char sound[ST_WINDOW_NAME];  /* the input that takes it; "" the one that is no constant */
    char result[ST_WINDOW_NAME]; /* the output; "" the first */
    int64_t before, after;       /* zeros around the recording, samples */
    int64_t window, hop;         /* units; hop <= window */
    float scale;                 /* of a waveform */
    bool normalise;              /* a waveform, to mean 0 and variance 1, before the scale */
    size_t vector;               /* floats */
    size_t vectors;              /* of one run: hop * fps / units a second, exactly */
    int constant_count;
    struct st_window_constant constants[ST_WINDOW_CONSTANTS_MAX];
};

/* Units a second. */
int st_window_rate(enum st_window_input input);

struct st_window_network; /* immutable, shared by streams of any threads */
struct st_window_stream;

/* `form` is copied. E_MODEL, with the ports there are, where they do not fit the form. */
synctalk_status st_window_network_open(struct st_window_network **out, const char *path,
                                       const struct st_window_form *form,
                                       const struct st_encoder_options *options,
                                       synctalk_error *err);
void st_window_network_close(struct st_window_network **network); /* NULL-safe */

/* As the functions of an encoder; `network` is borrowed until close. */
synctalk_status st_window_stream_open(void **out, const struct st_window_network *network,
                                      synctalk_error *err);
void st_window_stream_close(void *stream);
void st_window_stream_stop_by(void *stream, const struct st_stop *stop);
synctalk_status st_window_stream_measure(void *stream, const float *samples, size_t count,
                                         synctalk_error *err);
synctalk_status st_window_stream_push(void *stream, const float *samples, size_t count,
                                      synctalk_error *err);
synctalk_status st_window_stream_finish(void *stream, synctalk_error *err);
synctalk_status st_window_stream_pull(void *stream, float *vectors, size_t capacity, size_t *got,
                                      synctalk_error *err);

#endif /* ST_MODELS_WINDOW_NETWORK_H */
