/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 against the digests that FIPS 180-4's examples give. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "support/support.h"

static void hash_of(char *text, const void *data, size_t size, size_t step)
{
    struct st_hash *hash = NULL;
    assert_int_equal(st_hash_create(&hash, NULL), SYNCTALK_OK);
    for (size_t at = 0; at < size; at += step)
        st_hash_add(hash, (const char *)data + at, step < size - at ? step : size - at);
    st_hash_end(&hash, text);
    assert_null(hash);
}

static void test_known_digests(void **state)
{
    (void)state;
    static const char two[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    char text[ST_HASH_TEXT];

    hash_of(text, "", 0, 1);
    assert_string_equal(text, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    hash_of(text, "abc", 3, 3);
    assert_string_equal(text, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    for (size_t step = 1; step <= sizeof two - 1; step++) {
        hash_of(text, two, sizeof two - 1, step);
        assert_string_equal(text,
                            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    }
}

/* A file longer than one block of reading has the digest of its bytes. */
static void test_file(void **state)
{
    (void)state;
    enum { BYTES = 1000000 };
    char path[ST_PATH_MAX];
    char text[ST_HASH_TEXT];
    char *folder = st_scratch_create();
    char *million = malloc(BYTES);

    assert_non_null(million);
    memset(million, 'a', BYTES);
    ST_OK(st_path_join(path, folder, "million.txt", err));
    st_write_file(path, million, BYTES);
    free(million);
    ST_OK(st_hash_file(text, path, err));
    assert_string_equal(text, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    st_scratch_remove(folder);
}

static void test_refusals(void **state)
{
    (void)state;
    char path[ST_PATH_MAX];
    char text[ST_HASH_TEXT];
    synctalk_error error = {0};

    char *folder = st_scratch_create();
    ST_OK(st_path_join(path, folder, "absent.bin", err));
    assert_int_equal(st_hash_file(text, path, &error), SYNCTALK_E_MISSING);
    assert_non_null(strstr(error.message, "absent.bin"));
    assert_int_equal(st_hash_file(text, "/", &error), SYNCTALK_E_IO);
    assert_non_null(strstr(error.message, "folder"));
    struct st_hash *none = NULL;
    st_hash_destroy(&none);
    st_hash_destroy(NULL);
    st_scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_digests),
        cmocka_unit_test(test_file),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
