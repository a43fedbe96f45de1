/* SPDX-License-Identifier: Apache-2.0 */
/* PFLD-GhostOne against the published implementation's output for random weights, on the
 * instruction sets that the first argument allows (oneDNN's limit belongs to the process).
 * Then checkpoints that lack something, and memory that runs out.
 */
#include "support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "face/pfld.h"
#include "kernels/kernels.h"
#include "weights/set.h"

#define CHECKPOINT "reference/pfld/pfld_random.pth.tar"
#define EXPECTED "reference/pfld/pfld_random.npz"

static unsigned allowed = ~0U; /* SYNCTALK_CPU_* bits, set once by main() */

/* The linker sends our own code's allocations here (--wrap); oneDNN's stay its own. */
static long fail_after; /* 1: the next one fails; 0: none */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

static bool refused(void)
{
    return fail_after > 0 && --fail_after == 0;
}

void *__wrap_malloc(size_t size)
{
    return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return refused() ? NULL : __real_realloc(block, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return refused() ? NULL : __real_aligned_alloc(alignment, size);
}

static synctalk_status open_pfld(struct st_pfld **pfld, const struct st_weights *weights,
                                 synctalk_error *err)
{
    struct st_kernels kernels;
    st_kernels_init(&kernels, allowed);
    return st_pfld_open(pfld, weights, &kernels, err);
}

/* The output for the reference's image. */
static void run_expected(const struct st_weights *weights, const float *image,
                         float out[ST_PFLD_OUTPUTS])
{
    struct st_pfld *pfld;
    ST_OK(open_pfld(&pfld, weights, err));
    ST_OK(st_pfld_run(pfld, image, out, err));
    st_pfld_close(&pfld);
    assert_null(pfld);
    st_pfld_close(&pfld);
}

/* 110 points far off: a branch, a batch norm or a half of a concat in the wrong place. */
static void test_against_the_published_network(void **state)
{
    (void)state;
    ST_NEED_SHARED(checkpoint, CHECKPOINT);
    ST_NEED_SHARED(expected, EXPECTED);
    struct st_weights *weights, *reference;
    size_t image_count, want_count;
    float got[ST_PFLD_OUTPUTS], again[ST_PFLD_OUTPUTS];
    ST_OK(st_weights_open(&weights, checkpoint, err));
    ST_OK(st_weights_open(&reference, expected, err));
    float *image = st_test_f32(reference, "image", &image_count);
    float *want = st_test_f32(reference, "out", &want_count);
    assert_int_equal(image_count, 3 * ST_PFLD_SIDE * ST_PFLD_SIDE);
    assert_int_equal(want_count, ST_PFLD_OUTPUTS);

    run_expected(weights, image, got);
    double off = st_max_difference(got, want, want_count);
    printf("PFLD-GhostOne: largest difference %.2g\n", off);
    assert_true(off < 1e-4);

    /* The same numbers from the other file format, by the same keys. */
    char path[4200], *folder = st_scratch_create();
    snprintf(path, sizeof path, "%s/pfld.safetensors", folder);
    ST_OK(st_weights_write_safetensors(weights, path, ST_F32, NULL, NULL, false, err));
    st_weights_close(&weights);
    ST_OK(st_weights_open(&weights, path, err));
    run_expected(weights, image, again);
    assert_memory_equal(again, got, sizeof got);

    st_scratch_remove(folder);
    free(want);
    free(image);
    st_weights_close(&reference);
    st_weights_close(&weights);
}

/* Two runs of one network give the same bytes: nothing is left of the one before. */
static void test_runs_do_not_depend_on_each_other(void **state)
{
    (void)state;
    ST_NEED_SHARED(checkpoint, CHECKPOINT);
    static float image[2][3 * ST_PFLD_SIDE * ST_PFLD_SIDE];
    float first[ST_PFLD_OUTPUTS], other[ST_PFLD_OUTPUTS], again[ST_PFLD_OUTPUTS];
    uint64_t seed = 3;
    struct st_weights *weights;
    struct st_pfld *pfld;
    for (size_t i = 0; i < sizeof image[0] / sizeof image[0][0]; i++) {
        image[0][i] = st_random_unit(&seed);
        image[1][i] = st_random_unit(&seed) * st_random_unit(&seed);
    }
    ST_OK(st_weights_open(&weights, checkpoint, err));
    ST_OK(open_pfld(&pfld, weights, err));
    st_weights_close(&weights); /* borrowed for the call alone */
    ST_OK(st_pfld_run(pfld, image[0], first, err));
    ST_OK(st_pfld_run(pfld, image[1], other, err));
    ST_OK(st_pfld_run(pfld, image[0], again, err));
    assert_memory_equal(first, again, sizeof first);
    assert_memory_not_equal(first, other, sizeof first);
    st_pfld_close(&pfld);
}

/* In a state dict, and of no use to the network. */
static bool unused(const char *name)
{
    return strstr(name, "num_batches_tracked") || strncmp(name, "localization.", 13) == 0;
}

/* Take the tensor at `place` of the order of names out of it, or put it back. */
static void hide(struct st_weights *weights, size_t place, uint32_t *hidden)
{
    *hidden = weights->order[place];
    memmove(weights->order + place, weights->order + place + 1,
            (--weights->count - place) * sizeof *weights->order);
}

static void show(struct st_weights *weights, size_t place, uint32_t hidden)
{
    memmove(weights->order + place + 1, weights->order + place,
            (weights->count++ - place) * sizeof *weights->order);
    weights->order[place] = hidden;
}

static void expect_refusal(const struct st_weights *weights, const char *name, const char *what)
{
    struct st_pfld *pfld;
    synctalk_error error = {0};
    char whole[300];
    snprintf(whole, sizeof whole, " %s ", name);
    if (open_pfld(&pfld, weights, &error) != SYNCTALK_E_FORMAT || pfld ||
        !strstr(error.message, whole) || !strstr(error.message, what))
        fail_msg("without %s: %d \"%s\"", name, error.status, error.message);
}

/* A checkpoint that lacks a tensor would be read as one with zeros in its place. */
static void test_every_tensor_is_needed(void **state)
{
    (void)state;
    ST_NEED_SHARED(checkpoint, CHECKPOINT);
    struct st_weights *weights;
    ST_OK(st_weights_open(&weights, checkpoint, err));
    size_t needed = 0;
    for (size_t place = 0; place < weights->count; place++) {
        uint32_t hidden;
        const char *name = weights->tensors[weights->order[place]].name;
        if (unused(name))
            continue;
        hide(weights, place, &hidden);
        expect_refusal(weights, name, " of shape [");
        show(weights, place, hidden);
        needed++;
    }
    printf("%zu tensors, each needed\n", needed);
    assert_true(needed > 1000);

    for (size_t place = 0; place < weights->count;) {
        uint32_t hidden;
        if (unused(weights->tensors[weights->order[place]].name))
            hide(weights, place, &hidden);
        else
            place++;
    }
    assert_int_equal(weights->count, needed);
    struct st_pfld *pfld;
    ST_OK(open_pfld(&pfld, weights, err));
    st_pfld_close(&pfld);
    st_weights_close(&weights);
}

/* The network at full width has the same names. */
static void test_other_shapes_and_numbers(void **state)
{
    (void)state;
    ST_NEED_SHARED(checkpoint, CHECKPOINT);
    static const char *const names[] = {
        "conv1.rbr_conv.0.conv.weight",
        "conv2.rbr_skip.running_var",
        "conv3_1.ghost_conv.1.rbr_scale.bn.weight",
        "conv5_4.ghost_conv.2.cheap_operation.rbr_conv.5.conv.weight",
        "conv8.0.weight",
        "conv_out.bias",
    };
    struct st_weights *weights;
    ST_OK(st_weights_open(&weights, checkpoint, err));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct st_tensor *found = st_weights_find(weights, names[i]);
        assert_non_null(found);
        struct st_tensor *tensor = &weights->tensors[found - weights->tensors];
        const struct st_tensor before = *tensor;
        char shapes[96];

        tensor->dims[0] *= 2;
        snprintf(shapes, sizeof shapes, "has shape [%zu", tensor->dims[0]);
        expect_refusal(weights, names[i], shapes);
        snprintf(shapes, sizeof shapes, "needed is [%zu", before.dims[0]);
        expect_refusal(weights, names[i], shapes);
        *tensor = before;

        float *values = calloc(before.count, sizeof *values);
        assert_non_null(values);
        values[before.count - 1] = NAN;
        tensor->data = (const uint8_t *)values;
        struct st_pfld *pfld;
        synctalk_error error = {0};
        assert_int_equal(open_pfld(&pfld, weights, &error), SYNCTALK_E_FORMAT);
        assert_non_null(strstr(error.message, "finite"));
        *tensor = before;
        free(values);
    }
    st_weights_close(&weights);
}

