/* SPDX-License-Identifier: Apache-2.0 */
/* Reading .npy: magic, version, header length, a Python dict in text, the array. And
 * .npz: a zip of them. Pickled objects are refused.
 * Source: numpy.lib.format, versions 1.0, 2.0 and 3.0.
 */
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "weights/bytes.h"
#include "weights/set.h"
#include "weights/zip.h"

#define MAGIC_BYTES 6u
#define MAX_HEADER_BYTES 65536u
#define MAX_DESCR 16 /* "<f4" */

/* The header's text and what it says. */
struct header {
    const char *at, *end;
    char descr[MAX_DESCR];
    bool fortran;
    int rank;
    size_t dims[ST_MAX_RANK];
    bool has_descr, has_order, has_shape;
};

static void skip_blanks(struct header *h)
{
    while (h->at < h->end && (*h->at == ' ' || *h->at == '\n' || *h->at == '\t'))
        h->at++;
}

/* Skip blanks and take `sign` if it is next. */
static bool take(struct header *h, char sign)
{
    skip_blanks(h);
    if (h->at == h->end || *h->at != sign)
        return false;
    h->at++;
    return true;
}

/* A quoted string without escapes, into `text`. */
static bool take_string(struct header *h, char *text, size_t room)
{
    skip_blanks(h);
    if (h->at == h->end || (*h->at != '\'' && *h->at != '"'))
        return false;
    const char *start = h->at + 1;
    const char *quote = memchr(start, *h->at, (size_t)(h->end - start));
    if (!quote || (size_t)(quote - start) >= room)
        return false;
    memcpy(text, start, (size_t)(quote - start));
    text[quote - start] = '\0';
    h->at = quote + 1;
    return true;
}

static bool take_bool(struct header *h, bool *value)
{
    skip_blanks(h);
    size_t left = (size_t)(h->end - h->at);
    *value = left >= 4 && memcmp(h->at, "True", 4) == 0;
    if (!*value && !(left >= 5 && memcmp(h->at, "False", 5) == 0))
        return false;
    h->at += *value ? 4 : 5;
    return true;
}

static bool take_number(struct header *h, size_t *number)
{
    skip_blanks(h);
    const char *start = h->at;
    *number = 0;
    for (; h->at < h->end && *h->at >= '0' && *h->at <= '9'; h->at++) {
        if (!st_mul_size(*number, 10, number) ||
            !st_add_size(*number, (size_t)(*h->at - '0'), number))
            return false;
    }
    return h->at > start && !(h->at < h->end && *h->at == 'L' && !h->at++);
}

static bool take_shape(struct header *h)
{
    if (!take(h, '('))
        return false;
    for (h->rank = 0; !take(h, ')'); h->rank++) {
        if (h->rank == ST_MAX_RANK || (h->rank && !take(h, ',')))
            return false;
        if (h->rank && take(h, ')'))
            return true;
        if (!take_number(h, &h->dims[h->rank]))
            return false;
    }
    return true;
}

static bool parse_header(struct header *h)
{
    char key[16];

    if (!take(h, '{'))
        return false;
    while (!take(h, '}')) {
        bool ok = false;
        if (!take_string(h, key, sizeof key) || !take(h, ':'))
            return false;
        if (strcmp(key, "descr") == 0)
            ok = h->has_descr = take_string(h, h->descr, sizeof h->descr);
        else if (strcmp(key, "fortran_order") == 0)
            ok = h->has_order = take_bool(h, &h->fortran);
        else if (strcmp(key, "shape") == 0)
            ok = h->has_shape = take_shape(h);
        if (!ok)
            return false;
        (void)take(h, ',');
    }
    skip_blanks(h);
    return h->at == h->end && h->has_descr && h->has_order && h->has_shape;
}

static bool parse_dtype(const char *descr, enum st_dtype *dtype)
{
    static const struct {
        const char *descr;
        enum st_dtype dtype;
    } known[] = {
        {"<f4", ST_F32}, {"<f2", ST_F16}, {"<f8", ST_F64}, {"<i8", ST_I64},  {"<i4", ST_I32},
        {"<i2", ST_I16}, {"|i1", ST_I8},  {"|u1", ST_U8},  {"|b1", ST_BOOL},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcmp(descr, known[i].descr) == 0) {
            *dtype = known[i].dtype;
            return true;
        }
    }
    return false;
}

