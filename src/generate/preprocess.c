/* SPDX-License-Identifier: Apache-2.0 */
/* The work on one dataset, in an order in which each step needs only whole files of the
 * steps before: hash the video, look at every frame, write frames and landmarks, then
 * sound, features, contact sheet, and at last info.json with "complete".
 */
#include "generate/preprocess.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/error.h"
#include "base/log.h"
#include "generate/contact_sheet.h"
#include "generate/model_files.h"
#include "generate/preprocess_frames.h"
#include "generate/preprocess_info.h"
#include "generate/preprocess_sound.h"
#include "generate/sound.h"
#include "kernels/kernels.h"
#include "models/encoder.h"

#define CACHE ".analysis" /* of what was seen, where no other folder is named; gone at the end */

/* Everything that the work holds; zeroed, it closes cleanly. */
struct work {
    const synctalk_settings *settings;
    const synctalk_preprocess_job *job;
    const synctalk_callbacks *callbacks;
    const struct st_encoder_info *hears;
    int fps;
    bool own_cache;
    bool began; /* by this call: there was nothing to go on with */

    char folder[ST_PATH_MAX];
    char cache[ST_PATH_MAX];
    struct st_frame_files files;
    int lock; /* of the folder; -1 before */

    struct st_kernels kernels;
    struct st_face_settings faces;
    struct st_preprocess_source source;
    struct st_preprocess_found found;

    struct st_analysis *analysis;
    struct st_video_reader *reader;
    struct st_picture picture;
    int64_t written;
    int64_t samples, vectors;
    char encoder_path[ST_PATH_MAX]; /* "" where there is none */
    char encoder_sha256[ST_HASH_TEXT];
};

static synctalk_status stopped(synctalk_error *err)
{
    return st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
}

static synctalk_status make_folder(const char *path, synctalk_error *err)
{
    if (mkdir(path, 0777) == 0 || st_path_is_dir(path))
        return SYNCTALK_OK;
    return st_fail_errno(err, errno, "make folder", path);
}

/* ROOT must be there: a mistyped one is not to become a project. */
static synctalk_status make_folders(struct work *work, synctalk_error *err)
{
    synctalk_status st;
    char datasets[ST_PATH_MAX];
    const char *root = work->settings->root;

    if ((st = st_check_name(work->job->name, err)))
        return st;
    if (!st_path_is_dir(root))
        return st_fail(err, SYNCTALK_E_MISSING, "%s: no such folder; is --root right?", root);
    if ((st = st_path_join(datasets, root, "dataset", err)) ||
        (st = st_path_join(work->folder, datasets, work->job->name, err)) ||
        (st = st_path_join(work->files.images, work->folder, "full_body_img", err)) ||
        (st = st_path_join(work->files.landmarks, work->folder, "landmarks", err)) ||
        (st = st_path_join(work->cache, work->folder, CACHE, err)) ||
        (st = make_folder(datasets, err)) || (st = make_folder(work->folder, err)) ||
        (st = make_folder(work->files.images, err)))
        return st;
    return make_folder(work->files.landmarks, err);
}

