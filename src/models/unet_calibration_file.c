/* SPDX-License-Identifier: Apache-2.0 */
#include "models/unet_calibration_file.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "models/unet_wiring.h"
#include "synctalk/settings.h"

#define KIND "synctalk precisions"
#define VERSION 3
#define MOST_BYTES ((size_t)8 << 20)
#define WHY_BYTES 256
#define NOTE_BYTES (ST_UNET_EAR + 24)

static const char *const element_names[] = {
    [ST_ELEMENT_F32] = "f32", [ST_ELEMENT_BF16] = "bf16", [ST_ELEMENT_U8] = "int8"};
static const char *const choice_names[] = {
    [SYNCTALK_PRECISION_F32] = "f32",
    [SYNCTALK_PRECISION_BF16] = "bf16",
    [SYNCTALK_PRECISION_INT8] = "int8",
    [SYNCTALK_PRECISION_MIXED] = "mixed",
};

/* The index of `text` among `count` names, some of them NULL; -1. */
static int find_name(const json_t *text, const char *const *names, size_t count)
{
    const char *s = json_string_value(text);
    for (size_t i = 0; s && i < count; i++)
        if (names[i] && strcmp(s, names[i]) == 0)
            return (int)i;
    return -1;
}

/* `count` numbers of one sign. */
static bool read_numbers(const json_t *array, float *numbers, size_t count, float sign)
{
    if (json_array_size(array) != count)
        return false;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(array, i);
        const double number = json_number_value(item);
        if (!json_is_number(item) || !isfinite(number) || fabs(number) > 1e12 ||
            number * (double)sign < 0)
            return false;
        numbers[i] = (float)number;
    }
    return true;
}

static bool read_ranges(const json_t *json, struct st_unit_ranges *ranges)
{
    return read_numbers(json_object_get(json, "low"), ranges->low, ranges->C, -1) &&
           read_numbers(json_object_get(json, "high"), ranges->high, ranges->C, 1) &&
           read_numbers(json_object_get(json, "expanded"), ranges->expanded, ranges->E, 1) &&
           read_numbers(json_object_get(json, "filtered"), ranges->filtered, ranges->E, 1);
}

static bool read_entry(const json_t *json, const struct st_unet_block *blocks, size_t count,
                       struct st_unet_calibration *out)
{
    const json_t *ms = json_object_get(json, "ms"), *db = json_object_get(json, "db");
    const json_t *all = json_object_get(json, "blocks");
    *out = (struct st_unet_calibration){
        .flags = (unsigned)json_integer_value(json_object_get(json, "cpu")),
        .target_db = json_number_value(json_object_get(json, "target_db")),
        .choice = find_name(json_object_get(json, "auto"), choice_names,
                            sizeof choice_names / sizeof *choice_names),
        .mixed_db = json_number_value(json_object_get(db, "mixed")),
        .bf16_db = json_number_value(json_object_get(db, "bf16")),
        .bytes_db = json_number_value(json_object_get(db, "int8")),
        .f32_ms = json_number_value(json_object_get(ms, "f32")),
        .bf16_ms = json_number_value(json_object_get(ms, "bf16")),
        .mixed_ms = json_number_value(json_object_get(ms, "mixed")),
        .bytes_ms = json_number_value(json_object_get(ms, "int8")),
    };
    for (size_t b = 0; b < count; b++) {
        const json_t *block = json_object_get(all, blocks[b].name);
        const int element = find_name(json_object_get(block, "mixed"), element_names,
                                      sizeof element_names / sizeof *element_names);
        /* what the CPU has no kernels for is no mixture of this entry's CPU */
        if (element < 0 || !st_pixel_kernels_have(out->flags, (enum st_element)element))
            return false;
        out->mixed[b] = (enum st_element)element;
        out->block_db[b] = json_number_value(json_object_get(block, "int8_db"));
    }
    return out->choice > 0 && out->target_db > 0;
}

