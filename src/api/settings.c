/* SPDX-License-Identifier: Apache-2.0 */
/* The option table: one row for each field of synctalk_settings, the only place where an
 * option's name, range and help are written. Defaults come from synctalk_settings_init(),
 * so a default printed in the help is the default in force.
 */
#include "synctalk/settings.h"

#include <limits.h>
#include <string.h>

#include "api/options.h"
#include "api/vad_options.h"
#include "base/error.h"
#include "generate/faces.h"

#define TEXT(field) ST_OPTION_TEXT(synctalk_settings, field)
#define INTEGER(field, least, most) ST_OPTION_INT(synctalk_settings, field, least, most)
#define NUMBER(field, least, most) ST_OPTION_NUMBER(synctalk_settings, field, least, most)
#define CHOICE(field, names) ST_OPTION_CHOICE(synctalk_settings, field, names)
#define SWITCH(field) ST_OPTION_SWITCH(synctalk_settings, field)
#define MASK(field) ST_OPTION_MASK(synctalk_settings, field)

#define LATEST (-1)    /* of checkpoint */
#define LEAST_LINES 16 /* of a video */

/* In the order of the enums of settings.h. */
static const char *const modes[] = {"training", "video", "clips", NULL};
static const char *const encoders[] = {"auto", "ave", "hubert", "wenet", NULL};
static const char *const presets[] = {"default", "high_quality", "fast", "low_memory", NULL};
static const char *const precisions[] = {"auto", "f32", "bf16", "int8", "mixed", NULL};
static const char *const ends[] = {"bounce", "wrap", NULL};
static const char *const detectors[] = ST_VAD_DETECTORS;
static const char *const pads[] = {"bounce", "hold", NULL};
static const char *const aligns[] = {"auto", "always", "never", NULL};
static const char *const blends[] = {"edge", "face", "none", NULL};
static const char *const no_faces[] = {"hold", "pass", "fail", NULL};
static const char *const x264_presets[] = {"ultrafast", "superfast", "veryfast", "faster", "fast",
                                           "medium",    "slow",      "slower",   NULL};

static const char where[] = "Where things are";
static const char what[] = "What is made";
static const char whose[] = "Faces in a video";
static const char pauses[] = "Speech and pauses";
static const char how[] = "Quality and speed";
static const char machine[] = "The machine";
static const char output[] = "Output";