static synctalk_status take_lock(struct work *work, synctalk_error *err)
{
    work->lock = open(work->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (work->lock < 0)
        return st_fail_errno(err, errno, "open folder", work->folder);
    if (flock(work->lock, LOCK_EX | LOCK_NB) < 0)
        return st_fail(err, SYNCTALK_E_EXISTS, "%s: another process is at work in it",
                       work->folder);
    return SYNCTALK_OK;
}

static bool any_name(const char *name)
{
    (void)name;
    return true;
}

/* ".NAME.part" or ".NAME.xxxxxxxx.part" of a process that was killed. */
static bool is_leftover(const char *name)
{
    size_t length = strlen(name);
    return name[0] == '.' && length > 6 && strcmp(name + length - 5, ".part") == 0;
}

static bool is_numbered(const char *name)
{
    size_t length = strspn(name, "0123456789");
    return is_leftover(name) || (length > 0 && (strcmp(name + length, ".jpg") == 0 ||
                                                strcmp(name + length, ".lms") == 0));
}

static bool is_result(const char *name)
{
    static const char *const names[] = {"aud.wav",       "aud_ave.npy", "aud_hu.npy",
                                        "aud_wenet.npy", "contact.png", ST_PREPROCESS_INFO};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return is_leftover(name);
}

static bool is_info(const char *name)
{
    return strcmp(name, ST_PREPROCESS_INFO) == 0;
}

/* info.json is written before all else, so what lies there without it is another's. */
static bool holds_any(const char *folder, bool (*ours)(const char *name))
{
    struct st_names names;
    bool any = false;
    if (st_list_dir(&names, folder, NULL))
        return false;
    for (size_t i = 0; i < names.count && !any; i++)
        any = ours(names.names[i]) && !is_leftover(names.names[i]);
    st_names_free(&names);
    return any;
}

static bool is_anothers(const struct work *work)
{
    return !work->found.any &&
           (holds_any(work->files.images, is_numbered) ||
            holds_any(work->files.landmarks, is_numbered) || holds_any(work->folder, is_result));
}

/* Remove the files of `folder` that `ours` knows. */
static synctalk_status sweep(const char *folder, bool (*ours)(const char *name),
                             synctalk_error *err)
{
    synctalk_status st;
    struct st_names names;
    char path[ST_PATH_MAX];

    if (!st_path_is_dir(folder))
        return SYNCTALK_OK;
    if ((st = st_list_dir(&names, folder, err)))
        return st;
    for (size_t i = 0; i < names.count && !st; i++)
        if (ours(names.names[i]) && !(st = st_path_join(path, folder, names.names[i], err)) &&
            unlink(path) < 0 && errno != EISDIR && errno != ENOENT)
            st = st_fail_errno(err, errno, "remove", path);
    st_names_free(&names);
    return st;
}

static void remove_cache(const struct work *work)
{
    (void)sweep(work->cache, any_name, NULL);
    (void)rmdir(work->cache);
}

/* info.json goes last: as long as it is there, the folder is known to be ours. */
static synctalk_status remove_all(const struct work *work, synctalk_error *err)
{
    synctalk_status st;
    remove_cache(work);
    if ((st = sweep(work->files.images, is_numbered, err)) ||
        (st = sweep(work->files.landmarks, is_numbered, err)))
        return st;
    return sweep(work->folder, is_result, err);
}

/* The folder is empty, or holds what this very work began; else with --restart it is made
 * so. Files that no info.json of ours speaks for are never touched. */
static synctalk_status claim_folder(struct work *work, synctalk_error *err)
{
    synctalk_status st = st_preprocess_found_read(&work->found, work->folder, err);
    if (st)
        return st;
    if (is_anothers(work))
        return st_fail(err, SYNCTALK_E_EXISTS,
                       "%s: holds a dataset that was not made by this command; choose another "
                       "--name",
                       work->folder);
    bool same = strcmp(work->found.identity, work->source.identity) == 0;
    if (work->found.any && !same && !work->job->restart)
        return st_fail(err, SYNCTALK_E_EXISTS,
                       "%s: was made from another video, or with other settings or networks; "
                       "choose another --name, or begin it anew with --restart",
                       work->folder);
    if (work->found.any && work->job->restart) {
        st_preprocess_found_free(&work->found);
        if ((st = remove_all(work, err)))
            return st;
    }
    if ((st = sweep(work->folder, is_leftover, err)) ||
        (st = sweep(work->files.images, is_leftover, err)) ||
        (st = sweep(work->files.landmarks, is_leftover, err)))
        return st;
    if (work->found.any)
        return SYNCTALK_OK;
    work->began = true;
    return st_preprocess_info_write(work->folder, &work->source, NULL, err);
}

/* "" where the encoder's network is not there, with a warning that says what to do. */
static synctalk_status find_encoder(struct work *work, synctalk_error *err)
{
    synctalk_error why = {0};
    char purpose[96];
    const struct st_encoder_info *hears = work->hears;

    snprintf(purpose, sizeof purpose, "to hear sound with the audio encoder %s", hears->name);
    if (!hears->runs)
        st_log(work->callbacks, SYNCTALK_LOG_WARNING,
               "this version cannot run the audio encoder %s: make %s from aud.wav elsewhere, and "
               "put it into %s",
               hears->name, hears->feature_files[0], work->folder);
    else if (st_find_shared(work->encoder_path, work->settings, hears->weight_files, purpose, &why))
        st_log(work->callbacks, SYNCTALK_LOG_WARNING,
               "no audio features, which training needs: %s; the same command then adds them",
               why.message);
    else
        return st_hash_file(work->encoder_sha256, work->encoder_path, err);
    work->encoder_path[0] = '\0';
    return SYNCTALK_OK;
}

static synctalk_status write_frame(struct work *work, int64_t n, synctalk_error *err)
{
    synctalk_status st;
    struct st_analysed seen;

    if ((st = st_analysis_frame(work->analysis, n, &seen, err)) ||
        (st =
             st_video_reader_frame(work->reader, n, work->picture.data, work->picture.stride, err)))
        return st;
    work->written++;
    return st_frame_files_add(&work->files, n, &work->picture, &seen.landmarks, err);
}

static synctalk_status write_frames(struct work *work, synctalk_error *err)
{
    synctalk_status st;
    const struct st_video_info *video = st_video_reader_info(work->reader);
    const int64_t frames = st_analysis_summary(work->analysis)->frames;

    if (video->frames != frames)
        return st_fail(err, SYNCTALK_E_LIBRARY,
                       "%s: has %" PRId64 " frames, but %" PRId64 " were seen", work->job->video,
                       video->frames, frames);
    if ((st = st_picture_resize(&work->picture, video->width, video->height, err)))
        return st;
    for (int64_t n = 0; n < frames; n++) {
        if (!st_frame_files_have(&work->files, n) && (st = write_frame(work, n, err)))
            return st;
        st_progress(work->callbacks, "frames", n + 1, frames, work->fps);
        if (st_cancelled(work->callbacks))
            return stopped(err);
    }
    if ((st = st_frame_files_flush(&work->files, err)))
        return st;
    if (video->damaged > 0)
        st_log(work->callbacks, SYNCTALK_LOG_WARNING,
               "%s: %" PRId64 " pictures are damaged; the one before each stands in",
               work->job->video, video->damaged);
    return SYNCTALK_OK;
}

static synctalk_status write_sound(struct work *work, synctalk_error *err)
{
    synctalk_status st;
    char path[ST_PATH_MAX];
    const struct st_video_info *video = st_video_reader_info(work->reader);

    if (!video->has_audio) {
        st_log(work->callbacks, SYNCTALK_LOG_WARNING,
               "%s: has no sound; training needs the speech that belongs to the pictures",
               work->job->video);
        return SYNCTALK_OK;
    }
    if ((st = st_path_join(path, work->folder, "aud.wav", err)))
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

    if (work->samples == 0 || !work->encoder_path[0])
        return SYNCTALK_OK;
    if ((st = st_path_join(sound, work->folder, "aud.wav", err)) ||
        (st = st_path_join(path, work->folder, work->hears->feature_files[0], err)) ||
        (st =
             st_encoder_open(&encoder, work->hears->kind, work->encoder_path, &work->kernels, err)))
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

    if ((st = st_path_join(path, work->folder, "contact.png", err)) ||
        (st = st_dataset_open(&dataset, work->folder, work->callbacks, err)))
        return st;
    st = st_contact_sheet_write(&dataset, path, was_seen, work->analysis, work->callbacks, err);
    st_dataset_close(&dataset);
    return st;
}

static void describe_result(const struct work *work, struct st_preprocess_result *result)
{
    *result = (struct st_preprocess_result){
        .samples = work->samples,
        .vectors = work->vectors,
        .encoder = work->hears->name,
        .features = work->hears->feature_files[0],
        .encoder_path = work->encoder_path,
        .encoder_sha256 = work->encoder_sha256,
    };
    if (work->analysis) {
        result->video = st_video_reader_info(work->reader);
        result->faces = st_analysis_summary(work->analysis);
    }
}

static synctalk_status make_all(struct work *work, synctalk_error *err)
{
    synctalk_status st;
    struct st_preprocess_result result;
    const struct st_video_settings video = {.fps = work->fps};

    if ((st = st_analysis_open(&work->analysis, &work->faces.analysis, work->callbacks, err)) ||
        (st =
             st_video_reader_open(&work->reader, work->job->video, &video, work->callbacks, err)) ||
        (st = write_frames(work, err)) || (st = write_sound(work, err)) ||
        (st = write_features(work, err)) || (st = write_sheet(work, err)))
        return st;
    describe_result(work, &result);
    if ((st = st_preprocess_info_write(work->folder, &work->source, &result, err)))
        return st;
    if (work->own_cache)
        remove_cache(work);
    return SYNCTALK_OK;
}

/* All of a complete dataset is still there. */
static bool is_whole(const struct work *work, const synctalk_preprocess_report *report)
{
    char path[ST_PATH_MAX];
    if (report->audio_seconds > 0 &&
        (st_path_join(path, work->folder, "aud.wav", NULL) || !st_path_is_file(path)))
        return false;
    for (int64_t n = 0; n < report->frames; n++)
        if (!st_frame_files_have(&work->files, n))
            return false;
    return report->frames > 0;
}

/* Features are there and of the encoder that is there; or there is none, or no sound. */
static bool features_are_right(const struct work *work, const synctalk_preprocess_report *report)
{
    char path[ST_PATH_MAX];
    if (report->audio_seconds <= 0 || !work->encoder_path[0])
        return true;
    return strcmp(work->found.encoder_sha256, work->encoder_sha256) == 0 &&
           !st_path_join(path, work->folder, work->hears->feature_files[0], NULL) &&
           st_path_is_file(path);
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
    return st_preprocess_info_add_features(&work->found, work->folder, &result, err);
}

static void fill_report(const struct work *work, synctalk_preprocess_report *report)
{
    const struct st_analysis_summary *faces = st_analysis_summary(work->analysis);
    const struct st_video_info *video = st_video_reader_info(work->reader);
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
        .written = work->written,
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
        (st = make_folders(work, err)) || (st = take_lock(work, err)) ||
        (st = claim_folder(work, err)) || (st = find_encoder(work, err)))
        return st;
    if (work->fps != work->hears->fps)
        st_log(work->callbacks, SYNCTALK_LOG_WARNING,
               "%d frames a second: the audio encoder %s hears %d times a second, and training "
               "needs as many frames",
               work->fps, work->hears->name, work->hears->fps);
    work->own_cache = !work->faces.analysis.cache;
    if (work->own_cache)
        work->faces.analysis.cache = work->cache;
    if (work->found.complete && st_preprocess_info_report(&work->found, report) &&
        is_whole(work, report))
        return features_are_right(work, report) ? SYNCTALK_OK : add_features(work, report, err);
    if ((st = make_all(work, err)))
        return st;
    fill_report(work, report);
    return SYNCTALK_OK;
}

