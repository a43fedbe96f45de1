/* SPDX-License-Identifier: Apache-2.0 */
/* PyTorch's zip form: NAME/data.pkl describes the tensors, NAME/data/KEY holds the bytes
 * of storage KEY. Easy to get wrong: several tensors may share one storage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "weights/pickle.h"
#include "weights/set.h"
#include "weights/zip.h"

#define MAX_PICKLE_BYTES ((size_t)32 << 20)
#define MAX_NESTING 4 /* of dicts that hold the state dict */
#define MAX_MEMBER_NAME 4096

/* Views may overlap: shared and expanded tensors. What they add up to may not exceed the
 * members by more than this, so that a small file cannot become a huge conversion. */
#define MAX_SHARING 16u
#define FREE_SHARING ((size_t)64 << 20)

/* What is known of a storage after its first use, by its member. */
struct content {
    const uint8_t *bytes; /* NULL: not looked at yet */
};

struct reader {
    struct st_weights *weights;
    const struct st_zip *zip;
    struct content *contents;     /* [zip->count] */
    char prefix[MAX_MEMBER_NAME]; /* "NAME/" */
    size_t viewed;                /* bytes of all tensors so far */
    size_t total;                 /* bytes of all members; st_zip_open() has bounded it */
    synctalk_error *err;
};

static synctalk_status fail(const struct reader *r, const char *what)
{
    return st_fail(r->err, SYNCTALK_E_FORMAT, "%s: %s", r->weights->path, what);
}

/* The member "NAME/" + name + key, or NULL. */
static const struct st_zip_member *find_member(const struct reader *r, const char *name,
                                               const char *key)
{
    char full[MAX_MEMBER_NAME];
    int need = snprintf(full, sizeof full, "%s%s%s", r->prefix, name, key);
    return need > 0 && (size_t)need < sizeof full ? st_zip_find(r->zip, full) : NULL;
}

static synctalk_status read_member(struct reader *r, const struct st_zip_member *member,
                                   const uint8_t **bytes)
{
    struct content *content = &r->contents[member - r->zip->members];
    synctalk_status st = SYNCTALK_OK;
    if (!content->bytes)
        st = st_zip_content(r->zip, member, &r->weights->arena, &content->bytes, r->err);
    *bytes = content->bytes;
    return st;
}

/* The folder that all members are in is wherever the data.pkl is. */
static synctalk_status find_prefix(struct reader *r)
{
    static const char suffix[] = "data.pkl";
    bool found = false;

    for (size_t i = 0; i < r->zip->count; i++) {
        const char *name = r->zip->members[i].name;
        const char *slash = strchr(name, '/');
        size_t length = slash ? (size_t)(slash - name) + 1 : 0;
        if (strcmp(name + length, suffix) != 0 || length >= sizeof r->prefix)
            continue;
        if (found)
            return fail(r, "holds two data.pkl: not one checkpoint");
        found = true;
        memcpy(r->prefix, name, length);
        r->prefix[length] = '\0';
    }
    if (!found)
        return fail(r, "is a zip archive without data.pkl (PyTorch) and not only of .npy (npz)");
    if (find_member(r, "constants.pkl", ""))
        return fail(r, "is a TorchScript program, not a checkpoint; save the state dict: "
                       "torch.save(module.state_dict(), ...)");
    return SYNCTALK_OK;
}

static synctalk_status check_byte_order(struct reader *r)
{
    const struct st_zip_member *member = find_member(r, "byteorder", "");
    const uint8_t *bytes;
    synctalk_status st;

    if (!member)
        return SYNCTALK_OK;
    if ((st = read_member(r, member, &bytes)))
        return st;
    if (member->size != 6 || memcmp(bytes, "little", 6) != 0)
        return fail(r, "was saved with big-endian numbers; save it again on a little-endian "
                       "machine");
    return SYNCTALK_OK;
}

/* Hold the view against its storage: the last element it reaches must be inside. */
static bool view_fits(const struct st_pickle_tensor *view, size_t count)
{
    size_t last = view->offset;
    if (count == 0)
        return view->offset <= view->storage->count;
    for (int axis = 0; axis < view->rank; axis++) {
        size_t reach;
        if (!st_mul_size(view->dims[axis] - 1, view->strides[axis], &reach) ||
            !st_add_size(last, reach, &last))
            return false;
    }
    return last < view->storage->count;
}

