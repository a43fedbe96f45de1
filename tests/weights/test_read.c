/* SPDX-License-Identifier: Apache-2.0 */
/* Every reading path against files made here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weights/builders.h"

static void check_values(const struct st_weights *weights, const char *name, const float *want,
                         size_t count)
{
    size_t found;
    float *got = st_test_f32(weights, name, &found);
    assert_int_equal(found, count);
    for (size_t i = 0; i < count; i++)
        assert_true(got[i] == want[i]);
    free(got);
}

static void npy_versions_orders_and_blanks(void **state)
{
    (void)state;
    static const float values[] = {0, 1, 2, 3, 4, 5};
    static const float turned[] = {0, 2, 4, 1, 3, 5};
    static const struct {
        int version;
        const char *dict;
        bool fortran;
    } cases[] = {
        {1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", false},
        {2, "{'shape':(2,3),'descr':\"<f4\",'fortran_order':False}", false},
        {3, "{ 'descr' : '<f4' , 'fortran_order' : True , 'shape' : ( 2 , 3 , ) , }", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes file = npy_file(cases[i].version, cases[i].dict, values, sizeof values);
        struct st_weights *weights = expect_opened(&file);
        const struct st_tensor *tensor = st_weights_at(weights, 0);
        assert_string_equal(st_weights_format(weights), ".npy");
        assert_string_equal(tensor->name, "");
        assert_int_equal(tensor->rank, 2);
        assert_int_equal(tensor->dims[0], 2);
        assert_int_equal(tensor->dims[1], 3);
        check_values(weights, "", cases[i].fortran ? turned : values, 6);
        st_weights_close(&weights);
        free(file.data);
    }
}

static void npy_types_and_scalars(void **state)
{
    (void)state;
    static const struct {
        const char *descr;
        enum st_dtype dtype;
        uint8_t seven[8];
    } cases[] = {
        {"<f2", ST_F16, {0x00, 0x47}},
        {"<f4", ST_F32, {0, 0, 0xe0, 0x40}},
        {"<f8", ST_F64, {0, 0, 0, 0, 0, 0, 0x1c, 0x40}},
        {"|i1", ST_I8, {7}},
        {"|u1", ST_U8, {7}},
        {"<i2", ST_I16, {7}},
        {"<i4", ST_I32, {7}},
        {"<i8", ST_I64, {7}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char dict[100];
        snprintf(dict, sizeof dict, "{'descr': '%s', 'fortran_order': False, 'shape': (), }",
                 cases[i].descr);
        struct bytes file = npy_file(1, dict, cases[i].seven, st_dtype_size(cases[i].dtype));
        struct st_weights *weights = expect_opened(&file);
        assert_int_equal(st_weights_at(weights, 0)->dtype, cases[i].dtype);
        assert_int_equal(st_weights_at(weights, 0)->rank, 0);
        check_values(weights, "", &(float){7}, 1);
        st_weights_close(&weights);
        free(file.data);
    }
    struct bytes empty =
        npy_file(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (0, 5), }", NULL, 0);
    struct st_weights *weights = expect_opened(&empty);
    assert_int_equal(st_weights_at(weights, 0)->count, 0);
    assert_int_equal(st_weights_at(weights, 0)->dtype, ST_BOOL);
    st_weights_close(&weights);
    free(empty.data);
}

static void npz_stored_and_deflated(void **state)
{
    (void)state;
    static const float values[] = {4, 5, 6};
    struct bytes npy =
        npy_file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", values, 12);
    struct zip_builder zip = {0};
    zip_add(&zip, "stored.npy", npy.data, npy.size, false);
    zip_add(&zip, "folder/deflated.npy", npy.data, npy.size, true);
    struct bytes file = zip_finish(&zip);
    struct st_weights *weights = expect_opened(&file);
    assert_string_equal(st_weights_format(weights), ".npz");
    assert_int_equal(st_weights_count(weights), 2);
    assert_string_equal(st_weights_at(weights, 0)->name, "stored");
    check_values(weights, "stored", values, 3);
    check_values(weights, "folder/deflated", values, 3);
    assert_null(st_weights_find(weights, "folder"));
    st_weights_close(&weights);
    free(file.data);
    free(npy.data);
}

static void safetensors_types_scalars_and_metadata(void **state)
{
    (void)state;
    static const char header[] =
        "{\"__metadata__\":{\"who\":\"a \\u00e9\"},"
        "\"b\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[8,16]},"
        "\"a\":{\"dtype\":\"BF16\",\"shape\":[2,2],\"data_offsets\":[0,8]},"
        "\"none\":{\"dtype\":\"F32\",\"shape\":[0,3],\"data_offsets\":[8,8]}}   ";
    static const uint16_t data[8] = {0x3f80, 0x4000, 0x4040, 0x4080, 9};
    struct bytes file = safetensors_file(header, data, sizeof data);
    struct st_weights *weights = expect_opened(&file);
    assert_string_equal(st_weights_format(weights), "safetensors");
    assert_int_equal(st_weights_count(weights), 3);
    assert_string_equal(st_weights_at(weights, 0)->name, "b"); /* the header's order */
    check_values(weights, "b", &(float){9}, 1);
    check_values(weights, "a", (float[]){1, 2, 3, 4}, 4);
    assert_int_equal(st_weights_find(weights, "none")->count, 0);
    assert_string_equal(st_weights_metadata(weights, "who"), "a \xc3\xa9");
    assert_null(st_weights_metadata(weights, "what"));
    st_weights_close(&weights);
    free(file.data);
}

