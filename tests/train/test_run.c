/* SPDX-License-Identifier: Apache-2.0 */
/* A training that is stopped, killed or starved ends where an undisturbed one ends. */
#include "support/support.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "train/scene.h"
#include "weights/weights.h"

#define KILLS 20

static bool exists(const struct scene *scene, const char *name)
{
    char path[ST_PATH_MAX];
    ST_OK(st_path_join(path, scene->folder, name, err));
    return st_path_is_file(path);
}

static void train_to_the_end(const struct scene *scene)
{
    const struct outcome o = scene_train(scene, NULL);
    if (o.status)
        fail_msg("%d: %s", o.status, o.message);
    assert_int_equal(o.report.epochs, scene->settings.epochs);
}

/* Stopped in the first epoch, at its end, and in the second; by another number of workers
 * each time. With pairs of frames, every term that needs no file, and a schedule. */
static void stopping_changes_no_bit(void **state)
{
    (void)state;
    struct scene whole;
    struct scene parts;
    struct outcome o;

    scene_create(&whole);
    scene_create(&parts);
    struct scene *both[] = {&whole, &parts};
    for (int i = 0; i < 2; i++) {
        synctalk_train_settings *s = &both[i]->settings;
        s->mouth_weight = 1;
        s->mouth_temporal = 1;
        s->schedule = SYNCTALK_SCHEDULE_COSINE;
        s->warm_up = 2;
        s->holdout = 0.2;
    }
    train_to_the_end(&whole);
    for (int i = 0; i < 3; i++) {
        parts.settings.threads = 1 + i;
        o = scene_train(&parts, &(struct conditions){.stop_after = 2});
        assert_int_equal(o.status, SYNCTALK_E_CANCELLED);
        scene_assert_whole(&parts);
    }
    assert_true(o.report.steps >= 3 && o.report.steps < 4);
    train_to_the_end(&parts);
    scene_assert_equal(&whole, &parts);
    assert_true(exists(&parts, "0.pth") && exists(&parts, "1.pth"));
    assert_true(exists(&parts, "loss.png") && exists(&parts, "train.jsonl"));
    assert_true(exists(&parts, "progress/0.png") && exists(&parts, "progress/1.png"));

    /* The end has been reached: nothing more is done, nothing is written anew. */
    o = scene_train(&parts, NULL);
    assert_int_equal(o.status, SYNCTALK_OK);
    assert_int_equal(o.report.samples, 0);
    scene_remove(&whole);
    scene_remove(&parts);
}

/* Guards: Ctrl-C that is heard only after a step of many seconds; and a step half done that left
 * something of itself. */
static void a_step_is_stopped_within(void **state)
{
    (void)state;
    struct scene whole;
    struct scene parts;
    scene_create(&whole);
    scene_create(&parts);
    whole.settings.epochs = parts.settings.epochs = 1;
    train_to_the_end(&whole);
    struct outcome o = scene_train(&parts, &(struct conditions){.stop_after = 2, .polls = 4});
    assert_int_equal(o.status, SYNCTALK_E_CANCELLED);
    assert_int_equal(o.report.steps, 1); /* and the second begun */
    o = scene_train(&parts, &(struct conditions){.stop_after = 1, .polls = 40});
    assert_int_equal(o.status, SYNCTALK_E_CANCELLED);
    assert_int_equal(o.report.steps, 1);
    train_to_the_end(&parts);
    scene_assert_equal(&whole, &parts);
    scene_remove(&whole);
    scene_remove(&parts);
}

static void workers_change_no_bit(void **state)
{
    (void)state;
    struct scene scenes[3];
    for (int i = 0; i < 3; i++) {
        scene_create(&scenes[i]);
        scenes[i].settings.threads = i + 1;
        scenes[i].settings.batch = 3;
        scenes[i].settings.samples_per_epoch = 6;
        scenes[i].settings.epochs = 1;
        train_to_the_end(&scenes[i]);
        scene_assert_equal(&scenes[0], &scenes[i]);
    }
    for (int i = 0; i < 3; i++)
        scene_remove(&scenes[i]);
}

