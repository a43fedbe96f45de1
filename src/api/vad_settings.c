/* SPDX-License-Identifier: Apache-2.0 */
/* The options of voice activity alone: one row for each field of synctalk_vad_settings. */
#include "api/vad_options.h"

static const char where[] = "Where things are";
static const char what[] = "What counts as speech";
static const char output[] = "Output";

static const char *const detectors[] = ST_VAD_DETECTORS;

static const synctalk_option table[] = {
    {"root", 0, ST_OPTION_TEXT(synctalk_vad_settings, root), .unit = "DIR", .group = where,
     .help = "project folder, the one that holds model/"},
    {"models", 0, ST_OPTION_TEXT(synctalk_vad_settings, models), .unit = "DIR", .group = where,
     .help = "folder of shared networks, looked in before ROOT/model"},
    {"onnxruntime", 0, ST_OPTION_TEXT(synctalk_vad_settings, onnxruntime), .unit = "FILE",
     .group = where,
     .help = "library of ONNX Runtime, which runs .onnx files, instead of the one that is found"},
    ST_VAD_OPTIONS(synctalk_vad_settings, what, detectors),
    {"overwrite", 'y', ST_OPTION_SWITCH(synctalk_vad_settings, overwrite), .group = output,
     .help = "replace an output that exists"},
};

static const struct st_option_table options = {table, sizeof table / sizeof *table};

void synctalk_vad_settings_init(synctalk_vad_settings *settings)
{
    *settings = (synctalk_vad_settings){
        .root = ".",
        .vad_threshold = 0.5,
        .min_silence_duration = 0.75,
        .min_speech_ms = 250,
        .min_silence_ms = 100,
        .speech_pad_ms = 30,
    };
}

const synctalk_option *synctalk_vad_settings_options(size_t *count)
{
    *count = options.count;
    return options.rows;
}

const synctalk_option *synctalk_vad_settings_find(const char *name)
{
    return st_option_find(&options, name);
}

synctalk_status synctalk_vad_settings_set(synctalk_vad_settings *settings, const char *name,
                                          const char *value, synctalk_error *err)
{
    return st_option_set(&options, settings, name, value, err);
}

void synctalk_vad_settings_default_text(const synctalk_option *option, char *buf, size_t size)
{
    synctalk_vad_settings defaults;
    synctalk_vad_settings_init(&defaults);
    st_option_text(option, &defaults, buf, size);
}
