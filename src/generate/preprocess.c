/* SPDX-License-Identifier: Apache-2.0 */
/* The work on one dataset, in an order in which each step needs only whole files of the
 * steps before: hash the video, look at every frame, write frames and landmarks, then
 * sound, features, contact sheet, and at last info.json with "complete".
 */
#include "generate/preprocess.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/error.h"
#include "base/log.h"
#include "generate/contact_sheet.h"
#include "generate/hearing.h"
#include "generate/model_files.h"
#include "generate/preprocess_folder.h"
#include "generate/preprocess_info.h"
#include "generate/preprocess_sound.h"
#include "generate/preprocess_take.h"
#include "generate/sound.h"
#include "kernels/kernels.h"
#include "weights/weights.h"

/* Everything that the work holds; zeroed, it closes cleanly. */
struct work {
    const synctalk_settings *settings;
    const synctalk_preprocess_job *job;
    const synctalk_callbacks *callbacks;
    struct st_hearing hearing; /* the encoder; its path "" where its network is not there */
    int fps;
    bool own_cache;
    bool began; /* by this call: there was nothing to go on with */

    struct st_frame_folder place;

    struct st_kernels kernels;
    struct st_face_settings faces;
    struct st_preprocess_source source;
    struct st_preprocess_found found;

    struct st_take take;
    int64_t samples, vectors;
    char encoder_sha256[ST_HASH_TEXT];
};

/* ROOT must be there: a mistyped one is not to become a project. */
static synctalk_status take_folder(struct work *work, synctalk_error *err)
{
    synctalk_status st;
    char datasets[ST_PATH_MAX];
    char path[ST_PATH_MAX];
    const char *root = work->settings->root;

    if ((st = st_check_name(work->job->name, err)))
        return st;
    if (!st_path_is_dir(root))
        return st_fail(err, SYNCTALK_E_MISSING, "%s: no such folder; is --root right?", root);
    if ((st = st_path_join(datasets, root, "dataset", err)) ||
        (st = st_path_join(path, datasets, work->job->name, err)) ||
        (st = st_frame_folder_name(&work->place, path, err)) ||
        (st = st_folder_make(datasets, err)))
        return st;
    return st_frame_folder_take(&work->place, err);
}

static bool is_result(const char *name)
{
    static const char *const names[] = {"aud.wav", "contact.png", ST_PREPROCESS_INFO};
    const size_t length = strlen(name);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    /* Features, of whatever encoder, belong to the sound. */
    return (length > 8 && strncmp(name, "aud_", 4) == 0 &&
            strcmp(name + length - 4, ".npy") == 0) ||
           st_is_leftover(name);
}

static bool is_info(const char *name)
{
    return strcmp(name, ST_PREPROCESS_INFO) == 0;
}

/* info.json is written before all else, so what lies there without it is another's. */
static bool is_anothers(const struct work *work)
{
    return !work->found.any && (st_frame_folder_holds_frames(&work->place) ||
                                st_folder_holds(work->place.path, is_result));
}

/* info.json goes last: as long as it is there, the folder is known to be ours. */
static synctalk_status remove_all(const struct work *work, synctalk_error *err)
{
    synctalk_status st = st_frame_folder_clear(&work->place, err);
    return st ? st : st_folder_sweep(work->place.path, is_result, err);
}

/* The folder is empty, or holds what this very work began; else with --restart it is made
 * so. Files that no info.json of ours speaks for are never touched. */
static synctalk_status claim_folder(struct work *work, synctalk_error *err)
{
    synctalk_status st = st_preprocess_found_read(&work->found, work->place.path, err);
    if (st)
        return st;
    if (is_anothers(work))
        return st_fail(err, SYNCTALK_E_EXISTS,
                       "%s: holds a dataset that was not made by this command; choose another "
                       "--name",
                       work->place.path);
    bool same = strcmp(work->found.identity, work->source.identity) == 0;
    if (work->found.any && !same && !work->job->restart)
        return st_fail(err, SYNCTALK_E_EXISTS,
                       "%s: was made from another video, or with other settings or networks; "
                       "choose another --name, or begin it anew with --restart",
                       work->place.path);
    if (work->found.any && work->job->restart) {
        st_preprocess_found_free(&work->found);
        if ((st = remove_all(work, err)))
            return st;
    }
    if ((st = st_frame_folder_sweep(&work->place, err)))
        return st;
    if (work->found.any)
        return SYNCTALK_OK;
    work->began = true;
    return st_preprocess_info_write(work->place.path, &work->source, NULL, err);
}

/* No path where the encoder's network is not there, with a warning that says what to do. */
static synctalk_status find_encoder(struct work *work, synctalk_error *err)
{
    synctalk_error why = {0};
    char ready[ST_PATH_MAX];

    if (!st_hearing_find(&work->hearing, work->settings, &why))
        return st_hearing_hash(&work->hearing, work->encoder_sha256, err);
    work->hearing.path[0] = '\0';
    if (!st_hearing_features(&work->hearing, work->place.path, ready))
        st_log(work->callbacks, SYNCTALK_LOG_WARNING,
               "no audio features, which training needs: %s; the same command then adds them",
               why.message);
    return SYNCTALK_OK;
}

