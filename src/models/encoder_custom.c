/* SPDX-License-Identifier: Apache-2.0 */
/* Encoders that a description makes: its path stands for the network's. */
#include "models/encoder_custom.h"

#include <stdlib.h>

#include "base/error.h"
#include "models/encoder_desc.h"

struct custom {
    struct st_custom_encoder description;
    struct st_window_network *network; /* owns */
};

static void close_custom(void *self)
{
    struct custom *custom = self;
    if (!custom)
        return;
    st_window_network_close(&custom->network);
    free(custom);
}

static synctalk_status open_custom(void **self, const char *path,
                                   const struct st_encoder_options *options, synctalk_error *err)
{
    synctalk_status st;
    struct custom *custom = calloc(1, sizeof *custom);

    *self = NULL;
    if (!custom)
        return st_fail_memory(err, "an audio encoder", sizeof *custom);
    if ((st = st_custom_encoder_read(&custom->description, path, err)) ||
        (st = st_window_network_open(&custom->network, custom->description.network,
                                     &custom->description.form, options, err)))
        close_custom(custom);
    else
        *self = custom;
    return st;
}

static const struct st_encoder_info *describe(const void *self)
{
    return &((const struct custom *)self)->description.info;
}

static synctalk_status stream_open(void **stream, const void *self, synctalk_error *err)
{
    return st_window_stream_open(stream, ((const struct custom *)self)->network, err);
}

const struct st_encoder_desc st_encoder_custom = {
    .info =
        {
            .kind = SYNCTALK_ENCODER_CUSTOM,
            .name = "custom",
            .weight_files = (const char *const[]){NULL},
            .feature_files = (const char *const[]){NULL},
        },
    .open = open_custom,
    .close = close_custom,
    .describe = describe,
    .stream_open = stream_open,
    .stream_close = st_window_stream_close,
    .stream_stop_by = st_window_stream_stop_by,
    .measure = st_window_stream_measure,
    .push = st_window_stream_push,
    .finish = st_window_stream_finish,
    .pull = st_window_stream_pull,
};
