/* SPDX-License-Identifier: Apache-2.0 */
/* Writers: what is written is read back the same, whole or not at all. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "weights/builders.h"
#include "weights/npy.h"

static char *folder;

static int make_folder(void **state)
{
    (void)state;
    folder = st_scratch_create();
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    st_scratch_remove(folder);
    return 0;
}

static const char *in_folder(const char *name)
{
    static char paths[4][4200];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* Same names in the same order, shapes, metadata; values as bytes of f32. `exact_type`:
 * dtypes too. */
static void expect_same(const struct st_weights *a, const struct st_weights *b, bool exact_type)
{
    const char *key;
    const char *value;
    assert_int_equal(st_weights_count(a), st_weights_count(b));
    for (size_t i = 0; i < st_weights_count(a); i++) {
        const struct st_tensor *x = st_weights_at(a, i);
        const struct st_tensor *y = st_weights_at(b, i);
        assert_string_equal(x->name, y->name);
        assert_int_equal(x->rank, y->rank);
        assert_memory_equal(x->dims, y->dims, (size_t)x->rank * sizeof *x->dims);
        if (exact_type)
            assert_int_equal(x->dtype, y->dtype);
        float *p = st_test_f32(a, x->name, NULL);
        float *q = st_test_f32(b, x->name, NULL);
        assert_memory_equal(p, q, x->count * sizeof *p);
        free(p);
        free(q);
    }
    for (size_t i = 0; st_weights_metadata_at(a, i, &key, &value); i++) {
        assert_non_null(st_weights_metadata(b, key));
        assert_string_equal(st_weights_metadata(b, key), value);
    }
}

/* f32 tensors with many values (all exact in f16), shapes with 0 and 1, and an i64 that
 * f32 could not hold; a transposed view. */
static struct st_weights *mixed_set(struct bytes *keep)
{
    struct zip_builder zip = {0};
    struct bytes pickle = {0};
    float values[4097];
    int64_t big = ((int64_t)1 << 53) + 1;
    for (int i = 0; i < 4097; i++)
        values[i] = (float)(i - 2048) / 16;
    put_string(&pickle, "\x80\x02}(");
    pickle_text(&pickle, "model");
    put_string(&pickle, "}(");
    pickle_text(&pickle, "odd");
    pickle_tensor(&pickle, "ByteStorage", "2", 3, 0, 1, (int64_t[]){3}, (int64_t[]){1});
    pickle_text(&pickle, "steps");
    pickle_tensor(&pickle, "LongStorage", "1", 1, 0, 0, NULL, NULL);
    pickle_text(&pickle, "line");
    pickle_tensor(&pickle, "FloatStorage", "0", 4097, 0, 1, (int64_t[]){4097}, (int64_t[]){1});
    pickle_text(&pickle, "turned");
    pickle_tensor(&pickle, "FloatStorage", "0", 4097, 1, 3, (int64_t[]){64, 1, 64},
                  (int64_t[]){1, 7, 64});
    pickle_text(&pickle, "none");
    pickle_tensor(&pickle, "FloatStorage", "0", 4097, 0, 2, (int64_t[]){0, 3}, (int64_t[]){3, 1});
    put_string(&pickle, "u");
    pickle_text(&pickle, "note");
    pickle_text(&pickle, "line one\nline \"two\"");
    put_string(&pickle, "u.");
    zip_add(&zip, "x/data.pkl", pickle.data, pickle.size, true);
    zip_add(&zip, "x/data/0", values, sizeof values, true);
    zip_add(&zip, "x/data/1", &big, sizeof big, false);
    zip_add(&zip, "x/data/2", "\1\2\3", 3, false);
    free(pickle.data);
    *keep = zip_finish(&zip);
    return expect_opened(keep);
}

static void every_way_round_is_bit_exact(void **state)
{
    (void)state;
    static const char *const steps[] = {"a.safetensors", "b.pth", "c.safetensors", "d.pth"};
    struct bytes keep;
    struct st_weights *first = mixed_set(&keep);
    struct st_weights *last = first;
    for (int i = 0; i < 4; i++) {
        const char *path = in_folder(steps[i]);
        struct st_weights *next = NULL;
        if (i % 2)
            ST_OK(st_weights_write_pth(last, path, "more", "text", false, err));
        else
            ST_OK(st_weights_write_safetensors(last, path, i ? ST_F16 : ST_F32, "more", "text",
                                               false, err));
        if (last != first)
            st_weights_close(&last);
        ST_OK(st_weights_open(&next, path, err));
        expect_same(first, next, i != 2);
        assert_string_equal(st_weights_metadata(next, "more"), "text");
        assert_string_equal(st_weights_metadata(next, "note"), "line one\nline \"two\"");
        int64_t steps_value;
        memcpy(&steps_value, st_weights_find(next, "steps")->data, sizeof steps_value);
        assert_int_equal(steps_value, ((int64_t)1 << 53) + 1);
        assert_int_equal(st_weights_find(next, "line")->dtype, i == 2 ? ST_F16 : ST_F32);
        last = next;
    }
    st_weights_close(&last);
    st_weights_close(&first);
    free(keep.data);
}

