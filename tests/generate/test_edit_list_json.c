/* SPDX-License-Identifier: Apache-2.0 */
/* Edit lists as files: what is written comes back, and what people or bad disks make of it
 * is refused with a sentence. */
#include "support/support.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "edit_world.h"

static void expect_equal(const struct st_edit_list *a, const struct st_edit_list *b)
{
    assert_int_equal(a->frames, b->frames);
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->settings.fps, b->settings.fps);
    assert_int_equal(a->settings.transition, b->settings.transition);
    assert_int_equal(a->settings.pad, b->settings.pad);
    for (size_t k = 0; k < a->count; k++) {
        const struct st_edit_entry *p = &a->entries[k], *q = &b->entries[k];
        assert_int_equal(p->from, q->from);
        assert_int_equal(p->frames, q->frames);
        assert_int_equal(p->first, q->first);
        assert_int_equal(p->fade_from, q->fade_from);
        assert_int_equal(p->fade_frames, q->fade_frames);
        assert_int_equal(p->clip, q->clip);
        assert_int_equal(p->backward, q->backward);
        assert_int_equal(p->turn, q->turn);
        assert_int_equal(p->speech, q->speech);
        assert_true(isinf(p->joint) ? isinf(q->joint)
                                    : fabs(p->joint - q->joint) <= 1e-5 * p->joint);
        assert_int_equal(p->pace, q->pace);
        assert_true(isnan(p->rough) ? isnan(q->rough)
                                    : fabs(p->rough - q->rough) <= 1e-5 * p->rough);
    }
}

static void lists_come_back_as_they_were(void **state)
{
    (void)state;
    char path[4096];
    char *folder = st_scratch_create();
    uint64_t seed = 21;
    snprintf(path, sizeof path, "%s/edit.json", folder);
    for (int n = 0; n < 20; n++) {
        struct edit_world world;
        struct st_edit_list list, back;
        edit_world_make(&world, 120, 20, &seed);
        ST_OK(st_edit_list_make(&list, &world.set, &world.timeline, &world.settings, err));
        for (size_t k = 1; k < list.count; k += 2) {
            list.entries[k].pace = (enum st_edit_pace)(st_random_next(&seed) % ST_EDIT_PACES);
            list.entries[k].rough = 3 * (double)st_random_unit(&seed);
        }
        ST_OK(st_edit_list_write(&list, path, true, err));
        ST_OK(st_edit_list_read(&back, &world.set, path, err));
        expect_equal(&list, &back);
        st_edit_list_free(&list);
        st_edit_list_free(&back);
        edit_world_free(&world);
    }
    st_scratch_remove(folder);
}

struct scene {
    struct st_clip clips[3];
    struct st_clips set;
    char *folder;
    char path[4096];
    json_t *root;
};

/* A list of speech, silence and speech in a file, and as a tree. */
static void scene_make(struct scene *scene)
{
    uint64_t seed = 22;
    struct st_stretch stretches[] = {{0, 50, true}, {50, 20, false}, {70, 30, true}};
    struct st_timeline line = {100, stretches, 3};
    struct st_edit_settings settings = {25, 4, ST_EDIT_BOUNCE};
    struct st_edit_list list;

    edit_clip(&scene->clips[0], 0, ST_CLIP_TALK, 30, &seed);
    edit_clip(&scene->clips[1], 1, ST_CLIP_TALK, 20, &seed);
    edit_clip(&scene->clips[2], 2, ST_CLIP_SILENCE, 15, &seed);
    scene->set = (struct st_clips){"core_clips/NAME", scene->clips, 3};
    scene->folder = st_scratch_create();
    snprintf(scene->path, sizeof scene->path, "%s/edit.json", scene->folder);
    ST_OK(st_edit_list_make(&list, &scene->set, &line, &settings, err));
    assert_int_equal(list.count, 4);
    ST_OK(st_edit_list_write(&list, scene->path, false, err));
    st_edit_list_free(&list);
    scene->root = json_load_file(scene->path, 0, NULL);
    assert_non_null(scene->root);
}

static void scene_free(struct scene *scene)
{
    json_decref(scene->root);
    st_scratch_remove(scene->folder);
}

static void expect_refusal(const struct scene *scene, synctalk_status status, const char *word)
{
    struct st_edit_list list;
    synctalk_error err = {0};
    const synctalk_status st = st_edit_list_read(&list, &scene->set, scene->path, &err);
    if (st != status || !strstr(err.message, word) || !strstr(err.message, scene->path))
        fail_msg("%d \"%s\"; wanted %d and \"%s\"", st, err.message, status, word);
    assert_null(list.entries);
}