static bool read_all(struct st_unet_calibration_file *file, const json_t *json,
                     const struct st_unet_form *form)
{
    const json_t *ranges = json_object_get(json, "ranges");
    const json_t *entries = json_object_get(json, "calibrations");
    struct st_unet_block blocks[ST_UNET_BLOCKS];
    const size_t block_count = st_unet_blocks(form, blocks);
    struct st_unet_unit unit;
    const size_t count = json_array_size(entries);

    if (!read_ranges(json_object_get(ranges, "audio"), &file->recipe.audio))
        return false;
    for (size_t i = 0; st_unet_unit_at(form, i, &unit); i++)
        if (!read_ranges(json_object_get(ranges, unit.name), &file->recipe.ranges[i]))
            return false;
    if (count == 0 || count > ST_CALIBRATIONS)
        return false;
    for (size_t i = 0; i < count; i++)
        if (!read_entry(json_array_get(entries, i), blocks, block_count, &file->entries[i]))
            return false;
    file->count = count;
    return true;
}

/* Ranges of the sound are those of one encoder's vectors: another's would be clipped. */
static bool same_ear(const json_t *json, const struct st_unet_form *form, char *why)
{
    char note[NOTE_BYTES];
    const char *encoder = json_string_value(json_object_get(json, "encoder"));
    st_unet_form_note(form, note);
    if (encoder && strcmp(encoder, note) == 0)
        return true;
    snprintf(why, WHY_BYTES, "it was made for the audio encoder %.80s, this is %s",
             encoder ? encoder : "(none)", note);
    return false;
}

synctalk_status st_unet_calibration_read(struct st_unet_calibration_file *file, const char *path,
                                         const struct st_unet_form *form, char *why,
                                         synctalk_error *err)
{
    struct st_mapping map = {0};
    synctalk_status st = SYNCTALK_OK;
    json_t *json = NULL;

    why[0] = '\0';
    file->count = 0;
    st_unet_recipe_uniform(&file->recipe, form, ST_ELEMENT_F32);
    if (!st_path_is_file(path))
        return SYNCTALK_OK;
    if (st_map_file(&map, path, NULL)) {
        snprintf(why, WHY_BYTES, "it cannot be read");
        return SYNCTALK_OK;
    }
    if (map.size <= MOST_BYTES && map.size > 0)
        json = json_loadb((const char *)map.data, map.size, 0, NULL);
    const char *kind = json_string_value(json_object_get(json, "kind"));
    const char *checkpoint = json_string_value(json_object_get(json, "checkpoint"));
    if (!kind || strcmp(kind, KIND) != 0 || !checkpoint ||
        json_integer_value(json_object_get(json, "version")) != VERSION) {
        snprintf(why, WHY_BYTES, "it is damaged, or another version's");
        goto done;
    }
    if (strcmp(checkpoint, file->checkpoint) != 0) {
        snprintf(why, WHY_BYTES, "it was made for another checkpoint");
        goto done;
    }
    if (!same_ear(json, form, why))
        goto done;
    if ((st = st_unet_recipe_alloc(&file->recipe, form, err)))
        goto done;
    if (!read_all(file, json, form)) {
        st_unet_calibration_free(file);
        snprintf(why, WHY_BYTES, "it is damaged");
    }
done:
    json_decref(json);
    st_unmap_file(&map);
    return st;
}

/* NULL for no memory, as all below. */
static json_t *numbers(const float *array, size_t count)
{
    json_t *json = json_array();
    for (size_t i = 0; json && i < count; i++) {
        if (json_array_append_new(json, json_real((double)array[i])) < 0) {
            json_decref(json);
            json = NULL;
        }
    }
    return json;
}

static json_t *ranges_json(const struct st_unit_ranges *r)
{
    return json_pack("{s:o, s:o, s:o, s:o}", "low", numbers(r->low, r->C), "high",
                     numbers(r->high, r->C), "expanded", numbers(r->expanded, r->E), "filtered",
                     numbers(r->filtered, r->E));
}

