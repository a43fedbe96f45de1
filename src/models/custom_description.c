/* SPDX-License-Identifier: Apache-2.0 */
/* NAME.json: every key known, every number bounded before it sizes anything. */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/fbank.h"
#include "base/error.h"
#include "base/memory.h"
#include "models/encoder_custom.h"

#define FILE_MAX ((size_t)1 << 16) /* bytes of a description */
#define SECONDS_MAX 60             /* of a window */
#define ZEROS_MAX 160000           /* samples around a recording: 10 s */
#define VECTOR_MAX 65536           /* floats */
#define RUN_MAX ((size_t)1 << 24)  /* floats that a run gives */
#define ELEMENTS_MAX ((size_t)1 << 24)
#define FPS_MAX 100

/* One file being read. */
struct reading {
    const char *path;
    const json_t *object;
    struct st_custom_encoder *custom;
};

bool st_encoder_name_is_own(const char *name)
{
    static const char *const taken[] = {"auto", "ave", "hubert", "wenet"};
    if (!name || !*name || *name == '-' || strlen(name) >= ST_ENCODER_NAME ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") !=
            strlen(name))
        return false;
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (strcmp(name, taken[i]) == 0)
            return false;
    return true;
}

/* The value as it stands in the file, cut. */
static synctalk_status unfit(const struct reading *r, const char *key, const json_t *value,
                             const char *needed, synctalk_error *err)
{
    char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    synctalk_status st = st_fail(err, SYNCTALK_E_FORMAT, "%s: \"%s\" is %.60s; needed: %s", r->path,
                                 key, value ? (text ? text : "too large") : "not there", needed);
    free(text);
    return st;
}

/* A whole number in [least, most]; one that is not there stays as it is, where `optional`. */
static synctalk_status read_whole(const struct reading *r, const char *key, bool optional,
                                  int64_t least, int64_t most, int64_t *number, synctalk_error *err)
{
    char needed[96];
    const json_t *value = json_object_get(r->object, key);
    if (!value && optional)
        return SYNCTALK_OK;
    snprintf(needed, sizeof needed, "a whole number from %lld to %lld", (long long)least,
             (long long)most);
    if (!json_is_integer(value) || json_integer_value(value) < least ||
        json_integer_value(value) > most)
        return unfit(r, key, value, needed, err);
    *number = json_integer_value(value);
    return SYNCTALK_OK;
}

/* A text that fits `size`; one that is not there is "", where `optional`. */
static synctalk_status read_text(const struct reading *r, const char *key, bool optional,
                                 char *text, size_t size, synctalk_error *err)
{
    char needed[64];
    const json_t *value = json_object_get(r->object, key);
    *text = '\0';
    if (!value && optional)
        return SYNCTALK_OK;
    snprintf(needed, sizeof needed, "a text of 1 to %zu bytes", size - 1);
    if (!json_is_string(value) || json_string_length(value) == 0 ||
        json_string_length(value) >= size ||
        strlen(json_string_value(value)) != json_string_length(value))
        return unfit(r, key, value, needed, err);
    memcpy(text, json_string_value(value), json_string_length(value) + 1);
    return SYNCTALK_OK;
}

static synctalk_status read_network(struct reading *r, synctalk_error *err)
{
    char file[256];
    char folder[ST_PATH_MAX];
    const char *base = st_path_base(r->path);
    synctalk_status st = read_text(r, "network", false, file, sizeof file, err);
    if (st)
        return st;
    if (strchr(file, '/') || file[0] == '.')
        return unfit(r, "network", json_object_get(r->object, "network"),
                     "the name of an ONNX file in the same folder", err);
    if (base == r->path)
        return st_path_format(r->custom->network, err, "%s", file);
    st = st_path_format(folder, err, "%.*s", (int)(base - r->path - 1), r->path);
    return st ? st : st_path_join(r->custom->network, *folder ? folder : "/", file, err);
}

static synctalk_status read_input(struct reading *r, synctalk_error *err)
{
    struct st_window_form *form = &r->custom->form;
    const json_t *value = json_object_get(r->object, "input");
    const char *kind = json_is_string(value) ? json_string_value(value) : "";
    if (strcmp(kind, "waveform") == 0)
        form->input = ST_WINDOW_WAVEFORM;
    else if (strcmp(kind, "filter_banks") == 0)
        form->input = ST_WINDOW_FILTER_BANKS;
    else
        return unfit(r, "input", value, "\"waveform\" or \"filter_banks\"", err);

    value = json_object_get(r->object, "normalise");
    if (value && (!json_is_boolean(value) || form->input != ST_WINDOW_WAVEFORM))
        return unfit(r, "normalise", value, "true or false, and a waveform as input", err);
    form->normalise = json_is_true(value);

    value = json_object_get(r->object, "scale");
    form->scale = 1;
    if (!value)
        return SYNCTALK_OK;
    if (!json_is_number(value) || form->input != ST_WINDOW_WAVEFORM ||
        !(json_number_value(value) >= 1e-6 && json_number_value(value) <= 1e6))
        return unfit(r, "scale", value,
                     "a number from 0.000001 to 1000000, and a waveform as input", err);
    form->scale = (float)json_number_value(value);
    return SYNCTALK_OK;
}

