/* SPDX-License-Identifier: Apache-2.0 */
/* One clip after the other, each as a dataset is made: its folder claimed, every frame looked
 * at, frames and landmarks written, and at last info.txt with "complete". A clip that cannot
 * be made does not keep the others from it.
 */
#include "generate/preprocess_clips.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cpu.h"
#include "base/error.h"
#include "base/log.h"
#include "generate/clip_info.h"
#include "generate/clip_sources.h"
#include "generate/faces.h"
#include "generate/hearing.h"
#include "generate/preprocess_folder.h"
#include "generate/preprocess_info.h"
#include "generate/preprocess_take.h"
#include "kernels/kernels.h"

/* Of the whole call. */
struct work {
    const synctalk_settings *settings;
    const synctalk_clips_job *job;
    const synctalk_callbacks *callbacks;
    synctalk_clips_report *report;
    struct st_clip_sources sources;
    struct st_kernels kernels;
    int fps;
    int width, height; /* of the first clip whose size is known */
};

/* Of one clip; zeroed with place.lock = -1, it closes cleanly. */
struct clip {
    struct work *work; /* borrowed, as `source` */
    const struct st_clip_source *source;
    char video[ST_PATH_MAX];
    struct st_frame_folder place;
    struct st_face_settings faces;
    struct st_clip_info found; /* as the folder was */
    struct st_clip_info made;  /* as it becomes */
    struct st_take take;
    bool began; /* by this call: there was nothing to go on with */
};

/* Frames that other tools made: 0, 1 ... of either kind, with nothing beyond; 0: it is not so. */
static int64_t whole_frames(const struct st_frame_folder *place)
{
    struct st_names images = {0};
    struct st_names landmarks = {0};
    int64_t frames = 0;
    size_t pictures = 0;
    size_t points = 0;

    if (st_list_dir(&images, place->files.images, NULL) ||
        st_list_dir(&landmarks, place->files.landmarks, NULL))
        goto done;
    while (frames < ST_CLIP_FRAMES_MAX && st_frame_files_have(&place->files, frames))
        frames++;
    for (size_t i = 0; i < images.count; i++)
        pictures += st_is_numbered(images.names[i]) && !st_is_leftover(images.names[i]);
    for (size_t i = 0; i < landmarks.count; i++)
        points += st_is_numbered(landmarks.names[i]) && !st_is_leftover(landmarks.names[i]);
    if (pictures != (size_t)frames || points != (size_t)frames)
        frames = 0;

done:
    st_names_free(&images);
    st_names_free(&landmarks);
    return frames;
}

/* All of a complete clip of ours is still there. */
static bool is_whole(const struct st_frame_folder *place, const struct st_clip_info *info)
{
    for (int64_t n = 0; n < info->frames; n++)
        if (!st_frame_files_have(&place->files, n))
            return false;
    return info->complete && info->frames > 0;
}

static void describe(synctalk_clip_report *report, const struct st_clip_info *info)
{
    report->frames = info->frames;
    report->found = info->faces;
    report->width = info->width;
    report->height = info->height;
    report->fps = info->fps;
}

/* Is the source the one that the clip was made from? */
static synctalk_status compare_source(struct clip *clip, synctalk_clip_report *report,
                                      synctalk_error *err)
{
    char sha256[ST_HASH_TEXT];
    if (clip->video[0] && clip->found.fps != clip->work->fps) {
        report->state = SYNCTALK_CLIP_CHANGED;
        report->message = "it has another frame rate than is asked for";
    }
    if (!clip->video[0] || report->state == SYNCTALK_CLIP_CHANGED)
        return SYNCTALK_OK;
    synctalk_status st = st_hash_file(sha256, clip->video, err);
    if (!st && strcmp(sha256, clip->found.sha256) != 0) {
        report->state = SYNCTALK_CLIP_CHANGED;
        report->message = "its source has changed since";
    }
    return st;
}