/* Does 0.pth hold, as its last layer, a stretch of the state's `block`? */
static bool saved_from(const struct scene *scene, const char *block)
{
    char path[ST_PATH_MAX];
    struct st_weights *checkpoint;
    struct st_weights *state;
    ST_OK(st_path_join(path, scene->folder, "0.pth", err));
    ST_OK(st_weights_open(&checkpoint, path, err));
    ST_OK(st_weights_open(&state, scene->state, err));
    const struct st_tensor *last = st_weights_find(checkpoint, "outc.conv.weight");
    const struct st_tensor *all = st_weights_find(state, block);
    assert_non_null(last);
    const bool found = all && memmem(all->data, all->count * sizeof(float), last->data,
                                     last->count * sizeof(float));
    st_weights_close(&checkpoint);
    st_weights_close(&state);
    return found;
}

/* Guards a checkpoint of the last step's parameters, and steps that go on from the mean. */
static void the_mean_is_saved_and_disturbs_no_step(void **state)
{
    (void)state;
    struct scene plain;
    struct scene mean;
    scene_create(&plain);
    scene_create(&mean);
    plain.settings.epochs = mean.settings.epochs = 1;
    plain.settings.average = 0;
    assert_true(mean.settings.average > 0);
    train_to_the_end(&plain);
    train_to_the_end(&mean);
    assert_true(saved_from(&plain, "parameters"));
    assert_false(saved_from(&plain, "average.parameters"));
    assert_true(saved_from(&mean, "average.parameters"));
    assert_false(saved_from(&mean, "parameters"));
    scene_assert_same_block(&plain, &mean, "parameters");
    scene_assert_same_block(&plain, &mean, "statistics");
    scene_remove(&plain);
    scene_remove(&mean);
}

/* Guards half-written checkpoints and epochs that are done and forgotten. */
static void killing_loses_nothing(void **state)
{
    (void)state;
    struct scene whole;
    struct scene killed;
    uint64_t seed = 20;
    int64_t reached = -1;
    int kills = 0;

    scene_create(&whole);
    scene_create(&killed);
    whole.settings.epochs = killed.settings.epochs = 8;
    whole.settings.samples_per_epoch = killed.settings.samples_per_epoch = 2;
    whole.settings.holdout = killed.settings.holdout = 0.2;
    const struct outcome o = scene_train(&whole, NULL);
    assert_int_equal(o.status, SYNCTALK_OK);
    /* Anything from its start to some epochs, on a fast machine and on a slow one. */
    const uint64_t longest = (uint64_t)(0.3e6 * o.report.seconds) + 300000;
    for (int i = 0; i < KILLS; i++) {
        kills += scene_train_and_kill(&killed, (unsigned)(st_random_next(&seed) % longest));
        const int64_t epochs = scene_assert_whole(&killed);
        assert_true(epochs >= reached);
        reached = epochs;
    }
    printf("killed %d times of %d, %lld epochs were done by then\n", kills, KILLS,
           (long long)reached);
    train_to_the_end(&killed);
    assert_int_equal(scene_assert_whole(&killed), 8);
    scene_assert_equal(&whole, &killed);
    scene_remove(&whole);
    scene_remove(&killed);
}

static size_t count_parts(const struct scene *scene)
{
    struct st_names names;
    size_t parts = 0;
    ST_OK(st_list_dir(&names, scene->folder, err));
    for (size_t i = 0; i < names.count; i++)
        parts += strstr(names.names[i], ".part") != NULL;
    st_names_free(&names);
    return parts;
}