/* A video that no dataset can be made of leaves no folder, where there was none before. */
static void remove_traces(const struct work *work)
{
    if (work->lock < 0 || work->found.any || st_frame_files_have(&work->files, 0))
        return;
    if (work->began) {
        if (work->own_cache)
            remove_cache(work);
        (void)sweep(work->folder, is_info, NULL);
    }
    /* Each only where it is empty. */
    (void)rmdir(work->files.images);
    (void)rmdir(work->files.landmarks);
    (void)rmdir(work->folder);
}

static void close_work(struct work *work)
{
    st_frame_files_drop(&work->files);
    st_picture_free(&work->picture);
    st_video_reader_close(&work->reader);
    st_analysis_close(&work->analysis);
    st_preprocess_found_free(&work->found);
    if (work->lock >= 0)
        close(work->lock);
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
    work->lock = -1;
    work->hears = st_encoder_info(settings->encoder ? (synctalk_encoder)settings->encoder
                                                    : SYNCTALK_ENCODER_AVE);
    work->fps = job->fps ? job->fps : work->hears->fps;
    report = report ? report : &ignored;
    synctalk_status st = run(work, report, err);
    if (!st)
        report->seconds = now() - began;
    else if (st != SYNCTALK_E_CANCELLED)
        remove_traces(work);
    close_work(work);
    return st;
}
