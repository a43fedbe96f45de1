/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/generate.h"

#include <inttypes.h>
#include <string.h>

#include "base/cpu.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "generate/clips_mode.h"
#include "generate/kept_picture.h"
#include "generate/render.h"
#include "generate/sound.h"

#define MAX_WORKERS 256

/* Everything that one run opens; zeroed, it closes cleanly. */
struct run {
    struct st_sound sound;
    struct st_plan plan;
    struct st_clips_mode clips;
    struct st_output output;
    struct st_weights *table; /* ready features */
    struct st_feature_source *features;
    struct st_frame_reader *frames;
    struct st_audio_reader *reader;
    struct st_video_writer *writer;
    struct st_video_writer_settings video;
    struct st_render render;
    struct st_stats stats;
    size_t picture_at;            /* bytes into the blocks of `cache` */
    struct st_image_cache *cache; /* of the person, while the run uses it; or NULL */
    struct st_image_cache_counts cached;
    bool watched; /* stats are filled */
};

#define LEAST_AAC_HZ 8000 /* of which every player can play all rates */

static const char *const x264_names[] = {"ultrafast", "superfast", "veryfast", "faster",
                                         "fast",      "medium",    "slow",     "slower"};

static synctalk_status make_plan(struct run *run, const struct synctalk_person *person,
                                 const synctalk_settings *s, const char *audio,
                                 const synctalk_callbacks *callbacks, synctalk_error *err)
{
    const int fps = person->hearing.info->fps;
    run->plan = (struct st_plan){
        .frames = st_plan_frame_count(run->sound.samples, run->sound.rate_hz, fps),
        .sources = person->source->info.frames,
        .start = s->start_frame,
        .loop_back = s->loop_back != 0,
        .at_end = (synctalk_at_end)s->at_end,
    };
    if (run->plan.start < 0 || run->plan.start >= run->plan.sources)
        return st_fail(err, SYNCTALK_E_ARG, "--start-frame %d: %s has frames 0 to %" PRId64,
                       s->start_frame, person->name, run->plan.sources - 1);
    if (run->plan.frames == 0)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: the sound is %.1f ms long, which is less than half a frame", audio,
                       1e3 * (double)run->sound.samples / run->sound.rate_hz);
    if (s->mode != SYNCTALK_MODE_CLIPS)
        return SYNCTALK_OK;
    run->plan.clips = &run->clips.plan;
    return st_clips_mode_plan(&run->clips, s, person->source, run->frames, audio, fps,
                              run->plan.frames, callbacks, err);
}

/* Ready features that are much shorter or longer than the sound are another recording's. */
static void warn_length(const struct run *run, const synctalk_callbacks *callbacks)
{
    int64_t vectors = (int64_t)st_weights_at(run->table, 0)->dims[0];
    int64_t off = vectors - run->plan.frames;
    if (off > 25 || off < -25)
        st_log(callbacks, SYNCTALK_LOG_WARNING,
               "%s: holds %" PRId64 " features for %" PRId64
               " frames; do they belong to this sound?",
               st_weights_path(run->table), vectors, run->plan.frames);
}

/* The features of the dataset, where its own sound is spoken and they are no older: what the
 * network was trained on. "": none. */
static void find_features(char *path, const struct synctalk_person *person, const char *audio,
                          const synctalk_callbacks *callbacks)
{
    char sound[ST_PATH_MAX];
    if (st_path_join(sound, person->folder, "aud.wav", NULL) || !st_path_is_same(sound, audio) ||
        !st_hearing_features(&person->hearing, person->folder, path))
        *path = '\0';
    else
        st_log(callbacks, SYNCTALK_LOG_INFO, "audio features %s, which belong to this sound", path);
}

static synctalk_status open_features(struct run *run, const struct synctalk_person *person,
                                     const synctalk_settings *s, const char *audio,
                                     const synctalk_callbacks *callbacks, synctalk_error *err)
{
    const struct st_unet_form *form = st_unet_form(person->unet);
    const char *ready = s->features;
    char path[ST_PATH_MAX];
    synctalk_status st;

    if (!ready) {
        if (!person->encoder)
            return st_fail(err, SYNCTALK_E_ARG,
                           "%s was opened for ready features: give --features FILE.npy",
                           person->name);
        find_features(path, person, audio, callbacks);
        if (!*path)
            return st_feature_source_from_sound(&run->features, audio, person->encoder,
                                                form->window, callbacks, err);
        ready = path;
    }
    if ((st = st_weights_open(&run->table, ready, err)) ||
        (st = st_feature_source_from_file(&run->features, run->table, form->vector, form->window,
                                          err)))
        return st;
    warn_length(run, callbacks);
    return SYNCTALK_OK;
}

