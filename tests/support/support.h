/* SPDX-License-Identifier: Apache-2.0 */
/* What tests share: reference files, seeded numbers, scratch folders. */
#ifndef ST_TESTS_SUPPORT_H
#define ST_TESTS_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "synctalk/status.h"
#include "weights/weights.h"

/* Path of a file below the folder of reference data, in a static buffer of eight that
 * rotate; NULL, after a line on stderr that says what was skipped, where it is absent. */
const char *st_shared(const char *name);

/* Begin a golden test: `path` = the file, or skip() with a line that says so. */
#define ST_NEED_SHARED(path, name)      \
    const char *path = st_shared(name); \
    if (!(path))                        \
    skip()

/* A call that must succeed; prints the sentence where it does not. */
#define ST_OK(call)                                           \
    do {                                                      \
        synctalk_error err_ = {0};                            \
        synctalk_error *err = &err_;                          \
        synctalk_status st_ = (call);                         \
        if (st_)                                              \
            fail_msg("%s: %d: %s", #call, st_, err_.message); \
    } while (0)

/* Tensor of an open file as f32; fails the test when it is not there. malloc'ed. */
float *st_test_f32(const struct st_weights *weights, const char *name, size_t *count);

/* Largest |a - b|; NaN in either is infinity. */
double st_max_difference(const float *a, const float *b, size_t count);

/* splitmix64: the same numbers on every machine. */
uint64_t st_random_next(uint64_t *state);
float st_random_unit(uint64_t *state); /* [0, 1) */

/* A new empty folder under $TMPDIR; removed with all in it by st_scratch_remove(). */
char *st_scratch_create(void); /* malloc'ed path */
void st_scratch_remove(char *path);

/* Run a program to its end, what it prints into the file `log`; fails the test where it fails. No
 * shell reads the words, which end with NULL. */
void st_run_program(const char *const *words, const char *log);
void st_write_file(const char *path, const void *data, size_t size);

#endif /* ST_TESTS_SUPPORT_H */
