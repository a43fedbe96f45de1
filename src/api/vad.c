/* SPDX-License-Identifier: Apache-2.0 */
/* Argument checks of voice activity; the work is below, in generate/. */
#include "synctalk/vad.h"

#include <stdlib.h>

#include "api/options.h"
#include "base/error.h"
#include "base/file.h"
#include "generate/voice.h"

struct synctalk_vad {
    struct st_voice voice;
};

static synctalk_status check(const synctalk_vad_settings *settings, const char *audio,
                             synctalk_error *err)
{
    struct st_option_table table;
    table.rows = synctalk_vad_settings_options(&table.count);
    if (!settings || !settings->root)
        return st_fail(err, SYNCTALK_E_ARG,
                       "root is NULL; call synctalk_vad_settings_init() first");
    if (!audio || !*audio)
        return st_fail(err, SYNCTALK_E_ARG, "no sound named");
    if (settings->vad == SYNCTALK_VAD_BUILTIN && settings->vad_model)
        return st_fail(err, SYNCTALK_E_ARG,
                       "vad-model names a file, but vad is builtin, which reads none; leave one of "
                       "them out");
    return st_option_check(&table, settings, err);
}

synctalk_status synctalk_vad_run(synctalk_vad **out, const synctalk_vad_settings *settings,
                                 const char *audio, const char *plot,
                                 const synctalk_callbacks *callbacks, synctalk_error *err)
{
    if (!out)
        return st_fail(err, SYNCTALK_E_ARG, "synctalk_vad_run: out is NULL");
    *out = NULL;
    synctalk_status st = check(settings, audio, err);
    if (!st && plot && st_path_is_same(audio, plot))
        return st_fail(err, SYNCTALK_E_ARG,
                       "%s: is both the sound and the plot; choose another name for the plot",
                       plot);
    if (!st && plot)
        st = st_voice_plot_check(plot, settings->overwrite, err);
    if (st)
        return st;
    synctalk_vad *vad = calloc(1, sizeof *vad);
    if (!vad)
        return st_fail_memory(err, "the speech of a recording", sizeof *vad);
    st = st_voice_find(&vad->voice, settings, audio, plot != NULL, callbacks, err);
    if (!st && plot)
        st = st_voice_plot(&vad->voice, st_path_base(audio), settings->vad_threshold, plot,
                           settings->overwrite, err);
    if (st)
        synctalk_vad_close(&vad);
    *out = vad;
    return st;
}

void synctalk_vad_close(synctalk_vad **vad)
{
    if (!vad || !*vad)
        return;
    st_voice_free(&(*vad)->voice);
    free(*vad);
    *vad = NULL;
}

double synctalk_vad_duration(const synctalk_vad *vad)
{
    return vad ? (double)vad->voice.samples / ST_VAD_HZ : 0;
}

const char *synctalk_vad_name(const synctalk_vad *vad)
{
    return vad ? vad->voice.detector : "";
}

size_t synctalk_vad_count(const synctalk_vad *vad)
{
    return vad ? vad->voice.timeline.count : 0;
}

synctalk_vad_segment synctalk_vad_at(const synctalk_vad *vad, size_t index)
{
    if (!vad || index >= vad->voice.timeline.count)
        return (synctalk_vad_segment){0, 0, 0};
    const struct st_vad_span *span = &vad->voice.timeline.spans[index];
    return (synctalk_vad_segment){(double)span->start / ST_VAD_HZ, (double)span->end / ST_VAD_HZ,
                                  span->speech};
}

size_t synctalk_vad_chunks(const synctalk_vad *vad)
{
    return vad ? vad->voice.chunk_count : 0;
}

synctalk_vad_chunk synctalk_vad_chunk_at(const synctalk_vad *vad, size_t index)
{
    return vad && index < vad->voice.chunk_count ? vad->voice.chunks[index]
                                                 : (synctalk_vad_chunk){0, 0};
}