static const synctalk_option table[] = {
    {"root", 0, TEXT(root), .unit = "DIR", .group = where,
     .help = "project folder, the one that holds dataset/, checkpoint/ and model/"},
    {"models", 0, TEXT(models), .unit = "DIR", .group = where,
     .help = "folder of shared networks, looked in before model/ of the project"},
    {"model", 'm', TEXT(model), .unit = "NAME", .group = where,
     .help = "the person: a folder name below dataset/ and checkpoint/"},
    {"checkpoint", 0, INTEGER(checkpoint, LATEST, 100000000), .word = "latest", .unit = "N",
     .group = where, .help = "number of the checkpoint to use, or latest"},
    {"features", 0, TEXT(features), .unit = "FILE", .group = where,
     .help = "ready audio features (.npy), used instead of running an audio encoder"},
    {"detector", 0, TEXT(detector), .unit = "FILE", .group = where,
     .help = "network that finds faces (.onnx), instead of scrfd_2.5g_kps.onnx among the shared "
             "networks"},
    {"landmarks", 0, TEXT(landmarks), .unit = "FILE", .group = where,
     .help = "network that finds the points of a face (.pth.tar or .onnx), instead of the first of "
             "the known ones among the shared networks"},
    {"mean-face", 0, TEXT(mean_face), .unit = "FILE", .group = where,
     .help = "mean face (text) of a network with 110 points, instead of the one beside it"},
    {"onnxruntime", 0, TEXT(onnxruntime), .unit = "FILE", .group = where,
     .help = "library of ONNX Runtime, instead of the one in the usual places"},
    {"analysis-cache", 0, TEXT(analysis_cache), .unit = "DIR", .group = where,
     .help = "folder that keeps what was seen in a video, instead of the user's cache folder"},

    {"mode", 0, CHOICE(mode, modes), .unit = "MODE", .group = what,
     .help = "where source frames come from: training data, --video, or clips that follow the "
             "pauses of the sound"},
    {"video", 0, TEXT(video), .unit = "FILE", .group = what,
     .help = "video whose frames are shown, for --mode video; at any frame rate and upright"},
    {"encoder", 0, ST_OPTION_CHOICE_OR_NAME(synctalk_settings, encoder, encoders, encoder_name),
     .unit = "NAME", .group = what,
     .help = "audio encoder; auto takes the one that the checkpoint was made for, and ave where "
             "there is no checkpoint"},
    {"start-frame", 0, INTEGER(start_frame, 0, INT_MAX), .unit = "N", .group = what,
     .help = "first source frame, counted from 0; for --mode training"},
    {"loop-back", 0, SWITCH(loop_back), .group = what,
     .help = "turn at the middle of the video and end on the frame it began with"},
    {"at-end", 0, CHOICE(at_end, ends), .unit = "HOW", .group = what,
     .help = "past the last source frame: play backwards, or start again at the first"},
    {"parsing", 0, SWITCH(parsing), .group = what,
     .help = "obey the masks of dataset/NAME/parsing; not said, they are used if they are there"},
    {"max-seconds", 0, INTEGER(max_seconds, 0, 100000000), .unit = "N", .group = what,
     .help = "refuse a sound that is longer; 0 refuses none"},

    {"face", 0, TEXT(face), .unit = "WHICH", .group = whose,
     .help =
         "of several faces: largest, left, right, a number counted from the left and from 0, or "
         "X,Y in pixels"},
    {"no-face", 0, CHOICE(no_face, no_faces), .unit = "HOW", .group = whose,
     .help = "a frame without a face: hold the landmarks seen last, pass it untouched, or fail"},
    {"face-threshold", 0, NUMBER(face_threshold, 0.1, 1), .unit = "SCORE", .group = whose,
     .help = "score from which a face counts"},
    {"detect-every", 0, INTEGER(detect_every, 1, 10000), .unit = "N", .group = whose,
     .help = "frames after which the detector looks again; between them the landmarks lead"},
    {"smooth-landmarks", 0, SWITCH(smooth_landmarks), .group = whose,
     .help = "take the trembling out of the landmarks"},

    ST_VAD_OPTIONS(synctalk_settings, pauses, detectors),
    {"transition", 0, INTEGER(transition, 0, 25), .unit = "N", .group = pauses,
     .help = "frames over which one clip fades into the next; 0 cuts"},
    {"transition-max", 0, INTEGER(transition_max, 0, 25), .unit = "N", .group = pauses,
     .help = "frames to which a fade is lengthened where it would be seen"},
    {"pad", 0, CHOICE(pad, pads), .unit = "HOW", .group = pauses,
     .help = "a clip that is too short: play it backwards, or hold its last frame"},
    {"align", 0, CHOICE(align, aligns), .unit = "WHEN", .group = pauses,
     .help = "move the faces of a fade onto each other; auto measures which is smoother"},
    {"edl", 0, TEXT(edl), .unit = "FILE", .group = pauses,
     .help = "save the edit list, which clip is seen when, as JSON"},
    {"vad-plot", 0, TEXT(vad_plot), .unit = "FILE", .group = pauses,
     .help = "draw the sound with its speech and pauses into a picture (.png)"},

    {"preset", 'p', CHOICE(preset, presets), .unit = "NAME", .group = how,
     .help = "sets all of this group at once; options given beside it are stronger"},
    {"precision", 0, CHOICE(precision, precisions), .unit = "TYPE", .group = how,
     .help = "arithmetic of the network; auto is the fastest that keeps the picture, tried once on "
             "the person's own frames"},
    {"frames-per-core", 0, INTEGER(frames_per_core, 0, 16), .unit = "N", .group = how,
     .help = "frames in flight for each worker; 0 keeps a single frame in flight altogether"},
    {"cache-mb", 0, INTEGER(cache_mb, 0, 1 << 20), .unit = "MB", .group = how,
     .help = "memory for what the network has computed of source frames that come back; 0 keeps "
             "nothing; never changes a frame"},
    {"max-lines", 0, INTEGER(max_lines, 0, 16384), .unit = "N", .group = how,
     .help = "scale taller pictures down to this height; 0 never scales"},
    {"x264-preset", 0, CHOICE(x264_preset, x264_presets), .unit = "NAME", .group = how,
     .help = "effort of the H.264 encoder; slower makes smaller files"},
    {"crf", 0, INTEGER(crf, 0, 51), .unit = "N", .group = how,
     .help = "H.264 quality: 0 is lossless, 18 looks like the source, 51 is the worst"},
    {"blend", 0, CHOICE(blend, blends), .unit = "HOW", .group = how,
     .help = "how the redrawn face joins the frame: feathered square, face outline, bare square"},
    {"feather", 0, INTEGER(feather_px, 0, 64), .unit = "PX", .group = how,
     .help = "width of the feathered border in pixels"},
    {"colour-match", 0, SWITCH(colour_match), .group = how,
     .help = "shift the colours of the redrawn face to those around it"},

    {"threads", 't', INTEGER(threads, 0, 256), .unit = "N", .group = machine,
     .help = "frame workers; 0 is one for each core; never changes a frame"},
    {"cpu-mask", 0, MASK(cpu_mask), .unit = "BITS", .group = machine,
     .help = "instruction sets that may be used, a sum: AVX2 1, AVX-512 2, VNNI 4, BF16 8, AMX 16"},

    {"encoder-threads", 0, INTEGER(encoder_threads, 0, 64), .unit = "N", .group = output,
     .help = "threads of the H.264 encoder; 0 fits them to the machine"},
    {"audio-kbps", 0, INTEGER(audio_kbps, 32, 320), .unit = "N", .group = output,
     .help = "AAC bit rate in kbit/s"},
    {"overwrite", 'y', SWITCH(overwrite), .group = output, .help = "replace an output that exists"},
};

