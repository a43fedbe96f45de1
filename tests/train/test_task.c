/* SPDX-License-Identifier: Apache-2.0 */
/* The UNet's task: it learns a batch, and it measures as the published figures were. */
#include "support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "train/adam.h"
#include "train/scene.h"
#include "train/unet_task.h"

struct bench {
    struct st_kernels kernels;
    struct st_pool *pool;
    struct st_train_data data;
    struct st_task *task;
};

static void open_bench(struct bench *b, const synctalk_train_settings *settings)
{
    memset(b, 0, sizeof *b);
    st_kernels_init(&b->kernels, ~0u);
    ST_OK(st_pool_create(&b->pool, 2, err));
    ST_OK(st_train_data_open(&b->data, settings, b->pool, NULL, err));
    ST_OK(st_unet_task_open(&b->task, settings, ST_TRAIN_F32, NULL, &b->data, &b->kernels, b->pool,
                            err));
}

static void close_bench(struct bench *b)
{
    st_unet_task_close(&b->task);
    st_train_data_close(&b->data);
    st_pool_destroy(&b->pool);
}

/* The same batch again and again must be learnt, and by every term at once. */
static void a_batch_is_learnt(void **state)
{
    (void)state;
    struct scene scene;
    struct bench b;
    struct st_adam adam;
    struct st_terms losses;
    double first = 0;

    scene_create(&scene);
    scene.settings.mouth_weight = 1;
    scene.settings.mouth_temporal = 1;
    open_bench(&b, &scene.settings);
    const size_t count = st_train_net_parameter_count(b.task->net);
    ST_OK(st_adam_open(&adam, count, err));
    for (int step = 1; step <= 24; step++) {
        memset(st_train_net_gradients(b.task->net), 0, count * sizeof(float));
        ST_OK(b.task->desc->step(b.task, 0, 0, &losses, err));
        assert_int_equal(losses.count, 4);
        if (step == 1)
            first = losses.at[0].value;
        st_adam_step(&adam, b.pool, st_train_net_parameters(b.task->net),
                     st_train_net_gradients(b.task->net), step, 4e-3);
    }
    printf("one batch: loss %.4f, then %.4f\n", first, losses.at[0].value);
    assert_true(losses.at[0].value < 0.6 * first);
    st_adam_close(&adam);
    close_bench(&b);
    scene_remove(&scene);
}

/* The held-out figures that reference/heldout has for a checkpoint, mean over 72 frames.
 * Guards a measurement on the bilinear crops of training, which is 0.4 dB too good. */
static void measures_as_the_reference_was(void **state)
{
    (void)state;
    ST_NEED_SHARED(checkpoint, "checkpoint/sanders/0.pth");
    ST_NEED_SHARED(folder, "dataset/sanders");
    const double want[] = {28.3871, 28.5952, 28.3885, 28.6071};
    struct bench b;
    struct st_terms scores;
    synctalk_train_settings settings;
    char path[ST_PATH_MAX];
    char target[ST_PATH_MAX];
    char *root = st_scratch_create();
    const char *parts[] = {"full_body_img", "landmarks", "aud_ave.npy"};

    /* A folder of links, since crops are kept beside the dataset. */
    ST_OK(st_path_join(path, root, "dataset", err));
    assert_int_equal(mkdir(path, 0700), 0);
    ST_OK(st_path_join(path, root, "dataset/sanders", err));
    assert_int_equal(mkdir(path, 0700), 0);
    for (size_t i = 0; i < 3; i++) {
        char *real;
        ST_OK(st_path_join(target, folder, parts[i], err));
        ST_OK(st_path_format(path, err, "%s/dataset/sanders/%s", root, parts[i]));
        assert_non_null(real = realpath(target, NULL));
        assert_int_equal(symlink(real, path), 0);
        free(real);
    }
    synctalk_train_settings_init(&settings);
    settings.root = root;
    settings.model = "sanders";
    settings.holdout = 72.0 / 522.0;
    settings.warm_start = checkpoint;
    settings.batch = 2;
    open_bench(&b, &settings);
    assert_int_equal(b.data.train, 450);
    assert_int_equal(b.data.frames, 522);
    assert_int_equal(st_train_data_reference(&b.data, 450), 225);
    ST_OK(b.task->desc->measure(b.task, NULL, &scores, err));
    for (int i = 0; i < 4; i++) {
        printf("%s %.3f dB, the reference %.3f\n", scores.at[i].name, scores.at[i].value, want[i]);
        assert_true(fabs(scores.at[i].value - want[i]) < 0.02);
    }
    close_bench(&b);
    st_scratch_remove(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_is_learnt),
        cmocka_unit_test(measures_as_the_reference_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
