/* SPDX-License-Identifier: Apache-2.0 */
/* The table of shared networks: its rows are whole, and agree with those who open the files
 * and with the files themselves. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "models/encoder.h"
#include "models/networks.h"
#include "support/support.h"

static bool names_file(const synctalk_network *network, const char *file)
{
    for (size_t i = 0; network->files[i]; i++)
        if (strcmp(st_path_base(network->files[i]), file) == 0)
            return true;
    return false;
}

static void test_rows(void **state)
{
    (void)state;
    size_t count = 0;
    const synctalk_network *rows = st_networks(&count);
    assert_true(count > 0 && !rows[0].alternative);
    for (size_t i = 0; i < count; i++) {
        const synctalk_network *n = &rows[i];
        assert_ptr_equal(st_network_named(n->name), n);
        assert_true(*n->purpose && *n->users && *n->licence && *n->source);
        assert_true(n->source[strlen(n->source) - 1] != '.');
        assert_true(names_file(n, n->file));
        if (n->sha256) {
            assert_int_equal(strlen(n->sha256), 64);
            assert_int_equal(strspn(n->sha256, "0123456789abcdef"), 64);
            assert_true(n->bytes > 0);
        }
        /* What is downloaded must be known beforehand, and come over HTTPS. */
        if (n->address)
            assert_true(n->sha256 && strncmp(n->address, "https://", 8) == 0);
    }
    assert_null(st_network_named("nobody"));
    assert_null(st_network_named(NULL));
}

/* Once two lists of an encoder's names differed, models would call one missing that generate
 * finds. */
static void test_encoders(void **state)
{
    (void)state;
    for (int kind = SYNCTALK_ENCODER_AVE; kind <= SYNCTALK_ENCODER_WENET; kind++) {
        const struct st_encoder_info *info = st_encoder_info((synctalk_encoder)kind);
        const synctalk_network *network = st_network_named(info->name);
        assert_non_null(network);
        size_t i = 0;
        for (; network->files[i] && info->weight_files[i]; i++)
            assert_string_equal(network->files[i], info->weight_files[i]);
        assert_null(network->files[i]);
        assert_null(info->weight_files[i]);
    }
}

static void check_file(const synctalk_network *network, const char *path)
{
    char sha[ST_HASH_TEXT];
    struct st_mapping map;
    ST_OK(st_hash_file(sha, path, err));
    assert_string_equal(sha, network->sha256);
    ST_OK(st_map_file(&map, path, err));
    assert_int_equal(map.size, network->bytes);
    st_unmap_file(&map);
}

static void test_own_encoder(void **state)
{
    (void)state;
    char path[ST_PATH_MAX];
    const synctalk_network *ave = st_network_named("ave");
    ST_OK(st_path_format(path, err, "%s/data/%s", getenv("ST_TEST_SOURCE"), ave->file));
    check_file(ave, path);
}

static void test_shared_files(void **state)
{
    (void)state;
    static const char *const names[] = {"detector", "landmarks-106", "landmarks-98", "vad"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char name[128];
        const synctalk_network *network = st_network_named(names[i]);
        assert_non_null(network);
        snprintf(name, sizeof name, "models/%s", network->file);
        ST_NEED_SHARED(path, name);
        check_file(network, path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_encoders),
        cmocka_unit_test(test_own_encoder),
        cmocka_unit_test(test_shared_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
