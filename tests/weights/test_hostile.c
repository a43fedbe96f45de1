/* SPDX-License-Identifier: Apache-2.0 */
/* Files that lie or mean harm: each must be refused by a sentence that names the file and
 * the cause. Meant to run under ASan and UBSan too.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weights/builders.h"

#define F SYNCTALK_E_FORMAT

static struct bytes pickled(const char *ops, size_t size)
{
    struct bytes pickle = {0};
    put(&pickle, ops, size);
    struct bytes file = checkpoint(&pickle, "12345678", 8);
    free(pickle.data);
    return file;
}
#define PICKLED(ops) pickled(ops, sizeof(ops) - 1)

/* Guards: a checkpoint that runs a program when it is loaded. */
static void pickles_that_run_code_are_refused_by_name(void **state)
{
    (void)state;
    expect_refused(PICKLED("cos\nsystem\nX\2\0\0\0id\x85R."), F, "asks to run os.system");
    expect_refused(PICKLED("\x80\2cposix\nsystem\nX\2\0\0\0id\x85R."), F, "run posix.system");
    expect_refused(PICKLED("\x80\2c__builtin__\neval\nX\1\0\0\0"
                           "1\x85R."),
                   F, "__builtin__.eval");
    expect_refused(PICKLED("\x80\4\x8c\x0a"
                           "subprocess\x94\x8c\x05Popen\x94\x93."),
                   F, "asks to run subprocess.Popen; not a checkpoint you should trust");
    expect_refused(PICKLED("(ios\nsystem\n."), F, "asks to run os.system");
    expect_refused(PICKLED("\x80\2cunet\nModel\n)\x81."), F, "needs the Python object unet.Model");
    expect_refused(PICKLED("\x80\2c__main__\nargs\n)\x81."), F, "__main__.args");
    expect_refused(PICKLED("\x80\2ccollections\n\x1b[2J\n."), F, "no proper name");
}