/* Even sizes, as yuv420p wants: an odd row or column is left out; pictures of more than
 * max_lines are scaled. */
static void fit_size(struct st_video_writer_settings *video, const struct st_frame_info *info,
                     int max_lines)
{
    video->source_width = info->width & ~1;
    video->source_height = info->height & ~1;
    video->width = video->source_width;
    video->height = video->source_height;
    if (max_lines > 0 && video->height > max_lines) {
        double scale = (double)max_lines / video->height;
        video->height = max_lines & ~1;
        video->width = (int)(video->width * scale / 2 + 0.5) * 2;
        if (video->width < 2)
            video->width = 2;
    }
}

static synctalk_status open_video(struct run *run, const struct synctalk_person *person,
                                  const synctalk_settings *s, const char *audio,
                                  const synctalk_callbacks *callbacks, synctalk_error *err)
{
    const struct st_frame_info *info = &person->source->info;
    const int cores = st_cpu_cores();
    synctalk_status st;

    if ((st = st_audio_reader_open(&run->reader, audio, 0, 2, err)))
        return st;
    if (st_audio_reader_info(run->reader)->rate_hz < LEAST_AAC_HZ) {
        st_audio_reader_close(&run->reader);
        if ((st = st_audio_reader_open(&run->reader, audio, LEAST_AAC_HZ, 2, err)))
            return st;
    }
    const struct st_audio_info *sound = st_audio_reader_info(run->reader);
    run->video = (struct st_video_writer_settings){
        .path = run->output.temporary,
        .name = run->output.target,
        .pixel_width = info->pixel_width,
        .pixel_height = info->pixel_height,
        .fps = person->hearing.info->fps,
        .crf = s->crf,
        .x264_preset = x264_names[s->x264_preset],
        /* Fixed by the machine, not by --threads: x264's stream depends on it. */
        .threads = s->encoder_threads ? s->encoder_threads
                   : cores < 4        ? cores
                                      : 4,
        .audio_hz = sound->rate_hz,
        .audio_channels = sound->channels,
        .audio_kbps = s->audio_kbps,
        .callbacks = callbacks,
        .watch = run->watched ? &run->stats.writer : NULL,
    };
    fit_size(&run->video, info, s->max_lines);
    if (run->video.source_width < 2 || run->video.source_height < 2)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: frames of %dx%d are too small for a video",
                       info->name, info->width, info->height);
    return st_video_writer_open(&run->writer, &run->video, err);
}

static void begin_cache(struct run *run, const struct synctalk_person *person,
                        const synctalk_settings *s)
{
    const struct st_frame_info *info = &person->source->info;
    const size_t bytes = (size_t)s->cache_mb * 1000 * 1000;
    const size_t side = st_unet_image_side_bytes(person->unet);
    struct st_image_sizes sizes = {
        .side = side,
        .sources = run->plan.frames < info->frames ? run->plan.frames : info->frames,
    };
    if (info->all_drawn) {
        run->picture_at = st_align_size(side);
        sizes.both = run->picture_at + st_kept_picture_bytes(info);
    }
    if (st_image_cache_begin(person->cache, bytes, &sizes, s->more_follow != 0))
        run->cache = person->cache;
}

/* As soon as all is drawn: another video may be waiting for its turn. */
static void end_cache(void *context)
{
    struct run *run = context;
    if (run->cache)
        st_image_cache_end(run->cache, run->plan.frames, &run->cached);
    run->cache = NULL;
}