#define ROWS (sizeof table / sizeof *table)

static const struct st_option_table options = {table, ROWS};

struct preset_values {
    int precision, frames_per_core, cache_mb, max_lines, x264_preset, crf, blend, feather_px,
        colour_match;
};

static const struct preset_values preset_table[] = {
    [SYNCTALK_PRESET_DEFAULT] = {SYNCTALK_PRECISION_AUTO, 2, 512, 0, SYNCTALK_X264_FASTER, 18,
                                 SYNCTALK_BLEND_EDGE, 8, 0},
    [SYNCTALK_PRESET_HIGH_QUALITY] = {SYNCTALK_PRECISION_F32, 2, 512, 0, SYNCTALK_X264_SLOW, 14,
                                      SYNCTALK_BLEND_EDGE, 8, 1},
    [SYNCTALK_PRESET_FAST] = {SYNCTALK_PRECISION_AUTO, 4, 1024, 720, SYNCTALK_X264_VERYFAST, 23,
                              SYNCTALK_BLEND_EDGE, 4, 0},
    [SYNCTALK_PRESET_LOW_MEMORY] = {SYNCTALK_PRECISION_AUTO, 0, 0, 720, SYNCTALK_X264_VERYFAST, 20,
                                    SYNCTALK_BLEND_EDGE, 8, 0},
};

void synctalk_settings_use_preset(synctalk_settings *settings, synctalk_preset preset)
{
    if ((size_t)preset >= sizeof preset_table / sizeof *preset_table)
        return;
    const struct preset_values *values = &preset_table[preset];
    settings->preset = (int)preset;
    settings->precision = values->precision;
    settings->frames_per_core = values->frames_per_core;
    settings->cache_mb = values->cache_mb;
    settings->max_lines = values->max_lines;
    settings->x264_preset = values->x264_preset;
    settings->crf = values->crf;
    settings->blend = values->blend;
    settings->feather_px = values->feather_px;
    settings->colour_match = values->colour_match;
}

void synctalk_settings_init(synctalk_settings *settings)
{
    *settings = (synctalk_settings){
        .root = ".",
        .checkpoint = LATEST,
        .parsing = -1,
        .face = "largest",
        .face_threshold = 0.5,
        .detect_every = 25,
        .smooth_landmarks = 1,
        .vad_threshold = 0.5,
        .min_silence_duration = 0.75,
        .min_speech_ms = 250,
        .min_silence_ms = 100,
        .speech_pad_ms = 30,
        .transition = 4,
        .transition_max = 25,
        .cpu_mask = ~0u,
        .audio_kbps = 160,
    };
    synctalk_settings_use_preset(settings, SYNCTALK_PRESET_DEFAULT);
}

const synctalk_option *synctalk_settings_options(size_t *count)
{
    *count = ROWS;
    return table;
}