static synctalk_status add_tensor(struct reader *r, const char *name, size_t name_length,
                                  const struct st_pickle_tensor *view)
{
    const struct st_pickle_storage *storage = view->storage;
    struct st_tensor tensor = {.dtype = storage->dtype, .rank = view->rank};
    size_t element = st_dtype_size(storage->dtype);
    const uint8_t *bytes;
    synctalk_status st;

    memcpy(tensor.dims, view->dims, sizeof tensor.dims);
    if (!st_tensor_layout(&tensor) || !view_fits(view, tensor.count))
        return st_fail(r->err, SYNCTALK_E_FORMAT,
                       "%s: tensor %.200s reaches past the %zu elements of its storage",
                       r->weights->path, name, storage->count);
    memcpy(tensor.strides, view->strides, sizeof tensor.strides);

    const struct st_zip_member *member =
        strlen(storage->key) == storage->key_length ? find_member(r, "data/", storage->key) : NULL;
    if (!member)
        return st_fail(r->err, SYNCTALK_E_FORMAT,
                       "%s: tensor %.200s lies in storage %.60s, which is not in the archive",
                       r->weights->path, name, storage->key);
    if (storage->count > member->size / element)
        return st_fail(r->err, SYNCTALK_E_FORMAT,
                       "%s: tensor %.200s needs %zu elements of %s in %s, which has %zu bytes",
                       r->weights->path, name, storage->count, st_dtype_name(storage->dtype),
                       member->name, member->size);
    if (!st_add_size(r->viewed, tensor.count * element, &r->viewed) ||
        (r->viewed > FREE_SHARING && r->viewed / MAX_SHARING > r->total))
        return st_fail(
            r->err, SYNCTALK_E_FORMAT,
            "%s: its tensors add up to more than %u times the archive: a bomb, not weights",
            r->weights->path, MAX_SHARING);
    if ((st = read_member(r, member, &bytes)))
        return st;
    tensor.data = bytes + view->offset * element;
    return st_weights_append(r->weights, name, name_length, &tensor, r->err);
}

static bool has_tensors(const struct st_pickle_value *dict)
{
    for (size_t i = 1; i < dict->list.count; i += 2) {
        if (dict->list.items[i]->kind == ST_PICKLE_TENSOR)
            return true;
    }
    return false;
}

static const struct st_pickle_value *dict_get(const struct st_pickle_value *dict, const char *key)
{
    const struct st_pickle_value *found = NULL; /* the last one counts, as in Python */
    for (size_t i = 0; i + 1 < dict->list.count; i += 2) {
        const struct st_pickle_value *k = dict->list.items[i];
        if (k->kind == ST_PICKLE_TEXT && strcmp(k->text.bytes, key) == 0)
            found = dict->list.items[i + 1];
    }
    return found;
}

static bool printable_value(const struct st_pickle_value *value, char *text, size_t room)
{
    switch (value->kind) {
    case ST_PICKLE_BOOL:
        snprintf(text, room, "%s", value->integer ? "true" : "false");
        return true;
    case ST_PICKLE_INT:
        snprintf(text, room, "%lld", (long long)value->integer);
        return true;
    case ST_PICKLE_REAL:
        snprintf(text, room, "%.15g", value->real);
        if (strtod(text, NULL) != value->real)
            snprintf(text, room, "%.17g", value->real);
        return true;
    default:
        return false;
    }
}

/* Strings and numbers beside the tensors become metadata; what cannot be text is left. */
static synctalk_status keep_metadata(struct reader *r, const struct st_pickle_value *dict)
{
    for (size_t i = 0; i + 1 < dict->list.count; i += 2) {
        const struct st_pickle_value *key = dict->list.items[i];
        const struct st_pickle_value *value = dict->list.items[i + 1];
        char number[64];
        synctalk_status st = SYNCTALK_OK;
        if (key->kind != ST_PICKLE_TEXT)
            continue;
        if (value->kind == ST_PICKLE_TEXT)
            st = st_weights_note(r->weights, key->text.bytes, key->text.length, value->text.bytes,
                                 value->text.length, NULL);
        else if (printable_value(value, number, sizeof number))
            st = st_weights_note(r->weights, key->text.bytes, key->text.length, number,
                                 strlen(number), NULL);
        if (st == SYNCTALK_E_MEMORY)
            return st_fail_memory(r->err, "metadata", key->text.length);
    }
    return SYNCTALK_OK;
}

