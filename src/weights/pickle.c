/* SPDX-License-Identifier: Apache-2.0 */
/* The pickle machine: a stack of values, marks into it, a memo. Nothing here recurses, and
 * every opcode consumes at least a byte, so that the work is bounded by the input.
 */
#include "weights/pickle.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "weights/pickle_opcodes.h"
#include "weights/text.h"

struct machine {
    struct st_arena *arena;
    const char *path;
    const uint8_t *data;
    size_t size, at;
    struct st_pickle_value **stack;
    size_t depth, stack_capacity;
    size_t *marks; /* depths at which a MARK was pushed, growing */
    size_t mark_count, mark_capacity;
    struct st_pickle_value **memo; /* [memo_size], NULL where not set */
    size_t memo_size, memo_count;
    size_t values; /* made so far */
    bool stopped;
    synctalk_error *err;
};

static synctalk_status damaged(const struct machine *m, const char *what)
{
    (void)st_fail(m->err, SYNCTALK_E_FORMAT,
                  "%s: the checkpoint's pickle is damaged at byte %zu: %s", m->path, m->at, what);
    return SYNCTALK_E_FORMAT;
}

static synctalk_status no_memory(const struct machine *m)
{
    return st_fail_memory(m->err, "a checkpoint's list of tensors", sizeof(struct st_pickle_value));
}

/* Take `count` bytes of the input; NULL at its end. */
static const uint8_t *take(struct machine *m, uint64_t count)
{
    if (count > m->size - m->at)
        return NULL;
    const uint8_t *p = m->data + m->at;
    m->at += (size_t)count;
    return p;
}

/* Make room for one more item of `item` bytes; NULL where the limit or memory ends. */
static void *grow(void *items, size_t count, size_t *capacity, size_t item, size_t most)
{
    if (count < *capacity)
        return items;
    size_t wanted = *capacity ? 2 * *capacity : ST_PICKLE_FIRST_STACK;
    void *grown = count < most ? realloc(items, wanted * item) : NULL;
    if (grown)
        *capacity = wanted;
    return grown;
}

static synctalk_status push(struct machine *m, struct st_pickle_value *value)
{
    if (!value)
        return no_memory(m);
    void *grown = grow(m->stack, m->depth, &m->stack_capacity, sizeof(void *), ST_PICKLE_MAX_STACK);
    if (!grown)
        return m->depth < ST_PICKLE_MAX_STACK ? no_memory(m)
                                              : damaged(m, "its stack grows without end");
    m->stack = grown;
    m->stack[m->depth++] = value;
    return SYNCTALK_OK;
}

/* Count values against the limit before they are made. */
static synctalk_status charge(struct machine *m, size_t count)
{
    if (count > ST_PICKLE_MAX_VALUES - m->values)
        return damaged(m, "it makes more than four million values");
    m->values += count;
    return SYNCTALK_OK;
}

static synctalk_status make(struct machine *m, enum st_pickle_kind kind,
                            struct st_pickle_value **out)
{
    synctalk_status st = charge(m, 1);
    if (st)
        return st;
    *out = st_arena_alloc(m->arena, sizeof **out);
    if (!*out)
        return no_memory(m);
    (*out)->kind = kind;
    return SYNCTALK_OK;
}

static synctalk_status push_new(struct machine *m, enum st_pickle_kind kind,
                                struct st_pickle_value **out)
{
    synctalk_status st = make(m, kind, out);
    return st ? st : push(m, *out);
}

static synctalk_status push_integer(struct machine *m, enum st_pickle_kind kind, int64_t integer)
{
    struct st_pickle_value *value;
    synctalk_status st = push_new(m, kind, &value);
    if (!st)
        value->integer = integer;
    return st;
}

/* Values above the topmost mark: what an opcode may touch. */
static size_t reachable(const struct machine *m)
{
    return m->depth - (m->mark_count ? m->marks[m->mark_count - 1] : 0);
}

static struct st_pickle_value *top(const struct machine *m)
{
    return m->stack[m->depth - 1];
}

static synctalk_status need(const struct machine *m, size_t count)
{
    return reachable(m) >= count ? SYNCTALK_OK : damaged(m, "its stack is empty");
}