static void fortran_strides(struct st_tensor *tensor)
{
    size_t stride = 1;
    for (int axis = 0; axis < tensor->rank; axis++) {
        tensor->strides[axis] = stride;
        if (tensor->dims[axis])
            stride *= tensor->dims[axis];
    }
}

/* `what` names the array in messages: the file, or file and member. */
static synctalk_status fail(const struct st_weights *weights, const char *what, const char *why,
                            synctalk_error *err)
{
    return st_fail(err, SYNCTALK_E_FORMAT, "%s: %s%s%s", weights->path, what, *what ? ": " : "",
                   why);
}

/* Find the header's text; *start = where the array begins. */
static synctalk_status find_header(const struct st_weights *weights, const char *what,
                                   const uint8_t *bytes, size_t size, struct header *h,
                                   size_t *start, synctalk_error *err)
{
    if (size < MAGIC_BYTES + 4 || memcmp(bytes, "\x93NUMPY", MAGIC_BYTES) != 0)
        return fail(weights, what, "is not an .npy array, or is cut off", err);
    unsigned version = bytes[6];
    if (version < 1 || version > 3 || bytes[7] != 0)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: %s.npy format version %u.%u; 1.0, 2.0 and 3.0 are read", weights->path,
                       what, version, bytes[7]);
    size_t fixed = version == 1 ? 10 : 12;
    if (size < fixed)
        return fail(weights, what, "is cut off in its header", err);
    size_t length = version == 1 ? st_get_u16(bytes + 8) : st_get_u32(bytes + 8);
    if (length > MAX_HEADER_BYTES || length > size - fixed)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: %s.npy header of %zu bytes in %zu: the file is truncated or damaged",
                       weights->path, what, length, size);
    h->at = (const char *)bytes + fixed;
    h->end = h->at + length;
    *start = fixed + length;
    return SYNCTALK_OK;
}

static synctalk_status read_array(struct st_weights *weights, const char *what, const char *name,
                                  size_t name_length, const uint8_t *bytes, size_t size,
                                  synctalk_error *err)
{
    struct header header = {0};
    struct st_tensor tensor = {0};
    size_t start = 0;
    synctalk_status st;

    if ((st = find_header(weights, what, bytes, size, &header, &start, err)))
        return st;
    if (!parse_header(&header))
        return fail(weights, what,
                    "its .npy header is not that of a plain array of up to 8 dimensions", err);
    if (!parse_dtype(header.descr, &tensor.dtype))
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: %s%sarray of type %s; little-endian f2, f4, f8, i1, i2, i4, i8, u1 and "
                       "b1 are read",
                       weights->path, what, *what ? ": " : "", header.descr);
    tensor.rank = header.rank;
    memcpy(tensor.dims, header.dims, sizeof tensor.dims);
    if (!st_tensor_layout(&tensor) || tensor.count * st_dtype_size(tensor.dtype) != size - start)
        return st_fail(
            err, SYNCTALK_E_FORMAT,
            "%s: %s%sits array has %zu bytes, not what its shape and type need: the file "
            "is truncated or damaged",
            weights->path, what, *what ? ": " : "", size - start);
    if (header.fortran)
        fortran_strides(&tensor);
    tensor.data = bytes + start;
    return st_weights_append(weights, name, name_length, &tensor, err);
}

synctalk_status st_read_npy(struct st_weights *weights, synctalk_error *err)
{
    weights->format = ".npy";
    return read_array(weights, "", "", 0, weights->bytes, weights->size, err);
}

synctalk_status st_read_npz(struct st_weights *weights, const struct st_zip *zip,
                            synctalk_error *err)
{
    weights->format = ".npz";
    for (size_t i = 0; i < zip->count; i++) {
        const struct st_zip_member *member = &zip->members[i];
        const uint8_t *bytes;
        synctalk_status st;
        if ((st = st_zip_content(zip, member, &weights->arena, &bytes, err)) ||
            (st = read_array(weights, member->name, member->name, strlen(member->name) - 4, bytes,
                             member->size, err)))
            return st;
    }
    return SYNCTALK_OK;
}