/* Window, hop and rate, which must agree: a run gives a whole number of vectors. */
static synctalk_status read_times(struct reading *r, synctalk_error *err)
{
    synctalk_status st;
    struct st_window_form *form = &r->custom->form;
    const int64_t rate = st_window_rate(form->input);
    int64_t fps = 0;
    char needed[96];

    if ((st = read_whole(r, "window", false, 1, SECONDS_MAX * rate, &form->window, err)) ||
        (st = read_whole(r, "hop", false, 1, form->window, &form->hop, err)) ||
        (st = read_whole(r, "fps", false, 1, FPS_MAX, &fps, err)) ||
        (st = read_whole(r, "before", true, 0, ZEROS_MAX, &form->before, err)) ||
        (st = read_whole(r, "after", true, 0, ZEROS_MAX, &form->after, err)))
        return st;
    if (form->hop * fps % rate != 0) {
        /* The least hop that gives whole vectors. */
        int64_t least = 1;
        while (least * fps % rate != 0)
            least++;
        snprintf(needed, sizeof needed, "a multiple of %lld %s, for %lld vectors a second",
                 (long long)least, form->input == ST_WINDOW_WAVEFORM ? "samples" : "rows",
                 (long long)fps);
        return unfit(r, "hop", json_object_get(r->object, "hop"), needed, err);
    }
    form->vectors = (size_t)(form->hop * fps / rate);
    r->custom->info.fps = (int)fps;
    return SYNCTALK_OK;
}

static synctalk_status read_vector(struct reading *r, synctalk_error *err)
{
    struct st_encoder_info *info = &r->custom->info;
    const json_t *shape = json_object_get(r->object, "shape");
    int64_t vector = 0;
    char needed[80];
    synctalk_status st = read_whole(r, "vector", false, 1, VECTOR_MAX, &vector, err);
    if (st)
        return st;
    info->vector = r->custom->form.vector = (size_t)vector;
    info->rank = 1;
    info->shape[0] = info->vector;
    if (info->vector * r->custom->form.vectors > RUN_MAX) {
        snprintf(needed, sizeof needed, "at most %zu, since a run gives %zu vectors",
                 RUN_MAX / r->custom->form.vectors, r->custom->form.vectors);
        return unfit(r, "vector", json_object_get(r->object, "vector"), needed, err);
    }
    if (!shape)
        return SYNCTALK_OK;
    const json_int_t rows = json_integer_value(json_array_get(shape, 0));
    const json_int_t columns = json_integer_value(json_array_get(shape, 1));
    snprintf(needed, sizeof needed, "two whole numbers whose product is %zu", info->vector);
    if (json_array_size(shape) != 2 || rows < 1 || rows > VECTOR_MAX || columns < 1 ||
        columns > VECTOR_MAX || (size_t)rows * (size_t)columns != info->vector)
        return unfit(r, "shape", shape, needed, err);
    info->rank = 2;
    info->shape[0] = (size_t)rows;
    info->shape[1] = (size_t)columns;
    return SYNCTALK_OK;
}

static synctalk_status check_keys(const struct reading *r, const char *const *known,
                                  synctalk_error *err)
{
    const char *key;
    json_t *value;
    char list[220] = "";

    json_object_foreach((json_t *)r->object, key, value)
    {
        size_t i = 0, used = 0;
        while (known[i] && strcmp(known[i], key) != 0)
            i++;
        if (known[i])
            continue;
        for (i = 0; known[i] && used < sizeof list; i++)
            used +=
                (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", known[i]);
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: \"%.60s\" is not a key that is known: %s",
                       r->path, key, list);
    }
    return SYNCTALK_OK;
}

static synctalk_status read_constant(const struct reading *r, const char *name,
                                     struct st_window_constant *constant, synctalk_error *err)
{
    static const char *const keys[] = {"type", "shape", "value", NULL};
    static const char *const names[] = {"float32", "int32", "int64"};
    static const int types[] = {ST_ONNX_F32, ST_ONNX_I32, ST_ONNX_I64};
    const json_t *type = json_object_get(r->object, "type");
    const json_t *shape = json_object_get(r->object, "shape");
    const json_t *value = json_object_get(r->object, "value");
    size_t count = 1;
    synctalk_status st = check_keys(r, keys, err);
    if (st)
        return st;

