/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors of ONNX files: those that the writer writes come back, forms that it does not write are
 * read or refused by name, damage does no harm. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "support/support.h"
#include "weights/onnx_writer.h"

static const float six[] = {0, 1, 2, 3, 4, 5};

static void write_model(const char *path)
{
    struct st_onnx *onnx;
    const size_t dims[] = {2, 3};
    ST_OK(st_onnx_create(&onnx, "graph", err));
    st_onnx_input(onnx, "x", 2, dims);
    st_onnx_tensor(onnx, "layer.weight", 2, dims, six);
    st_onnx_tensor(onnx, "layer.bias", 1, dims, six + 4);
    st_onnx_node(onnx, "Add", "y", (const char *[]){"x", "layer.weight", NULL},
                 (const struct st_onnx_attribute[]){{.name = NULL}});
    st_onnx_output(onnx, "y", 2, dims);
    st_onnx_metadata(onnx, "made by", "a test");
    ST_OK(st_onnx_write(onnx, path, true, err));
    st_onnx_destroy(&onnx);
}

static void what_was_written_comes_back(void **state)
{
    (void)state;
    char path[4200];
    char *folder = st_scratch_create();
    struct st_weights *weights;
    float back[6];
    snprintf(path, sizeof path, "%s/two.onnx", folder);
    write_model(path);
    ST_OK(st_weights_open(&weights, path, err));
    assert_string_equal(st_weights_format(weights), "ONNX");
    assert_int_equal(st_weights_count(weights), 2);
    ST_OK(st_weights_take_f32(weights, "layer.weight", 2, (const size_t[]){2, 3}, back, err));
    assert_memory_equal(back, six, sizeof six);
    ST_OK(st_weights_take_f32(weights, "layer.bias", 1, (const size_t[]){2}, back, err));
    assert_memory_equal(back, six + 4, 2 * sizeof *six);
    assert_string_equal(st_weights_metadata(weights, "made by"), "a test");
    st_weights_close(&weights);
    st_scratch_remove(folder);
}

/* A model of one tensor "w", whose fields after its name are `fields`. */
static size_t model_of(uint8_t model[128], const void *fields, size_t size)
{
    const uint8_t head[] = {
        0x08, 7,                   /* version of the format */
        0x3a, (uint8_t)(size + 5), /* graph */
        0x2a, (uint8_t)(size + 3), /* initialiser */
        0x42, 1,
        'w', /* name */
    };
    assert_true(size + sizeof head <= 128);
    memcpy(model, head, sizeof head);
    memcpy(model + sizeof head, fields, size);
    return sizeof head + size;
}

static struct st_weights *open_model(const void *fields, size_t size, uint8_t model[128])
{
    struct st_weights *weights;
    const size_t bytes = model_of(model, fields, size);
    ST_OK(st_weights_open_memory(&weights, "w.onnx", model, bytes, err));
    assert_int_equal(st_weights_count(weights), 1);
    return weights;
}

static void other_forms_are_read(void **state)
{
    (void)state;
    uint8_t model[128];
    float w[2];

    /* Dimensions one by one, numbers as packed floats. */
    const uint8_t floats[] = {0x08, 2, 0x10, 1, 0x22, 8, 0, 0, 0x80, 0x3f, 0, 0, 0, 0x40};
    struct st_weights *weights = open_model(floats, sizeof floats, model);
    ST_OK(st_weights_take_f32(weights, "w", 1, (const size_t[]){2}, w, err));
    assert_true(w[0] == 1 && w[1] == 2);
    st_weights_close(&weights);

    /* Dimensions packed, whole numbers as varints: 300 and -1. */
    const uint8_t ints[] = {0x0a, 1,    2,    0x10, 7,    0x3a, 12,   0xac, 2, 0xff,
                            0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1};
    weights = open_model(ints, sizeof ints, model);
    st_tensor_to_f32(st_weights_find(weights, "w"), w);
    assert_true(w[0] == 300 && w[1] == -1);
    st_weights_close(&weights);

    /* A single number has no dimensions. */
    const uint8_t scalar[] = {0x10, 11, 0x52, 8, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f};
    weights = open_model(scalar, sizeof scalar, model);
    ST_OK(st_weights_take_f32(weights, "w", 0, NULL, w, err));
    assert_true(w[0] == 1);
    st_weights_close(&weights);
}

