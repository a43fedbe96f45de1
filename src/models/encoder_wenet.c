/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder "wenet": encoder.onnx over windows of 67 rows of filter banks. Its caches,
 * made for hearing on and on, are zeros in every run, so a vector depends on its window
 * alone.
 */
#include <stdlib.h>

#include "models/encoder_desc.h"
#include "models/window_network.h"

#define FPS 20
#define ROWS 16
#define COLUMNS 512

static const struct st_window_form form = {
    .input = ST_WINDOW_FILTER_BANKS,
    .sound = "chunk",
    .before = 5120,
    .after = 5600,
    .window = 67,
    .hop = 5,
    .scale = 1,
    .vector = (size_t)ROWS * COLUMNS,
    .vectors = 1,
    .constant_count = 3,
    .constants =
        {
            {.name = "offset", .type = ST_ONNX_I64, .rank = 1, .dims = {1}, .value = 100},
            {.name = "att_cache", .type = ST_ONNX_F32, .rank = 4, .dims = {3, 8, 16, 128}},
            {.name = "cnn_cache", .type = ST_ONNX_F32, .rank = 4, .dims = {3, 1, 512, 14}},
        },
};

static synctalk_status open_wenet(void **self, const char *path,
                                  const struct st_encoder_options *options, synctalk_error *err)
{
    struct st_window_network *network;
    synctalk_status st = st_window_network_open(&network, path, &form, options, err);
    *self = network;
    return st;
}

static void close_wenet(void *self)
{
    struct st_window_network *network = self;
    st_window_network_close(&network);
}

static synctalk_status stream_open(void **stream, const void *self, synctalk_error *err)
{
    return st_window_stream_open(stream, self, err);
}

const struct st_encoder_desc st_encoder_wenet = {
    .info =
        {
            .kind = SYNCTALK_ENCODER_WENET,
            .name = "wenet",
            .weight_files = (const char *const[]){"wenet/encoder.onnx", "encoder.onnx", NULL},
            .feature_files = (const char *const[]){"aud_wenet.npy", NULL},
            .vector = (size_t)ROWS * COLUMNS,
            .rank = 2,
            .shape = {ROWS, COLUMNS},
            .fps = FPS,
        },
    .open = open_wenet,
    .close = close_wenet,
    .stream_open = stream_open,
    .stream_close = st_window_stream_close,
    .stream_stop_by = st_window_stream_stop_by,
    .push = st_window_stream_push,
    .finish = st_window_stream_finish,
    .pull = st_window_stream_pull,
};