/* Each allocation of ours fails in turn. Leaks are for the sanitizer build. */
static void test_memory_that_runs_out(void **state)
{
    (void)state;
    ST_NEED_SHARED(checkpoint, CHECKPOINT);
    struct st_weights *weights;
    ST_OK(st_weights_open(&weights, checkpoint, err));
    long n = 0;
    synctalk_status st;
    do {
        struct st_pfld *pfld;
        synctalk_error error = {0};
        fail_after = ++n;
        st = open_pfld(&pfld, weights, &error);
        fail_after = 0;
        if (st) {
            assert_int_equal(st, SYNCTALK_E_MEMORY);
            assert_non_null(strstr(error.message, "no memory"));
            assert_null(pfld);
        }
        st_pfld_close(&pfld);
    } while (st);
    printf("%ld allocations, each failed in turn\n", n - 1);
    assert_true(n > 100);
    st_weights_close(&weights);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        allowed = (unsigned)strtoul(argv[1], NULL, 0);
    const struct CMUnitTest same[] = {
        cmocka_unit_test(test_against_the_published_network),
        cmocka_unit_test(test_runs_do_not_depend_on_each_other),
    };
    const struct CMUnitTest damage[] = {
        cmocka_unit_test(test_every_tensor_is_needed),
        cmocka_unit_test(test_other_shapes_and_numbers),
        cmocka_unit_test(test_memory_that_runs_out),
    };
    if (argc > 2 && strcmp(argv[2], "damage") == 0)
        return cmocka_run_group_tests(damage, NULL, NULL);
    return cmocka_run_group_tests(same, NULL, NULL);
}