/* Guards: data that is not on its element's boundary, which other readers cast to. */
static void safetensors_data_is_aligned(void **state)
{
    (void)state;
    struct bytes keep;
    struct st_weights *set = mixed_set(&keep);
    struct st_weights *back = NULL;
    const char *path = in_folder("aligned.safetensors");
    ST_OK(st_weights_write_safetensors(set, path, ST_F16, NULL, NULL, false, err));
    ST_OK(st_weights_open(&back, path, err));
    for (size_t i = 0; i < st_weights_count(back); i++) {
        const struct st_tensor *tensor = st_weights_at(back, i);
        assert_int_equal((uintptr_t)tensor->data % st_dtype_size(tensor->dtype), 0);
    }
    st_weights_close(&back);
    st_weights_close(&set);
    free(keep.data);
}

static void the_same_set_gives_the_same_bytes(void **state)
{
    (void)state;
    struct bytes keep;
    struct st_weights *set = mixed_set(&keep);
    struct st_mapping a;
    struct st_mapping b;
    ST_OK(st_weights_write_pth(set, in_folder("one.pth"), NULL, NULL, false, err));
    ST_OK(st_weights_write_pth(set, in_folder("two.pth"), NULL, NULL, false, err));
    ST_OK(st_map_file(&a, in_folder("one.pth"), err));
    ST_OK(st_map_file(&b, in_folder("two.pth"), err));
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    st_unmap_file(&a);
    st_unmap_file(&b);
    st_weights_close(&set);
    free(keep.data);
}

static void refusals_leave_what_was_there(void **state)
{
    (void)state;
    struct bytes keep;
    struct st_weights *set = mixed_set(&keep);
    synctalk_error why;
    const char *path = in_folder("there");
    st_write_file(path, "mine", 4);
    assert_int_equal(st_weights_write_pth(set, path, NULL, NULL, false, &why), SYNCTALK_E_EXISTS);
    assert_int_equal(st_weights_write_safetensors(set, path, ST_F32, NULL, NULL, false, &why),
                     SYNCTALK_E_EXISTS);
    assert_int_equal(st_weights_write_safetensors(set, path, ST_BF16, NULL, NULL, true, &why),
                     SYNCTALK_E_ARG);
    assert_int_equal(st_weights_write_pth(set, in_folder("no/x"), NULL, NULL, false, &why),
                     SYNCTALK_E_MISSING);
    struct st_mapping map;
    ST_OK(st_map_file(&map, path, err));
    assert_int_equal(map.size, 4);
    st_unmap_file(&map);
    ST_OK(st_weights_write_pth(set, path, NULL, NULL, true, err));
    struct st_weights *back = NULL;
    ST_OK(st_weights_open(&back, path, err));
    expect_same(set, back, true);
    st_weights_close(&back);
    st_weights_close(&set);
    free(keep.data);
}

/* Guards a smaller file with infinity where a large weight was, and no word of it. What is infinite
 * already stays so, and what rounds down to the largest half is held. */
static void what_would_become_infinite_is_refused(void **state)
{
    (void)state;
    const float held[] = {65519, -65504, INFINITY, NAN};
    const float large[] = {1, 2, -65520};
    const double numbers[] = {1, 1e300};
    static const char header[] =
        "{\"huge\":{\"dtype\":\"F64\",\"shape\":[2],\"data_offsets\":[0,16]}}  ";
    const size_t three = 3, four = 4;
    struct st_weights *set = NULL;
    synctalk_error why;
    const char *path = in_folder("range.safetensors");

    ST_OK(st_weights_create(&set, "set", err));
    ST_OK(st_weights_add_f32(set, "held", 1, &four, held, err));
    ST_OK(st_weights_write_safetensors(set, path, ST_F16, NULL, NULL, false, err));
    ST_OK(st_weights_add_f32(set, "large", 1, &three, large, err));
    assert_int_equal(st_weights_write_safetensors(set, path, ST_F16, NULL, NULL, true, &why),
                     SYNCTALK_E_ARG);
    assert_string_equal(why.message, "set: tensor large holds -65520, which f16 would make "
                                     "infinite: it ends at 65504; write it as f32");
    ST_OK(st_weights_write_safetensors(set, path, ST_F32, NULL, NULL, true, err));
    st_weights_close(&set);

    struct bytes file = safetensors_file(header, numbers, sizeof numbers);
    set = expect_opened(&file);
    assert_int_equal(st_weights_write_pth(set, in_folder("range.pth"), NULL, NULL, true, &why),
                     SYNCTALK_E_ARG);
    assert_non_null(strstr(why.message, "tensor huge holds 1e+300, which f32 would make infinite"));
    st_weights_close(&set);
    free(file.data);
}

