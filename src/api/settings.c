/* SPDX-License-Identifier: Apache-2.0 */
/* The option table: one row for each field of synctalk_settings, the only place where an
 * option's name, range and help are written. Defaults come from synctalk_settings_init(),
 * so a default printed in the help is the default in force.
 */
#include "synctalk/settings.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Offset of a field, refused by the compiler unless the field has type T. */
#define AT(field, T)                                           \
    (offsetof(synctalk_settings, field) +                      \
     0 * sizeof(_Generic(&((synctalk_settings *)0)->field, T * \
                         : (char)0)))

#define TEXT(field) .type = SYNCTALK_OPTION_TEXT, .offset = AT(field, const char *)
#define INTEGER(field, least, most) \
    .type = SYNCTALK_OPTION_INT, .offset = AT(field, int), .min = (least), .max = (most)
#define CHOICE(field, names) \
    .type = SYNCTALK_OPTION_CHOICE, .offset = AT(field, int), .choices = (names)
#define SWITCH(field) .type = SYNCTALK_OPTION_SWITCH, .offset = AT(field, int), .min = 0, .max = 1
#define MASK(field) .type = SYNCTALK_OPTION_MASK, .offset = AT(field, unsigned)

#define LATEST (-1) /* of checkpoint; the one number that has a name */

/* In the order of the enums of settings.h. */
static const char *const modes[] = {"training", "video", "clips", NULL};
static const char *const encoders[] = {"auto", "ave", "hubert", "wenet", NULL};
static const char *const presets[] = {"default", "high_quality", "fast", "low_memory", NULL};
static const char *const precisions[] = {"auto", "f32", NULL};
static const char *const ends[] = {"bounce", "wrap", NULL};
static const char *const blends[] = {"edge", "face", "none", NULL};
static const char *const x264_presets[] = {"ultrafast", "superfast", "veryfast", "faster", "fast",
                                           "medium",    "slow",      "slower",   NULL};

static const char where[] = "Where things are";
static const char what[] = "What is made";
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
    {"checkpoint", 0, INTEGER(checkpoint, LATEST, 100000000), .unit = "N", .group = where,
     .help = "number of the checkpoint to use, or latest"},
    {"features", 0, TEXT(features), .unit = "FILE", .group = where,
     .help = "ready audio features (.npy), used instead of running an audio encoder"},

    {"mode", 0, CHOICE(mode, modes), .unit = "MODE", .group = what,
     .help = "where source frames come from; video and clips are not available yet"},
    {"encoder", 0, CHOICE(encoder, encoders), .unit = "NAME", .group = what,
     .help = "audio encoder; auto takes the one that the checkpoint was made for"},
    {"start-frame", 0, INTEGER(start_frame, 0, INT_MAX), .unit = "N", .group = what,
     .help = "first source frame, counted from 0"},
    {"loop-back", 0, SWITCH(loop_back), .group = what,
     .help = "turn at the middle of the video and end on the frame it began with"},
    {"at-end", 0, CHOICE(at_end, ends), .unit = "HOW", .group = what,
     .help = "past the last source frame: play backwards, or start again at the first"},
    {"parsing", 0, SWITCH(parsing), .group = what,
     .help = "obey the masks of dataset/NAME/parsing; not said, they are used if they are there"},

    {"preset", 'p', CHOICE(preset, presets), .unit = "NAME", .group = how,
     .help = "sets all of this group at once; options given beside it are stronger"},
    {"precision", 0, CHOICE(precision, precisions), .unit = "TYPE", .group = how,
     .help = "arithmetic of the network; auto is the fastest that is proven good enough"},
    {"frames-per-core", 0, INTEGER(frames_per_core, 0, 16), .unit = "N", .group = how,
     .help = "frames in flight for each worker; 0 keeps a single frame in flight altogether"},
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

struct preset_values {
    int precision, frames_per_core, max_lines, x264_preset, crf, blend, feather_px, colour_match;
};

