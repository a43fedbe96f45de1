/* SPDX-License-Identifier: Apache-2.0 */
/* Windows at both ends and in the middle, against the definition written out. */
#include "support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "generate/feature_source.h"
#include "weights/npy.h"

#define VECTOR 3

/* Number k of vector v is 10 v + k. */
static struct st_weights *table_of(const char *folder, size_t vectors)
{
    char path[ST_PATH_MAX];
    struct st_npy_writer writer;
    struct st_weights *table;
    ST_OK(st_path_join(path, folder, "f.npy", err));
    ST_OK(st_npy_writer_open(&writer, path, true, 1, (size_t[]){VECTOR}, err));
    for (size_t v = 0; v < vectors; v++) {
        float row[VECTOR];
        for (int k = 0; k < VECTOR; k++)
            row[k] = 10.0f * (float)v + (float)k;
        ST_OK(st_npy_writer_rows(&writer, row, 1, err));
    }
    ST_OK(st_npy_writer_commit(&writer, true, err));
    ST_OK(st_weights_open(&table, path, err));
    return table;
}

/* What is not a number went through the network, and came out as a mouth. */
static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    char *folder = st_scratch_create();
    char path[ST_PATH_MAX];
    struct st_npy_writer writer;
    struct st_weights *table;
    struct st_feature_source *source;
    float rows[12 * VECTOR] = {0}, got[8 * VECTOR];
    rows[9 * VECTOR + 1] = NAN;
    ST_OK(st_path_join(path, folder, "f.npy", err));
    ST_OK(st_npy_writer_open(&writer, path, true, 1, (size_t[]){VECTOR}, err));
    ST_OK(st_npy_writer_rows(&writer, rows, 12, err));
    ST_OK(st_npy_writer_commit(&writer, true, err));
    ST_OK(st_weights_open(&table, path, err));
    ST_OK(st_feature_source_from_file(&source, table, VECTOR, 8, err));
    ST_OK(st_feature_source_window(source, 0, got, err));
    synctalk_error e = {0};
    assert_int_equal(st_feature_source_window(source, 9, got, &e), SYNCTALK_E_FORMAT);
    assert_non_null(strstr(e.message, "f.npy: vector 9"));
    st_feature_source_close(&source);
    st_weights_close(&table);
    st_scratch_remove(folder);
}

static void expect_window(const float *got, int window, int64_t i, int64_t vectors)
{
    for (int w = 0; w < window; w++) {
        int64_t v = i - window / 2 + w;
        v = v < 0 ? 0 : v >= vectors ? vectors - 1 : v;
        for (int k = 0; k < VECTOR; k++)
            if (got[w * VECTOR + k] != 10.0f * (float)v + (float)k)
                fail_msg("frame %lld of %lld vectors: slot %d holds %g", (long long)i,
                         (long long)vectors, w, (double)got[w * VECTOR]);
    }
}

/* The published program replaced the whole window by the last vector as soon as it touched
 * the end, which froze the mouth for a third of a second. */
static void windows_repeat_only_what_is_missing(void **state)
{
    (void)state;
    char *folder = st_scratch_create();
    const size_t lengths[] = {1, 2, 7, 8, 16, 17, 48, 49, 50, 200};
    for (size_t n = 0; n < sizeof lengths / sizeof lengths[0]; n++) {
        struct st_weights *table = table_of(folder, lengths[n]);
        for (int window = 8; window <= 16; window += 8) {
            struct st_feature_source *source;
            float got[16 * VECTOR];
            ST_OK(st_feature_source_from_file(&source, table, VECTOR, window, err));
            for (int64_t i = 0; i < (int64_t)lengths[n] + 40; i++) {
                ST_OK(st_feature_source_window(source, i, got, err));
                expect_window(got, window, i, (int64_t)lengths[n]);
            }
            st_feature_source_close(&source);
        }
        st_weights_close(&table);
    }
    st_scratch_remove(folder);
}

static void features_of_another_shape_are_refused(void **state)
{
    (void)state;
    char *folder = st_scratch_create();
    struct st_feature_source *source;
    synctalk_error e;
    struct st_weights *table = table_of(folder, 9);
    assert_int_equal(st_feature_source_from_file(&source, table, 512, 16, &e), SYNCTALK_E_FORMAT);
    assert_null(source);
    assert_non_null(strstr(e.message, "has 3 numbers a vector, but the checkpoint needs 512"));
    st_weights_close(&table);
    table = table_of(folder, 0);
    assert_int_equal(st_feature_source_from_file(&source, table, VECTOR, 16, &e),
                     SYNCTALK_E_FORMAT);
    st_weights_close(&table);
    st_scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(windows_repeat_only_what_is_missing),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(features_of_another_shape_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
