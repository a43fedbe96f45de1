/* SPDX-License-Identifier: Apache-2.0 */
/* A machine for the pickles inside PyTorch files. It builds tensors, dicts, lists, numbers
 * and strings; it imports and calls nothing. What a few harmless globals would make
 * becomes an opaque value; every other global ends the parse with a sentence naming it.
 * Source: CPython's Lib/pickletools.py, which documents each opcode.
 */
#ifndef ST_WEIGHTS_PICKLE_H
#define ST_WEIGHTS_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "weights/arena.h"
#include "weights/weights.h"

enum st_pickle_kind {
    ST_PICKLE_NONE,
    ST_PICKLE_BOOL, /* integer: 0 or 1 */
    ST_PICKLE_INT,
    ST_PICKLE_REAL,
    ST_PICKLE_TEXT,
    ST_PICKLE_TUPLE,
    ST_PICKLE_LIST,
    ST_PICKLE_DICT, /* items: key, value, key, value ...; a repeated key stays twice */
    ST_PICKLE_GLOBAL,
    ST_PICKLE_STORAGE,
    ST_PICKLE_TENSOR,
    ST_PICKLE_OPAQUE, /* what a harmless global would have made; `global` says which */
};

/* What a global means to the machine. */
enum st_pickle_meaning {
    ST_MEANS_NOTHING, /* opaque */
    ST_MEANS_REBUILD_TENSOR,
    ST_MEANS_REBUILD_PARAMETER,
    ST_MEANS_ORDERED_DICT,
    ST_MEANS_STORAGE,
    ST_MEANS_DANGER, /* refused: it would run code */
    ST_MEANS_UNKNOWN,
};

struct st_pickle_global {
    const char *module, *name; /* in the arena */
    enum st_pickle_meaning meaning;
    enum st_dtype dtype; /* of a storage */
};

struct st_pickle_storage {
    enum st_dtype dtype;
    const char *key; /* member NAME/data/KEY */
    size_t key_length;
    size_t count; /* elements, as claimed */
};

struct st_pickle_tensor {
    const struct st_pickle_storage *storage;
    size_t offset; /* elements */
    int rank;
    size_t dims[ST_MAX_RANK], strides[ST_MAX_RANK]; /* strides in elements */
};

struct st_pickle_value {
    enum st_pickle_kind kind;
    union {
        int64_t integer;
        double real;
        struct {
            const char *bytes; /* NUL after `length` bytes; may hold others */
            size_t length;
        } text;
        struct {
            struct st_pickle_value **items;
            size_t count, capacity;
        } list;
        const struct st_pickle_global *global;
        const struct st_pickle_storage *storage;
        const struct st_pickle_tensor *tensor;
    };
};

/* Parse one pickle. All values are in `arena`; they may refer to each other in circles, so
 * never walk them without a bound. `path` is for messages. */
synctalk_status st_pickle_parse(const struct st_pickle_value **root, struct st_arena *arena,
                                const char *path, const uint8_t *data, size_t size,
                                synctalk_error *err);

/* pickle_globals.c: what `module`.`name` means; `dtype` is set for a storage. */
enum st_pickle_meaning st_pickle_meaning(const char *module, const char *name,
                                         enum st_dtype *dtype);

/* pickle_torch.c: what calling `function` with the tuple `args` gives, and what a
 * persistent id stands for. NULL after filling `err`. */
struct st_pickle_value *st_pickle_call(struct st_arena *arena, const char *path,
                                       const struct st_pickle_value *function,
                                       const struct st_pickle_value *args, synctalk_error *err);
struct st_pickle_value *st_pickle_persistent(struct st_arena *arena, const char *path,
                                             const struct st_pickle_value *id, synctalk_error *err);

/* Append to a tuple, list or dict; false without memory. */
bool st_pickle_append(struct st_arena *arena, struct st_pickle_value *to,
                      struct st_pickle_value *item);

#endif /* ST_WEIGHTS_PICKLE_H */