    if (strlen(name) >= sizeof constant->name)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: the constant %.20s... has a name of %zu bytes; "
                       "at most %zu are possible",
                       r->path, name, strlen(name), sizeof constant->name - 1);
    memcpy(constant->name, name, strlen(name) + 1);
    for (int i = 0; i < 3; i++)
        if (json_is_string(type) && strcmp(json_string_value(type), names[i]) == 0)
            constant->type = types[i];
    if (!constant->type)
        return unfit(r, "type", type, "\"float32\", \"int32\" or \"int64\"", err);
    bool good = json_is_array(shape) && json_array_size(shape) <= ST_ONNX_RANK_MAX;
    for (size_t i = 0; good && i < json_array_size(shape); i++) {
        const json_int_t side = json_integer_value(json_array_get(shape, i));
        good = side >= 1 && side <= (json_int_t)ELEMENTS_MAX &&
               st_mul_size(count, (size_t)side, &count) && count <= ELEMENTS_MAX;
        constant->dims[i] = side;
    }
    if (!good)
        return unfit(r, "shape", shape, "up to 8 whole numbers, and at most 16777216 elements",
                     err);
    constant->rank = (int)json_array_size(shape);
    constant->value = json_number_value(value);
    if ((value && !json_is_number(value)) || !(fabs(constant->value) <= 1e9) ||
        (constant->type != ST_ONNX_F32 && constant->value != trunc(constant->value)))
        return unfit(r, "value", value, "a number up to 1e9, a whole one where the type is", err);
    return SYNCTALK_OK;
}

static synctalk_status read_constants(struct reading *r, synctalk_error *err)
{
    struct st_window_form *form = &r->custom->form;
    const json_t *table = json_object_get(r->object, "constants");
    const char *name;
    json_t *value;

    if (!table)
        return SYNCTALK_OK;
    if (!json_is_object(table) || json_object_size(table) > ST_WINDOW_CONSTANTS_MAX)
        return unfit(r, "constants", table, "up to 8 inputs by name", err);
    json_object_foreach((json_t *)table, name, value)
    {
        const struct reading inner = {.path = r->path, .object = value, .custom = r->custom};
        if (!json_is_object(value))
            return unfit(r, name, value, "{\"type\": ..., \"shape\": [...], \"value\": ...}", err);
        synctalk_status st =
            read_constant(&inner, name, &form->constants[form->constant_count], err);
        if (st)
            return st;
        form->constant_count++;
    }
    return SYNCTALK_OK;
}

static synctalk_status read_all(struct reading *r, synctalk_error *err)
{
    static const char *const keys[] = {"network",     "input",     "window", "hop",
                                       "vector",      "fps",       "shape",  "before",
                                       "after",       "normalise", "scale",  "input_name",
                                       "output_name", "constants", NULL};
    struct st_window_form *form = &r->custom->form;
    synctalk_status st;

    if (!json_is_object(r->object))
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: not an object in JSON, as an audio encoder's "
                       "description is",
                       r->path);
    if ((st = check_keys(r, keys, err)) || (st = read_network(r, err)) ||
        (st = read_input(r, err)) || (st = read_times(r, err)) || (st = read_vector(r, err)) ||
        (st = read_text(r, "input_name", true, form->sound, sizeof form->sound, err)) ||
        (st = read_text(r, "output_name", true, form->result, sizeof form->result, err)))
        return st;
    return read_constants(r, err);
}

/* The name is the file's. */
static synctalk_status take_name(struct st_custom_encoder *custom, const char *path,
                                 synctalk_error *err)
{
    static const char *const none[] = {NULL};
    const char *base = st_path_base(path);
    const char *dot = strrchr(base, '.');
    const size_t length = dot && strcmp(dot, ".json") == 0 ? (size_t)(dot - base) : 0;

    if (length < sizeof custom->name)
        snprintf(custom->name, sizeof custom->name, "%.*s", (int)length, base);
    if (!st_encoder_name_is_own(custom->name))
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: an audio encoder is described in NAME.json, NAME up to %d letters, "
                       "digits, - and _, and none of auto, ave, hubert and wenet",
                       path, ST_ENCODER_NAME - 1);
    snprintf(custom->features, sizeof custom->features, "aud_%s.npy", custom->name);
    custom->feature_files[0] = custom->features;
    custom->info = (struct st_encoder_info){
        .kind = SYNCTALK_ENCODER_CUSTOM,
        .name = custom->name,
        .weight_files = none,
        .feature_files = custom->feature_files,
    };
    return SYNCTALK_OK;
}

synctalk_status st_custom_encoder_read(struct st_custom_encoder *custom, const char *path,
                                       synctalk_error *err)
{
    synctalk_status st;
    struct st_mapping file = {0};
    json_error_t fault;
    json_t *object = NULL;

    memset(custom, 0, sizeof *custom);
    if ((st = take_name(custom, path, err)) || (st = st_map_file(&file, path, err)))
        return st;
    if (file.size > FILE_MAX) {
        st = st_fail(err, SYNCTALK_E_FORMAT,
                     "%s: has %zu bytes; an encoder's description has at "
                     "most %zu",
                     path, file.size, FILE_MAX);
        goto done;
    }
    object = json_loadb(file.size ? (const char *)file.data : "", file.size,
                        JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);
    if (!object && json_error_code(&fault) == json_error_out_of_memory) {
        st = st_fail_memory(err, "an audio encoder's description", file.size);
        goto done;
    }
    if (!object) {
        st = st_fail(err, SYNCTALK_E_FORMAT, "%s: not JSON: line %d: %s", path, fault.line,
                     fault.text);
        goto done;
    }
    st = read_all(&(struct reading){.path = path, .object = object, .custom = custom}, err);
    custom->info.measures = custom->form.normalise;

done:
    json_decref(object);
    st_unmap_file(&file);
    return st;
}
