/* SPDX-License-Identifier: Apache-2.0 */
/* The edit list as a file. Written entry by entry, so that a list for ten hours needs no
 * tree of ten hours; read with every number checked, since people edit such files. */
#include "generate/edit_list.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"

#define FORMAT "synctalk edit list"
#define VERSION 1
#define FILE_MAX_BYTES ((size_t)64 << 20)
#define DIGITS JSON_REAL_PRECISION(6)

static const char *pad_name(enum st_edit_pad pad)
{
    return pad == ST_EDIT_HOLD ? "hold" : "bounce";
}

static const char *stretch_name(bool speech)
{
    return speech ? "speech" : "silence";
}

static const char *way_name(bool backward)
{
    return backward ? "backward" : "forward";
}

static const char *const pace_names[ST_EDIT_PACES] = {"runs", "stops", "slows", "rests"};

static synctalk_status write_text(struct st_output *out, const char *text, synctalk_error *err)
{
    return st_output_write(out, text, strlen(text), err);
}

/* `object` (taken; NULL: what `name` is for could not be made into one) between two texts. */
static synctalk_status write_object(struct st_output *out, const char *before, json_t *object,
                                    const char *after, const char *name, synctalk_error *err)
{
    synctalk_status st;
    char *text = object ? json_dumps(object, DIGITS) : NULL;

    json_decref(object);
    if (!text)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: no edit list can be written: clip \"%s\" has a name that is not UTF-8, "
                       "or memory ran out",
                       out->target, name);
    if (!(st = write_text(out, before, err)) && !(st = write_text(out, text, err)))
        st = write_text(out, after, err);
    free(text);
    return st;
}

static synctalk_status write_head(struct st_output *out, const struct st_edit_list *list,
                                  synctalk_error *err)
{
    char text[512];
    snprintf(text, sizeof text,
             "{\"format\": \"" FORMAT "\", \"version\": %d,\n"
             " \"frames\": %" PRId64 ", \"fps\": %d, \"transition\": %d, \"pad\": \"%s\",\n"
             " \"clips\": [",
             VERSION, list->frames, list->settings.fps, list->settings.transition,
             pad_name(list->settings.pad));
    return write_text(out, text, err);
}

/* Those clips that the list shows. */
static synctalk_status write_clips(struct st_output *out, const struct st_edit_list *list,
                                   synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    const char *before = "\n  ";
    bool *used = calloc(list->clips->count, sizeof *used);

    if (!used)
        return st_fail_memory(err, "an edit list", (unsigned long long)list->clips->count);
    for (size_t k = 0; k < list->count; k++)
        used[list->entries[k].clip] = true;
    for (size_t i = 0; i < list->clips->count && !st; i++) {
        const struct st_clip *clip = &list->clips->clips[i];
        if (!used[i])
            continue;
        st = write_object(out, before,
                          json_pack("{s:s, s:s, s:I}", "name", clip->name, "type",
                                    st_clip_kind_name(clip->kind), "frames",
                                    (json_int_t)clip->frames),
                          "", clip->name, err);
        before = ",\n  ";
    }
    free(used);
    return st;
}

static json_t *entry_object(const struct st_edit_list *list, size_t k)
{
    const struct st_edit_entry *e = &list->entries[k];
    json_t *joint = isfinite(e->joint) ? json_real(e->joint) : json_null();
    json_t *rough = isfinite(e->rough) ? json_real(e->rough) : json_null();
    return json_pack("{s:I, s:I, s:s, s:s, s:I, s:s, s:I, s:I, s:{s:I, s:i, s:s}, s:b, s:o, s:o}",
                     "from", (json_int_t)e->from, "frames", (json_int_t)e->frames, "type",
                     stretch_name(e->speech), "clip", list->clips->clips[e->clip].name, "first",
                     (json_int_t)e->first, "direction", way_name(e->backward), "turn",
                     (json_int_t)e->turn, "padding", (json_int_t)st_edit_list_padding(list, k),
                     "fade", "from", (json_int_t)e->fade_from, "frames", e->fade_frames, "sides",
                     pace_names[e->pace], "sync", (int)e->speech, "joint", joint, "rough", rough);
}