static synctalk_status write_sound(struct work *work, synctalk_error *err)
{
    synctalk_status st;
    char path[ST_PATH_MAX];
    const struct st_video_info *video = st_video_reader_info(work->take.reader);

    if (!video->has_audio) {
        st_log(work->callbacks, SYNCTALK_LOG_WARNING,
               "%s: has no sound; training needs the speech that belongs to the pictures",
               work->job->video);
        return SYNCTALK_OK;
    }
    if ((st = st_path_join(path, work->place.path, "aud.wav", err)))
        return st;
    return st_preprocess_sound_write(work->job->video, video->start, path, work->callbacks,
                                     &work->samples, err);
}

static synctalk_status write_features(struct work *work, synctalk_error *err)
{
    synctalk_status st;
    char sound[ST_PATH_MAX];
    char path[ST_PATH_MAX];
    struct st_encoder *encoder = NULL;

    if (work->samples == 0 || !work->hearing.path[0])
        return SYNCTALK_OK;
    if ((st = st_path_join(sound, work->place.path, "aud.wav", err)) ||
        (st = st_path_join(path, work->place.path, work->hearing.info->feature_files[0], err)) ||
        (st = st_hearing_load(&work->hearing, &encoder, work->settings, &work->kernels,
                              work->callbacks, err)))
        return st;
    st = st_sound_write_features(sound, encoder, path, true, work->callbacks, &work->vectors, err);
    st_encoder_close(&encoder);
    return st;
}

static bool was_seen(const void *context, int64_t frame)
{
    struct st_analysed seen;
    return st_analysis_frame(context, frame, &seen, NULL) == SYNCTALK_OK && seen.found;
}

/* Opening the dataset also checks it as train and generate will. */
static synctalk_status write_sheet(struct work *work, synctalk_error *err)
{
    synctalk_status st;
    char path[ST_PATH_MAX];
    struct st_dataset dataset;

    if ((st = st_path_join(path, work->place.path, "contact.png", err)) ||
        (st = st_dataset_open(&dataset, work->place.path, work->callbacks, err)))
        return st;
    st =
        st_contact_sheet_write(&dataset, path, was_seen, work->take.analysis, work->callbacks, err);
    st_dataset_close(&dataset);
    return st;
}

static void describe_result(const struct work *work, struct st_preprocess_result *result)
{
    *result = (struct st_preprocess_result){
        .samples = work->samples,
        .vectors = work->vectors,
        .encoder = work->hearing.info->name,
        .features = work->hearing.info->feature_files[0],
        .encoder_path = work->hearing.path,
        .encoder_sha256 = work->encoder_sha256,
    };
    if (work->take.analysis) {
        result->video = st_video_reader_info(work->take.reader);
        result->faces = st_analysis_summary(work->take.analysis);
    }
}

static synctalk_status make_all(struct work *work, synctalk_error *err)
{
    synctalk_status st;
    struct st_preprocess_result result;

    if ((st = st_take_open(&work->take, &work->faces.analysis, work->callbacks, err)) ||
        (st = st_take_write(&work->take, &work->faces.analysis, &work->place.files, work->callbacks,
                            err)) ||
        (st = write_sound(work, err)) || (st = write_features(work, err)) ||
        (st = write_sheet(work, err)))
        return st;
    describe_result(work, &result);
    if ((st = st_preprocess_info_write(work->place.path, &work->source, &result, err)))
        return st;
    if (work->own_cache)
        st_frame_folder_remove_cache(&work->place);
    return SYNCTALK_OK;
}

/* All of a complete dataset is still there. */
static bool is_whole(const struct work *work, const synctalk_preprocess_report *report)
{
    char path[ST_PATH_MAX];
    if (report->audio_seconds > 0 &&
        (st_path_join(path, work->place.path, "aud.wav", NULL) || !st_path_is_file(path)))
        return false;
    for (int64_t n = 0; n < report->frames; n++)
        if (!st_frame_files_have(&work->place.files, n))
            return false;
    return report->frames > 0;
}

/* Features are there that are no older than the sound; or there is none to make them with, or
 * no sound. Where info.json speaks of this encoder, they must also be of its very network. */
static bool features_are_right(const struct work *work, const synctalk_preprocess_report *report)
{
    char path[ST_PATH_MAX];
    if (report->audio_seconds <= 0 || !work->hearing.path[0])
        return true;
    if (strcmp(work->found.encoder, work->hearing.info->name) == 0 &&
        strcmp(work->found.encoder_sha256, work->encoder_sha256) != 0)
        return false;
    return st_hearing_features(&work->hearing, work->place.path, path);
}

/* info.json counts those of the encoder that it speaks of. */
static synctalk_status count_features(const struct work *work, synctalk_preprocess_report *report,
                                      synctalk_error *err)
{
    char path[ST_PATH_MAX];
    struct st_weights *features = NULL;

    if (strcmp(work->found.encoder, work->hearing.info->name) == 0 ||
        !st_hearing_features(&work->hearing, work->place.path, path))
        return SYNCTALK_OK;
    synctalk_status st = st_weights_open(&features, path, err);
    if (!st && st_weights_count(features) == 1 && st_weights_at(features, 0)->rank > 0)
        report->vectors = (int64_t)st_weights_at(features, 0)->dims[0];
    st_weights_close(&features);
    return st;
}