static synctalk_status verify_clip(struct clip *clip, synctalk_clip_report *report,
                                   synctalk_error *err)
{
    const struct st_frame_folder *place = &clip->place;
    if (clip->found.any && is_whole(place, &clip->found)) {
        report->state = SYNCTALK_CLIP_THERE;
        describe(report, &clip->found);
        return compare_source(clip, report, err);
    }
    if (!clip->found.any && (report->frames = whole_frames(place)) > 0) {
        report->state = SYNCTALK_CLIP_FOREIGN;
    } else if (clip->found.any || st_frame_folder_holds_frames(place)) {
        report->state = SYNCTALK_CLIP_PARTIAL;
        report->message = clip->found.complete ? "files of it are gone" : "it is not whole";
    } else {
        report->state = SYNCTALK_CLIP_MISSING;
    }
    return SYNCTALK_OK;
}

/* Those above the clips' own; the root is there. */
static synctalk_status make_folders(const struct work *work, synctalk_error *err)
{
    synctalk_status st;
    char datasets[ST_PATH_MAX];
    char person[ST_PATH_MAX];
    if ((st = st_path_join(datasets, work->settings->root, "dataset", err)) ||
        (st = st_path_join(person, datasets, work->settings->model, err)) ||
        (st = st_folder_make(datasets, err)) || (st = st_folder_make(person, err)))
        return st;
    return st_folder_make(work->sources.clips, err);
}

/* The folder is empty, or holds what this very work began; else with restart it is made so. */
static synctalk_status claim_folder(struct clip *clip, synctalk_error *err)
{
    synctalk_status st;
    struct work *work = clip->work;
    struct st_clip_info *found = &clip->found;

    if ((st = make_folders(work, err)) || (st = st_frame_folder_take(&clip->place, err)) ||
        (st = st_clip_info_read(found, clip->place.path, err)))
        return st;
    if (!found->any && st_frame_folder_holds_frames(&clip->place))
        return st_fail(err, SYNCTALK_E_EXISTS,
                       "%s: holds frames that were not made by this command, and some are missing; "
                       "remove the folder",
                       clip->place.path);
    if (found->any && strcmp(found->identity, clip->made.identity) != 0 && !work->job->restart)
        return st_fail(err, SYNCTALK_E_EXISTS,
                       "%s: was made from another video, or with other settings or networks; begin "
                       "it anew with --restart",
                       clip->place.path);
    if (found->any && work->job->restart) {
        if ((st = st_frame_folder_clear(&clip->place, err)))
            return st;
        found->any = found->complete = false;
    }
    if ((st = st_frame_folder_sweep(&clip->place, err)) || found->any)
        return st;
    clip->began = true;
    return st_clip_info_write(&clip->made, clip->place.path, err);
}

/* What the frames depend on, into clip->made. */
static synctalk_status identify(struct clip *clip, synctalk_error *err)
{
    struct work *work = clip->work;
    struct st_preprocess_source source = {
        .video = clip->video,
        .fps = work->fps,
        .face = work->settings->face,
        .analysis = &clip->faces.analysis,
    };
    synctalk_status st = st_face_settings_find(&clip->faces, work->settings, clip->video, work->fps,
                                               &work->kernels, err);
    if (st || (st = st_preprocess_source_hash(&source, work->callbacks, err)))
        return st;
    clip->made = (struct st_clip_info){.kind = clip->source->kind, .fps = work->fps};
    memcpy(clip->made.source, clip->source->file, sizeof clip->made.source);
    memcpy(clip->made.sha256, source.video_sha256, sizeof clip->made.sha256);
    memcpy(clip->made.identity, source.identity, sizeof clip->made.identity);
    return SYNCTALK_OK;
}