static void describe_render(struct run *run, const struct synctalk_person *person,
                            const synctalk_settings *s)
{
    int workers = s->threads ? s->threads : st_cpu_cores();
    if (workers > MAX_WORKERS)
        workers = MAX_WORKERS;
    int slots = s->frames_per_core ? s->frames_per_core * workers : 1;
    if (workers > slots)
        workers = slots;
    run->render = (struct st_render){
        .plan = &run->plan,
        .info = &person->source->info,
        .unet = person->unet,
        .kernels = &person->kernels,
        .cache = run->cache,
        .picture_at = run->picture_at,
        .more_follow = s->more_follow != 0,
        .frames = run->frames,
        .features = run->features,
        .writer = run->writer,
        .sound = run->reader,
        .redraw = {.blend = s->blend, .feather_px = s->feather_px, .colour_match = s->colour_match},
        .parsing = s->parsing < 0 ? person->source->info.has_parsing : s->parsing != 0,
        .fps = person->hearing.info->fps,
        .workers = workers,
        .slots = slots,
        .stats = run->watched ? &run->stats : NULL,
        .drawn = end_cache,
        .context = run,
    };
}

static void fill_report(synctalk_report *report, const struct run *run, int64_t began_ns)
{
    *report = (synctalk_report){
        .frames = run->plan.frames,
        .fps = run->video.fps,
        .width = run->video.width,
        .height = run->video.height,
        .audio_seconds = (double)run->sound.samples / run->sound.rate_hz,
        .seconds = 1e-9 * (double)(st_wall_ns() - began_ns),
        .threads = run->render.workers,
    };
}

static void tell_stats(struct run *run, const synctalk_callbacks *callbacks)
{
    const struct st_run_facts facts = {
        .frames = run->plan.frames,
        .fps = run->video.fps,
        .audio_seconds = (double)run->sound.samples / run->sound.rate_hz,
        .workers = run->render.workers,
        .encoder_threads = run->video.threads,
        .cache = run->cached,
    };
    st_lap(&run->stats.writer, ST_STAGE_MUX); /* the file was put in its place */
    st_stats_tell(&run->stats, &facts, callbacks);
}

synctalk_status st_generate(const struct synctalk_person *person, const synctalk_settings *settings,
                            const char *audio, const char *output,
                            const synctalk_callbacks *callbacks, synctalk_report *report,
                            synctalk_error *err)
{
    synctalk_status st;
    struct run run = {0};
    const int64_t began_ns = st_wall_ns();
    const bool clips = settings->mode == SYNCTALK_MODE_CLIPS;

    if ((run.watched = callbacks && callbacks->stats))
        st_stats_begin(&run.stats);
    /* The output first: a name that cannot be written is told before any work. */
    if ((st = st_output_open(&run.output, output, settings->overwrite != 0, err)) ||
        (st = clips ? st_clips_mode_check(settings, audio, output, err) : SYNCTALK_OK) ||
        (st = st_sound_measure(&run.sound, audio, settings->max_seconds, callbacks, err)) ||
        (st = st_frame_reader_open(&run.frames, person->source, settings->frames_per_core == 0,
                                   err)) ||
        (st = make_plan(&run, person, settings, audio, callbacks, err)) ||
        (st = open_features(&run, person, settings, audio, callbacks, err)) ||
        (st = open_video(&run, person, settings, audio, callbacks, err)))
        goto done;
    begin_cache(&run, person, settings);
    describe_render(&run, person, settings);
    st_lap(run.render.stats ? &run.stats.writer : NULL, ST_STAGE_OPEN);
    st = st_render(&run.render, callbacks, err);
    end_cache(&run);
    if (st)
        goto done;
    st_progress(callbacks, "finish", 0, 1, 0);
    if ((st = st_video_writer_finish(run.writer, err)))
        goto done;
    st_video_writer_close(&run.writer);
    /* What tells of the video comes after it: a list that cannot be written costs no video. */
    if ((st = st_output_commit(&run.output, settings->overwrite != 0, err)))
        goto done;
    if (clips && (st = st_clips_mode_save(&run.clips, settings, audio, err))) {
        st_log(callbacks, SYNCTALK_LOG_WARNING,
               "%s is there and whole; its edit list or plot is not", output);
        goto done;
    }
    st_progress(callbacks, "finish", 1, 1, 0);
    if (report)
        fill_report(report, &run, began_ns);
    if (run.watched)
        tell_stats(&run, callbacks);

done:
    st_video_writer_close(&run.writer);
    st_audio_reader_close(&run.reader);
    st_feature_source_close(&run.features);
    st_frame_reader_close(&run.frames);
    st_weights_close(&run.table);
    st_clips_mode_free(&run.clips);
    st_output_close(&run.output);
    return st;
}