/* Guards: reading outside the machine's stack, marks or memo. */
static void pickles_that_are_damaged(void **state)
{
    (void)state;
    static const struct {
        const char *ops;
        size_t size;
    } cases[] = {
#define OPS(text) {text, sizeof(text) - 1}
        OPS(""),
        OPS("."),
        OPS("t."),
        OPS("("),
        OPS("(."),
        OPS("0."),
        OPS("(0."),
        OPS("1."),
        OPS("s."),
        OPS("}s."),
        OPS("}(K\1u."),
        OPS("}(u"),
        OPS("a."),
        OPS("]a."),
        OPS("K\1a."),
        OPS("K\1K\2a."),
        OPS("e."),
        OPS("(e."),
        OPS("R."),
        OPS("NR."),
        OPS("NNR."),
        OPS("b."),
        OPS("NNb."),
        OPS("Q."),
        OPS("NQ."),
        OPS("h\0."),
        OPS("j\xff\xff\xff\xff."),
        OPS("q\0."),
        OPS("Nr\xff\xff\xff\xff."),
        OPS("X\xff\xff\xff\xff"
            "abc."),
        OPS("\x8a\xff."),
        OPS("\x8b\xff\xff\xff\x7f."),
        OPS("\x8d\xff\xff\xff\xff\xff\xff\xff\xff."),
        OPS("c"),
        OPS("ca\n"),
        OPS("ca\nb."),
        OPS("\x93."),
        OPS("NN\x93."),
        OPS("\x80\x09."),
        OPS("\x94."),
        OPS("P1\n."),
        OPS("\x82\1."),
        OPS("G123"),
        OPS("(d"),
        OPS("(K\1d."),
        OPS("\x86."),
        OPS("ctorch\nFloatStorage\n(tR."),
        OPS("ctorch._utils\n_rebuild_tensor_v2\n(tR."),
        OPS("ctorch._utils\n_rebuild_tensor_v2\n(NNNNtR."),
        OPS("ctorch._utils\n_rebuild_parameter\n)R."),
        OPS("((((NtQ."),
        OPS("ccollections\nOrderedDict\n(K\1tR."),
        OPS("ccollections\nOrderedDict\n(](NtatR."),
        OPS("ccollections\nOrderedDict\nNR."),
        OPS("N."),
        OPS("}."),
        OPS("]."),
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_refused(pickled(cases[i].ops, cases[i].size), F, "");
    /* Values below a mark are out of reach. */
    expect_refused(PICKLED("N(0t."), F, "its stack is empty");
    expect_refused(PICKLED("NN(\x86."), F, "its stack is empty");
    /* A dict that holds itself, and a list that does. */
    expect_refused(PICKLED("}q\0X\5\0\0\0modelh\0s."), F, "holds no state dict");
    expect_refused(PICKLED("]q\0h\0a."), F, "holds no state dict");
}

/* Guards: work that grows with the square of the input, or faster. */
static void pickles_that_grow_without_end(void **state)
{
    (void)state;
    struct bytes pickle = {0};
    for (int i = 0; i < 70000; i++)
        put_string(&pickle, "(");
    expect_refused(checkpoint(&pickle, "", 0), F, "nests without end");
    pickle.size = 0;
    for (int i = 0; i < 1100000; i++)
        put_string(&pickle, "N");
    expect_refused(checkpoint(&pickle, "", 0), F, "stack grows without end");
    /* An OrderedDict made of one long list again and again. */
    pickle.size = 0;
    put_string(&pickle, "(](");
    for (int i = 0; i < 50000; i++)
        put_string(&pickle, "NN\x86");
    put_string(&pickle, "etq\1ccollections\nOrderedDict\nq\2");
    for (int i = 0; i < 1000; i++)
        put_string(&pickle, "h\2h\1R0");
    put_string(&pickle, ".");
    expect_refused(checkpoint(&pickle, "", 0), F, "four million values");
    free(pickle.data);
}

struct view {
    const char *storage;
    int64_t elements, offset;
    int rank;
    int64_t dims[9], strides[9];
};

static struct bytes viewed(const struct view *view)
{
    static const float six[6];
    struct bytes pickle = {0};
    put_string(&pickle, "\x80\x02}");
    pickle_text(&pickle, "w");
    pickle_tensor(&pickle, view->storage, "0", view->elements, view->offset, view->rank, view->dims,
                  view->strides);
    put_string(&pickle, "s.");
    struct bytes file = checkpoint(&pickle, six, sizeof six);
    free(pickle.data);
    return file;
}

/* Guards: sizes whose product, or whose reach, wraps round to something small. */
static void tensors_outside_their_storage(void **state)
{
    (void)state;
    static const struct view views[] = {
        {"FloatStorage", 6, 0, 1, {7}, {1}},
        {"FloatStorage", 6, 1, 1, {6}, {1}},
        {"FloatStorage", 6, 0, 2, {2, 3}, {4, 1}},
        {"FloatStorage", 7, 0, 1, {7}, {1}},
        {"DoubleStorage", 6, 0, 1, {6}, {1}},
        {"FloatStorage", INT64_MAX, 0, 1, {6}, {1}},
        {"FloatStorage", 6, INT64_MAX, 1, {6}, {1}},
        {"FloatStorage", 6, 0, 1, {INT64_MAX}, {1}},
        {"FloatStorage", 6, 0, 1, {INT64_MAX}, {0}},
        {"FloatStorage", 6, 0, 1, {3}, {INT64_MAX}},
        {"FloatStorage", 6, 0, 2, {INT64_MAX, 4}, {0, 0}},
        {"FloatStorage", 6, 0, 3, {(int64_t)1 << 31, (int64_t)1 << 31, 4}, {0, 0, 0}},
        {"FloatStorage", 6, 0, 2, {0, INT64_MAX}, {INT64_MAX, 1}},
        {"FloatStorage", 6, 0, 1, {(int64_t)1 << 40}, {0}},
        {"FloatStorage", 6, 0, 1, {-1}, {1}},
        {"FloatStorage", 6, 0, 1, {6}, {-1}},
        {"FloatStorage", 6, -1, 1, {6}, {1}},
        {"FloatStorage", -6, 0, 1, {6}, {1}},
        {"FloatStorage", 6, 0, 9, {1, 1, 1, 1, 1, 1, 1, 1, 1}, {0}},
        {"ComplexFloatStorage", 3, 0, 1, {3}, {1}},
        {"FloatTensor", 6, 0, 1, {6}, {1}},
    };
    for (size_t i = 0; i < sizeof views / sizeof *views; i++)
        expect_refused(viewed(&views[i]), F, "");
    expect_refused(viewed(&views[0]), F, "tensor w reaches past the 6 elements of its storage");
    expect_refused(viewed(&views[3]), F, "needs 7 elements of f32 in a/data/0, which has 24 bytes");
    expect_refused(viewed(&views[13]), F, "a bomb, not weights");
}

static struct bytes named_twice(const char *first, const char *second)
{
    static const float one = 1;
    struct bytes pickle = {0};
    put_string(&pickle, "\x80\x02}(");
    pickle_text(&pickle, first);
    pickle_tensor(&pickle, "FloatStorage", "0", 1, 0, 0, NULL, NULL);
    pickle_text(&pickle, second);
    pickle_tensor(&pickle, "FloatStorage", "0", 1, 0, 0, NULL, NULL);
    put_string(&pickle, "u.");
    struct bytes file = checkpoint(&pickle, &one, sizeof one);
    free(pickle.data);
    return file;
}

static void names_that_cannot_be_told_apart_or_printed(void **state)
{
    (void)state;
    expect_refused(named_twice("w", "w"), F, "two tensors are named w");
    expect_refused(named_twice("w", "module.w"), F, "two tensors are named w");
    expect_refused(named_twice("w", "\x1b[31m"), F, "not printable UTF-8");
    expect_refused(named_twice("w", "\xff"), F, "not printable UTF-8");
    expect_refused(named_twice("w", "\xc2\x9b"), F, "not printable UTF-8");
}

/* Guards: forms of PyTorch that are not read, each with its remedy. */
static void old_and_foreign_forms_are_named(void **state)
{
    (void)state;
    struct bytes legacy = {0};
    put(&legacy, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
    expect_refused(legacy, F, "before version 1.6; load it in PyTorch 1.6 or later and save");
    struct bytes tar = {0};
    for (int i = 0; i < 257; i++)
        put_le(&tar, 'x', 1);
    put_string(&tar, "ustar  and so on");
    expect_refused(tar, F, "tar archive");
    struct bytes bare = {0};
    put(&bare, "\x80\x04N.", 4);
    expect_refused(bare, F, "bare Python pickle");
    expect_refused((struct bytes){0}, F, "is empty");
    struct bytes text = {0};
    put_string(&text, "hello");
    expect_refused(text, F, "neither a PyTorch checkpoint");

    struct zip_builder zip = {0};
    zip_add(&zip, "a/data.pkl", "}.", 2, false);
    zip_add(&zip, "a/constants.pkl", ").", 2, false);
    expect_refused(zip_finish(&zip), F, "TorchScript");
    zip_add(&zip, "a/data.pkl", "}.", 2, false);
    zip_add(&zip, "a/byteorder", "big", 3, false);
    expect_refused(zip_finish(&zip), F, "big-endian");
    zip_add(&zip, "a/data.pkl", "}.", 2, false);
    zip_add(&zip, "b/data.pkl", "}.", 2, false);
    expect_refused(zip_finish(&zip), F, "two data.pkl");
    zip_add(&zip, "readme.txt", "hi", 2, false);
    expect_refused(zip_finish(&zip), F, "without data.pkl");
    expect_refused(zip_finish(&zip), F, "without data.pkl");
}

static struct bytes lying_zip(int field, uint64_t value, bool deflated)
{
    static const uint8_t zeros[4096];
    struct zip_builder zip = {0};
    zip_add(&zip, "b.npy", zeros, sizeof zeros, false);
    zip_add_lying(&zip, "a.npy", zeros, sizeof zeros, deflated, (struct zip_lie){field, value});
    return zip_finish(&zip);
}

/* Guards: believing the archive's directory. */
static void zip_directories_that_lie(void **state)
{
    (void)state;
    expect_refused(lying_zip(LIE_SIZE, 4097, false), F, "stored with 4096 bytes but claims 4097");
    expect_refused(lying_zip(LIE_PACKED, 5000, false), F, "past the end");
    expect_refused(lying_zip(LIE_PACKED, 0xfffffffe, true), F, "past the end");
    expect_refused(lying_zip(LIE_HEADER, 1, false), F, "should begin at byte 1 and does not");
    expect_refused(lying_zip(LIE_HEADER, 0xfffffff0, false), F, "should begin at byte");
    expect_refused(lying_zip(LIE_HEADER, 0, false), F, "another name in its own header");
    expect_refused(lying_zip(LIE_HEADER, 0xffffffff, false), F, "64-bit sizes are missing");
    expect_refused(lying_zip(LIE_SIZE_64, UINT64_MAX, true), F, "which no deflated data can");
    expect_refused(lying_zip(LIE_SIZE_64, INT64_MAX, true), F, "which no deflated data can");
    expect_refused(lying_zip(LIE_SIZE_64, UINT64_MAX, false), F, "stored with");

    struct zip_builder zip = {0};
    zip_add(&zip, "a.npy", "x", 1, false);
    zip_add(&zip, "a.npy", "x", 1, false);
    expect_refused(zip_finish(&zip), F, "two members are named a.npy");
    zip_add(&zip, "a\nb.npy", "x", 1, false);
    expect_refused(zip_finish(&zip), F, "not printable");

    /* The first member grown over the second. */
    zip_add_lying(&zip, "a.npy", "xx", 2, true, (struct zip_lie){LIE_PACKED, 40});
    zip_add(&zip, "b.npy", "0123456789", 10, false);
    expect_refused(zip_finish(&zip), F, "members a.npy and b.npy overlap");
}

/* Guards: content that is not what the directory says. The array must parse otherwise. */
static void zip_members_that_are_damaged(void **state)
{
    (void)state;
    static const struct {
        int field;
        uint64_t value;
        bool deflated;
        const char *words;
    } cases[] = {
        {LIE_CRC, 1, false, "checksum"},
        {LIE_CRC, 1, true, "checksum"},
        {LIE_FLAGS, 1, false, "encrypted"},
        {LIE_METHOD, 12, false, "by method 12"},
        {LIE_SIZE, 128, true, "does not inflate"},
        {LIE_SIZE, 4000, true, "does not inflate"},
        {LIE_METHOD, 8, false, "does not inflate"},
    };
    float values[16] = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct bytes npy =
            npy_file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (16,), }", values, 64);
        struct zip_builder zip = {0};
        zip_add_lying(&zip, "a.npy", npy.data, npy.size, cases[i].deflated,
                      (struct zip_lie){cases[i].field, cases[i].value});
        expect_refused(zip_finish(&zip), F, cases[i].words);
        free(npy.data);
    }
}

