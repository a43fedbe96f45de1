/* SPDX-License-Identifier: Apache-2.0 */
/* Prints "project PATH" for a new tiny project, for tests that are not in C. They remove it.
 * Its random checkpoint is random.safetensors. */
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "generate/project.h"

static void make(void **state)
{
    (void)state;
    struct project project;
    char features[ST_PATH_MAX];
    char checkpoint[ST_PATH_MAX];
    char random[ST_PATH_MAX];
    project_create(&project, 64, 64, PROJECT_SOURCES);
    ST_OK(st_path_format(features, err, "%s/dataset/tiny/aud_ave.npy", project.root));
    ST_OK(st_path_format(checkpoint, err, "%s/checkpoint/tiny/0.safetensors", project.root));
    assert_int_equal(rename(project.features, features), 0);
    ST_OK(st_path_format(random, err, "%s/random.safetensors", project.root));
    assert_int_equal(rename(checkpoint, random), 0);
    printf("project %s\n", project.root);
    free(project.root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(make)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