/* First the state does not fit, then the checkpoint does not. */
static void a_full_disk_leaves_what_was_there(void **state)
{
    (void)state;
    struct scene whole;
    struct scene starved;
    const long long limits[] = {20000000, 5000000, 0};

    scene_create(&whole);
    scene_create(&starved);
    train_to_the_end(&whole);
    starved.settings.epochs = 1;
    train_to_the_end(&starved);
    starved.settings.epochs = 2;
    for (int i = 0; limits[i]; i++) {
        const struct outcome o =
            scene_train(&starved, &(struct conditions){.file_bytes = limits[i]});
        assert_int_equal(o.status, SYNCTALK_E_IO);
        assert_non_null(strstr(o.message, i ? "1.pth" : "train-state"));
        assert_int_equal(scene_assert_whole(&starved), 1);
        assert_true(exists(&starved, "0.pth"));
        assert_int_equal(count_parts(&starved), 0);
    }
    train_to_the_end(&starved);
    scene_assert_equal(&whole, &starved);
    scene_remove(&whole);
    scene_remove(&starved);
}

static void the_last_and_the_best_are_kept(void **state)
{
    (void)state;
    struct scene scene;
    char path[ST_PATH_MAX];
    scene_create(&scene);
    scene.settings.epochs = 6;
    scene.settings.samples_per_epoch = 2;
    scene.settings.lr = 0.5; /* so wild that the first is the best */
    /* Somebody else's checkpoint: numbers begin behind it, and it stays. */
    ST_OK(st_path_join(path, scene.folder, "7.pth", err));
    st_write_file(path, "not ours", 8);
    const struct outcome o = scene_train(&scene, NULL);
    assert_int_equal(o.status, SYNCTALK_OK);
    assert_int_equal(o.report.checkpoint, 13);
    assert_in_range(o.report.best_checkpoint, 8, 10);
    assert_true(exists(&scene, "7.pth"));
    for (int n = 8; n <= 13; n++) {
        char name[16];
        snprintf(name, sizeof name, "%d.pth", n);
        assert_int_equal(exists(&scene, name), n >= 11 || n == o.report.best_checkpoint);
    }
    /* Begun anew, it keeps clear of those too. */
    scene.settings.restart = 1;
    scene.settings.epochs = 1;
    const struct outcome again = scene_train(&scene, NULL);
    assert_int_equal(again.status, SYNCTALK_OK);
    assert_int_equal(again.report.checkpoint, 14);
    assert_true(exists(&scene, "13.pth"));
    scene_remove(&scene);
}

static void a_syncnet_is_trained_and_used(void **state)
{
    (void)state;
    struct scene scene;
    scene_create(&scene);
    project_add_frames(&scene.project, 64, 64, PROJECT_SOURCES, 24);
    project_write_features(&scene.project, 24);
    scene.settings.batch = 4;
    scene.settings.epochs = 1;
    scene.settings.holdout = 0.4;
    struct outcome o = scene_train(&scene, &(struct conditions){.syncnet = true});
    if (o.status)
        fail_msg("%s", o.message);
    assert_true(o.report.score > 0 && o.report.score <= 100);
    scene.settings.syncnet = "auto";
    scene.settings.batch = 2;
    o = scene_train(&scene, NULL);
    if (o.status)
        fail_msg("%s", o.message);

    /* Guards a state that is taken for that of the same training without its SyncNet. */
    scene.settings.syncnet = NULL;
    scene.settings.epochs = 2;
    o = scene_train(&scene, NULL);
    assert_int_equal(o.status, SYNCTALK_E_ARG);
    assert_non_null(strstr(o.message, "syncnet"));
    scene_remove(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stopping_changes_no_bit),
        cmocka_unit_test(a_step_is_stopped_within),
        cmocka_unit_test(workers_change_no_bit),
        cmocka_unit_test(the_mean_is_saved_and_disturbs_no_step),
        cmocka_unit_test(killing_loses_nothing),
        cmocka_unit_test(a_full_disk_leaves_what_was_there),
        cmocka_unit_test(the_last_and_the_best_are_kept),
        cmocka_unit_test(a_syncnet_is_trained_and_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
