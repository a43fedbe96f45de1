/* SPDX-License-Identifier: Apache-2.0 */
#include "models/encoder.h"

#include <stdlib.h>

#include "base/error.h"
#include "models/encoder_desc.h"

static const struct st_encoder_desc *const encoders[] = {
    &st_encoder_ave, &st_encoder_hubert, &st_encoder_wenet, &st_encoder_custom, NULL,
};

struct st_encoder {
    const struct st_encoder_desc *desc;
    void *self; /* owns */
};

struct st_encoder_stream {
    const struct st_encoder_desc *desc;
    void *stream; /* owns */
};

static const struct st_encoder_desc *find(synctalk_encoder kind)
{
    for (size_t i = 0; encoders[i]; i++)
        if (encoders[i]->info.kind == kind)
            return encoders[i];
    return NULL;
}

const struct st_encoder_info *st_encoder_info(synctalk_encoder kind)
{
    const struct st_encoder_desc *desc = find(kind);
    return desc && kind != SYNCTALK_ENCODER_CUSTOM ? &desc->info : NULL;
}

synctalk_status st_encoder_open(struct st_encoder **out, synctalk_encoder kind, const char *path,
                                const struct st_encoder_options *options, synctalk_error *err)
{
    synctalk_status st;
    const struct st_encoder_desc *desc = find(kind);
    struct st_encoder *encoder = NULL;

    *out = NULL;
    if (!desc)
        return st_fail(err, SYNCTALK_E_ARG, "%s: no audio encoder has the number %d", path,
                       (int)kind);
    if (!(encoder = calloc(1, sizeof *encoder)))
        return st_fail_memory(err, "an audio encoder", sizeof *encoder);
    encoder->desc = desc;
    if ((st = desc->open(&encoder->self, path, options, err)))
        st_encoder_close(&encoder);
    *out = encoder;
    return st;
}

void st_encoder_close(struct st_encoder **encoder)
{
    if (!encoder || !*encoder)
        return;
    (*encoder)->desc->close((*encoder)->self);
    free(*encoder);
    *encoder = NULL;
}

const struct st_encoder_info *st_encoder_describe(const struct st_encoder *encoder)
{
    const struct st_encoder_desc *desc = encoder->desc;
    return desc->describe ? desc->describe(encoder->self) : &desc->info;
}

synctalk_status st_encoder_stream_open(struct st_encoder_stream **out,
                                       const struct st_encoder *encoder, synctalk_error *err)
{
    struct st_encoder_stream *stream = calloc(1, sizeof *stream);

    *out = NULL;
    if (!stream)
        return st_fail_memory(err, "an audio encoder's stream", sizeof *stream);
    stream->desc = encoder->desc;
    synctalk_status st = stream->desc->stream_open(&stream->stream, encoder->self, err);
    if (st)
        st_encoder_stream_close(&stream);
    *out = stream;
    return st;
}

void st_encoder_stream_close(struct st_encoder_stream **stream)
{
    if (!stream || !*stream)
        return;
    (*stream)->desc->stream_close((*stream)->stream);
    free(*stream);
    *stream = NULL;
}

void st_encoder_stream_stop_by(struct st_encoder_stream *stream, const struct st_stop *stop)
{
    if (stream->desc->stream_stop_by)
        stream->desc->stream_stop_by(stream->stream, stop);
}

synctalk_status st_encoder_stream_measure(struct st_encoder_stream *stream, const float *samples,
                                          size_t count, synctalk_error *err)
{
    return stream->desc->measure ? stream->desc->measure(stream->stream, samples, count, err)
                                 : SYNCTALK_OK;
}

synctalk_status st_encoder_stream_push(struct st_encoder_stream *stream, const float *samples,
                                       size_t count, synctalk_error *err)
{
    return stream->desc->push(stream->stream, samples, count, err);
}

synctalk_status st_encoder_stream_finish(struct st_encoder_stream *stream, synctalk_error *err)
{
    return stream->desc->finish(stream->stream, err);
}

synctalk_status st_encoder_stream_pull(struct st_encoder_stream *stream, float *vectors,
                                       size_t capacity, size_t *got, synctalk_error *err)
{
    return stream->desc->pull(stream->stream, vectors, capacity, got, err);
}