/* Remove the topmost mark; *from = the depth it stood at. */
static synctalk_status pop_mark(struct machine *m, size_t *from)
{
    if (m->mark_count == 0)
        return damaged(m, "a mark is missing");
    *from = m->marks[--m->mark_count];
    return SYNCTALK_OK;
}

static synctalk_status push_mark(struct machine *m)
{
    void *grown =
        grow(m->marks, m->mark_count, &m->mark_capacity, sizeof *m->marks, ST_PICKLE_MAX_MARKS);
    if (!grown)
        return m->mark_count < ST_PICKLE_MAX_MARKS ? no_memory(m)
                                                   : damaged(m, "it nests without end");
    m->marks = grown;
    m->marks[m->mark_count++] = m->depth;
    return SYNCTALK_OK;
}

/* Replace the stack from `from` up by one list, tuple or dict of it. */
static synctalk_status collect(struct machine *m, enum st_pickle_kind kind, size_t from)
{
    struct st_pickle_value *value;
    synctalk_status st;

    if (kind == ST_PICKLE_DICT && (m->depth - from) % 2)
        return damaged(m, "a dict has a key without value");
    if ((st = make(m, kind, &value)))
        return st;
    for (size_t i = from; i < m->depth; i++) {
        if (!st_pickle_append(m->arena, value, m->stack[i]))
            return no_memory(m);
    }
    m->depth = from;
    return push(m, value);
}

/* Append the stack from `from` up to the container below it. */
static synctalk_status extend(struct machine *m, enum st_pickle_kind kind, size_t from)
{
    size_t floor = m->mark_count ? m->marks[m->mark_count - 1] : 0;
    if (from <= floor)
        return damaged(m, "there is nothing to append to");
    struct st_pickle_value *to = m->stack[from - 1];
    size_t count = m->depth - from;
    m->depth = from;
    if (to->kind == ST_PICKLE_OPAQUE)
        return SYNCTALK_OK;
    if (to->kind != kind || (kind == ST_PICKLE_DICT && count % 2))
        return damaged(m, "it appends to what is no list or dict");
    for (size_t i = 0; i < count; i++) {
        if (!st_pickle_append(m->arena, to, m->stack[from + i]))
            return no_memory(m);
    }
    return SYNCTALK_OK;
}

static synctalk_status push_text(struct machine *m, uint64_t length)
{
    const uint8_t *bytes = take(m, length);
    struct st_pickle_value *value;
    synctalk_status st;

    if (!bytes)
        return damaged(m, "a string runs past the end");
    if ((st = push_new(m, ST_PICKLE_TEXT, &value)))
        return st;
    value->text.length = (size_t)length;
    value->text.bytes = st_arena_text(m->arena, bytes, (size_t)length);
    return value->text.bytes ? SYNCTALK_OK : no_memory(m);
}

/* Two's complement, little-endian; what is beyond 64 bits cannot be a size, and is None. */
static synctalk_status push_long(struct machine *m, uint64_t length)
{
    const uint8_t *bytes = take(m, length);
    uint64_t bits = 0;

    if (!bytes)
        return damaged(m, "a number runs past the end");
    if (length > 8)
        return push_integer(m, ST_PICKLE_NONE, 0);
    for (size_t i = 0; i < length; i++)
        bits |= (uint64_t)bytes[i] << (8 * i);
    if (length > 0 && length < 8 && bytes[length - 1] & 0x80)
        bits |= UINT64_MAX << (8 * length);
    int64_t integer;
    memcpy(&integer, &bits, sizeof integer);
    return push_integer(m, ST_PICKLE_INT, integer);
}

static synctalk_status push_real(struct machine *m)
{
    const uint8_t *bytes = take(m, 8); /* big-endian, unlike all else */
    struct st_pickle_value *value;
    uint64_t bits = 0;
    synctalk_status st;

    if (!bytes)
        return damaged(m, "a number runs past the end");
    for (size_t i = 0; i < 8; i++)
        bits = bits << 8 | bytes[i];
    if ((st = push_new(m, ST_PICKLE_REAL, &value)))
        return st;
    memcpy(&value->real, &bits, sizeof value->real);
    return SYNCTALK_OK;
}