/* `value` at `path`, as "entries/0/fade/from", of a copy of the tree, and what reading says;
 * NULL deletes. */
static void expect_fault(const struct scene *scene, const char *path, json_t *value,
                         synctalk_status status, const char *word)
{
    char part[64];
    json_t *root = json_deep_copy(scene->root), *at = root;
    const char *rest = path;
    for (;;) {
        const size_t length = strcspn(rest, "/");
        snprintf(part, sizeof part, "%.*s", (int)length, rest);
        if (!rest[length])
            break;
        at = json_is_array(at) ? json_array_get(at, strtoul(part, NULL, 10))
                               : json_object_get(at, part);
        assert_non_null(at);
        rest += length + 1;
    }
    if (json_is_array(at) && value)
        assert_int_equal(json_array_set_new(at, strtoul(part, NULL, 10), value), 0);
    else if (json_is_array(at))
        assert_int_equal(json_array_remove(at, strtoul(part, NULL, 10)), 0);
    else if (value)
        assert_int_equal(json_object_set_new(at, part, value), 0);
    else
        assert_int_equal(json_object_del(at, part), 0);
    assert_int_equal(json_dump_file(root, scene->path, 0), 0);
    expect_refusal(scene, status, word);
    json_decref(root);
}

static void faults_are_told_in_sentences(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene);
    const synctalk_status bad = SYNCTALK_E_FORMAT;

    expect_fault(&scene, "format", json_string("other"), bad, "not an edit list");
    expect_fault(&scene, "version", json_integer(2), bad, "version");
    expect_fault(&scene, "frames", json_integer(0), bad, "\"frames\" of the list is 0");
    expect_fault(&scene, "frames", json_integer(INT64_MAX), bad, "\"frames\"");
    expect_fault(&scene, "frames", json_real(100.0), bad, "no whole number \"frames\"");
    expect_fault(&scene, "frames", json_integer(101), bad, "100 of 101 frames");
    expect_fault(&scene, "frames", json_integer(70), bad, "3 of 4 entries");
    expect_fault(&scene, "fps", json_integer(0), bad, "fps");
    expect_fault(&scene, "transition", json_integer(-1), bad, "transition");
    expect_fault(&scene, "pad", json_string("loop"), bad, "\"bounce\" or \"hold\"");
    expect_fault(&scene, "clips", json_integer(1), bad, "\"clips\" must be a list");
    expect_fault(&scene, "clips/0", json_integer(1), bad, "clip 1 has no \"name\"");
    expect_fault(&scene, "clips/0/name", json_string("gone talk"), SYNCTALK_E_MISSING,
                 "\"gone talk\" is not in core_clips/NAME");
    expect_fault(&scene, "clips/0/frames", json_integer(31), bad, "had 31 frames and now has 30");
    expect_fault(&scene, "clips/2", NULL, bad, "entry 3");
    expect_fault(&scene, "entries", json_array(), bad, "\"entries\" must be a list");
    expect_fault(&scene, "entries", json_null(), bad, "\"entries\" must be a list");
    expect_fault(&scene, "entries/1", json_integer(3), bad, "entry 2");
    expect_fault(&scene, "entries/1", NULL, bad, "\"from\" of entry 2 is 50");
    expect_fault(&scene, "entries/0/from", json_integer(1), bad, "\"from\" of entry 1 is 1");
    expect_fault(&scene, "entries/2/frames", json_integer(0), bad, "\"frames\" of entry 3 is 0");
    expect_fault(&scene, "entries/3/frames", json_integer(31), bad, "\"frames\" of entry 4 is 31");
    expect_fault(&scene, "entries/0/clip", NULL, bad, "\"clip\" of entry 1");
    expect_fault(&scene, "entries/0/first", json_integer(-1), bad, "\"first\" of entry 1 is -1");
    expect_fault(&scene, "entries/0/first", json_integer(30), bad, "\"first\" of entry 1 is 30");
    expect_fault(&scene, "entries/0/direction", json_string("up"), bad, "\"direction\"");
    expect_fault(&scene, "entries/0/turn", json_integer(30), bad, "\"turn\" of entry 1 is 30");
    expect_fault(&scene, "entries/0/turn", json_string("end"), bad, "no whole number \"turn\"");
    expect_fault(&scene, "entries/0/type", json_string("silence"), bad, "a talk clip");
    expect_fault(&scene, "entries/0/sync", json_false(), bad, "\"sync\" of entry 1 must be true");
    expect_fault(&scene, "entries/2/sync", json_true(), bad, "\"sync\" of entry 3 must be false");
    expect_fault(&scene, "entries/2/sync", NULL, bad, "\"sync\" of entry 3");
    expect_fault(&scene, "entries/2/fade", NULL, bad, "the fade of entry 3");
    expect_fault(&scene, "entries/0/fade/frames", json_integer(1), bad, "the fade of entry 1");
    expect_fault(&scene, "entries/1/fade/from", json_integer(33), bad, "\"from\" of the fade");
    expect_fault(&scene, "entries/3/fade/from", json_integer(53), bad, "54 to 70 is possible");
    expect_fault(&scene, "entries/2/fade/from", json_integer(0), bad, "to 50 is possible");
    expect_fault(&scene, "entries/2/fade/frames", json_integer(21), bad, "the fade of entry 3");
    expect_fault(&scene, "entries/1/fade/sides", json_string("walks"), SYNCTALK_E_FORMAT,
                 "\"sides\" of the fade of entry 2");
    expect_fault(&scene, "entries/1/fade/sides", json_integer(1), SYNCTALK_E_FORMAT, "\"rests\"");
    scene_free(&scene);
}