synctalk_status st_edit_list_write(const struct st_edit_list *list, const char *path,
                                   bool overwrite, synctalk_error *err)
{
    synctalk_status st;
    struct st_output out = {.fd = -1};

    if ((st = st_output_open(&out, path, overwrite, err)))
        return st;
    if ((st = write_head(&out, list, err)) || (st = write_clips(&out, list, err)) ||
        (st = write_text(&out, "],\n \"entries\": [", err)))
        goto done;
    for (size_t k = 0; k < list->count; k++) {
        if ((st = write_object(&out, k ? ",\n  " : "\n  ", entry_object(list, k), "",
                               list->clips->clips[list->entries[k].clip].name, err)))
            goto done;
    }
    if ((st = write_text(&out, "]}\n", err)))
        goto done;
    st = st_output_commit(&out, overwrite, err);

done:
    st_output_close(&out);
    return st;
}

/* What reading takes. */
struct reader {
    const char *path;             /* borrows */
    const struct st_clips *clips; /* borrows */
    json_t *root;                 /* owns */
    json_t *names;                /* owns; index of each clip that the file lists, by name */
    struct st_edit_list list;     /* owns; in work */
};

/* The whole number `key` of `object`, within its limits; `what` says whose it is. */
static synctalk_status take_number(const struct reader *reader, const json_t *object,
                                   const char *what, const char *key, int64_t low, int64_t high,
                                   int64_t *out, synctalk_error *err)
{
    const json_t *value = json_object_get(object, key);
    *out = 0;
    if (!json_is_integer(value))
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: %s has no whole number \"%s\"", reader->path,
                       what, key);
    *out = json_integer_value(value);
    if (*out < low || *out > high)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: \"%s\" of %s is %" PRId64 "; %" PRId64 " to %" PRId64 " is possible",
                       reader->path, key, what, *out, low, high);
    return SYNCTALK_OK;
}

/* Whether the text `key` of `object` is `second` (true) or `first`. */
static synctalk_status take_either(const struct reader *reader, const json_t *object,
                                   const char *what, const char *key, const char *first,
                                   const char *second, bool *out, synctalk_error *err)
{
    const char *text = json_string_value(json_object_get(object, key));
    *out = text && strcmp(text, second) == 0;
    if (!*out && (!text || strcmp(text, first) != 0))
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: \"%s\" of %s must be \"%s\" or \"%s\"",
                       reader->path, key, what, first, second);
    return SYNCTALK_OK;
}

static synctalk_status read_text(struct reader *reader, synctalk_error *err)
{
    synctalk_status st;
    struct st_mapping map;
    json_error_t where = {.line = 0};

    if ((st = st_map_file(&map, reader->path, err)))
        return st;
    if (map.size > FILE_MAX_BYTES)
        st = st_fail(err, SYNCTALK_E_FORMAT, "%s: %zu bytes; an edit list has at most %zu",
                     reader->path, map.size, FILE_MAX_BYTES);
    else if (!(reader->root = json_loadb(map.size ? (const char *)map.data : "", map.size,
                                         JSON_REJECT_DUPLICATES, &where)))
        st = st_fail(err, SYNCTALK_E_FORMAT, "%s: not JSON: line %d: %s", reader->path, where.line,
                     where.text);
    st_unmap_file(&map);
    return st;
}

static synctalk_status read_head(struct reader *reader, synctalk_error *err)
{
    synctalk_status st;
    int64_t version, fps, transition;
    bool hold;
    const json_t *root = reader->root;
    const char *format = json_string_value(json_object_get(root, "format"));

    if (!format || strcmp(format, FORMAT) != 0)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: not an edit list: it has no \"format\": \"%s\"",
                       reader->path, FORMAT);
    if ((st = take_number(reader, root, "the list", "version", VERSION, VERSION, &version, err)) ||
        (st = take_number(reader, root, "the list", "frames", 1, ST_TIMELINE_FRAMES_MAX,
                          &reader->list.frames, err)) ||
        (st = take_number(reader, root, "the list", "fps", 1, 1000, &fps, err)) ||
        (st = take_number(reader, root, "the list", "transition", 0, ST_EDIT_TRANSITION_MAX,
                          &transition, err)) ||
        (st = take_either(reader, root, "the list", "pad", "bounce", "hold", &hold, err)))
        return st;
    reader->list.settings = (struct st_edit_settings){
        .fps = (int)fps,
        .transition = (int)transition,
        .pad = hold ? ST_EDIT_HOLD : ST_EDIT_BOUNCE,
    };
    reader->list.clips = reader->clips;
    return SYNCTALK_OK;
}

