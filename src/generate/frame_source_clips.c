/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of clips, each a folder of JPEG files with landmarks beside them. */
#include "generate/clip_set.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "face/dataset.h"
#include "generate/clip_info.h"

struct clip_faces {
    struct st_clip_faces base;
    const struct st_dataset *dataset; /* borrowed */
};

struct clips_source {
    struct st_frame_source base;
    struct st_clip_set set;      /* borrows the blocks below */
    struct st_dataset *datasets; /* owns, and what is in them; [clips] */
    struct st_clip *clips;       /* owns; [clips] */
    struct clip_faces *faces;    /* owns; [clips] */
    int64_t *first;              /* owns; [clips] */
    size_t count;                /* opened */
};

struct clips_reader {
    struct st_frame_reader base;
    const struct clips_source *source; /* borrowed */
    struct st_jpeg_decoder *decoder;   /* owns */
};

static void close_reader(struct st_frame_reader *base)
{
    struct clips_reader *reader = (struct clips_reader *)base;
    st_jpeg_decoder_destroy(&reader->decoder);
    free(reader);
}

static synctalk_status open_reader(struct st_frame_reader **out,
                                   const struct st_frame_source *source, bool little_memory,
                                   synctalk_error *err)
{
    (void)little_memory; /* one picture is all that is held */
    struct clips_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return st_fail_memory(err, "a reader of clips", sizeof *reader);
    reader->source = (const struct clips_source *)source;
    synctalk_status st = st_jpeg_decoder_create(&reader->decoder, err);
    if (st)
        close_reader(&reader->base);
    else
        *out = &reader->base;
    return st;
}

/* The clip in which the source's frame n lies. */
static size_t clip_of(const struct clips_source *source, int64_t n)
{
    size_t low = 0;
    size_t high = source->count;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (source->first[middle] <= n)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static synctalk_status read_frame(struct st_frame_reader *base, int64_t n, unsigned wanted,
                                  struct st_frame *frame, synctalk_error *err)
{
    struct clips_reader *reader = (struct clips_reader *)base;
    const size_t clip = clip_of(reader->source, n);
    const struct st_dataset *dataset = &reader->source->datasets[clip];
    const int64_t at = n - reader->source->first[clip];
    st_jpeg_decoder_watch(reader->decoder, base->watch);
    return st_frame_read_dataset(frame, dataset, at, wanted, reader->decoder, err);
}

static void close_source(struct st_frame_source *base)
{
    struct clips_source *source = (struct clips_source *)base;
    for (size_t i = 0; i < source->count; i++)
        st_dataset_close(&source->datasets[i]);
    free(source->datasets);
    free(source->clips);
    free(source->faces);
    free(source->first);
    free(source);
}

static const struct st_frame_source_desc clips_desc = {
    .open_reader = open_reader,
    .read = read_frame,
    .close_reader = close_reader,
    .close = close_source,
};

/* All clips are cut into one video, which has one size. */
static synctalk_status refuse_size(const struct clips_source *source,
                                   const struct st_dataset *dataset, synctalk_error *err)
{
    const struct st_frame_info *info = &source->base.info;
    if (source->count == 0 || (dataset->width == info->width && dataset->height == info->height))
        return SYNCTALK_OK;
    return st_fail(err, SYNCTALK_E_FORMAT,
                   "%s: its frames are %dx%d, but those of %s are %dx%d; clips of one person must "
                   "have one size, so scale the videos they come from and prepare them again",
                   dataset->folder, dataset->width, dataset->height, source->clips[0].name,
                   info->width, info->height);
}

static synctalk_status read_ends(struct st_clip *clip, const struct st_dataset *dataset,
                                 synctalk_error *err)
{
    synctalk_status st = st_dataset_landmarks(dataset, 0, &clip->first, err);
    return st ? st : st_dataset_landmarks(dataset, dataset->frames - 1, &clip->last, err);
}

static synctalk_status read_between(const struct st_clip_faces *base, int64_t frame,
                                    struct st_landmarks *landmarks, synctalk_error *err)
{
    const struct clip_faces *faces = (const struct clip_faces *)base;
    return st_dataset_landmarks(faces->dataset, frame, landmarks, err);
}

/* Frames of a clip that was begun are there without a hole, but they are not all of it. */
static synctalk_status refuse_begun(const char *folder, struct st_clip_info *info,
                                    synctalk_error *err)
{
    synctalk_status st = st_clip_info_read(info, folder, err);
    if (st || !info->any || info->complete)
        return st;
    return st_fail(err, SYNCTALK_E_FORMAT,
                   "%s: the clip is not whole; the same synctalk preprocess-clips goes on with it",
                   folder);
}

/* The rate of all clips is that of the first which says one. */
static void learn_rate(struct clips_source *source, const char *name,
                       const struct st_clip_info *clip, const synctalk_callbacks *callbacks)
{
    int *fps = &source->base.info.fps;
    if (!clip->any || clip->fps <= 0)
        return;
    if (*fps > 0 && clip->fps != *fps)
        st_log(
            callbacks, SYNCTALK_LOG_WARNING,
            "clip %s was cut at %d frames a second, others at %d: one of them will move too fast "
            "or too slowly; prepare them again with one encoder",
            name, clip->fps, *fps);
    else
        *fps = clip->fps;
}

static synctalk_status add_clip(struct clips_source *source, const char *name,
                                const synctalk_callbacks *callbacks, synctalk_error *err)
{
    struct st_frame_info *info = &source->base.info;
    struct st_clip *clip = &source->clips[source->count];
    struct st_dataset *dataset = &source->datasets[source->count];
    struct st_clip_info about;
    char folder[ST_PATH_MAX];
    synctalk_status st;

    if (strlen(name) >= sizeof clip->name)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s/%s: the name of a clip has at most %zu bytes; this one has %zu",
                       info->name, name, sizeof clip->name - 1, strlen(name));
    snprintf(clip->name, sizeof clip->name, "%s", name);
    if ((st = st_clip_kind_of(&clip->kind, info->name, name, err)) ||
        (st = st_path_join(folder, info->name, name, err)) ||
        (st = refuse_begun(folder, &about, err)) ||
        (st = st_dataset_open(dataset, folder, callbacks, err)))
        return st;
    learn_rate(source, clip->name, &about, callbacks);
    clip->frames = dataset->frames;
    source->faces[source->count] = (struct clip_faces){{read_between}, dataset};
    clip->faces = &source->faces[source->count].base;
    if ((st = refuse_size(source, dataset, err)) || (st = read_ends(clip, dataset, err))) {
        st_dataset_close(dataset);
        return st;
    }
    source->first[source->count++] = info->frames;
    info->frames += dataset->frames;
    info->width = dataset->width;
    info->height = dataset->height;
    if (dataset->largest_side > info->largest_side)
        info->largest_side = dataset->largest_side;
    info->has_parsing = info->has_parsing || dataset->has_parsing;
    return SYNCTALK_OK;
}