static json_t *entry_json(const struct st_unet_calibration *c, const struct st_unet_block *blocks,
                          size_t count)
{
    json_t *all = json_object();
    for (size_t b = 0; b < count; b++)
        if (json_object_set_new(all, blocks[b].name,
                                json_pack("{s:s, s:f}", "mixed", element_names[c->mixed[b]],
                                          "int8_db", c->block_db[b])) < 0)
            return json_decref(all), NULL;
    return json_pack("{s:i, s:f, s:s, s:{s:f, s:f, s:f}, s:{s:f, s:f, s:f, s:f}, s:o}", "cpu",
                     (int)c->flags, "target_db", c->target_db, "auto", choice_names[c->choice],
                     "db", "mixed", c->mixed_db, "bf16", c->bf16_db, "int8", c->bytes_db, "ms",
                     "f32", c->f32_ms, "bf16", c->bf16_ms, "mixed", c->mixed_ms, "int8",
                     c->bytes_ms, "blocks", all);
}

static json_t *file_json(const struct st_unet_calibration_file *file,
                         const struct st_unet_form *form)
{
    struct st_unet_block blocks[ST_UNET_BLOCKS];
    const size_t count = st_unet_blocks(form, blocks);
    struct st_unet_unit unit;
    char note[NOTE_BYTES];
    bool ok = true;
    json_t *ranges = json_object(), *entries = json_array();
    ok = json_object_set_new(ranges, "audio", ranges_json(&file->recipe.audio)) == 0;
    for (size_t i = 0; ok && st_unet_unit_at(form, i, &unit); i++)
        ok = json_object_set_new(ranges, unit.name, ranges_json(&file->recipe.ranges[i])) == 0;
    for (size_t i = 0; ok && i < file->count; i++)
        ok = json_array_append_new(entries, entry_json(&file->entries[i], blocks, count)) == 0;
    if (!ok) {
        json_decref(ranges);
        json_decref(entries);
        return NULL;
    }
    st_unet_form_note(form, note);
    return json_pack("{s:s, s:i, s:s, s:s, s:o, s:o}", "kind", KIND, "version", VERSION,
                     "checkpoint", file->checkpoint, "encoder", note, "calibrations", entries,
                     "ranges", ranges);
}

synctalk_status st_unet_calibration_write(const struct st_unet_calibration_file *file,
                                          const char *path, const struct st_unet_form *form,
                                          synctalk_error *err)
{
    struct st_output output = {.fd = -1};
    synctalk_status st;
    json_t *json = file_json(file, form);
    /* ranges have three digits: see st_unet_observe() */
    char *text = json ? json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    json_decref(json);
    if (!text)
        return st_fail_memory(err, "a file of precisions", 0);
    if (!(st = st_output_open(&output, path, true, err)) &&
        !(st = st_output_write(&output, text, strlen(text), err)))
        st = st_output_commit(&output, true, err);
    st_output_close(&output);
    free(text);
    return st;
}

void st_unet_calibration_free(struct st_unet_calibration_file *file)
{
    st_unet_recipe_free(&file->recipe);
    file->count = 0;
}

static bool same_kind(const struct st_unet_calibration *entry, unsigned flags, double target_db)
{
    return entry->flags == flags && fabs(entry->target_db - target_db) < 1e-6;
}

const struct st_unet_calibration *st_unet_calibration_find(
    const struct st_unet_calibration_file *file, unsigned flags, double target_db)
{
    for (size_t i = 0; i < file->count; i++)
        if (same_kind(&file->entries[i], flags, target_db))
            return &file->entries[i];
    return NULL;
}

void st_unet_calibration_add(struct st_unet_calibration_file *file,
                             const struct st_unet_calibration *entry)
{
    size_t at = 0;
    while (at < file->count && !same_kind(&file->entries[at], entry->flags, entry->target_db))
        at++;
    if (at == ST_CALIBRATIONS) {
        memmove(file->entries, file->entries + 1, (ST_CALIBRATIONS - 1) * sizeof *file->entries);
        at--;
    }
    file->entries[at] = *entry;
    if (at == file->count)
        file->count++;
}