static size_t clip_named(const struct st_clips *clips, const char *name)
{
    size_t i = 0;
    while (i < clips->count && strcmp(clips->clips[i].name, name) != 0)
        i++;
    return i;
}

/* The clips that the file lists are here, and as long as they were. */
static synctalk_status read_clips(struct reader *reader, synctalk_error *err)
{
    synctalk_status st;
    const json_t *listed = json_object_get(reader->root, "clips");

    if (!json_is_array(listed) || json_array_size(listed) > ST_CLIPS_MAX)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: \"clips\" must be a list of at most %zu",
                       reader->path, ST_CLIPS_MAX);
    if (!(reader->names = json_object()))
        return st_fail_memory(err, "names of clips", json_array_size(listed));
    for (size_t k = 0; k < json_array_size(listed); k++) {
        const json_t *item = json_array_get(listed, k);
        const char *name = json_string_value(json_object_get(item, "name"));
        int64_t frames;
        if (!name)
            return st_fail(err, SYNCTALK_E_FORMAT, "%s: clip %zu has no \"name\"", reader->path,
                           k + 1);
        const size_t i = clip_named(reader->clips, name);
        if (i == reader->clips->count)
            return st_fail(err, SYNCTALK_E_MISSING, "%s: clip \"%s\" is not in %s", reader->path,
                           name, reader->clips->folder);
        if ((st = take_number(reader, item, name, "frames", 1, ST_CLIP_FRAMES_MAX, &frames, err)))
            return st;
        if (frames != reader->clips->clips[i].frames)
            return st_fail(err, SYNCTALK_E_FORMAT,
                           "%s: clip \"%s\" had %" PRId64 " frames and now has %" PRId64,
                           reader->path, name, frames, reader->clips->clips[i].frames);
        if (json_object_set_new(reader->names, name, json_integer((json_int_t)i)))
            return st_fail_memory(err, "names of clips", json_array_size(listed));
    }
    return SYNCTALK_OK;
}

static synctalk_status read_entry_clip(const struct reader *reader, const json_t *object,
                                       const char *what, struct st_edit_entry *e,
                                       synctalk_error *err)
{
    synctalk_status st;
    const char *name = json_string_value(json_object_get(object, "clip"));
    const json_t *index = name ? json_object_get(reader->names, name) : NULL;
    const json_t *joint = json_object_get(object, "joint");
    const json_t *rough = json_object_get(object, "rough");

    if (!index)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: \"clip\" of %s must be the name of one of "
                       "\"clips\"",
                       reader->path, what);
    e->clip = (int)json_integer_value(index);
    const struct st_clip *clip = &reader->clips->clips[e->clip];
    if ((st = take_either(reader, object, what, "type", stretch_name(false), stretch_name(true),
                          &e->speech, err)) ||
        (st = take_either(reader, object, what, "direction", way_name(false), way_name(true),
                          &e->backward, err)) ||
        (st = take_number(reader, object, what, "first", 0, clip->frames - 1, &e->first, err)))
        return st;
    e->turn = e->backward ? 0 : clip->frames - 1; /* in a list that does not say */
    if (json_object_get(object, "turn") &&
        (st = take_number(reader, object, what, "turn", e->backward ? 0 : e->first,
                          e->backward ? e->first : clip->frames - 1, &e->turn, err)))
        return st;
    if (e->speech != (clip->kind == ST_CLIP_TALK))
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: %s is %s and shows \"%s\", a %s clip",
                       reader->path, what, stretch_name(e->speech), name,
                       st_clip_kind_name(clip->kind));
    const json_t *sync = json_object_get(object, "sync");
    if (!json_is_boolean(sync) || json_is_true(sync) != e->speech)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: \"sync\" of %s must be %s, because it is %s",
                       reader->path, what, e->speech ? "true" : "false", stretch_name(e->speech));
    e->joint = json_is_number(joint) ? json_number_value(joint) : INFINITY;
    e->rough = json_is_number(rough) ? json_number_value(rough) : NAN;
    return SYNCTALK_OK;
}

