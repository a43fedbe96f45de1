/* SPDX-License-Identifier: Apache-2.0 */
/* The n-th allocation fails, for every n until none does: each call must then report
 * E_MEMORY, leak nothing and leave no file. The linker sends our allocations here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "weights/builders.h"

static long countdown; /* the allocation that fails; 0 for none */
static bool failed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

static bool fails_now(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    failed = true;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return fails_now() ? NULL : __real_realloc(block, size);
}

typedef synctalk_status (*attempt)(const struct bytes *file, const char *path, synctalk_error *err);

static synctalk_status open_only(const struct bytes *file, const char *path, synctalk_error *err)
{
    (void)path;
    struct st_weights *weights = NULL;
    synctalk_status st = st_weights_open_memory(&weights, "the-file", file->data, file->size, err);
    st_weights_close(&weights);
    return st;
}

static synctalk_status open_and_write(const struct bytes *file, const char *path,
                                      synctalk_error *err, bool pth)
{
    struct st_weights *weights = NULL;
    synctalk_status st = st_weights_open_memory(&weights, "the-file", file->data, file->size, err);
    if (!st && pth)
        st = st_weights_write_pth(weights, path, "k", "v", false, err);
    else if (!st)
        st = st_weights_write_safetensors(weights, path, ST_F16, "k", "v", false, err);
    st_weights_close(&weights);
    return st;
}

static synctalk_status write_pth(const struct bytes *file, const char *path, synctalk_error *err)
{
    return open_and_write(file, path, err, true);
}

static synctalk_status write_safetensors(const struct bytes *file, const char *path,
                                         synctalk_error *err)
{
    return open_and_write(file, path, err, false);
}

/* `other`: a status that is right too. jansson tells some of its failed allocations as
 * mistakes in the text. */
static void every_allocation(const struct bytes *file, attempt run, synctalk_status other)
{
    char *folder = st_scratch_create();
    char path[4200];
    snprintf(path, sizeof path, "%s/out", folder);
    for (long n = 1;; n++) {
        synctalk_error err = {0};
        failed = false;
        countdown = n;
        synctalk_status st = run(file, path, &err);
        countdown = 0;
        if (!failed) {
            assert_int_equal(st, SYNCTALK_OK);
            break;
        }
        if (st != SYNCTALK_E_MEMORY && st != other)
            fail_msg("allocation %ld: status %d \"%s\"", n, st, err.message);
        assert_int_not_equal(access(path, F_OK), 0);
    }
    st_scratch_remove(folder);
}

static struct bytes checkpoint_with_metadata(bool deflated)
{
    static const float values[6];
    struct bytes pickle = {0};
    struct zip_builder zip = {0};
    put_string(&pickle, "\x80\x02}q\1(");
    pickle_text(&pickle, "epoch");
    put_string(&pickle, "K\1");
    pickle_text(&pickle, "model");
    put_string(&pickle, "ccollections\nOrderedDict\n)R(");
    pickle_text(&pickle, "w");
    pickle_tensor(&pickle, "FloatStorage", "0", 6, 0, 2, (int64_t[]){2, 3}, (int64_t[]){3, 1});
    pickle_text(&pickle, "list");
    put_string(&pickle, "](");
    for (int i = 0; i < 3000; i++) /* long enough for allocations of its own */
        put_string(&pickle, "N");
    put_string(&pickle, "euu.");
    zip_add(&zip, "a/data.pkl", pickle.data, pickle.size, deflated);
    zip_add(&zip, "a/data/0", values, sizeof values, deflated);
    zip_add(&zip, "a/extra/note", "text", 4, false);
    free(pickle.data);
    return zip_finish(&zip);
}

static void reading_and_writing_a_checkpoint(void **state)
{
    (void)state;
    for (int deflated = 0; deflated < 2; deflated++) {
        struct bytes file = checkpoint_with_metadata(deflated);
        every_allocation(&file, open_only, SYNCTALK_E_MEMORY);
        every_allocation(&file, write_pth, SYNCTALK_E_MEMORY);
        free(file.data);
    }
}

static void reading_and_writing_safetensors(void **state)
{
    (void)state;
    static const float values[6];
    struct bytes file =
        safetensors_file("{\"__metadata__\":{\"k\":\"v\",\"l\":\"w\"},\"a\":{\"dtype\":"
                         "\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}",
                         values, sizeof values);
    json_set_alloc_funcs(__wrap_malloc, free);
    every_allocation(&file, open_only, SYNCTALK_E_FORMAT);
    every_allocation(&file, write_safetensors, SYNCTALK_E_FORMAT);
    json_set_alloc_funcs(__real_malloc, free);
    free(file.data);
}

static void reading_arrays(void **state)
{
    (void)state;
    static const float values[6];
    struct bytes npy = npy_file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }",
                                values, sizeof values);
    struct zip_builder zip = {0};
    zip_add(&zip, "a.npy", npy.data, npy.size, true);
    struct bytes npz = zip_finish(&zip);
    every_allocation(&npy, open_only, SYNCTALK_E_MEMORY);
    every_allocation(&npz, open_only, SYNCTALK_E_MEMORY);
    free(npy.data);
    free(npz.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reading_and_writing_a_checkpoint),
        cmocka_unit_test(reading_and_writing_safetensors),
        cmocka_unit_test(reading_arrays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
