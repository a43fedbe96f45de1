/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/clips_mode.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "weights/text.h"

static synctalk_status check_output(const char *path, const char *audio, const char *video,
                                    bool overwrite, synctalk_error *err)
{
    struct st_output output = {.fd = -1};
    if (st_path_would_be_same(path, video) || st_path_is_same(path, audio))
        return st_fail(err, SYNCTALK_E_ARG,
                       "%s: is the %s's own name; the edit list and the plot need other ones", path,
                       st_path_is_same(path, audio) ? "sound" : "video");
    synctalk_status st = st_output_open(&output, path, overwrite, err);
    st_output_close(&output);
    return st;
}

synctalk_status st_clips_mode_check(const synctalk_settings *settings, const char *audio,
                                    const char *output, synctalk_error *err)
{
    const bool overwrite = settings->overwrite != 0;
    synctalk_status st = SYNCTALK_OK;
    if (settings->edl && settings->vad_plot &&
        st_path_would_be_same(settings->edl, settings->vad_plot))
        return st_fail(err, SYNCTALK_E_ARG,
                       "%s: is meant for the edit list and for the plot; give one of them another "
                       "name",
                       settings->edl);
    if (settings->edl)
        st = check_output(settings->edl, audio, output, overwrite, err);
    if (!st && settings->vad_plot &&
        !(st = check_output(settings->vad_plot, audio, output, overwrite, err)))
        st = st_voice_plot_check(settings->vad_plot, settings->overwrite, err);
    return st;
}

static synctalk_vad_settings vad_settings(const synctalk_settings *s)
{
    return (synctalk_vad_settings){
        .root = s->root,
        .models = s->models,
        .more_models = s->more_models,
        .onnxruntime = s->onnxruntime,
        .overwrite = s->overwrite,
        .vad = s->vad,
        .vad_model = s->vad_model,
        .vad_threshold = s->vad_threshold,
        .min_silence_duration = s->min_silence_duration,
        .min_speech_ms = s->min_speech_ms,
        .min_silence_ms = s->min_silence_ms,
        .speech_pad_ms = s->speech_pad_ms,
    };
}

/* Told before any frame is made: names stand in the edit list's JSON as they are. */
static synctalk_status check_names(const struct st_clip_set *set, synctalk_error *err)
{
    for (size_t i = 0; i < set->clips.count; i++) {
        const char *name = set->clips.clips[i].name;
        if (!st_text_is_utf8(name, strlen(name)))
            return st_fail(err, SYNCTALK_E_FORMAT,
                           "%s/%s: the name of this clip is not UTF-8, as an edit list's JSON has "
                           "to be; rename it, or leave --edl out",
                           set->clips.folder, name);
    }
    return SYNCTALK_OK;
}

static void tell(const struct st_edit_list *list, const synctalk_callbacks *callbacks)
{
    char row[512];
    st_log(callbacks, SYNCTALK_LOG_INFO, "%s", st_edit_list_head());
    for (size_t k = 0; k < list->count; k++) {
        st_edit_list_row(list, k, row, sizeof row);
        st_log(callbacks, SYNCTALK_LOG_INFO, "%s", row);
    }
}

synctalk_status st_clips_mode_plan(struct st_clips_mode *mode, const synctalk_settings *settings,
                                   const struct st_frame_source *source,
                                   struct st_frame_reader *frames_of, const char *audio, int fps,
                                   int64_t frames, const synctalk_callbacks *callbacks,
                                   synctalk_error *err)
{
    const synctalk_vad_settings vad = vad_settings(settings);
    const struct st_edit_settings edit = {
        .fps = fps,
        .transition = settings->transition,
        .pad = settings->pad == SYNCTALK_PAD_HOLD ? ST_EDIT_HOLD : ST_EDIT_BOUNCE,
    };
    const struct st_clip_joining joining = {(synctalk_align)settings->align,
                                            settings->transition_max, true};
    struct st_timeline timeline = {.frames = 0};
    synctalk_status st;

    if ((settings->edl && (st = check_names(st_frame_source_clip_set(source), err))) ||
        (st = st_voice_find(&mode->voice, &vad, audio, settings->vad_plot != NULL, callbacks,
                            err)) ||
        (st = st_timeline_make(&timeline, &mode->voice.timeline, ST_VAD_HZ, fps, frames, err)) ||
        (st = st_clip_plan_make(&mode->plan, st_frame_source_clip_set(source), &timeline, &edit,
                                err)))
        goto done;
    st = st_clip_plan_join(&mode->plan, frames_of, &joining, callbacks, err);
    if (!st)
        tell(&mode->plan.list, callbacks);
done:
    st_timeline_free(&timeline);
    return st;
}

synctalk_status st_clips_mode_save(const struct st_clips_mode *mode,
                                   const synctalk_settings *settings, const char *audio,
                                   synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    if (settings->edl)
        st = st_edit_list_write(&mode->plan.list, settings->edl, settings->overwrite != 0, err);
    if (!st && settings->vad_plot)
        st = st_voice_plot(
            &mode->voice, settings->vad_plot_title ? settings->vad_plot_title : st_path_base(audio),
            settings->vad_threshold, settings->vad_plot, settings->overwrite, err);
    return st;
}

void st_clips_mode_free(struct st_clips_mode *mode)
{
    if (!mode)
        return;
    st_clip_plan_free(&mode->plan);
    st_voice_free(&mode->voice);
}
