/* SPDX-License-Identifier: Apache-2.0 */
/* The line of progress: its words, and that no terminal is too narrow for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "progress.h"

static const struct progress_view frames = {
    .stage = "frames", .done = 312, .total = 523, .rate = 18.25, .fps = 25, .seconds = 17};

static void test_whole(void **state)
{
    (void)state;
    char line[256];
    progress_format(line, sizeof line, 80, &frames);
    assert_string_equal(
        line, "frames   [###################.............]  312/523  18.2 fps  0.73x  ETA 0:12");
    progress_format(line, sizeof line, 200, &frames);
    assert_non_null(strstr(line, "[######################................]"));
}

static void test_batch(void **state)
{
    (void)state;
    char line[256];
    struct progress_view view = frames;
    view.item = 2;
    view.items = 11;
    progress_format(line, sizeof line, 80, &view);
    assert_memory_equal(line, "2/11 frames", 11);
}

static void test_unknown_total_has_no_bar(void **state)
{
    (void)state;
    char line[256];
    progress_format(line, sizeof line, 80, &(struct progress_view){.stage = "sound", .done = 7});
    assert_string_equal(line, "sound    7");
}

static void test_long_times(void **state)
{
    (void)state;
    char line[256];
    progress_format(line, sizeof line, 80,
                    &(struct progress_view){
                        .stage = "frames", .done = 1, .total = 900001, .rate = 25, .fps = 25});
    assert_non_null(strstr(line, "ETA 10:00:00"));
}

/* Guards a line that wraps, which a terminal cannot take back. */
static void test_fits_every_width(void **state)
{
    (void)state;
    struct progress_view views[3] = {frames, frames, frames};
    views[1].done = views[1].total = INT64_MAX / 2;
    views[2].done = views[2].total + 1; /* more than was announced */
    for (int v = 0; v < 3; v++) {
        for (int width = 1; width <= 256; width++) {
            char line[512];
            memset(line, 'x', sizeof line);
            progress_format(line, sizeof line, width, &views[v]);
            assert_non_null(memchr(line, '\0', sizeof line));
            assert_true(strlen(line) < (size_t)width);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_batch),
        cmocka_unit_test(test_unknown_total_has_no_bar),
        cmocka_unit_test(test_long_times),
        cmocka_unit_test(test_fits_every_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