/* Give a global its meaning, or end the parse with its name. Both names are in the arena. */
static synctalk_status push_global(struct machine *m, const char *module, size_t module_length,
                                   const char *name, size_t name_length)
{
    struct st_pickle_value *value;
    synctalk_status st;

    if (module_length > ST_PICKLE_MAX_GLOBAL || name_length > ST_PICKLE_MAX_GLOBAL ||
        name_length == 0 || !st_text_is_name(module, module_length) ||
        !st_text_is_name(name, name_length))
        return damaged(m, "a global has no proper name");
    struct st_pickle_global *global = st_arena_alloc(m->arena, sizeof *global);
    if (!global)
        return no_memory(m);
    global->module = module;
    global->name = name;
    global->meaning = st_pickle_meaning(module, name, &global->dtype);
    if (global->meaning == ST_MEANS_DANGER)
        return st_fail(m->err, SYNCTALK_E_FORMAT,
                       "%s: asks to run %s.%s; not a checkpoint you should trust", m->path, module,
                       name);
    if (global->meaning == ST_MEANS_UNKNOWN)
        return st_fail(
            m->err, SYNCTALK_E_FORMAT,
            "%s: needs the Python object %s.%s, which is never loaded from a checkpoint; "
            "save the state dict alone: torch.save(model.state_dict(), ...)",
            m->path, module, name);
    if ((st = push_new(m, ST_PICKLE_GLOBAL, &value)))
        return st;
    value->global = global;
    return SYNCTALK_OK;
}

/* A line of text, as GLOBAL and INST have two. */
static synctalk_status take_line(struct machine *m, const char **line, size_t *length)
{
    const uint8_t *start = m->data + m->at;
    const uint8_t *end = memchr(start, '\n', m->size - m->at);
    if (!end)
        return damaged(m, "it breaks off");
    *length = (size_t)(end - start);
    m->at += *length + 1;
    *line = st_arena_text(m->arena, start, *length);
    return *line ? SYNCTALK_OK : no_memory(m);
}

static synctalk_status run_global(struct machine *m)
{
    const char *module = NULL;
    const char *name = NULL;
    size_t module_length = 0;
    size_t name_length = 0;
    synctalk_status st;

    if ((st = take_line(m, &module, &module_length)) || (st = take_line(m, &name, &name_length)))
        return st;
    return push_global(m, module, module_length, name, name_length);
}

static synctalk_status refuse_opcode(const struct machine *m, uint8_t op)
{
    return st_fail(m->err, SYNCTALK_E_FORMAT,
                   "%s: the checkpoint's pickle has opcode 0x%02x at byte %zu, which torch.save() "
                   "does not write",
                   m->path, op, m->at - 1);
}

/* Protocol 0's call. It is not run; a dangerous global is refused by its name. */
static synctalk_status run_inst(struct machine *m)
{
    synctalk_status st = run_global(m);
    return st ? st : refuse_opcode(m, OP_INST);
}

static synctalk_status run_stack_global(struct machine *m)
{
    synctalk_status st = need(m, 2);
    if (st)
        return st;
    const struct st_pickle_value *name = m->stack[m->depth - 1];
    const struct st_pickle_value *module = m->stack[m->depth - 2];
    if (name->kind != ST_PICKLE_TEXT || module->kind != ST_PICKLE_TEXT)
        return damaged(m, "a global has no proper name");
    m->depth -= 2;
    return push_global(m, module->text.bytes, module->text.length, name->text.bytes,
                       name->text.length);
}

/* REDUCE and NEWOBJ: function and arguments become what the call gives. */
static synctalk_status run_call(struct machine *m)
{
    synctalk_status st = need(m, 2);
    if (st)
        return st;
    const struct st_pickle_value *args = top(m);
    /* A dict made of a list copies the list, however often it is called. */
    bool copies = args->kind == ST_PICKLE_TUPLE && args->list.count &&
                  (args->list.items[0]->kind == ST_PICKLE_LIST ||
                   args->list.items[0]->kind == ST_PICKLE_TUPLE);
    if ((st = charge(m, 1 + (copies ? args->list.items[0]->list.count : 0))))
        return st;
    synctalk_error err = {0};
    struct st_pickle_value *value =
        st_pickle_call(m->arena, m->path, m->stack[m->depth - 2], args, &err);
    if (!value)
        return st_fail(m->err, err.status, "%s", err.message);
    m->depth -= 2;
    return push(m, value);
}