/* Only features are wanted: the encoder was not there before, or was another. */
static synctalk_status add_features(struct work *work, synctalk_preprocess_report *report,
                                    synctalk_error *err)
{
    synctalk_status st;
    struct st_preprocess_result result;

    work->samples = llround(report->audio_seconds * ST_PREPROCESS_RATE_HZ);
    if ((st = write_features(work, err)))
        return st;
    describe_result(work, &result);
    report->vectors = work->vectors;
    report->complete_before = 0;
    return st_preprocess_info_add_features(&work->found, work->place.path, &result, err);
}

static void fill_report(const struct work *work, synctalk_preprocess_report *report)
{
    const struct st_analysis_summary *faces = st_analysis_summary(work->take.analysis);
    const struct st_video_info *video = st_video_reader_info(work->take.reader);
    *report = (synctalk_preprocess_report){
        .frames = faces->frames,
        .found = faces->found,
        .first_missing = faces->first_missing,
        .jumps = faces->jumps,
        .first_jump = faces->first_jump,
        .smallest_at = faces->smallest_at,
        .smallest_side = faces->smallest_side,
        .width = video->width,
        .height = video->height,
        .fps = work->fps,
        .points = faces->points,
        .audio_seconds = (double)work->samples / ST_PREPROCESS_RATE_HZ,
        .vectors = work->vectors,
        .written = work->take.written,
    };
}

static synctalk_status run(struct work *work, synctalk_preprocess_report *report,
                           synctalk_error *err)
{
    synctalk_status st;

    st_kernels_init(&work->kernels, work->settings->cpu_mask);
    if ((st = st_face_settings_find(&work->faces, work->settings, work->job->video, work->fps,
                                    &work->kernels, err)))
        return st;
    work->source = (struct st_preprocess_source){
        .video = work->job->video,
        .name = work->job->name,
        .fps = work->fps,
        .face = work->settings->face,
        .analysis = &work->faces.analysis,
    };
    if ((st = st_preprocess_source_hash(&work->source, work->callbacks, err)) ||
        (st = take_folder(work, err)) || (st = claim_folder(work, err)) ||
        (st = find_encoder(work, err)))
        return st;
    const struct st_encoder_info *hears = work->hearing.info;
    if (work->fps != hears->fps)
        st_log(work->callbacks, SYNCTALK_LOG_WARNING,
               "%d frames a second: the audio encoder %s hears %d times a second, and training "
               "needs as many frames",
               work->fps, hears->name, hears->fps);
    work->own_cache = !work->faces.analysis.cache;
    if (work->own_cache)
        work->faces.analysis.cache = work->place.cache;
    if (work->found.complete && st_preprocess_info_report(&work->found, report) &&
        is_whole(work, report))
        return features_are_right(work, report) ? count_features(work, report, err)
                                                : add_features(work, report, err);
    if ((st = make_all(work, err)))
        return st;
    fill_report(work, report);
    return SYNCTALK_OK;
}

/* A video that no dataset can be made of leaves no folder, where there was none before. */
static void remove_traces(const struct work *work)
{
    if (work->place.lock < 0 || work->found.any || st_frame_files_have(&work->place.files, 0))
        return;
    if (work->began) {
        if (work->own_cache)
            st_frame_folder_remove_cache(&work->place);
        (void)st_folder_sweep(work->place.path, is_info, NULL);
    }
    st_frame_folder_remove_empty(&work->place);
}

static void close_work(struct work *work)
{
    st_take_close(&work->take);
    st_preprocess_found_free(&work->found);
    st_frame_folder_close(&work->place);
    st_hearing_close(&work->hearing);
    free(work);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

synctalk_status st_preprocess(const synctalk_settings *settings, const synctalk_preprocess_job *job,
                              const synctalk_callbacks *callbacks,
                              synctalk_preprocess_report *report, synctalk_error *err)
{
    const double began = now();
    synctalk_preprocess_report ignored;
    struct work *work = calloc(1, sizeof *work);

    if (!work)
        return st_fail_memory(err, "a dataset", sizeof *work);
    work->settings = settings;
    work->job = job;
    work->callbacks = callbacks;
    work->place.lock = -1;
    report = report ? report : &ignored;
    synctalk_status st = st_hearing_choose(&work->hearing, settings,
                                           settings->encoder ? (synctalk_encoder)settings->encoder
                                                             : SYNCTALK_ENCODER_AVE,
                                           settings->encoder_name, err);
    if (st)
        goto done;
    work->fps = job->fps ? job->fps : work->hearing.info->fps;
    st = run(work, report, err);
    if (!st)
        report->seconds = now() - began;
    else if (st != SYNCTALK_E_CANCELLED)
        remove_traces(work);

done:
    close_work(work);
    return st;
}
