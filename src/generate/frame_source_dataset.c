/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of training data: JPEG files with landmarks and, maybe, masks beside them. */
#include "generate/frame_source.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/log.h"
#include "face/dataset.h"
#include "generate/preprocess_info.h"

#define SMALL_FACE_PX 256 /* below this a redrawn mouth looks soft */

struct dataset_source {
    struct st_frame_source base;
    struct st_dataset dataset; /* owns what is in it */
};

struct dataset_reader {
    struct st_frame_reader base;
    const struct st_dataset *dataset; /* borrowed from the source */
    struct st_jpeg_decoder *decoder;  /* owns */
};

static void close_reader(struct st_frame_reader *base)
{
    struct dataset_reader *reader = (struct dataset_reader *)base;
    st_jpeg_decoder_destroy(&reader->decoder);
    free(reader);
}

static synctalk_status open_reader(struct st_frame_reader **out,
                                   const struct st_frame_source *source, bool little_memory,
                                   synctalk_error *err)
{
    (void)little_memory; /* one picture is all that is held */
    struct dataset_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return st_fail_memory(err, "a reader of frames", sizeof *reader);
    reader->dataset = &((const struct dataset_source *)source)->dataset;
    synctalk_status st = st_jpeg_decoder_create(&reader->decoder, err);
    if (st)
        close_reader(&reader->base);
    else
        *out = &reader->base;
    return st;
}

static synctalk_status read_frame(struct st_frame_reader *base, int64_t n, unsigned wanted,
                                  struct st_frame *frame, synctalk_error *err)
{
    struct dataset_reader *reader = (struct dataset_reader *)base;
    st_jpeg_decoder_watch(reader->decoder, base->watch);
    return st_frame_read_dataset(frame, reader->dataset, n, wanted, reader->decoder, err);
}

static void close_source(struct st_frame_source *base)
{
    struct dataset_source *source = (struct dataset_source *)base;
    st_dataset_close(&source->dataset);
    free(source);
}

static const struct st_frame_source_desc dataset_desc = {
    .open_reader = open_reader,
    .read = read_frame,
    .close_reader = close_reader,
    .close = close_source,
};

/* Where info.json of ours says it. */
static int rate_of(const char *folder)
{
    struct st_preprocess_found found;
    if (st_preprocess_found_read(&found, folder, NULL))
        return 0;
    const int fps = found.fps;
    st_preprocess_found_free(&found);
    return fps;
}

synctalk_status st_frame_source_open_dataset(struct st_frame_source **out, const char *folder,
                                             const synctalk_callbacks *callbacks,
                                             synctalk_error *err)
{
    *out = NULL;
    struct dataset_source *source = calloc(1, sizeof *source);
    if (!source)
        return st_fail_memory(err, "training data", sizeof *source);
    struct st_dataset *dataset = &source->dataset;
    synctalk_status st = st_dataset_open(dataset, folder, callbacks, err);
    if (st) {
        free(source);
        return st;
    }
    source->base.desc = &dataset_desc;
    source->base.info = (struct st_frame_info){
        .frames = dataset->frames,
        .width = dataset->width,
        .height = dataset->height,
        .largest_side = dataset->largest_side,
        .has_parsing = dataset->has_parsing,
        .all_drawn = true,
        .fps = rate_of(folder),
    };
    snprintf(source->base.info.name, sizeof source->base.info.name, "%s", dataset->folder);
    if (dataset->smallest_side < SMALL_FACE_PX)
        st_log(callbacks, SYNCTALK_LOG_WARNING,
               "%s: the face is only %d pixels wide in places; below %d the redrawn mouth looks "
               "soft",
               folder, dataset->smallest_side, SMALL_FACE_PX);
    *out = &source->base;
    return SYNCTALK_OK;
}