/* Guards a checkpoint of DataParallel that was converted elsewhere, of which no tensor is found. */
static void wrapped_names_of_every_format(void **state)
{
    (void)state;
    static const char header[] =
        "{\"module.a\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]}}   ";
    static const char twice[] =
        "{\"a\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
        "\"module.a\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[8,16]}}   ";
    const int64_t data[2] = {9, 10};
    struct bytes file = safetensors_file(header, data, 8);
    struct st_weights *weights = expect_opened(&file);
    check_values(weights, "a", &(float){9}, 1);
    assert_string_equal(st_weights_at(weights, 0)->name, "a");
    st_weights_close(&weights);
    free(file.data);
    file = safetensors_file(twice, data, sizeof data);
    expect_refused(file, SYNCTALK_E_FORMAT, "two tensors are named a");
}

/* {HOME: {"module.base": [2, 3], "turned": its transpose, "tail": a slice}, "epoch": 7} */
static void add_views(struct bytes *pickle, const char *home)
{
    put_string(pickle, "\x80\x02}(");
    pickle_text(pickle, "epoch");
    put_string(pickle, "K\x07");
    pickle_text(pickle, "note");
    pickle_text(pickle, "trained\non Tuesday");
    pickle_text(pickle, "loss");
    put(pickle, "G\x3f\xb9\x99\x99\x99\x99\x99\x9a", 9); /* 0.1 */
    pickle_text(pickle, "args");
    put_string(pickle, "cargparse\nNamespace\n)\x81}");
    pickle_text(pickle, "lr");
    put_string(pickle, "K\x01sb");
    pickle_text(pickle, home);
    put_string(pickle, "ccollections\nOrderedDict\n)R(");
    pickle_text(pickle, "module.base");
    pickle_tensor(pickle, "FloatStorage", "0", 6, 0, 2, (int64_t[]){2, 3}, (int64_t[]){3, 1});
    pickle_text(pickle, "turned");
    put_string(pickle, "ctorch._utils\n_rebuild_parameter\n(");
    pickle_tensor(pickle, "FloatStorage", "0", 6, 0, 2, (int64_t[]){3, 2}, (int64_t[]){1, 3});
    put_string(pickle, "\x88}tR");
    pickle_text(pickle, "tail");
    pickle_tensor(pickle, "FloatStorage", "0", 6, 4, 1, (int64_t[]){2}, (int64_t[]){1});
    pickle_text(pickle, "spread");
    pickle_tensor(pickle, "FloatStorage", "0", 6, 5, 2, (int64_t[]){2, 2}, (int64_t[]){0, 0});
    put_string(pickle, "u}");
    pickle_text(pickle, "_metadata");
    put_string(pickle, "}sbu.");
}

static void pth_nesting_sharing_strides_and_metadata(void **state)
{
    (void)state;
    static const float values[] = {0, 1, 2, 3, 4, 5};
    static const char *const homes[] = {"state_dict", "model", "net", "pfld_backbone"};
    for (size_t i = 0; i < sizeof homes / sizeof *homes; i++) {
        struct bytes pickle = {0};
        add_views(&pickle, homes[i]);
        struct bytes file = checkpoint(&pickle, values, sizeof values);
        struct st_weights *weights = expect_opened(&file);
        assert_string_equal(st_weights_format(weights), "PyTorch");
        assert_int_equal(st_weights_count(weights), 4);
        check_values(weights, "base", values, 6);
        check_values(weights, "turned", (float[]){0, 3, 1, 4, 2, 5}, 6);
        check_values(weights, "tail", (float[]){4, 5}, 2);
        check_values(weights, "spread", (float[]){5, 5, 5, 5}, 4);
        assert_string_equal(st_weights_metadata(weights, "epoch"), "7");
        assert_string_equal(st_weights_metadata(weights, "note"), "trained\non Tuesday");
        assert_string_equal(st_weights_metadata(weights, "loss"), "0.1");
        assert_null(st_weights_metadata(weights, "args"));
        st_weights_close(&weights);
        free(file.data);
        free(pickle.data);
    }
}

