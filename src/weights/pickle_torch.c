/* SPDX-License-Identifier: Apache-2.0 */
/* What PyTorch's own calls and persistent ids in a pickle stand for.
 * Source: torch/_utils.py and torch/serialization.py, which write and read them.
 */
#include <string.h>

#include "base/error.h"
#include "weights/pickle.h"

static struct st_pickle_value *no_memory(synctalk_error *err)
{
    (void)st_fail_memory(err, "a checkpoint's list of tensors", sizeof(struct st_pickle_value));
    return NULL;
}

static struct st_pickle_value *refuse(const char *path, const char *what, synctalk_error *err)
{
    (void)st_fail(err, SYNCTALK_E_FORMAT, "%s: %s: the checkpoint is damaged", path, what);
    return NULL;
}

static struct st_pickle_value *new_value(struct st_arena *arena, enum st_pickle_kind kind,
                                         synctalk_error *err)
{
    struct st_pickle_value *value = st_arena_alloc(arena, sizeof *value);
    if (!value)
        return no_memory(err);
    value->kind = kind;
    return value;
}

bool st_pickle_append(struct st_arena *arena, struct st_pickle_value *to,
                      struct st_pickle_value *item)
{
    if (to->list.count == to->list.capacity) {
        size_t capacity = to->list.capacity ? 2 * to->list.capacity : 4;
        struct st_pickle_value **grown = st_arena_alloc(arena, capacity * sizeof(void *));
        if (!grown)
            return false;
        if (to->list.count)
            memcpy(grown, to->list.items, to->list.count * sizeof(void *));
        to->list.items = grown;
        to->list.capacity = capacity;
    }
    to->list.items[to->list.count++] = item;
    return true;
}

static struct st_pickle_value *opaque(struct st_arena *arena, const struct st_pickle_global *global,
                                      synctalk_error *err)
{
    struct st_pickle_value *value = new_value(arena, ST_PICKLE_OPAQUE, err);
    if (value)
        value->global = global;
    return value;
}

/* A tuple or list of numbers >= 0. */
static bool read_sizes(const struct st_pickle_value *from, int *rank, size_t *sizes)
{
    if ((from->kind != ST_PICKLE_TUPLE && from->kind != ST_PICKLE_LIST) ||
        from->list.count > ST_MAX_RANK)
        return false;
    *rank = (int)from->list.count;
    for (int axis = 0; axis < *rank; axis++) {
        const struct st_pickle_value *item = from->list.items[axis];
        if (item->kind != ST_PICKLE_INT || item->integer < 0)
            return false;
        sizes[axis] = (size_t)item->integer;
    }
    return true;
}

/* args: storage, offset, size, stride, then what does not concern the values. */
static struct st_pickle_value *rebuild_tensor(struct st_arena *arena, const char *path,
                                              const struct st_pickle_value *args,
                                              synctalk_error *err)
{
    int strides_rank;

    if (args->list.count < 4)
        return refuse(path, "a tensor without storage, offset, size and stride", err);
    struct st_pickle_value *const *items = args->list.items;
    if (items[0]->kind == ST_PICKLE_OPAQUE)
        return opaque(arena, items[0]->global, err);
    if (items[0]->kind != ST_PICKLE_STORAGE)
        return refuse(path, "a tensor whose storage is none", err);
    if (items[1]->kind != ST_PICKLE_INT || items[1]->integer < 0)
        return refuse(path, "a tensor whose offset is not a number >= 0", err);

    struct st_pickle_tensor *tensor = st_arena_alloc(arena, sizeof *tensor);
    struct st_pickle_value *value = new_value(arena, ST_PICKLE_TENSOR, err);
    if (!tensor || !value)
        return no_memory(err);
    tensor->storage = items[0]->storage;
    tensor->offset = (size_t)items[1]->integer;
    if (!read_sizes(items[2], &tensor->rank, tensor->dims) ||
        !read_sizes(items[3], &strides_rank, tensor->strides) || strides_rank != tensor->rank)
        return refuse(path, "a tensor whose shape and strides are not up to 8 numbers >= 0 each",
                      err);
    value->tensor = tensor;
    return value;
}

