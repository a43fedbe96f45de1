/* SPDX-License-Identifier: Apache-2.0 */
/* Argument checks of the public calls; the work is below, in generate/. */
#include "generate/generate.h"

#include "base/error.h"
#include "generate/sound.h"
#include "synctalk/synctalk.h"

/* Fields outside their range, whoever filled the struct. */
static synctalk_status check(const synctalk_settings *s, synctalk_error *err)
{
    const struct {
        const char *name;
        int value, least, most;
    } ranges[] = {
        {"checkpoint", s->checkpoint, -1, 100000000},
        {"mode", s->mode, SYNCTALK_MODE_TRAINING, SYNCTALK_MODE_CLIPS},
        {"encoder", s->encoder, SYNCTALK_ENCODER_AUTO, SYNCTALK_ENCODER_WENET},
        {"at-end", s->at_end, SYNCTALK_AT_END_BOUNCE, SYNCTALK_AT_END_WRAP},
        {"precision", s->precision, SYNCTALK_PRECISION_AUTO, SYNCTALK_PRECISION_F32},
        {"frames-per-core", s->frames_per_core, 0, 16},
        {"max-lines", s->max_lines, 0, ST_PICTURE_MAX_SIDE},
        {"x264-preset", s->x264_preset, SYNCTALK_X264_ULTRAFAST, SYNCTALK_X264_SLOWER},
        {"crf", s->crf, 0, 51},
        {"blend", s->blend, SYNCTALK_BLEND_EDGE, SYNCTALK_BLEND_NONE},
        {"feather", s->feather_px, 0, 64},
        {"threads", s->threads, 0, 256},
        {"encoder-threads", s->encoder_threads, 0, 64},
        {"audio-kbps", s->audio_kbps, 32, 320},
    };
    if (!s->root)
        return st_fail(err, SYNCTALK_E_ARG, "root is NULL; call synctalk_settings_init() first");
    if (s->max_lines == 1)
        return st_fail(err, SYNCTALK_E_ARG, "max-lines is 1; 0 or 2 and more are allowed");
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (ranges[i].value < ranges[i].least || ranges[i].value > ranges[i].most)
            return st_fail(err, SYNCTALK_E_ARG, "%s is %d; %d to %d is allowed", ranges[i].name,
                           ranges[i].value, ranges[i].least, ranges[i].most);
    return SYNCTALK_OK;
}

unsigned synctalk_api_version(void)
{
    return SYNCTALK_API_VERSION;
}

const char *synctalk_version(void)
{
    return ST_VERSION;
}

synctalk_status synctalk_person_open(synctalk_person **out, const synctalk_settings *settings,
                                     const synctalk_callbacks *callbacks, synctalk_error *err)
{
    *out = NULL;
    synctalk_status st = check(settings, err);
    return st ? st : st_person_open(out, settings, callbacks, err);
}

void synctalk_person_close(synctalk_person **person)
{
    st_person_close(person);
}

int64_t synctalk_person_frames(const synctalk_person *person)
{
    return person->dataset.frames;
}

synctalk_status synctalk_generate(synctalk_person *person, const synctalk_settings *settings,
                                  const char *audio, const char *output,
                                  const synctalk_callbacks *callbacks, synctalk_report *report,
                                  synctalk_error *err)
{
    synctalk_status st = check(settings, err);
    if (st)
        return st;
    if (!audio || !*audio)
        return st_fail(err, SYNCTALK_E_ARG, "no sound named: give --audio FILE");
    if (!output)
        return st_fail(err, SYNCTALK_E_ARG, "no output named");
    return st_generate(person, settings, audio, output, callbacks, report, err);
}

synctalk_status synctalk_features_write(const synctalk_settings *settings, const char *audio,
                                        const char *output, const synctalk_callbacks *callbacks,
                                        int64_t *vectors, synctalk_error *err)
{
    synctalk_status st = check(settings, err);
    struct st_encoder *encoder = NULL;
    struct st_kernels kernels;
    synctalk_encoder kind =
        settings->encoder ? (synctalk_encoder)settings->encoder : SYNCTALK_ENCODER_AVE;

    if (st)
        return st;
    if (!audio || !*audio || !output)
        return st_fail(err, SYNCTALK_E_ARG, "both a sound and an output must be named");
    st_kernels_init(&kernels, settings->cpu_mask);
    if (!(st = st_person_load_encoder(&encoder, kind, settings, &kernels, callbacks, err)))
        st = st_sound_write_features(audio, encoder, output, settings->overwrite, callbacks,
                                     vectors, err);
    st_encoder_close(&encoder);
    return st;
}