static void write_npy(const char *path)
{
    struct st_npy_writer writer = {0};
    float row[6];
    ST_OK(st_npy_writer_open(&writer, path, true, 2, (size_t[]){2, 3}, err));
    for (int i = 0; i < 5; i++) {
        for (int k = 0; k < 6; k++)
            row[k] = (float)(6 * i + k);
        ST_OK(st_npy_writer_rows(&writer, row, 1, err));
    }
    ST_OK(st_npy_writer_commit(&writer, true, err));
    st_npy_writer_close(&writer);
}

static void npy_rows_are_read_back(void **state)
{
    (void)state;
    struct st_weights *back = NULL;
    const char *path = in_folder("rows.npy");
    write_npy(path);
    ST_OK(st_weights_open(&back, path, err));
    const struct st_tensor *tensor = st_weights_at(back, 0);
    assert_int_equal(tensor->rank, 3);
    assert_int_equal(tensor->dims[0], 5);
    assert_int_equal(tensor->dims[1], 2);
    assert_int_equal(tensor->dims[2], 3);
    float *values = st_test_f32(back, "", NULL);
    for (int i = 0; i < 30; i++)
        assert_true(values[i] == (float)i);
    free(values);
    st_weights_close(&back);

    /* No rows, rank 0 of a row, and the longest shape there can be. */
    struct st_npy_writer writer = {0};
    ST_OK(st_npy_writer_open(&writer, path, true, 0, NULL, err));
    ST_OK(st_npy_writer_commit(&writer, true, err));
    ST_OK(st_weights_open(&back, path, err));
    assert_int_equal(st_weights_at(back, 0)->rank, 1);
    assert_int_equal(st_weights_at(back, 0)->count, 0);
    st_weights_close(&back);
    const size_t wide[4] = {SIZE_MAX / 64, 1, 1, 1};
    synctalk_error why;
    assert_int_equal(st_npy_writer_open(&writer, path, true, 4, wide, &why), SYNCTALK_OK);
    ST_OK(st_npy_writer_commit(&writer, true, err));
    assert_int_equal(st_npy_writer_open(&writer, path, true, 1, (size_t[]){SIZE_MAX}, &why),
                     SYNCTALK_E_ARG);
    st_npy_writer_close(&writer);

    /* Not committed: nothing under the name. */
    const char *dropped = in_folder("dropped.npy");
    ST_OK(st_npy_writer_open(&writer, dropped, false, 1, (size_t[]){2}, err));
    st_npy_writer_close(&writer);
    assert_int_not_equal(access(dropped, F_OK), 0);
}

static void other_readers_accept_them(void **state)
{
    (void)state;
    /* The system's own, which has NumPy where Debian's package is installed. */
    static const char system_python[] = "/usr/bin/python3";
    const char *python = access(system_python, X_OK) == 0 ? system_python : "python3";
    const char *source = getenv("ST_TEST_SOURCE");
    struct bytes keep;
    struct st_weights *set = mixed_set(&keep);
    char command[20000];
    snprintf(command, sizeof command, "%s -c pass >/dev/null 2>&1", python);
    if (!source || system(command) != 0) {
        fprintf(stderr, "SKIPPED: no python3 to check the written files with\n");
        st_weights_close(&set);
        free(keep.data);
        skip();
    }
    ST_OK(st_weights_write_pth(set, in_folder("other.pth"), "synctalk.encoder", "ave", false, err));
    ST_OK(st_weights_write_safetensors(set, in_folder("other.safetensors"), ST_F16, NULL, NULL,
                                       false, err));
    write_npy(in_folder("other.npy"));
    snprintf(command, sizeof command,
             "%s '%s/tests/weights/check_formats.py' '%s/other.pth' '%s/other.safetensors' "
             "'%s/other.npy' >&2",
             python, source, folder, folder, folder);
    assert_int_equal(system(command), 0);
    st_weights_close(&set);
    free(keep.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_round_is_bit_exact),
        cmocka_unit_test(safetensors_data_is_aligned),
        cmocka_unit_test(the_same_set_gives_the_same_bytes),
        cmocka_unit_test(refusals_leave_what_was_there),
        cmocka_unit_test(what_would_become_infinite_is_refused),
        cmocka_unit_test(npy_rows_are_read_back),
        cmocka_unit_test(other_readers_accept_them),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