static synctalk_status write_clip(struct clip *clip, bool own_cache, synctalk_error *err)
{
    synctalk_status st;
    struct work *work = clip->work;
    const struct st_analysis_settings *faces = &clip->faces.analysis;

    if ((st = st_take_open(&clip->take, faces, work->callbacks, err)) ||
        (st = st_take_write(&clip->take, faces, &clip->place.files, work->callbacks, err)))
        return st;
    const struct st_video_info *video = st_video_reader_info(clip->take.reader);
    const struct st_analysis_summary *seen = st_analysis_summary(clip->take.analysis);
    clip->made.complete = true;
    clip->made.frames = seen->frames;
    clip->made.faces = seen->found;
    clip->made.width = video->width;
    clip->made.height = video->height;
    if (seen->frames > ST_CLIP_FRAMES_MAX)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: has more than %lld frames; cut it into clips",
                       clip->video, (long long)ST_CLIP_FRAMES_MAX);
    if ((st = st_clip_info_write(&clip->made, clip->place.path, err)))
        return st;
    if (own_cache)
        st_frame_folder_remove_cache(&clip->place);
    return SYNCTALK_OK;
}

static bool is_info(const char *name)
{
    return strcmp(name, ST_CLIP_INFO) == 0;
}

/* A video that no clip can be made of leaves no folder, where there was none before. */
static void remove_traces(const struct clip *clip, bool own_cache)
{
    if (clip->place.lock < 0 || clip->found.any || st_frame_files_have(&clip->place.files, 0))
        return;
    if (clip->began) {
        if (own_cache)
            st_frame_folder_remove_cache(&clip->place);
        (void)st_folder_sweep(clip->place.path, is_info, NULL);
    }
    st_frame_folder_remove_empty(&clip->place);
}

static synctalk_status make_clip(struct clip *clip, synctalk_clip_report *report,
                                 synctalk_error *err)
{
    synctalk_status st;
    const bool own_cache = !clip->work->settings->analysis_cache;

    if (!clip->found.any && (report->frames = whole_frames(&clip->place)) > 0) {
        report->state = SYNCTALK_CLIP_FOREIGN;
        return SYNCTALK_OK;
    }
    if ((st = identify(clip, err)) || (st = claim_folder(clip, err)))
        goto done;
    if (own_cache)
        clip->faces.analysis.cache = clip->place.cache;
    if (clip->found.any && is_whole(&clip->place, &clip->found)) {
        report->state = SYNCTALK_CLIP_THERE;
        describe(report, &clip->found);
        return SYNCTALK_OK;
    }
    if ((st = write_clip(clip, own_cache, err)))
        goto done;
    report->state = SYNCTALK_CLIP_MADE;
    describe(report, &clip->made);

done:
    report->written = clip->take.written;
    if (st && st != SYNCTALK_E_CANCELLED)
        remove_traces(clip, own_cache);
    return st;
}

/* Faults of one clip, with which the others may be made all the same. */
static bool is_its_own(synctalk_status st)
{
    return st == SYNCTALK_E_FORMAT || st == SYNCTALK_E_EXISTS;
}

static void count(struct work *work, const synctalk_clip_report *clip)
{
    synctalk_clips_report *all = work->report;
    const bool whole = clip->state == SYNCTALK_CLIP_MADE || clip->state == SYNCTALK_CLIP_THERE ||
                       clip->state == SYNCTALK_CLIP_FOREIGN;
    all->whole += whole;
    all->failed += clip->state == SYNCTALK_CLIP_FAILED;
    all->missing += !whole && clip->state != SYNCTALK_CLIP_FAILED;
    all->frames += whole ? clip->frames : 0;
    all->written += clip->written;
}

/* What generate would refuse is no good clip, be it whole. */
static synctalk_status refuse_size(struct work *work, const synctalk_clip_report *clip,
                                   synctalk_error *err)
{
    if (clip->width == 0)
        return SYNCTALK_OK;
    if (work->width == 0) {
        work->width = clip->width;
        work->height = clip->height;
    }
    if (clip->width == work->width && clip->height == work->height)
        return SYNCTALK_OK;
    return st_fail(err, SYNCTALK_E_FORMAT,
                   "%s/%s: %dx%d pixels, where the first clip has %dx%d; clips of one person must "
                   "have one size: scale the video it comes from and prepare it again",
                   work->sources.clips, clip->name, clip->width, clip->height, work->width,
                   work->height);
}