/* OrderedDict() or OrderedDict([(key, value), ...]). */
static struct st_pickle_value *ordered_dict(struct st_arena *arena, const char *path,
                                            const struct st_pickle_value *args, synctalk_error *err)
{
    struct st_pickle_value *dict = new_value(arena, ST_PICKLE_DICT, err);
    if (!dict || args->list.count == 0)
        return dict;
    const struct st_pickle_value *pairs = args->list.items[0];
    if (pairs->kind != ST_PICKLE_LIST && pairs->kind != ST_PICKLE_TUPLE)
        return refuse(path, "an OrderedDict made of no list", err);
    for (size_t i = 0; i < pairs->list.count; i++) {
        const struct st_pickle_value *pair = pairs->list.items[i];
        if ((pair->kind != ST_PICKLE_LIST && pair->kind != ST_PICKLE_TUPLE) ||
            pair->list.count != 2)
            return refuse(path, "an OrderedDict made of no pairs", err);
        if (!st_pickle_append(arena, dict, pair->list.items[0]) ||
            !st_pickle_append(arena, dict, pair->list.items[1]))
            return no_memory(err);
    }
    return dict;
}

struct st_pickle_value *st_pickle_call(struct st_arena *arena, const char *path,
                                       const struct st_pickle_value *function,
                                       const struct st_pickle_value *args, synctalk_error *err)
{
    if ((function->kind != ST_PICKLE_GLOBAL && function->kind != ST_PICKLE_OPAQUE) ||
        (args->kind != ST_PICKLE_TUPLE && args->kind != ST_PICKLE_OPAQUE))
        return refuse(path, "a call of what is no function, or with no arguments", err);
    if (function->kind == ST_PICKLE_OPAQUE || args->kind == ST_PICKLE_OPAQUE)
        return opaque(arena, function->global, err);

    switch (function->global->meaning) {
    case ST_MEANS_REBUILD_TENSOR:
        return rebuild_tensor(arena, path, args, err);
    case ST_MEANS_REBUILD_PARAMETER:
        if (args->list.count == 0)
            return refuse(path, "a parameter without its tensor", err);
        return args->list.items[0];
    case ST_MEANS_ORDERED_DICT:
        return ordered_dict(arena, path, args, err);
    case ST_MEANS_NOTHING:
    case ST_MEANS_STORAGE:
    case ST_MEANS_DANGER:
    case ST_MEANS_UNKNOWN:
        break;
    }
    return opaque(arena, function->global, err);
}

/* ('storage', torch.FloatStorage, key, location, elements) */
struct st_pickle_value *st_pickle_persistent(struct st_arena *arena, const char *path,
                                             const struct st_pickle_value *id, synctalk_error *err)
{
    static const char what[] = "a persistent id that is not ('storage', type, key, place, count)";

    if (id->kind != ST_PICKLE_TUPLE || id->list.count < 5)
        return refuse(path, what, err);
    struct st_pickle_value *const *items = id->list.items;
    if (items[0]->kind != ST_PICKLE_TEXT || strcmp(items[0]->text.bytes, "storage") != 0 ||
        items[1]->kind != ST_PICKLE_GLOBAL || items[2]->kind != ST_PICKLE_TEXT ||
        items[4]->kind != ST_PICKLE_INT || items[4]->integer < 0)
        return refuse(path, what, err);
    if (items[1]->global->meaning != ST_MEANS_STORAGE)
        return opaque(arena, items[1]->global, err);

    struct st_pickle_storage *storage = st_arena_alloc(arena, sizeof *storage);
    struct st_pickle_value *value = new_value(arena, ST_PICKLE_STORAGE, err);
    if (!storage || !value)
        return no_memory(err);
    storage->dtype = items[1]->global->dtype;
    storage->key = items[2]->text.bytes;
    storage->key_length = items[2]->text.length;
    storage->count = (size_t)items[4]->integer;
    value->storage = storage;
    return value;
}
