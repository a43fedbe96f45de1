/* SPDX-License-Identifier: Apache-2.0 */
/* The precision of a person: found out once, remembered, found out anew where what is
 * remembered is damaged, another checkpoint's or another CPU's; and a person whose folder
 * cannot be written to, or whose dataset has no sound. */
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cpu.h"
#include "generate/project.h"
#include "models/unet.h"
#include "synctalk/generate.h"
#include "synctalk/machine.h"

/* Lines of the log, one after the other. */
struct told {
    char text[8192];
    int warnings;
};

static void hear(void *user, synctalk_log_level level, const char *line)
{
    struct told *told = user;
    const size_t used = strlen(told->text);
    snprintf(told->text + used, sizeof told->text - used, "%s\n", line);
    told->warnings += level == SYNCTALK_LOG_WARNING;
}

static struct told opened(const struct project *p, int precision, unsigned mask, bool features)
{
    struct told told = {{0}, 0};
    const synctalk_callbacks callbacks = {.log = hear, .user = &told};
    synctalk_settings s;
    synctalk_person *person = NULL;
    synctalk_settings_init(&s);
    s.root = p->root;
    s.model = PROJECT_PERSON;
    s.features = features ? p->features : NULL;
    s.precision = precision;
    s.cpu_mask = mask;
    ST_OK(synctalk_person_open(&person, &s, &callbacks, err));
    synctalk_person_close(&person);
    return told;
}

#define SEARCH "finding out"
#define HAS(told, words) assert_non_null(strstr((told).text, words))
#define HAS_NOT(told, words) assert_null(strstr((told).text, words))

static void side_file(char *path, const struct project *p)
{
    ST_OK(st_path_join(path, p->root, "checkpoint/tiny/0.precision.json", err));
}

static bool has_bytes(void)
{
    return st_cpu_flags() & SYNCTALK_CPU_AVX2;
}

static void test_found_once(void **state)
{
    (void)state;
    struct project p;
    char path[ST_PATH_MAX];
    if (!has_bytes())
        skip();
    project_create(&p, 130, 98, 5);
    side_file(path, &p);
    HAS_NOT(opened(&p, SYNCTALK_PRECISION_F32, ~0U, true), SEARCH);
    HAS_NOT(opened(&p, SYNCTALK_PRECISION_BF16, ~0U, true), SEARCH);
    assert_false(st_path_is_file(path));
    HAS(opened(&p, SYNCTALK_PRECISION_AUTO, ~0U, true), SEARCH);
    assert_true(st_path_is_file(path));
    HAS_NOT(opened(&p, SYNCTALK_PRECISION_AUTO, ~0U, true), SEARCH);
    const struct told told = opened(&p, SYNCTALK_PRECISION_MIXED, ~0U, true);
    HAS_NOT(told, SEARCH);
    HAS(told, "mixed precision");
    HAS(opened(&p, SYNCTALK_PRECISION_INT8, ~0U, true), "int8 precision");
    project_remove(&p);
}

struct hurry {
    bool searching;
    int asked, patience; /* since the search began; how often it is said no */
};

static void hear_search(void *user, synctalk_log_level level, const char *line)
{
    struct hurry *hurry = user;
    (void)level;
    hurry->searching = hurry->searching || strstr(line, SEARCH);
}

static int lose_patience(void *user)
{
    struct hurry *hurry = user;
    return hurry->searching && hurry->asked++ >= hurry->patience;
}

/* Nobody could stop the search, which took ten seconds of a full network: it is asked before each
 * picture, and leaves nothing. */
static void test_stopped(void **state)
{
    (void)state;
    struct project p;
    char path[ST_PATH_MAX];
    synctalk_settings s;
    static const int patience[] = {0, 6, 60};
    if (!has_bytes())
        skip();
    project_create(&p, 130, 98, 5);
    side_file(path, &p);
    synctalk_settings_init(&s);
    s.root = p.root;
    s.model = PROJECT_PERSON;
    s.features = p.features;
    s.precision = SYNCTALK_PRECISION_MIXED;
    for (size_t i = 0; i < sizeof patience / sizeof *patience; i++) {
        struct hurry hurry = {.patience = patience[i]};
        const synctalk_callbacks callbacks = {
            .log = hear_search, .cancelled = lose_patience, .user = &hurry};
        synctalk_person *person = NULL;
        synctalk_error e = {0};
        assert_int_equal(synctalk_person_open(&person, &s, &callbacks, &e), SYNCTALK_E_CANCELLED);
        assert_int_equal(hurry.asked, patience[i] + 1);
        assert_false(st_path_is_file(path));
    }
    project_remove(&p);
}