static void pth_bare_deflated_and_by_path(void **state)
{
    (void)state;
    static const float values[] = {0, 1, 2, 3, 4, 5};
    for (int deflated = 0; deflated < 2; deflated++) {
        struct bytes file = small_checkpoint(deflated);
        char *folder = st_scratch_create();
        char path[4200];
        snprintf(path, sizeof path, "%s/any.name", folder);
        st_write_file(path, file.data, file.size);
        struct st_weights *weights = NULL;
        ST_OK(st_weights_open(&weights, path, err));
        check_values(weights, "w", values, 6);
        assert_string_equal(st_weights_path(weights), path);

        float taken[6];
        ST_OK(st_weights_take_f32(weights, "w", 2, (size_t[]){2, 3}, taken, err));
        assert_memory_equal(taken, values, sizeof values);
        synctalk_error why;
        assert_int_equal(st_weights_take_f32(weights, "w", 2, (size_t[]){3, 2}, taken, &why),
                         SYNCTALK_E_MODEL);
        assert_non_null(strstr(why.message, "tensor w has shape [2, 3], needed is [3, 2]"));
        assert_int_equal(st_weights_take_f32(weights, "v", 2, (size_t[]){3, 2}, taken, &why),
                         SYNCTALK_E_MODEL);
        assert_non_null(strstr(why.message, "has no tensor v"));
        st_weights_close(&weights);
        st_weights_close(&weights);
        st_scratch_remove(folder);
        free(file.data);
    }
}

/* Every storage type, with two elements each. */
static void pth_types(void **state)
{
    (void)state;
    static const struct {
        const char *storage;
        enum st_dtype dtype;
    } cases[] = {
        {"FloatStorage", ST_F32},  {"HalfStorage", ST_F16}, {"BFloat16Storage", ST_BF16},
        {"DoubleStorage", ST_F64}, {"LongStorage", ST_I64}, {"IntStorage", ST_I32},
        {"ShortStorage", ST_I16},  {"CharStorage", ST_I8},  {"ByteStorage", ST_U8},
        {"BoolStorage", ST_BOOL},
    };
    static const uint8_t zeros[16];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes pickle = {0};
        put_string(&pickle, "\x80\x02}");
        pickle_text(&pickle, "w");
        pickle_tensor(&pickle, cases[i].storage, "0", 2, 0, 1, (int64_t[]){2}, (int64_t[]){1});
        put_string(&pickle, "s.");
        struct bytes file = checkpoint(&pickle, zeros, 2 * st_dtype_size(cases[i].dtype));
        struct st_weights *weights = expect_opened(&file);
        assert_int_equal(st_weights_at(weights, 0)->dtype, cases[i].dtype);
        check_values(weights, "w", (float[]){0, 0}, 2);
        st_weights_close(&weights);
        free(file.data);
        free(pickle.data);
    }
}

static void sets_made_in_memory(void **state)
{
    (void)state;
    struct st_weights *weights;
    synctalk_error why;
    ST_OK(st_weights_create(&weights, "made", err));
    for (int i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%d", i * 7919 % 300);
        ST_OK(st_weights_add_f32(weights, name, 1, (size_t[]){1}, &(float){(float)i}, err));
    }
    for (int i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%d", i * 7919 % 300);
        check_values(weights, name, &(float){(float)i}, 1);
    }
    assert_int_equal(st_weights_add_f32(weights, "t5", 0, NULL, &(float){0}, &why),
                     SYNCTALK_E_FORMAT);
    assert_string_equal(why.message, "made: two tensors are named t5");
    assert_int_equal(st_weights_add_f32(weights, "big", 2, (size_t[]){SIZE_MAX / 2, 3}, NULL, &why),
                     SYNCTALK_E_ARG);
    ST_OK(st_weights_add_metadata(weights, "k", "1", err));
    ST_OK(st_weights_add_metadata(weights, "k", "2", err));
    assert_string_equal(st_weights_metadata(weights, "k"), "2");
    st_weights_close(&weights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(npy_versions_orders_and_blanks),
        cmocka_unit_test(npy_types_and_scalars),
        cmocka_unit_test(npz_stored_and_deflated),
        cmocka_unit_test(safetensors_types_scalars_and_metadata),
        cmocka_unit_test(wrapped_names_of_every_format),
        cmocka_unit_test(pth_nesting_sharing_strides_and_metadata),
        cmocka_unit_test(pth_bare_deflated_and_by_path),
        cmocka_unit_test(pth_types),
        cmocka_unit_test(sets_made_in_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
