/* SPDX-License-Identifier: Apache-2.0 */
/* Files cut and flipped at random: each opens or is refused by a sentence that names the
 * file, and none may crash. Meant to run under ASan and UBSan too.
 */
#include <stdlib.h>
#include <string.h>

#include "weights/builders.h"

/* Open what may be anything; it must say why not. Reads all elements where it opens. */
static bool try_open(const uint8_t *data, size_t size)
{
    /* A block of exactly this size, so that a sanitizer sees one byte too many. */
    uint8_t *copy = malloc(size ? size : 1);
    struct st_weights *weights = NULL;
    synctalk_error err = {0};
    assert_non_null(copy);
    if (size)
        memcpy(copy, data, size);
    synctalk_status st = st_weights_open_memory(&weights, "the-file", copy, size, &err);
    if (st) {
        assert_null(weights);
        assert_true(strncmp(err.message, "the-file: ", 10) == 0);
        assert_int_equal(err.status, st);
    }
    for (size_t i = 0; !st && i < st_weights_count(weights); i++)
        free(st_test_f32(weights, st_weights_at(weights, i)->name, NULL));
    st_weights_close(&weights);
    free(copy);
    return st == SYNCTALK_OK;
}

static struct bytes sample(int kind)
{
    static const float six[] = {0, 1, 2, 3, 4, 5};
    struct bytes npy =
        npy_file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", six, 24);
    struct zip_builder zip = {0};
    switch (kind) {
    case 0:
        return npy;
    case 1:
        zip_add(&zip, "a.npy", npy.data, npy.size, true);
        break;
    case 2:
    case 3:
        free(npy.data);
        return small_checkpoint(kind == 3);
    default:
        free(npy.data);
        return safetensors_file("{\"__metadata__\":{\"k\":\"v\"},\"a\":{\"dtype\":\"F16\","
                                "\"shape\":[2,6],\"data_offsets\":[0,24]}}",
                                six, sizeof six);
    }
    free(npy.data);
    return zip_finish(&zip);
}

static void truncated_at_every_length(void **state)
{
    (void)state;
    for (int kind = 0; kind < 5; kind++) {
        struct bytes file = sample(kind);
        for (size_t size = 0; size < file.size; size++) {
            if (try_open(file.data, size))
                fail_msg("file %d of %zu bytes opened when cut to %zu", kind, file.size, size);
        }
        assert_true(try_open(file.data, file.size));
        put_le(&file, 0, 1);
        assert_false(try_open(file.data, file.size));
        free(file.data);
    }
}

/* Every byte to several values, then random damage of several bytes. */
static void damaged_bytes(void **state)
{
    (void)state;
    static const uint8_t values[] = {0x00, 0xff, 0x7f, 0x80};
    uint64_t seed = 2;
    for (int kind = 0; kind < 5; kind++) {
        struct bytes file = sample(kind);
        for (size_t at = 0; at < file.size; at++) {
            uint8_t was = file.data[at];
            for (size_t i = 0; i < sizeof values; i++) {
                file.data[at] = values[i];
                (void)try_open(file.data, file.size);
            }
            file.data[at] = was ^ 1;
            (void)try_open(file.data, file.size);
            file.data[at] = was;
        }
        uint8_t *copy = malloc(file.size);
        assert_non_null(copy);
        for (int round = 0; round < 4000; round++) {
            memcpy(copy, file.data, file.size);
            for (uint64_t n = 1 + st_random_next(&seed) % 6; n > 0; n--)
                copy[st_random_next(&seed) % file.size] = (uint8_t)st_random_next(&seed);
            (void)try_open(copy, file.size);
        }
        free(copy);
        free(file.data);
    }
}

/* Guards: a pickle behind a good checksum, which the flips above hardly ever reach. */
static void damaged_pickles_behind_good_checksums(void **state)
{
    (void)state;
    static const float six[6];
    uint64_t seed = 3;
    struct bytes pickle = {0};
    put_string(&pickle, "\x80\x02}(");
    pickle_text(&pickle, "a");
    pickle_tensor(&pickle, "FloatStorage", "0", 6, 0, 2, (int64_t[]){2, 3}, (int64_t[]){3, 1});
    pickle_text(&pickle, "b");
    pickle_tensor(&pickle, "FloatStorage", "0", 6, 1, 1, (int64_t[]){5}, (int64_t[]){1});
    put_string(&pickle, "u.");
    for (int round = 0; round < 20000; round++) {
        struct bytes copy = {0};
        put(&copy, pickle.data, pickle.size);
        for (uint64_t n = 1 + st_random_next(&seed) % 3; n > 0; n--)
            copy.data[st_random_next(&seed) % copy.size] = (uint8_t)st_random_next(&seed);
        struct bytes file = checkpoint(&copy, six, sizeof six);
        (void)try_open(file.data, file.size);
        free(file.data);
        free(copy.data);
    }
    free(pickle.data);
}

static void random_bytes_behind_each_magic(void **state)
{
    (void)state;
    static const char *const starts[] = {"PK\3\4", "\x93NUMPY\1", "\x80\2", ""};
    uint64_t seed = 4;
    for (int round = 0; round < 2000; round++) {
        struct bytes file = {0};
        put_string(&file, starts[round % 4]);
        for (uint64_t n = st_random_next(&seed) % 300; n > 0; n--)
            put_le(&file, st_random_next(&seed), 1);
        assert_false(try_open(file.data, file.size));
        free(file.data);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truncated_at_every_length),
        cmocka_unit_test(damaged_bytes),
        cmocka_unit_test(damaged_pickles_behind_good_checksums),
        cmocka_unit_test(random_bytes_behind_each_magic),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