static void refuse(const void *fields, size_t size, synctalk_status status, const char *words)
{
    uint8_t model[128];
    struct st_weights *weights;
    synctalk_error err = {0};
    const size_t bytes = model_of(model, fields, size);
    assert_int_equal(st_weights_open_memory(&weights, "w.onnx", model, bytes, &err), status);
    assert_null(weights);
    if (!strstr(err.message, words) || strncmp(err.message, "w.onnx", 6) != 0)
        fail_msg("\"%s\" does not say \"%s\"", err.message, words);
}

#define REFUSE(status, words, ...) \
    refuse((const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), status, words)

static void faults_are_told_in_sentences(void **state)
{
    (void)state;
    const synctalk_status bad = SYNCTALK_E_FORMAT;
    REFUSE(bad, "has 4 bytes of numbers; its shape and type need 8", 0x08, 2, 0x10, 1, 0x4a, 4, 0,
           0, 0, 0);
    REFUSE(bad, "has 0 bytes of numbers; its shape and type need 8", 0x08, 2, 0x10, 1);
    REFUSE(bad, "larger than memory", 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x08,
           0xff, 0xff, 0xff, 0x7f, 0x10, 1, 0x4a, 0);
    REFUSE(bad, "tensor is damaged", 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1);
    REFUSE(bad, "tensor is damaged", 0x0a, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1);
    REFUSE(bad, "tensor is damaged", 0x4a, 9, 0, 0);
    REFUSE(bad, "tensor is damaged", 0x08, 2, 0x10, 7, 0x3a, 2, 1, 0x80);
    REFUSE(bad, "tensor is damaged", 0x08, 1, 0x10, 7, 0x3a, 2, 1, 1);
    REFUSE(SYNCTALK_E_UNSUPPORTED, "type 8", 0x10, 8);
    REFUSE(SYNCTALK_E_UNSUPPORTED, "in another file", 0x08, 2, 0x10, 1, 0x70, 1);
}

/* Guards a size that is believed: cut anywhere, or with any byte changed, a file is refused with
 * a sentence or all of its tensors can be read. */
static void damage_does_no_harm(void **state)
{
    (void)state;
    char path[4200];
    char *folder = st_scratch_create();
    struct st_mapping map;
    uint64_t seed = 5;
    int refused = 0;
    snprintf(path, sizeof path, "%s/two.onnx", folder);
    write_model(path);
    ST_OK(st_map_file(&map, path, err));
    for (size_t n = 0; n < 4000; n++) {
        struct st_weights *weights;
        synctalk_error err = {0};
        const size_t size = n < map.size ? n : map.size;
        uint8_t *copy = malloc(size + 1); /* its end is watched by sanitizers */
        assert_non_null(copy);
        memcpy(copy, map.data, size);
        if (n >= map.size)
            copy[st_random_next(&seed) % size] = (uint8_t)st_random_next(&seed);
        if (st_weights_open_memory(&weights, "w.onnx", copy, size, &err)) {
            assert_int_not_equal(strlen(err.message), 0);
            refused++;
        } else {
            for (size_t i = 0; i < st_weights_count(weights); i++) {
                const struct st_tensor *tensor = st_weights_at(weights, i);
                float *values = malloc(tensor->count * sizeof *values + 1);
                assert_non_null(values);
                st_tensor_to_f32(tensor, values);
                free(values);
            }
            st_weights_close(&weights);
        }
        free(copy);
    }
    assert_in_range(refused, 300, 3900);
    st_unmap_file(&map);
    st_scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_written_comes_back),
        cmocka_unit_test(other_forms_are_read),
        cmocka_unit_test(faults_are_told_in_sentences),
        cmocka_unit_test(damage_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