const synctalk_option *synctalk_settings_find(const char *name)
{
    return st_option_find(&options, name);
}

synctalk_status synctalk_settings_set(synctalk_settings *settings, const char *name,
                                      const char *value, synctalk_error *err)
{
    struct st_tracker_settings ignored;
    synctalk_status st = SYNCTALK_OK;
    if (name && value && strcmp(name, "face") == 0)
        st = st_face_choice_parse(&ignored, value, err);
    if (!st)
        st = st_option_set(&options, settings, name, value, err);
    if (!st && name && strcmp(name, "preset") == 0)
        synctalk_settings_use_preset(settings, (synctalk_preset)settings->preset);
    return st;
}

/* An option that names something of mode `mode`, in another mode. */
static synctalk_status refuse_elsewhere(const synctalk_settings *s, const char *option,
                                        const char *value, int mode, synctalk_error *err)
{
    if (!value || s->mode == mode)
        return SYNCTALK_OK;
    return st_fail(err, SYNCTALK_E_ARG, "%s %s belongs to --mode %s, but the mode is %s", option,
                   value, modes[mode], modes[s->mode]);
}

static synctalk_status check_clips(const synctalk_settings *s, synctalk_error *err)
{
    if (s->loop_back)
        return st_fail(err, SYNCTALK_E_ARG,
                       "--loop-back belongs to --mode training and --mode video; clips follow the "
                       "sound");
    if (s->vad == SYNCTALK_VAD_BUILTIN && s->vad_model)
        return st_fail(err, SYNCTALK_E_ARG,
                       "--vad-model names a file, but --vad is builtin, which reads none; leave "
                       "one of them out");
    if (s->edl && s->vad_plot && strcmp(s->edl, s->vad_plot) == 0)
        return st_fail(err, SYNCTALK_E_ARG, "--edl and --vad-plot both name %s", s->edl);
    return SYNCTALK_OK;
}

static synctalk_status check_mode(const synctalk_settings *s, synctalk_error *err)
{
    synctalk_status st;
    if ((st = refuse_elsewhere(s, "--video", s->video, SYNCTALK_MODE_VIDEO, err)) ||
        (st = refuse_elsewhere(s, "--edl", s->edl, SYNCTALK_MODE_CLIPS, err)) ||
        (st = refuse_elsewhere(s, "--vad-plot", s->vad_plot, SYNCTALK_MODE_CLIPS, err)))
        return st;
    if (s->mode == SYNCTALK_MODE_TRAINING)
        return SYNCTALK_OK;
    if (s->mode == SYNCTALK_MODE_VIDEO && (!s->video || !*s->video))
        return st_fail(err, SYNCTALK_E_ARG, "--mode video needs a video: give --video FILE");
    if (s->start_frame != 0)
        return st_fail(err, SYNCTALK_E_ARG,
                       "--start-frame %d belongs to --mode training; a %s is shown from its first "
                       "frame on",
                       s->start_frame, s->mode == SYNCTALK_MODE_VIDEO ? "video" : "clip");
    return s->mode == SYNCTALK_MODE_CLIPS ? check_clips(s, err) : SYNCTALK_OK;
}

synctalk_status st_settings_ranges(const synctalk_settings *settings, synctalk_error *err)
{
    struct st_tracker_settings ignored;
    synctalk_status st;
    if (!settings->root || !settings->face)
        return st_fail(err, SYNCTALK_E_ARG, "%s is NULL; call synctalk_settings_init() first",
                       settings->root ? "face" : "root");
    if (settings->max_lines > 0 && settings->max_lines < LEAST_LINES)
        return st_fail(err, SYNCTALK_E_ARG, "max-lines is %d; 0 or %d and more are allowed",
                       settings->max_lines, LEAST_LINES);
    st = st_option_check(&options, settings, err);
    return st ? st : st_face_choice_parse(&ignored, settings->face, err);
}

synctalk_status synctalk_settings_check(const synctalk_settings *settings, synctalk_error *err)
{
    synctalk_status st = st_settings_ranges(settings, err);
    return st ? st : check_mode(settings, err);
}

void synctalk_settings_default_text(const synctalk_option *option, char *buf, size_t size)
{
    synctalk_settings defaults;
    synctalk_settings_init(&defaults);
    st_option_text(option, &defaults, buf, size);
}
