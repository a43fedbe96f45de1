/* SPDX-License-Identifier: Apache-2.0 */
/* Making, writing and reading an edit list with every allocation failing once: a sentence and
 * no leak, or the same list. */
#include "support/support.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "edit_world.h"

/* The allocation that fails, counted down; at 0 none does. */
static int64_t countdown;

static bool fails(void)
{
    return countdown > 0 && --countdown == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    return fails() ? NULL : __real_realloc(block, size);
}

struct scene {
    struct st_clip clips[3];
    struct st_clips set;
    char *folder;
    char path[4096], broken[4096];
};

static synctalk_status plan(const struct scene *scene, struct st_edit_list *list,
                            synctalk_error *err)
{
    struct st_vad_span spans[] = {{0, 64000, true}, {64000, 80000, false}, {80000, 200000, true}};
    struct st_edit_settings settings = {25, 4, ST_EDIT_BOUNCE};
    struct st_timeline line;
    synctalk_status st =
        st_timeline_make(&line, &(struct st_vad_timeline){spans, 3}, EDIT_HZ, 25, 313, err);
    if (!st)
        st = st_edit_list_make(list, &scene->set, &line, &settings, err);
    st_timeline_free(&line);
    return st;
}

/* The n-th allocation fails; false where there were fewer. */
static bool is_survived(const struct scene *scene, int step, int64_t n)
{
    struct st_edit_list list = {.frames = 0}, whole;
    synctalk_status st;

    ST_OK(plan(scene, &whole, err));
    synctalk_error err = {0};
    countdown = n;
    if (step == 0)
        st = plan(scene, &list, &err);
    else if (step == 1)
        st = st_edit_list_write(&whole, scene->broken, false, &err);
    else
        st = st_edit_list_read(&list, &scene->set, scene->path, &err);
    const bool reached = countdown == 0;
    countdown = 0;
    if (st) {
        assert_true(reached);
        assert_true(strlen(err.message) > 20);
        assert_null(list.entries);
        assert_int_not_equal(access(scene->broken, F_OK), 0);
    } else if (step != 1) {
        assert_int_equal(list.count, whole.count);
    }
    unlink(scene->broken);
    st_edit_list_free(&list);
    st_edit_list_free(&whole);
    return reached;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    uint64_t seed = 31;
    struct scene scene;
    struct st_edit_list list;
    edit_clip(&scene.clips[0], 0, ST_CLIP_TALK, 40, &seed);
    edit_clip(&scene.clips[1], 1, ST_CLIP_TALK, 2, &seed);
    edit_clip(&scene.clips[2], 2, ST_CLIP_SILENCE, 15, &seed);
    scene.set = (struct st_clips){"core_clips/NAME", scene.clips, 3};
    scene.folder = st_scratch_create();
    snprintf(scene.path, sizeof scene.path, "%s/edit.json", scene.folder);
    snprintf(scene.broken, sizeof scene.broken, "%s/broken.json", scene.folder);
    json_set_alloc_funcs(__wrap_malloc, free);
    ST_OK(plan(&scene, &list, err));
    ST_OK(st_edit_list_write(&list, scene.path, false, err));
    st_edit_list_free(&list);
    for (int step = 0; step < 3; step++) {
        int64_t n = 1;
        while (is_survived(&scene, step, n))
            n++;
        assert_true(n > (step ? 100 : 10));
    }
    st_scratch_remove(scene.folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_allocation_may_fail)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
