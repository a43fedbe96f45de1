/* SPDX-License-Identifier: Apache-2.0 */
#include "support/support.h"

#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

const char *st_shared(const char *name)
{
    static char buffers[8][4096];
    static unsigned next;
    const char *root = getenv("ST_TEST_SHARED");
    char *path = buffers[next++ % 8];
    snprintf(path, sizeof buffers[0], "%s/%s", root ? root : "../shared", name);
    if (access(path, R_OK) != 0) {
        fprintf(stderr, "SKIPPED: no reference data at %s\n", path);
        return NULL;
    }
    return path;
}

float *st_test_f32(const struct st_weights *weights, const char *name, size_t *count)
{
    const struct st_tensor *tensor = st_weights_find(weights, name);
    if (!tensor) {
        fail_msg("%s: no tensor %s", st_weights_path(weights), name);
        return NULL;
    }
    float *values = malloc((tensor->count ? tensor->count : 1) * sizeof *values);
    assert_non_null(values);
    st_tensor_to_f32(tensor, values);
    if (count)
        *count = tensor->count;
    return values;
}

double st_max_difference(const float *a, const float *b, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        double d = fabs((double)a[i] - (double)b[i]);
        if (!(d <= most))
            most = isnan(d) ? INFINITY : d;
    }
    return most;
}

/* Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
uint64_t st_random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

float st_random_unit(uint64_t *state)
{
    return (float)(st_random_next(state) >> 40) * 0x1p-24f;
}

char *st_scratch_create(void)
{
    const char *base = getenv("TMPDIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/synctalk-test-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(path));
    return strdup(path);
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

void st_scratch_remove(char *path)
{
    if (path)
        nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(path);
}

void st_run_program(const char *const *words, const char *log)
{
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log,
                                                      O_WRONLY | O_CREAT | O_TRUNC, 0600),
                     0);
    assert_int_equal(posix_spawnp(&child, words[0], &actions, NULL, (char *const *)words, environ),
                     0);
    posix_spawn_file_actions_destroy(&actions);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("%s: status %d", words[0], status);
}

void st_write_file(const char *path, const void *data, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}