/* Another CPU's findings are beside the first's, not over them. */
static void test_each_cpu_has_its_own(void **state)
{
    (void)state;
    struct project p;
    if (!has_bytes())
        skip();
    project_create(&p, 130, 98, 5);
    HAS(opened(&p, SYNCTALK_PRECISION_MIXED, SYNCTALK_CPU_AVX2, true), SEARCH);
    HAS_NOT(opened(&p, SYNCTALK_PRECISION_MIXED, SYNCTALK_CPU_AVX2, true), SEARCH);
    if (st_cpu_flags() & SYNCTALK_CPU_AVX512) {
        const unsigned mask = SYNCTALK_CPU_AVX2 | SYNCTALK_CPU_AVX512;
        HAS(opened(&p, SYNCTALK_PRECISION_MIXED, mask, true), SEARCH);
        HAS_NOT(opened(&p, SYNCTALK_PRECISION_MIXED, mask, true), SEARCH);
    }
    HAS_NOT(opened(&p, SYNCTALK_PRECISION_MIXED, SYNCTALK_CPU_AVX2, true), SEARCH);
    /* without kernels there is nothing to find out */
    HAS_NOT(opened(&p, SYNCTALK_PRECISION_MIXED, 0, true), SEARCH);
    project_remove(&p);
}

/* Cut short anywhere, or not JSON at all: a warning, and it is made again. */
static void test_damaged_file(void **state)
{
    (void)state;
    struct project p;
    char path[ST_PATH_MAX];
    struct stat info;
    if (!has_bytes())
        skip();
    project_create(&p, 130, 98, 5);
    side_file(path, &p);
    opened(&p, SYNCTALK_PRECISION_AUTO, ~0U, true);
    for (int whole = 0; whole < 2; whole++) {
        /* The times in it are measured, so each has a size of its own. */
        assert_int_equal(stat(path, &info), 0);
        assert_true(info.st_size > 1);
        assert_int_equal(truncate(path, whole ? info.st_size - 1 : 0), 0);
        const struct told told = opened(&p, SYNCTALK_PRECISION_AUTO, ~0U, true);
        HAS(told, SEARCH);
        HAS(told, "damaged");
        assert_true(told.warnings >= 1);
        HAS_NOT(opened(&p, SYNCTALK_PRECISION_AUTO, ~0U, true), SEARCH);
    }
    project_remove(&p);
}

/* A checkpoint that was trained on has the same name and other weights. */
static void test_other_checkpoint(void **state)
{
    (void)state;
    struct project p;
    char checkpoint[ST_PATH_MAX];
    struct st_weights *weights;
    if (!has_bytes())
        skip();
    project_create(&p, 130, 98, 5);
    opened(&p, SYNCTALK_PRECISION_AUTO, ~0U, true);
    ST_OK(st_path_join(checkpoint, p.root, "checkpoint/tiny/0.safetensors", err));
    ST_OK(st_unet_random(&weights, true, SYNCTALK_ENCODER_AVE, 12, err));
    ST_OK(st_weights_write_safetensors(weights, checkpoint, ST_F32, "synctalk.encoder", "ave", true,
                                       err));
    st_weights_close(&weights);
    const struct told told = opened(&p, SYNCTALK_PRECISION_AUTO, ~0U, true);
    HAS(told, SEARCH);
    HAS(told, "another checkpoint");
    HAS_NOT(opened(&p, SYNCTALK_PRECISION_AUTO, ~0U, true), SEARCH);
    project_remove(&p);
}

/* A folder stands where the file would: it can be neither read nor written, by root neither. */
static void test_not_remembered(void **state)
{
    (void)state;
    struct project p;
    char path[ST_PATH_MAX];
    if (!has_bytes())
        skip();
    project_create(&p, 130, 98, 5);
    side_file(path, &p);
    assert_int_equal(mkdir(path, 0700), 0);
    const struct told told = opened(&p, SYNCTALK_PRECISION_AUTO, ~0U, true);
    HAS(told, SEARCH);
    HAS(told, "not remembered");
    assert_int_equal(rmdir(path), 0);
    project_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_once),           cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_each_cpu_has_its_own), cmocka_unit_test(test_damaged_file),
        cmocka_unit_test(test_other_checkpoint),     cmocka_unit_test(test_not_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