/* What the sides of the fade do; they run in a list that does not say. */
static synctalk_status read_pace(const struct reader *reader, const json_t *fade, const char *what,
                                 enum st_edit_pace *pace, synctalk_error *err)
{
    const json_t *sides = json_object_get(fade, "sides");
    const char *name = json_string_value(sides);
    *pace = ST_EDIT_RUNS;
    if (!sides)
        return SYNCTALK_OK;
    for (int i = 0; name && i < ST_EDIT_PACES; i++) {
        *pace = (enum st_edit_pace)i;
        if (strcmp(name, pace_names[i]) == 0)
            return SYNCTALK_OK;
    }
    return st_fail(err, SYNCTALK_E_FORMAT,
                   "%s: \"sides\" of %s must be \"runs\", \"stops\", \"slows\" or \"rests\"",
                   reader->path, what);
}

/* Entry k, whose predecessors are there; `start` is where they end. */
static synctalk_status read_entry(struct reader *reader, const json_t *object, size_t k,
                                  int64_t start, synctalk_error *err)
{
    synctalk_status st;
    struct st_edit_list *list = &reader->list;
    struct st_edit_entry e = {.from = 0};
    const json_t *fade = json_object_get(object, "fade");
    int64_t fade_frames, fade_low = start;
    char what[64];

    snprintf(what, sizeof what, "entry %zu", k + 1);
    if ((st = take_number(reader, object, what, "from", start, start, &e.from, err)) ||
        (st = take_number(reader, object, what, "frames", 1, list->frames - start, &e.frames,
                          err)) ||
        (st = read_entry_clip(reader, object, what, &e, err)))
        return st;
    if (k > 0) {
        const struct st_edit_entry *p = &list->entries[k - 1];
        fade_low = p->fade_from + p->fade_frames;
        fade_low = fade_low > p->from ? fade_low : p->from;
    }
    snprintf(what, sizeof what, "the fade of entry %zu", k + 1);
    if ((st = take_number(reader, fade, what, "from", fade_low, start, &e.fade_from, err)) ||
        (st = take_number(reader, fade, what, "frames", start - e.fade_from,
                          k > 0 ? start - e.fade_from + e.frames : 0, &fade_frames, err)) ||
        (st = read_pace(reader, fade, what, &e.pace, err)))
        return st;
    e.fade_frames = (int)fade_frames;
    list->entries[list->count++] = e;
    return SYNCTALK_OK;
}

static synctalk_status read_entries(struct reader *reader, synctalk_error *err)
{
    synctalk_status st;
    const json_t *entries = json_object_get(reader->root, "entries");
    const size_t count = json_array_size(entries); /* 0 for what is no list */
    int64_t at = 0;

    if (count < 1 || count > (uint64_t)reader->list.frames)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: \"entries\" must be a list of 1 to %" PRId64,
                       reader->path, reader->list.frames);
    if (!(reader->list.entries = calloc(count, sizeof *reader->list.entries)))
        return st_fail_memory(err, "an edit list", (unsigned long long)count);
    for (size_t k = 0; k < count; k++) {
        if (at == reader->list.frames)
            break;
        if ((st = read_entry(reader, json_array_get(entries, k), k, at, err)))
            return st;
        at += reader->list.entries[k].frames;
    }
    if (at != reader->list.frames || reader->list.count != count)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: %zu of %zu entries fill %" PRId64 " of %" PRId64 " frames",
                       reader->path, reader->list.count, count, at, reader->list.frames);
    return SYNCTALK_OK;
}

synctalk_status st_edit_list_read(struct st_edit_list *out, const struct st_clips *clips,
                                  const char *path, synctalk_error *err)
{
    synctalk_status st;
    struct reader reader = {.path = path, .clips = clips};

    *out = (struct st_edit_list){.frames = 0};
    if ((st = st_clips_check(clips, err)) || (st = read_text(&reader, err)) ||
        (st = read_head(&reader, err)) || (st = read_clips(&reader, err)) ||
        (st = read_entries(&reader, err)))
        goto done;
    *out = reader.list;
    reader.list = (struct st_edit_list){.frames = 0};

done:
    json_decref(reader.root);
    json_decref(reader.names);
    st_edit_list_free(&reader.list);
    return st;
}