static synctalk_status open_clip(struct clip *clip, synctalk_error *err)
{
    synctalk_status st;
    char folder[ST_PATH_MAX];
    const struct st_clip_source *source = clip->source;
    const struct st_clip_sources *sources = &clip->work->sources;

    clip->place.lock = -1;
    if ((source->file[0] && (st = st_path_join(clip->video, sources->videos, source->file, err))) ||
        (st = st_path_join(folder, sources->clips, source->name, err)) ||
        (st = st_frame_folder_name(&clip->place, folder, err)))
        return st;
    return st_clip_info_read(&clip->found, folder, err);
}

static synctalk_status do_clip(struct work *work, const struct st_clip_source *source,
                               synctalk_error *err)
{
    synctalk_error why = {0};
    synctalk_clip_report report = {.name = source->name,
                                   .source = source->file[0] ? source->file : NULL,
                                   .talk = source->kind == ST_CLIP_TALK};
    struct clip *clip = calloc(1, sizeof *clip);

    if (!clip)
        return st_fail_memory(err, "a clip", sizeof *clip);
    clip->work = work;
    clip->source = source;
    synctalk_status st = open_clip(clip, &why);
    if (!st)
        st = work->job->verify ? verify_clip(clip, &report, &why) : make_clip(clip, &report, &why);
    if (!st)
        st = refuse_size(work, &report, &why);
    if (st && is_its_own(st)) {
        report.state = SYNCTALK_CLIP_FAILED;
        report.message = why.message;
        st = SYNCTALK_OK;
    }
    if (st && err)
        *err = why;
    if (!st) {
        count(work, &report);
        if (work->job->each)
            work->job->each(work->job->user, &report);
    }
    st_take_close(&clip->take);
    st_frame_folder_close(&clip->place);
    free(clip);
    return st;
}

static void warn_of_types(const struct work *work)
{
    const synctalk_clips_report *all = work->report;
    if (all->talk == 0)
        st_log(work->callbacks, SYNCTALK_LOG_WARNING,
               "%s: no talk clip; speech cannot be shown without one", work->sources.videos);
    if (all->silence == 0)
        st_log(work->callbacks, SYNCTALK_LOG_WARNING,
               "%s: no silence clip; pauses cannot be shown without one", work->sources.videos);
}

static synctalk_status run(struct work *work, synctalk_error *err)
{
    synctalk_status st;
    synctalk_clips_report *all = work->report;

    if ((st = st_clip_sources_list(&work->sources, work->settings->root, work->settings->model,
                                   work->job->verify, err)))
        return st;
    all->clips = (int64_t)work->sources.count;
    for (size_t i = 0; i < work->sources.count; i++)
        all->talk += work->sources.items[i].kind == ST_CLIP_TALK;
    all->silence = all->clips - all->talk;
    warn_of_types(work);
    for (size_t i = 0; i < work->sources.count && !st; i++) {
        if (st_cancelled(work->callbacks))
            return st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
        st = do_clip(work, &work->sources.items[i], err);
    }
    return st;
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

synctalk_status st_preprocess_clips(const synctalk_settings *settings,
                                    const synctalk_clips_job *job,
                                    const synctalk_callbacks *callbacks,
                                    synctalk_clips_report *report, synctalk_error *err)
{
    const double began = now();
    synctalk_clips_report all = {.clips = 0};
    struct st_hearing hearing = {0};
    struct work *work = calloc(1, sizeof *work);

    if (!work)
        return st_fail_memory(err, "clips", sizeof *work);
    work->settings = settings;
    work->job = job;
    work->callbacks = callbacks;
    work->report = &all;
    st_kernels_init(&work->kernels, settings->cpu_mask);
    synctalk_status st = st_hearing_choose(&hearing, settings,
                                           settings->encoder ? (synctalk_encoder)settings->encoder
                                                             : SYNCTALK_ENCODER_AVE,
                                           settings->encoder_name, err);
    if (st)
        goto done;
    work->fps = job->fps ? job->fps : hearing.info->fps;
    st = run(work, err);
    all.seconds = now() - began;
    if (!st && report)
        *report = all;

done:
    st_hearing_close(&hearing);
    st_clip_sources_free(&work->sources);
    free(work);
    return st;
}
