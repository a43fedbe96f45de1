/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a weights file: opening must fail with a sentence or give tensors whose
 * every element can be read. Built by clang with -fsanitize=fuzzer it is a fuzz target;
 * otherwise its main() runs the files and folders it is given.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "weights/weights.h"

#define MAX_ELEMENTS ((size_t)1 << 22) /* converted for one tensor, to stay quick */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fault(const char *what)
{
    fprintf(stderr, "fuzz_weights: %s\n", what);
    abort();
}

static void read_all(const struct st_weights *weights)
{
    const char *key;
    const char *value;
    for (size_t i = 0; i < st_weights_count(weights); i++) {
        const struct st_tensor *tensor = st_weights_at(weights, i);
        if (st_weights_find(weights, tensor->name) != tensor)
            fault("a tensor is not found under its name");
        if (tensor->count > MAX_ELEMENTS)
            continue;
        float *values = malloc((tensor->count + 1) * sizeof *values);
        if (!values)
            continue;
        st_tensor_to_f32(tensor, values);
        free(values);
    }
    for (size_t i = 0; st_weights_metadata_at(weights, i, &key, &value); i++) {
        if (st_weights_metadata(weights, key) != value)
            fault("metadata is not found under its key");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct st_weights *weights = NULL;
    synctalk_error err = {0};
    synctalk_status st = st_weights_open_memory(&weights, "input", data, size, &err);
    if (st && (weights || err.status != st || strncmp(err.message, "input: ", 7) != 0) &&
        st != SYNCTALK_E_MEMORY)
        fault("a refusal without its sentence");
    if (!st)
        read_all(weights);
    st_weights_close(&weights);
    return 0;
}

#ifndef ST_FUZZ_LIBFUZZER

static int run_file(const char *path)
{
    struct st_mapping map;
    synctalk_error err;
    if (st_map_file(&map, path, &err)) {
        fprintf(stderr, "fuzz_weights: %s\n", err.message);
        return 1;
    }
    (void)LLVMFuzzerTestOneInput(map.data, map.size);
    st_unmap_file(&map);
    return 0;
}

static int run_folder(const char *path)
{
    struct st_names names;
    synctalk_error err;
    int failed = 0;
    if (st_list_dir(&names, path, &err)) {
        fprintf(stderr, "fuzz_weights: %s\n", err.message);
        return 1;
    }
    if (names.count == 0) {
        fprintf(stderr, "fuzz_weights: %s: is empty\n", path);
        failed = 1;
    }
    for (size_t i = 0; i < names.count; i++) {
        char file[ST_PATH_MAX];
        failed |= st_path_join(file, path, names.names[i], &err) || run_file(file);
    }
    st_names_free(&names);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    for (int i = 1; i < argc; i++)
        failed |= st_path_is_dir(argv[i]) ? run_folder(argv[i]) : run_file(argv[i]);
    return failed;
}

#endif