/* Descend to the dict of tensors, keeping what lies beside the way. */
static synctalk_status find_state_dict(struct reader *r, const struct st_pickle_value **dict)
{
    static const char *const homes[] = {"state_dict", "model", "net", "pfld_backbone"};
    synctalk_status st;

    for (int depth = 0; depth < MAX_NESTING; depth++) {
        const struct st_pickle_value *inner = NULL;
        if ((*dict)->kind != ST_PICKLE_DICT)
            break;
        if ((st = keep_metadata(r, *dict)))
            return st;
        for (size_t i = 0; i < sizeof homes / sizeof *homes && !inner; i++) {
            const struct st_pickle_value *value = dict_get(*dict, homes[i]);
            if (value && value->kind == ST_PICKLE_DICT && value->list.count)
                inner = value;
        }
        if (!inner) {
            if (!has_tensors(*dict))
                break;
            return SYNCTALK_OK;
        }
        *dict = inner;
    }
    return fail(r, "holds no state dict: tensors are looked for at its top and under "
                   "state_dict, model, net and pfld_backbone");
}

static bool is_lost_tensor(const struct st_pickle_value *value)
{
    return value->kind == ST_PICKLE_OPAQUE && (strncmp(value->global->name, "_rebuild", 8) == 0 ||
                                               strstr(value->global->name, "Storage"));
}

static synctalk_status add_tensors(struct reader *r, const struct st_pickle_value *dict)
{
    synctalk_status st;

    for (size_t i = 0; i + 1 < dict->list.count; i += 2) {
        const struct st_pickle_value *key = dict->list.items[i];
        const struct st_pickle_value *value = dict->list.items[i + 1];
        bool lost = is_lost_tensor(value);
        if (value->kind != ST_PICKLE_TENSOR && !lost)
            continue;
        if (key->kind != ST_PICKLE_TEXT)
            return fail(r, "a tensor of its state dict has no name");
        if (lost)
            return st_fail(r->err, SYNCTALK_E_FORMAT,
                           "%s: tensor %.200s is made by %s.%s; only plain tensors of floats, "
                           "integers and bools are read",
                           r->weights->path, key->text.bytes, value->global->module,
                           value->global->name);
        if ((st = add_tensor(r, key->text.bytes, key->text.length, value->tensor)))
            return st;
    }
    return SYNCTALK_OK;
}

/* Our own notes: members NAME/extra/KEY, which torch.load() does not look at. */
static synctalk_status read_notes(struct reader *r)
{
    char folder[MAX_MEMBER_NAME + 8];
    size_t length = (size_t)snprintf(folder, sizeof folder, "%sextra/", r->prefix);
    synctalk_status st;

    for (size_t i = 0; i < r->zip->count; i++) {
        const struct st_zip_member *member = &r->zip->members[i];
        const uint8_t *bytes;
        if (strncmp(member->name, folder, length) != 0 || !member->name[length])
            continue;
        if ((st = read_member(r, member, &bytes)) ||
            (st = st_weights_note(r->weights, member->name + length, strlen(member->name + length),
                                  (const char *)bytes, member->size, r->err)))
            return st;
    }
    return SYNCTALK_OK;
}

synctalk_status st_read_pth(struct st_weights *weights, const struct st_zip *zip,
                            synctalk_error *err)
{
    struct reader *r = calloc(1, sizeof *r);
    struct st_arena values = {0};
    const struct st_pickle_value *dict = NULL;
    const uint8_t *pickle;
    synctalk_status st;

    if (r)
        r->contents = calloc(zip->count + 1, sizeof *r->contents);
    if (!r || !r->contents) {
        st = st_fail_memory(err, "a checkpoint's directory", zip->count * sizeof *r->contents);
        goto done;
    }
    weights->format = "PyTorch";
    r->weights = weights;
    r->zip = zip;
    r->err = err;
    for (size_t i = 0; i < zip->count; i++)
        r->total += zip->members[i].size;
    if ((st = find_prefix(r)) || (st = check_byte_order(r)))
        goto done;

    const struct st_zip_member *member = find_member(r, "data.pkl", "");
    if (!member || member->size > MAX_PICKLE_BYTES) {
        st = fail(r, "its data.pkl is larger than 32 MiB: not a checkpoint's list of tensors");
        goto done;
    }
    if ((st = read_member(r, member, &pickle)) ||
        (st = st_pickle_parse(&dict, &values, weights->path, pickle, member->size, err)) ||
        (st = find_state_dict(r, &dict)) || (st = add_tensors(r, dict)) || (st = read_notes(r)))
        goto done;

done:
    st_arena_free(&values);
    if (r)
        free(r->contents);
    free(r);
    return st;
}
