/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/frame_source.h"

#include <assert.h>

void st_frame_free(struct st_frame *frame)
{
    st_picture_free(&frame->picture);
    st_picture_free(&frame->parsing);
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
    frame->has_parsing = false;
    return reader->source->desc->read(reader, n, wanted, frame, err);
}
