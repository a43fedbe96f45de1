/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/frame_source.h"

#include <assert.h>

#include "face/dataset.h"

void st_frame_free(struct st_frame *frame)
{
    st_picture_free(&frame->picture);
    st_planes_free(&frame->planes);
    st_picture_free(&frame->parsing);
}

synctalk_status st_frame_read_dataset(struct st_frame *frame, const struct st_dataset *dataset,
                                      int64_t n, unsigned wanted, struct st_jpeg_decoder *decoder,
                                      synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    if (wanted & ST_FRAME_KEPT) {
        frame->has_planes = true;
        frame->planes.width = dataset->width;
        frame->planes.height = dataset->height;
    } else if (wanted & ST_FRAME_PLANES)
        st = st_dataset_read_planes(dataset, n, decoder, &frame->planes, &frame->has_planes, err);
    if (!st && !frame->has_planes)
        st = st_dataset_read(dataset, n, decoder, &frame->picture, err);
    if (st || !(wanted & ST_FRAME_FACE))
        return st;
    frame->draw = true;
    frame->box = dataset->boxes[n];
    if ((wanted & ST_FRAME_LANDMARKS) &&
        (st = st_dataset_landmarks(dataset, n, &frame->landmarks, err)))
        return st;
    if ((wanted & ST_FRAME_PARSING) && dataset->has_parsing)
        st = st_dataset_parsing(dataset, n, &frame->parsing, &frame->has_parsing, err);
    return st;
}

void st_frame_source_close(struct st_frame_source **source)
{
    if (!source || !*source)
        return;
    (*source)->desc->close(*source);
    *source = NULL;
}

synctalk_status st_frame_reader_open(struct st_frame_reader **out,
                                     const struct st_frame_source *source, bool little_memory,
                                     synctalk_error *err)
{
    *out = NULL;
    synctalk_status st = source->desc->open_reader(out, source, little_memory, err);
    if (!st)
        (*out)->source = source;
    return st;
}

void st_frame_reader_watch(struct st_frame_reader *reader, struct st_stopwatch *watch)
{
    reader->watch = watch;
}

void st_frame_reader_stop(struct st_frame_reader *reader)
{
    atomic_store(&reader->stopped, true);
}

void st_frame_reader_close(struct st_frame_reader **reader)
{
    if (!reader || !*reader)
        return;
    (*reader)->source->desc->close_reader(*reader);
    *reader = NULL;
}

synctalk_status st_frame_reader_read(struct st_frame_reader *reader, int64_t n, unsigned wanted,
                                     struct st_frame *frame, synctalk_error *err)
{
    assert(n >= 0 && n < reader->source->info.frames);
    frame->draw = false;
    frame->has_planes = false;
    frame->has_parsing = false;
    return reader->source->desc->read(reader, n, wanted, frame, err);
}