static const struct preset_values preset_table[] = {
    [SYNCTALK_PRESET_DEFAULT] = {SYNCTALK_PRECISION_AUTO, 2, 0, SYNCTALK_X264_FASTER, 18,
                                 SYNCTALK_BLEND_EDGE, 8, 0},
    [SYNCTALK_PRESET_HIGH_QUALITY] = {SYNCTALK_PRECISION_F32, 2, 0, SYNCTALK_X264_SLOW, 14,
                                      SYNCTALK_BLEND_EDGE, 8, 1},
    [SYNCTALK_PRESET_FAST] = {SYNCTALK_PRECISION_AUTO, 4, 720, SYNCTALK_X264_VERYFAST, 23,
                              SYNCTALK_BLEND_EDGE, 4, 0},
    [SYNCTALK_PRESET_LOW_MEMORY] = {SYNCTALK_PRECISION_AUTO, 0, 720, SYNCTALK_X264_VERYFAST, 20,
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

static const synctalk_option *find_exact(const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(table[i].name, name) == 0)
            return &table[i];
    return NULL;
}

static bool is_negation(const char *name)
{
    return strncmp(name, "no-", 3) == 0;
}

const synctalk_option *synctalk_settings_find(const char *name)
{
    const synctalk_option *row = find_exact(name);
    if (row || !is_negation(name))
        return row;
    row = find_exact(name + 3);
    return row && row->type == SYNCTALK_OPTION_SWITCH ? row : NULL;
}

static int *int_field(synctalk_settings *settings, const synctalk_option *row)
{
    return (int *)(void *)((char *)settings + row->offset);
}

static bool is_checkpoint(const synctalk_option *row)
{
    return row->offset == offsetof(synctalk_settings, checkpoint);
}

static synctalk_status set_text(synctalk_settings *settings, const synctalk_option *row,
                                const char *value, synctalk_error *err)
{
    if (*value == '\0')
        return st_fail(err, SYNCTALK_E_ARG, "%s: the value is empty; it takes %s", row->name,
                       row->unit);
    *(const char **)(void *)((char *)settings + row->offset) = value;
    return SYNCTALK_OK;
}

/* All of `text` as a number in `base`, without the blanks and signs that strtoll lets
 * through: "-" is taken only before digits. */
static bool parse_number(const char *text, int base, long long *number)
{
    const char *digits = text + (*text == '-');
    if (!strchr("0123456789", *digits) || *digits == '\0')
        return false;
    char *end = NULL;
    errno = 0;
    *number = strtoll(text, &end, base);
    return errno == 0 && *end == '\0';
}

static synctalk_status set_int(synctalk_settings *settings, const synctalk_option *row,
                               const char *value, synctalk_error *err)
{
    long long number = 0;
    if (is_checkpoint(row) && strcmp(value, "latest") == 0) {
        number = LATEST;
    } else if (!parse_number(value, 10, &number) || number < row->min || number > row->max) {
        if (is_checkpoint(row))
            return st_fail(err, SYNCTALK_E_ARG, "%s: \"%s\" is neither a number from 0 nor latest",
                           row->name, value);
        return st_fail(err, SYNCTALK_E_ARG, "%s: \"%s\" is not a whole number from %d to %d",
                       row->name, value, row->min, row->max);
    }
    *int_field(settings, row) = (int)number;
    return SYNCTALK_OK;
}

static void list_choices(char *buf, size_t size, const char *const *choices)
{
    size_t used = 0;
    for (size_t i = 0; choices[i] && used < size; i++) {
        int n = snprintf(buf + used, size - used, "%s%s", i ? ", " : "", choices[i]);
        used += n > 0 ? (size_t)n : 0;
    }
}

static synctalk_status set_choice(synctalk_settings *settings, const synctalk_option *row,
                                  const char *value, synctalk_error *err)
{
    for (int i = 0; row->choices[i]; i++) {
        if (strcmp(row->choices[i], value) != 0)
            continue;
        if (row->offset == offsetof(synctalk_settings, preset))
            synctalk_settings_use_preset(settings, (synctalk_preset)i);
        *int_field(settings, row) = i;
        return SYNCTALK_OK;
    }
    char allowed[160] = "";
    list_choices(allowed, sizeof allowed, row->choices);
    return st_fail(err, SYNCTALK_E_ARG, "%s: \"%s\" is not one of %s", row->name, value, allowed);
}

static synctalk_status set_switch(synctalk_settings *settings, const synctalk_option *row,
                                  const char *value, synctalk_error *err)
{
    static const char *const words[2][4] = {{"0", "false", "no", "off"},
                                            {"1", "true", "yes", "on"}};
    for (int truth = 0; truth < 2; truth++) {
        for (int i = 0; i < 4; i++) {
            if (strcmp(words[truth][i], value) != 0)
                continue;
            *int_field(settings, row) = truth;
            return SYNCTALK_OK;
        }
    }
    return st_fail(err, SYNCTALK_E_ARG,
                   "%s: \"%s\" is not one of 1, true, yes, on, 0, false, no, off", row->name,
                   value);
}

static synctalk_status set_mask(synctalk_settings *settings, const synctalk_option *row,
                                const char *value, synctalk_error *err)
{
    bool hex = value[0] == '0' && (value[1] == 'x' || value[1] == 'X');
    long long number = 0;
    if (!parse_number(value, hex ? 16 : 10, &number) || number < 0 || number > UINT_MAX)
        return st_fail(err, SYNCTALK_E_ARG,
                       "%s: \"%s\" is not a number from 0 to 0xffffffff, decimal or 0x hexadecimal",
                       row->name, value);
    *(unsigned *)(void *)((char *)settings + row->offset) = (unsigned)number;
    return SYNCTALK_OK;
}

static synctalk_status set_row(synctalk_settings *settings, const synctalk_option *row,
                               const char *value, synctalk_error *err)
{
    switch (row->type) {
    case SYNCTALK_OPTION_TEXT:
        return set_text(settings, row, value, err);
    case SYNCTALK_OPTION_INT:
        return set_int(settings, row, value, err);
    case SYNCTALK_OPTION_CHOICE:
        return set_choice(settings, row, value, err);
    case SYNCTALK_OPTION_SWITCH:
        return set_switch(settings, row, value, err);
    case SYNCTALK_OPTION_MASK:
        return set_mask(settings, row, value, err);
    }
    return st_fail(err, SYNCTALK_E_ARG, "%s: not an option that can be set", row->name);
}

synctalk_status synctalk_settings_set(synctalk_settings *settings, const char *name,
                                      const char *value, synctalk_error *err)
{
    if (!settings || !name)
        return st_fail(err, SYNCTALK_E_ARG, "no settings or no option name given");
    const synctalk_option *row = synctalk_settings_find(name);
    if (!row)
        return st_fail(err, SYNCTALK_E_ARG, "%s: there is no such option", name);

    bool negated = strcmp(row->name, name) != 0;
    if (negated && value)
        return st_fail(err, SYNCTALK_E_ARG, "%s: takes no value, found \"%s\"", name, value);
    if (negated)
        return set_row(settings, row, "0", err);
    if (!value && row->type == SYNCTALK_OPTION_SWITCH)
        return set_row(settings, row, "1", err);
    if (!value)
        return st_fail(err, SYNCTALK_E_ARG, "%s: needs a value (%s)", name, row->unit);
    return set_row(settings, row, value, err);
}

void synctalk_settings_default_text(const synctalk_option *option, char *buf, size_t size)
{
    synctalk_settings defaults;
    synctalk_settings_init(&defaults);
    const void *field = (const char *)&defaults + option->offset;
    const char *text = NULL;
    int number = 0;

    if (size == 0)
        return;
    buf[0] = '\0';
    switch (option->type) {
    case SYNCTALK_OPTION_TEXT:
        text = *(const char *const *)field;
        snprintf(buf, size, "%s", text ? text : "");
        return;
    case SYNCTALK_OPTION_MASK:
        snprintf(buf, size, "0x%x", *(const unsigned *)field);
        return;
    case SYNCTALK_OPTION_INT:
        number = *(const int *)field;
        if (is_checkpoint(option) && number == LATEST)
            snprintf(buf, size, "latest");
        else
            snprintf(buf, size, "%d", number);
        return;
    case SYNCTALK_OPTION_CHOICE:
        snprintf(buf, size, "%s", option->choices[*(const int *)field]);
        return;
    case SYNCTALK_OPTION_SWITCH:
        number = *(const int *)field;
        snprintf(buf, size, "%s", number < 0 ? "" : number ? "on" : "off");
        return;
    }
}