/* Cut anywhere, or with any byte changed, a file is refused or gives a list that can be
 * played to its last frame. */
static void damage_does_no_harm(void **state)
{
    (void)state;
    struct scene scene;
    scene_make(&scene);
    char text[4096];
    FILE *file = fopen(scene.path, "rb");
    assert_non_null(file);
    const size_t size = fread(text, 1, sizeof text, file);
    fclose(file);
    assert_in_range(size, 500, sizeof text - 1);

    uint64_t seed = 23;
    size_t read = 0;
    for (int n = 0; n < 1500; n++) {
        char copy[sizeof text];
        struct st_edit_list list;
        synctalk_error err = {0};
        size_t length = size;
        memcpy(copy, text, size);
        if (n % 4 == 0)
            length = (size_t)(st_random_next(&seed) % size);
        else
            copy[st_random_next(&seed) % size] = "0123456789-,\"ex\xff"[st_random_next(&seed) % 16];
        unlink(scene.path); /* a file cut to nothing first is slow on some disks */
        st_write_file(scene.path, copy, length);
        if (st_edit_list_read(&list, &scene.set, scene.path, &err)) {
            assert_int_not_equal(strlen(err.message), 0);
            continue;
        }
        read++;
        for (int64_t i = 0; i < list.frames; i++)
            assert_int_equal(st_edit_list_at(&list, i).window, i);
        st_edit_list_free(&list);
    }
    assert_true(read > 10); /* changes in names of the head's unused parts and the like */
    scene_free(&scene);
}

static void files_are_kept_and_found_out(void **state)
{
    (void)state;
    struct scene scene;
    struct st_edit_list list;
    scene_make(&scene);
    ST_OK(st_edit_list_read(&list, &scene.set, scene.path, err));
    synctalk_error err = {0};
    assert_int_equal(st_edit_list_write(&list, scene.path, false, &err), SYNCTALK_E_EXISTS);

    /* A name that no JSON can hold leaves no file behind. */
    unlink(scene.path);
    memcpy(scene.clips[0].name, "talk \xff", 7);
    assert_int_equal(st_edit_list_write(&list, scene.path, false, &err), SYNCTALK_E_FORMAT);
    assert_non_null(strstr(err.message, "UTF-8"));
    assert_int_not_equal(access(scene.path, F_OK), 0);
    expect_refusal(&scene, SYNCTALK_E_MISSING, "");
    st_write_file(scene.path, "", 0);
    expect_refusal(&scene, SYNCTALK_E_FORMAT, "not JSON");
    st_write_file(scene.path, "[1]", 3);
    expect_refusal(&scene, SYNCTALK_E_FORMAT, "not an edit list");
    st_edit_list_free(&list);
    scene_free(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_come_back_as_they_were),
        cmocka_unit_test(faults_are_told_in_sentences),
        cmocka_unit_test(damage_does_no_harm),
        cmocka_unit_test(files_are_kept_and_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