static synctalk_status run_persistent(struct machine *m)
{
    synctalk_status st = need(m, 1);
    if (st)
        return st;
    if ((st = charge(m, 1)))
        return st;
    synctalk_error err = {0};
    struct st_pickle_value *value = st_pickle_persistent(m->arena, m->path, top(m), &err);
    if (!value)
        return st_fail(m->err, err.status, "%s", err.message);
    m->depth--;
    return push(m, value);
}

/* Drop an object's state: of ours only state_dict()'s _metadata, versions of modules. */
static synctalk_status run_build(struct machine *m)
{
    synctalk_status st = need(m, 2);
    if (st)
        return st;
    enum st_pickle_kind kind = m->stack[m->depth - 2]->kind;
    if (kind != ST_PICKLE_DICT && kind != ST_PICKLE_OPAQUE && kind != ST_PICKLE_TENSOR)
        return damaged(m, "it gives a state to what has none");
    m->depth--;
    return SYNCTALK_OK;
}

static synctalk_status memo_put(struct machine *m, size_t index)
{
    synctalk_status st = need(m, 1);
    if (st)
        return st;
    if (index >= ST_PICKLE_MAX_MEMO)
        return damaged(m, "its memo grows without end");
    if (index >= m->memo_size) {
        size_t wanted = m->memo_size ? m->memo_size : 256;
        while (wanted <= index)
            wanted *= 2;
        struct st_pickle_value **grown = realloc(m->memo, wanted * sizeof(void *));
        if (!grown)
            return no_memory(m);
        memset(grown + m->memo_size, 0, (wanted - m->memo_size) * sizeof(void *));
        m->memo = grown;
        m->memo_size = wanted;
    }
    if (!m->memo[index])
        m->memo_count++;
    m->memo[index] = top(m);
    return SYNCTALK_OK;
}

static synctalk_status memo_get(struct machine *m, size_t index)
{
    if (index >= m->memo_size || !m->memo[index])
        return damaged(m, "it recalls what was never stored");
    return push(m, m->memo[index]);
}

/* An unsigned argument of `bytes` bytes. */
static synctalk_status take_number(struct machine *m, size_t bytes, uint64_t *number)
{
    const uint8_t *p = take(m, bytes);
    if (!p)
        return damaged(m, "it breaks off");
    *number = 0;
    for (size_t i = bytes; i-- > 0;)
        *number = *number << 8 | p[i];
    return SYNCTALK_OK;
}

static synctalk_status run_with_number(struct machine *m, uint8_t op, uint64_t number)
{
    switch (op) {
    case OP_PROTO:
        if (number > ST_PICKLE_MAX_PROTOCOL)
            return damaged(m, "its protocol is not one of 2 to 5");
        return SYNCTALK_OK;
    case OP_FRAME: /* a hint for readers that buffer */
        return SYNCTALK_OK;
    case OP_BININT1:
    case OP_BININT2:
        return push_integer(m, ST_PICKLE_INT, (int64_t)number);
    case OP_BININT:
        return push_integer(m, ST_PICKLE_INT, (int32_t)(uint32_t)number);
    case OP_LONG1:
    case OP_LONG4:
        return push_long(m, number);
    case OP_BINGET:
    case OP_LONG_BINGET:
        return memo_get(m, (size_t)number);
    case OP_BINPUT:
    case OP_LONG_BINPUT:
        return memo_put(m, (size_t)number);
    default:
        return push_text(m, number);
    }
}

static synctalk_status run_marked(struct machine *m, uint8_t op)
{
    size_t from = 0;
    synctalk_status st = pop_mark(m, &from);
    if (st)
        return st;
    switch (op) {
    case OP_TUPLE:
        return collect(m, ST_PICKLE_TUPLE, from);
    case OP_LIST:
    case OP_FROZENSET:
        return collect(m, ST_PICKLE_LIST, from);
    case OP_DICT:
        return collect(m, ST_PICKLE_DICT, from);
    case OP_APPENDS:
    case OP_ADDITEMS:
        return extend(m, ST_PICKLE_LIST, from);
    case OP_SETITEMS:
        return extend(m, ST_PICKLE_DICT, from);
    default: /* OP_POP_MARK */
        m->depth = from;
        return SYNCTALK_OK;
    }
}