/* Guards: inflating a small file into all memory. */
static void zip_bombs(void **state)
{
    (void)state;
    size_t size = (size_t)8 << 20;
    uint8_t *zeros = calloc(1, size);
    struct zip_builder zip = {0};
    assert_non_null(zeros);
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.npy", i);
        zip_add(&zip, name, zeros, size, true);
    }
    expect_refused(zip_finish(&zip), F, "a zip bomb, not weights");
    free(zeros);
}

static void safetensors_that_lie(void **state)
{
    (void)state;
    static const uint8_t data[24];
    static const struct {
        const char *header, *words;
    } cases[] = {
        {"{", "header is damaged"},
        {"{}x", "header is damaged"},
        {"{}", "end at byte 0"},
        {"{\"a\":1}", "has type none"},
        {"{\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[24],\"data_offsets\":[0,24]}}", "type F8_E4M3"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":6,\"data_offsets\":[0,24]}}", "no shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,6],\"data_offsets\":[0,24]}}",
         "no shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-6],\"data_offsets\":[0,24]}}", "numbers >= 0"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[6.0],\"data_offsets\":[0,24]}}", "numbers >= 0"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[6],\"data_offsets\":[0,25]}}", "truncated"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[6],\"data_offsets\":[24,0]}}", "truncated"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[6],\"data_offsets\":[0]}}", "truncated"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[6],\"data_offsets\":[-8,16]}}", "truncated"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[6],\"data_offsets\":[0,9223372036854775807]}}",
         "truncated"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[6],\"data_offsets\":[0,18446744073709551616]}}",
         "damaged"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[5],\"data_offsets\":[0,24]}}",
         "shape and type need"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[4294967296,4294967296,24],"
         "\"data_offsets\":[0,24]}}",
         "shape and type need"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[0,9223372036854775807,4],\"data_offsets\":[0,0]}}",
         "shape and type need"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[20],\"data_offsets\":[4,24]}}", "leave a hole"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[20],\"data_offsets\":[0,20]}}", "end at byte 20"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[20],\"data_offsets\":[0,20]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[20],\"data_offsets\":[4,24]}}",
         "overlap"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[24],\"data_offsets\":[0,24]},"
         "\"a\":{\"dtype\":\"U8\",\"shape\":[24],\"data_offsets\":[0,24]}}",
         "damaged"},
        {"{\"__metadata__\":{\"a\":1}}", "more than strings"},
        {"{\"__metadata__\":[]}", "not an object"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_refused(safetensors_file(cases[i].header, data, sizeof data), F, cases[i].words);

    static const uint64_t lengths[] = {UINT64_MAX, INT64_MAX, (uint64_t)INT64_MAX + 1, 4096, 3};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        struct bytes file = {0};
        put_le(&file, lengths[i], 8);
        put_string(&file, "{}");
        expect_refused(file, F, "claims a safetensors header");
    }
    struct bytes file = {0};
    put_le(&file, 5000000, 8);
    put_string(&file, "{\"a\":[");
    for (int i = 0; i < 2500000; i++)
        put_string(&file, "0,");
    expect_refused(file, F, "more than 65536 tensors can need");
}

static void npy_that_lie(void **state)
{
    (void)state;
    static const float six[6];
    static const struct {
        const char *dict, *words;
    } cases[] = {
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (7,), }", "24 bytes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (5,), }", "24 bytes"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", "24"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551622,), }", "header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0, 18446744073709551615), }", "24"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-6,), }", "header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,1,1,1,1,1,1,1,6), }", "header"},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (6,), }", "array of type >f4"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (3,), }", "array of type |O"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (6,), }", "header"},
        {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': (6,), }", "header"},
        {"{'descr': '<f4', 'fortran_order': False}", "header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (6,), 'x': 1}", "header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (6,), } x", "header"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (6", "header"},
        {"{'descr': '<f4", "header"},
        {"", "header"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_refused(npy_file(1, cases[i].dict, six, sizeof six), F, cases[i].words);
    expect_refused(npy_file(4, cases[0].dict, six, sizeof six), F, "version 4.0");
    struct bytes far = {0};
    put(&far, "\x93NUMPY\2\0\xff\xff\xff\xff{}", 14);
    expect_refused(far, F, "truncated");
}

static void paths_that_are_no_files(void **state)
{
    (void)state;
    struct st_weights *weights = NULL;
    synctalk_error err;
    assert_int_equal(st_weights_open(&weights, "no/such/file.pth", &err), SYNCTALK_E_MISSING);
    assert_int_equal(st_weights_open(&weights, "/", &err), SYNCTALK_E_IO);
    assert_null(weights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pickles_that_run_code_are_refused_by_name),
        cmocka_unit_test(pickles_that_are_damaged),
        cmocka_unit_test(pickles_that_grow_without_end),
        cmocka_unit_test(tensors_outside_their_storage),
        cmocka_unit_test(names_that_cannot_be_told_apart_or_printed),
        cmocka_unit_test(old_and_foreign_forms_are_named),
        cmocka_unit_test(zip_directories_that_lie),
        cmocka_unit_test(zip_members_that_are_damaged),
        cmocka_unit_test(zip_bombs),
        cmocka_unit_test(safetensors_that_lie),
        cmocka_unit_test(npy_that_lie),
        cmocka_unit_test(paths_that_are_no_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
