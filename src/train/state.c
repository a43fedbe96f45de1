/* SPDX-License-Identifier: Apache-2.0 */
#include "train/state.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "weights/weights.h"

#define KEY "synctalk.training" /* metadata: the position and the settings, as JSON */
#define VERSION 2
#define OTHER_ORDER 1 /* the version before, whose epochs each left their last samples out */

void st_position_init(struct st_position *position)
{
    *position = (struct st_position){.score = NAN, .last = -1, .best = -1, .best_score = -HUGE_VAL};
}

/* What the blocks mean: a build that lays them out otherwise must not read them. */
static uint64_t layout_key(const struct st_train_net *net)
{
    size_t count;
    const struct st_train_tensor *tensors = st_train_net_tensors(net, &count);
    uint64_t key = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < count; i++) {
        for (const char *c = tensors[i].name; *c; c++)
            key = (key ^ (uint8_t)*c) * 0x100000001b3u;
        key = (key ^ tensors[i].offset) * 0x100000001b3u;
        key = (key ^ tensors[i].count) * 0x100000001b3u;
    }
    return key;
}

/* null for what is not finite: JSON has no such numbers. */
static json_t *real_or_null(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static double real_or(const json_t *value, double otherwise)
{
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

static json_t *counters_json(struct st_train_net *net)
{
    json_t *list = json_array();
    for (size_t i = 0; list && i < st_train_net_counter_count(net); i++)
        json_array_append_new(list, json_integer(st_train_net_counters(net)[i]));
    return list;
}

static json_t *sums_json(const struct st_terms *sums)
{
    json_t *list = json_array();
    for (int i = 0; list && i < sums->count; i++)
        json_array_append_new(list, json_pack("[s, f]", sums->at[i].name, sums->at[i].value));
    return list;
}

static json_t *kept_json(const struct st_position *position)
{
    json_t *list = json_array();
    for (int i = 0; list && i < position->kept_count; i++)
        json_array_append_new(list, json_integer(position->kept[i]));
    return list;
}

static char *describe(struct st_train_net *net, const struct st_position *p, const json_t *settings,
                      const char *kind)
{
    char layout[24];
    snprintf(layout, sizeof layout, "%016" PRIx64, layout_key(net));
    json_t *root = json_pack(
        "{s:i, s:s, s:s, s:O, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:f, s:f, s:o, s:I, s:I, s:o, "
        "s:I, s:I}",
        "version", VERSION, "kind", kind, "layout", layout, "settings", settings, "counters",
        counters_json(net), "sums", sums_json(&p->sums), "kept", kept_json(p), "first",
        (json_int_t)p->first, "epoch", (json_int_t)p->epoch, "step", (json_int_t)p->step, "steps",
        (json_int_t)p->steps, "seconds", p->seconds, "loss", p->loss, "score",
        real_or_null(p->score), "last", (json_int_t)p->last, "best", (json_int_t)p->best,
        "best_score", real_or_null(p->best_score), "journal_begin", (json_int_t)p->journal_begin,
        "journal_end", (json_int_t)p->journal_end);
    char *text = root ? json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(root);
    return text;
}

synctalk_status st_state_save(const char *path, struct st_train_net *net,
                              const struct st_adam *adam, const struct st_extra *extra,
                              const struct st_average *average, const struct st_position *position,
                              const json_t *settings, const char *kind, synctalk_error *err)
{
    synctalk_status st;
    struct st_weights *file = NULL;
    const size_t parameters = st_train_net_parameter_count(net);
    const size_t statistics = st_train_net_statistic_count(net);
    char *text = describe(net, position, settings, kind);

    if (!text)
        return st_fail_memory(err, "a training's state", 0);
    if ((st = st_weights_create(&file, path, err)) ||
        (st = st_weights_add_f32(file, "parameters", 1, &parameters, st_train_net_parameters(net),
                                 err)) ||
        (st = st_weights_add_f32(file, "statistics", 1, &statistics, st_train_net_statistics(net),
                                 err)) ||
        (st = st_weights_add_f32(file, "adam.mean", 1, &parameters, adam->mean, err)) ||
        (st = st_weights_add_f32(file, "adam.square", 1, &parameters, adam->square, err)))
        goto done;
    if (average->decay > 0 && ((st = st_weights_add_f32(file, "average.parameters", 1, &parameters,
                                                        average->parameters, err)) ||
                               (st = st_weights_add_f32(file, "average.statistics", 1, &statistics,
                                                        average->statistics, err))))
        goto done;
    const size_t extras = extra->adam.count;
    if (extras > 0 &&
        ((st = st_weights_add_f32(file, "extra", 1, &extras, extra->values, err)) ||
         (st = st_weights_add_f32(file, "extra.mean", 1, &extras, extra->adam.mean, err)) ||
         (st = st_weights_add_f32(file, "extra.square", 1, &extras, extra->adam.square, err))))
        goto done;
    st = st_weights_write_safetensors(file, path, ST_F32, KEY, text, true, err);

done:
    st_weights_close(&file);
    free(text);
    return st;
}

static const char *value_text(char *buf, size_t size, const json_t *value)
{
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_integer(value))
        snprintf(buf, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        snprintf(buf, size, "%g", json_real_value(value));
    else
        snprintf(buf, size, "none");
    return buf;
}

static synctalk_status differs(const char *path, const char *key, const json_t *old,
                               const json_t *value, synctalk_error *err)
{
    char was[64];
    char is[64];
    if (strcmp(key, "data") == 0 || (strcmp(key, "lips") == 0 && old && value))
        return st_fail(err, SYNCTALK_E_ARG,
                       "%s: frames, landmarks or features have changed since this training "
                       "began; put them back, or begin anew with --restart",
                       path);
    return st_fail(err, SYNCTALK_E_ARG,
                   "%s: the training that is going on here has %s %s, and now it is %s; go on "
                   "with the same settings, or begin anew with --restart",
                   path, key, value_text(was, sizeof was, old), value_text(is, sizeof is, value));
}

/* Both ways: a term that is 0 has no place in the settings. */
static synctalk_status compare_settings(const char *path, json_t *saved, json_t *wanted,
                                        synctalk_error *err)
{
    const char *key;
    json_t *value;
    json_object_foreach(wanted, key, value)
    {
        const json_t *old = json_object_get(saved, key);
        if (!json_equal(old, value))
            return differs(path, key, old, value, err);
    }
    json_object_foreach(saved, key, value)
    {
        if (!json_object_get(wanted, key))
            return differs(path, key, value, NULL, err);
    }
    return SYNCTALK_OK;
}

static synctalk_status damaged(const char *path, const char *what, synctalk_error *err)
{
    return st_fail(err, SYNCTALK_E_FORMAT,
                   "%s: %s; delete it, and begin anew from the last checkpoint with --warm-start",
                   path, what);
}

static bool is_sane(const struct st_position *p)
{
    return p->first >= 0 && p->epoch >= 0 && p->step >= 0 && p->steps >= 0 &&
           p->journal_begin >= 0 && p->journal_end >= p->journal_begin;
}

static void read_lists(struct st_position *p, const json_t *root)
{
    const json_t *kept = json_object_get(root, "kept");
    const json_t *sums = json_object_get(root, "sums");
    for (size_t i = 0; i < json_array_size(kept) && p->kept_count < ST_KEPT_MAX; i++)
        p->kept[p->kept_count++] = json_integer_value(json_array_get(kept, i));
    for (size_t i = 0; i < json_array_size(sums) && p->sums.count < ST_TERMS_MAX; i++) {
        const json_t *pair = json_array_get(sums, i);
        const char *name = json_string_value(json_array_get(pair, 0));
        st_terms_add(&p->sums, name ? name : "", json_number_value(json_array_get(pair, 1)));
    }
}

static synctalk_status read_position(const char *path, const json_t *root, struct st_position *p,
                                     struct st_train_net *net, synctalk_error *err)
{
    const json_t *counters = json_object_get(root, "counters");
    if (json_array_size(counters) != st_train_net_counter_count(net))
        return damaged(path, "its counters are not those of this network", err);
    for (size_t i = 0; i < json_array_size(counters); i++)
        st_train_net_counters(net)[i] = json_integer_value(json_array_get(counters, i));

    st_position_init(p);
    p->first = json_integer_value(json_object_get(root, "first"));
    p->epoch = json_integer_value(json_object_get(root, "epoch"));
    p->step = json_integer_value(json_object_get(root, "step"));
    p->steps = json_integer_value(json_object_get(root, "steps"));
    p->seconds = json_number_value(json_object_get(root, "seconds"));
    p->loss = json_number_value(json_object_get(root, "loss"));
    p->score = real_or(json_object_get(root, "score"), NAN);
    p->last = json_integer_value(json_object_get(root, "last"));
    p->best = json_integer_value(json_object_get(root, "best"));
    p->best_score = real_or(json_object_get(root, "best_score"), -HUGE_VAL);
    p->journal_begin = json_integer_value(json_object_get(root, "journal_begin"));
    p->journal_end = json_integer_value(json_object_get(root, "journal_end"));
    read_lists(p, root);
    return is_sane(p) ? SYNCTALK_OK : damaged(path, "its numbers are negative", err);
}

static synctalk_status take(const struct st_weights *file, const char *name, size_t count,
                            float *dst, synctalk_error *err)
{
    return st_weights_take_f32(file, name, 1, &count, dst, err);
}

synctalk_status st_state_load(const char *path, struct st_train_net *net, struct st_adam *adam,
                              struct st_extra *extra, struct st_average *average,
                              struct st_position *position, json_t *settings, const char *kind,
                              synctalk_error *err)
{
    synctalk_status st;
    struct st_weights *file = NULL;
    json_t *root = NULL;
    char layout[24];
    const size_t parameters = st_train_net_parameter_count(net);

    if ((st = st_weights_open(&file, path, err)))
        goto done;
    const char *text = st_weights_metadata(file, KEY);
    root = text ? json_loads(text, JSON_REJECT_DUPLICATES, NULL) : NULL;
    const char *is = json_string_value(json_object_get(root, "kind"));
    const char *laid = json_string_value(json_object_get(root, "layout"));
    const json_int_t version = json_integer_value(json_object_get(root, "version"));
    if (version == OTHER_ORDER) {
        st = st_fail(err, SYNCTALK_E_FORMAT,
                     "%s: saved by a version that drew samples in another order, so it cannot go "
                     "on as it began; begin anew with --restart, from its last checkpoint with "
                     "--warm-start",
                     path);
        goto done;
    }
    if (!is || !laid || version != VERSION) {
        st = damaged(path, "not the state of a training of this version", err);
        goto done;
    }
    if (strcmp(is, kind) != 0) {
        st = st_fail(err, SYNCTALK_E_ARG, "%s: the state of a %s, not of a %s", path, is, kind);
        goto done;
    }
    snprintf(layout, sizeof layout, "%016" PRIx64, layout_key(net));
    if ((st = compare_settings(path, json_object_get(root, "settings"), settings, err)))
        goto done;
    if (strcmp(laid, layout) != 0) {
        st = damaged(path, "its blocks are laid out for another version of the network", err);
        goto done;
    }
    if ((st = take(file, "parameters", parameters, st_train_net_parameters(net), err)) ||
        (st = take(file, "statistics", st_train_net_statistic_count(net),
                   st_train_net_statistics(net), err)) ||
        (st = take(file, "adam.mean", parameters, adam->mean, err)) ||
        (st = take(file, "adam.square", parameters, adam->square, err)))
        goto done;
    if (average->decay > 0 &&
        ((st = take(file, "average.parameters", parameters, average->parameters, err)) ||
         (st = take(file, "average.statistics", average->statistic_count, average->statistics,
                    err))))
        goto done;
    const size_t extras = extra->adam.count;
    if (extras > 0 && ((st = take(file, "extra", extras, extra->values, err)) ||
                       (st = take(file, "extra.mean", extras, extra->adam.mean, err)) ||
                       (st = take(file, "extra.square", extras, extra->adam.square, err))))
        goto done;
    st = read_position(path, root, position, net, err);

done:
    json_decref(root);
    st_weights_close(&file);
    return st;
}