/* Opcodes that make something of the topmost `count` values. */
static synctalk_status run_on_top(struct machine *m, uint8_t op, size_t count)
{
    synctalk_status st = need(m, count);
    if (st)
        return st;
    switch (op) {
    case OP_TUPLE1:
    case OP_TUPLE2:
    case OP_TUPLE3:
        return collect(m, ST_PICKLE_TUPLE, m->depth - count);
    case OP_APPEND:
        return extend(m, ST_PICKLE_LIST, m->depth - 1);
    case OP_SETITEM:
        return extend(m, ST_PICKLE_DICT, m->depth - 2);
    case OP_DUP:
        return push(m, top(m));
    case OP_MEMOIZE:
        return memo_put(m, m->memo_count);
    case OP_STOP:
        m->stopped = true;
        return SYNCTALK_OK;
    default: /* OP_POP */
        m->depth--;
        return SYNCTALK_OK;
    }
}

static synctalk_status run_plain(struct machine *m, uint8_t op)
{
    struct st_pickle_value *value;
    switch (op) {
    case OP_MARK:
        return push_mark(m);
    case OP_NONE:
        return push_new(m, ST_PICKLE_NONE, &value);
    case OP_NEWTRUE:
    case OP_NEWFALSE:
        return push_integer(m, ST_PICKLE_BOOL, op == OP_NEWTRUE);
    case OP_BINFLOAT:
        return push_real(m);
    case OP_EMPTY_DICT:
        return push_new(m, ST_PICKLE_DICT, &value);
    case OP_EMPTY_LIST:
    case OP_EMPTY_SET:
        return push_new(m, ST_PICKLE_LIST, &value);
    case OP_EMPTY_TUPLE:
        return push_new(m, ST_PICKLE_TUPLE, &value);
    case OP_GLOBAL:
        return run_global(m);
    case OP_INST:
        return run_inst(m);
    case OP_STACK_GLOBAL:
        return run_stack_global(m);
    case OP_REDUCE:
    case OP_NEWOBJ:
        return run_call(m);
    case OP_BINPERSID:
        return run_persistent(m);
    case OP_BUILD:
        return run_build(m);
    default:
        return refuse_opcode(m, op);
    }
}

static synctalk_status run(struct machine *m)
{
    synctalk_status st;
    const uint8_t *op = take(m, 1);
    if (!op)
        return damaged(m, "it breaks off");

    size_t bytes = st_pickle_argument_bytes(*op);
    if (bytes) {
        uint64_t number = 0;
        st = take_number(m, bytes, &number);
        return st ? st : run_with_number(m, *op, number);
    }
    switch (*op) {
    case OP_TUPLE:
    case OP_LIST:
    case OP_FROZENSET:
    case OP_DICT:
    case OP_APPENDS:
    case OP_ADDITEMS:
    case OP_SETITEMS:
    case OP_POP_MARK:
        return run_marked(m, *op);
    case OP_TUPLE1:
    case OP_DUP:
    case OP_MEMOIZE:
    case OP_STOP:
    case OP_POP:
        return run_on_top(m, *op, 1);
    case OP_TUPLE2:
    case OP_APPEND:
        return run_on_top(m, *op, 2);
    case OP_TUPLE3:
    case OP_SETITEM:
        return run_on_top(m, *op, 3);
    default:
        return run_plain(m, *op);
    }
}

synctalk_status st_pickle_parse(const struct st_pickle_value **root, struct st_arena *arena,
                                const char *path, const uint8_t *data, size_t size,
                                synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    struct machine m = {.arena = arena, .path = path, .data = data, .size = size, .err = err};

    m.stack = malloc(ST_PICKLE_FIRST_STACK * sizeof(void *));
    if (!m.stack)
        return no_memory(&m);
    m.stack_capacity = ST_PICKLE_FIRST_STACK;
    while (!st && !m.stopped)
        st = run(&m);
    if (!st)
        *root = top(&m);
    free(m.stack);
    free(m.marks);
    free(m.memo);
    return st;
}