static bool is_clip(const char *folder, const char *name)
{
    char path[ST_PATH_MAX];
    return name[0] != '.' && !st_path_join(path, folder, name, NULL) && st_path_is_dir(path);
}

static synctalk_status fail_empty(const char *folder, synctalk_error *err)
{
    return st_fail(err, SYNCTALK_E_MISSING,
                   "%s: no clips there, but --mode clips shows nothing else; synctalk "
                   "preprocess-clips makes them from the videos in core_clips/NAME",
                   folder);
}

static synctalk_status add_clips(struct clips_source *source, const struct st_names *names,
                                 const synctalk_callbacks *callbacks, synctalk_error *err)
{
    const char *folder = source->base.info.name;
    synctalk_status st;

    if (names->count > ST_CLIPS_MAX)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: %zu names there; at most %zu clips can be planned with", folder,
                       names->count, ST_CLIPS_MAX);
    source->datasets = calloc(names->count + 1, sizeof *source->datasets);
    source->clips = calloc(names->count + 1, sizeof *source->clips);
    source->faces = calloc(names->count + 1, sizeof *source->faces);
    source->first = calloc(names->count + 1, sizeof *source->first);
    if (!source->datasets || !source->clips || !source->faces || !source->first)
        return st_fail_memory(err, "an index of clips", (unsigned long long)names->count);
    for (size_t i = 0; i < names->count; i++) {
        if (st_cancelled(callbacks))
            return st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
        if (is_clip(folder, names->names[i]) &&
            (st = add_clip(source, names->names[i], callbacks, err)))
            return st;
    }
    source->set = (struct st_clip_set){
        .clips = {.folder = folder, .clips = source->clips, .count = source->count},
        .first = source->first,
    };
    return source->count ? st_clips_check(&source->set.clips, err) : fail_empty(folder, err);
}

static void tell(const struct clips_source *source, const synctalk_callbacks *callbacks)
{
    size_t talk = 0;
    for (size_t i = 0; i < source->count; i++)
        talk += source->clips[i].kind == ST_CLIP_TALK;
    st_log(callbacks, SYNCTALK_LOG_INFO,
           "clips %s: %zu to talk, %zu to be silent, %" PRId64 " frames of %dx%d",
           source->base.info.name, talk, source->count - talk, source->base.info.frames,
           source->base.info.width, source->base.info.height);
}

synctalk_status st_frame_source_open_clips(struct st_frame_source **out, const char *folder,
                                           const synctalk_callbacks *callbacks, synctalk_error *err)
{
    struct st_names names = {0};
    synctalk_status st;

    *out = NULL;
    if (!st_path_is_dir(folder))
        return fail_empty(folder, err);
    struct clips_source *source = calloc(1, sizeof *source);
    if (!source)
        return st_fail_memory(err, "clips", sizeof *source);
    source->base.desc = &clips_desc;
    if ((st = st_path_format(source->base.info.name, err, "%s", folder)) ||
        (st = st_list_dir(&names, folder, err)) ||
        (st = add_clips(source, &names, callbacks, err))) {
        close_source(&source->base);
    } else {
        tell(source, callbacks);
        *out = &source->base;
    }
    st_names_free(&names);
    return st;
}

const struct st_clip_set *st_frame_source_clip_set(const struct st_frame_source *source)
{
    return &((const struct clips_source *)source)->set;
}
