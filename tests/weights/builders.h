/* SPDX-License-Identifier: Apache-2.0 */
/* Files made in memory for the tests of weights/: zip archives, pickles, .npy. */
#ifndef ST_TESTS_WEIGHTS_BUILDERS_H
#define ST_TESTS_WEIGHTS_BUILDERS_H

#include "support/support.h"

/* Growing bytes; ended by free(data). */
struct bytes {
    uint8_t *data;
    size_t size, capacity;
};

void put(struct bytes *to, const void *data, size_t size);
void put_string(struct bytes *to, const char *text); /* without its NUL */
void put_le(struct bytes *to, uint64_t value, size_t size);

/* A zip archive whose fields can be made to lie. */
struct zip_lie {
    int field; /* 0 none, else one of the below */
    uint64_t value;
};
enum {
    LIE_NONE,
    LIE_SIZE,    /* central: uncompressed size */
    LIE_PACKED,  /* central: compressed size */
    LIE_HEADER,  /* central: offset of the local header */
    LIE_METHOD,  /* central: method */
    LIE_CRC,     /* central: checksum */
    LIE_FLAGS,   /* central: flags */
    LIE_SIZE_64, /* sizes of 64 bits in the extra field: the uncompressed one */
};

struct zip_builder {
    struct bytes file, directory;
    unsigned count;
};

void zip_add(struct zip_builder *zip, const char *name, const void *data, size_t size,
             bool deflated);
void zip_add_lying(struct zip_builder *zip, const char *name, const void *data, size_t size,
                   bool deflated, struct zip_lie lie);
/* The finished archive; the builder is emptied. */
struct bytes zip_finish(struct zip_builder *zip);

/* Pickle, protocol 2. */
void pickle_text(struct bytes *to, const char *text);
void pickle_int(struct bytes *to, int64_t value);
/* A tensor: storage type ("FloatStorage"), key, elements, offset, shape and strides. */
void pickle_tensor(struct bytes *to, const char *storage, const char *key, int64_t elements,
                   int64_t offset, int rank, const int64_t *dims, const int64_t *strides);

/* A checkpoint "a/": data.pkl of `pickle`, and storage "0" of `data`. */
struct bytes checkpoint(const struct bytes *pickle, const void *data, size_t size);
/* {"w": f32 [2, 3]} with the values 0 ... 5. */
struct bytes small_checkpoint(bool deflated);

/* A .npy of a version and header text, padded as the format asks. */
struct bytes npy_file(int version, const char *dict, const void *data, size_t size);

/* safetensors: header text and data. */
struct bytes safetensors_file(const char *header, const void *data, size_t size);

/* Open, expect `status` and a sentence that holds `words`. Frees the bytes. */
void expect_refused(struct bytes file, synctalk_status status, const char *words);
/* Open, expect success. The bytes must outlive the set. */
struct st_weights *expect_opened(const struct bytes *file);

#endif /* ST_TESTS_WEIGHTS_BUILDERS_H */
