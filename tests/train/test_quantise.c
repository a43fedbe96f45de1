/* SPDX-License-Identifier: Apache-2.0 */
/* The fine-tune for bytes: what it calls forward is what inference computes, its gradients are
 * those of the network in f32 as far as bytes allow, a few steps bring the bytes nearer, and it
 * goes on where it was stopped. */
#include "support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cpu.h"
#include "base/memory.h"
#include "models/train_models.h"
#include "models/tune.h"
#include "models/unet_clip.h"
#include "synctalk/machine.h"
#include "train/adam.h"
#include "train/folder.h"
#include "train/quantise_task.h"
#include "train/scene.h"
#include "weights/npy.h"

#define IMAGE ((size_t)6 * ST_UNET_SIDE * ST_UNET_SIDE)
#define PICTURE ((size_t)3 * ST_UNET_SIDE * ST_UNET_SIDE)

static bool has_bytes(void)
{
    return st_cpu_flags() & SYNCTALK_CPU_AVX2;
}

/* A narrow network with random weights, in bytes and in f32, and one sample. */
struct pair {
    struct st_kernels kernels;
    struct st_pool *pool;
    struct st_unet_form form;
    struct st_weights *weights;
    struct st_train_net *net;
    struct st_tune *tune;
    struct st_unet_recipe recipe;
    float *image, *audio, *out, *dout, *other;
};

static void fill(float *to, size_t count, float reach, bool bytes, uint64_t *seed)
{
    for (size_t i = 0; i < count; i++) {
        to[i] = reach * st_random_unit(seed);
        if (bytes)
            to[i] = rintf(255 * to[i]) / 255;
    }
}

static void open_pair(struct pair *p, unsigned mask)
{
    uint64_t seed = 5;
    memset(p, 0, sizeof *p);
    st_kernels_init(&p->kernels, mask);
    ST_OK(st_pool_create(&p->pool, 2, err));
    st_train_unet_form(&p->form, true, SYNCTALK_ENCODER_AVE);
    ST_OK(st_unet_random(&p->weights, true, SYNCTALK_ENCODER_AVE, 7, err));
    ST_OK(st_train_net_create(
        &p->net, &(struct st_train_settings){.kernels = &p->kernels, .pool = p->pool, .batch = 1},
        err));
    st_train_unet_build(p->net, &p->form);
    ST_OK(st_train_net_finish(p->net, err));
    ST_OK(st_train_load(p->net, p->weights, "", err));
    ST_OK(st_tune_open(&p->tune, p->net, &p->form, &p->kernels, p->pool, 2, err));
    const size_t sound = p->form.vector * (size_t)p->form.window;
    p->image = st_alloc_aligned(IMAGE * sizeof(float));
    p->audio = st_alloc_aligned(sound * sizeof(float));
    p->out = st_alloc_aligned(PICTURE * sizeof(float));
    p->dout = st_alloc_aligned(PICTURE * sizeof(float));
    p->other = st_alloc_aligned(PICTURE * sizeof(float));
    fill(p->image, IMAGE, 1, true, &seed);
    fill(p->audio, sound, 1, false, &seed);
    for (size_t i = 0; i < PICTURE; i++)
        p->dout[i] = st_random_unit(&seed) - 0.4F;
    const struct st_unet_samples samples = {1, (const float *const[]){p->image},
                                            (const float *const[]){p->audio}, NULL};
    st_unet_recipe_uniform(&p->recipe, &p->form, ST_ELEMENT_U8);
    ST_OK(st_unet_recipe_alloc(&p->recipe, &p->form, err));
    ST_OK(st_unet_find_ranges(&p->recipe, p->weights, &p->form, &p->kernels, &samples, 1, err));
    st_tune_take(p->tune, &p->recipe);
}

static void close_pair(struct pair *p)
{
    st_unet_recipe_free(&p->recipe);
    st_tune_close(&p->tune);
    st_train_net_destroy(&p->net);
    st_weights_close(&p->weights);
    st_pool_destroy(&p->pool);
    free(p->image);
    free(p->audio);
    free(p->out);
    free(p->dout);
    free(p->other);
}

static double near(const float *a, const float *b)
{
    double sum = 0;
    for (size_t i = 0; i < PICTURE; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sum > 0 ? -10 * log10(sum / (double)PICTURE) : 120;
}

/* Guards a fine-tune of another arithmetic than that which the checkpoint will be run in. */
static void forward_is_that_of_inference(void **state)
{
    (void)state;
    const unsigned masks[] = {~0U, SYNCTALK_CPU_AVX2};
    if (!has_bytes())
        skip();
    for (int i = 0; i < 2; i++) {
        struct pair p;
        struct st_unet *unet;
        struct st_unet_worker *worker;
        open_pair(&p, masks[i]);
        st_tune_give(p.tune, &p.recipe);
        st_tune_take(p.tune, &p.recipe);
        st_tune_pack(p.tune);
        st_tune_forward(p.tune, 0, p.image, p.audio, p.out);
        st_tune_give(p.tune, &p.recipe);
        ST_OK(st_unet_open_as(&unet, p.weights, &p.form, &p.recipe, &p.kernels, err));
        ST_OK(st_unet_worker_open(&worker, unet, err));
        ST_OK(st_unet_run(worker, 1, p.image, p.audio, p.other, err));
        /* AVX2 without VNNI expands what is raised before it raises it. */
        const double db = near(p.out, p.other);
        printf("forward against inference: %.1f dB\n", db);
        assert_true(st_pixel_kernels_narrow(p.kernels.flags) ? db > 50 : db == 120);
        st_unet_worker_close(&worker);
        st_unet_close(&unet);
        close_pair(&p);
    }
}

static double cosine(const float *a, const float *b, size_t count)
{
    double aa = 0, bb = 0, ab = 0;
    for (size_t i = 0; i < count; i++) {
        aa += (double)a[i] * (double)a[i];
        bb += (double)b[i] * (double)b[i];
        ab += (double)a[i] * (double)b[i];
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : aa == bb;
}

/* Straight through: by every weight and every sum, the gradient that the same loss has in f32,
 * whose own is held to PyTorch's elsewhere. Guards a backward that leaves out, swaps or scales. */
static void gradients_are_those_of_f32(void **state)
{
    (void)state;
    struct pair p;
    size_t count, compared = 0;
    double least = 1;
    if (!has_bytes())
        skip();
    open_pair(&p, ~0U);
    const size_t all = st_train_net_parameter_count(p.net);
    float *gradients = st_train_net_gradients(p.net);
    float *want = st_alloc_aligned(all * sizeof *want);
    memcpy(st_train_net_input(p.net, 0), p.image, IMAGE * sizeof(float));
    memcpy(st_train_net_input(p.net, 1), p.audio,
           p.form.vector * (size_t)p.form.window * sizeof(float));
    ST_OK(st_train_net_forward(p.net, 1, ST_TRAIN_RUNNING, err));
    memcpy(st_train_net_output_gradient(p.net, 0), p.dout, PICTURE * sizeof(float));
    memset(gradients, 0, all * sizeof *gradients);
    ST_OK(st_train_net_backward(p.net, err));
    memcpy(want, gradients, all * sizeof *want);

    memset(gradients, 0, all * sizeof *gradients);
    st_tune_pack(p.tune);
    for (size_t n = 0; n < 2; n++) {
        st_tune_forward(p.tune, (int)n, p.image, p.audio, p.out);
        st_tune_backward(p.tune, (int)n, n, p.dout);
    }
    st_tune_reduce(p.tune, 2);
    const struct st_train_tensor *tensors = st_train_net_tensors(p.net, &count);
    for (size_t i = 0; i < count; i++) {
        const struct st_train_tensor *t = &tensors[i];
        const float *got = gradients + t->offset;
        if (t->kind != ST_TRAIN_WEIGHT && t->kind != ST_TRAIN_BETA &&
            !(t->kind == ST_TRAIN_BIAS && strcmp(t->name, "outc.conv.bias") == 0))
            continue;
        const double alike = cosine(got, want + t->offset, t->count);
        double length = 0, wanted = 0;
        for (size_t k = 0; k < t->count; k++) {
            length += (double)got[k] * (double)got[k];
            wanted += (double)want[t->offset + k] * (double)want[t->offset + k];
        }
        const double ratio = sqrt(length / wanted) / 2; /* two samples */
        if (alike < 0.9 || ratio < 0.85 || ratio > 1.2)
            printf("%s: cosine %.4f, length %.4f\n", t->name, alike, ratio);
        least = fmin(least, alike);
        assert_true(alike > 0.9 && ratio > 0.85 && ratio < 1.2);
        compared++;
    }
    printf("%zu tensors, the least alike by a cosine of %.5f\n", compared, least);
    assert_true(compared > 150);
    free(want);
    close_pair(&p);
}

static double loss(struct pair *p)
{
    double sum = 0;
    st_tune_pack(p->tune);
    st_tune_forward(p->tune, 0, p->image, p->audio, p->out);
    for (size_t i = 0; i < PICTURE; i++)
        sum += (double)p->out[i] * (double)p->dout[i];
    return sum;
}

/* Where much is clipped, a range moves what is clipped: by central differences over all ranges of
 * the last block but one at once, each moved as its own gradient says. */
static void ranges_follow_what_is_clipped(void **state)
{
    (void)state;
    struct pair p;
    const double step = 2e-3; /* of a range's logarithm over ST_TUNE_RATE, at most */
    double slope = 0, most = 0;
    if (!has_bytes())
        skip();
    open_pair(&p, ~0U);
    for (size_t i = 0; i < p.recipe.count; i++) {
        for (size_t c = 0; c < p.recipe.ranges[i].E; c++) {
            p.recipe.ranges[i].expanded[c] *= 0.5F;
            p.recipe.ranges[i].filtered[c] *= 0.5F;
        }
    }
    st_tune_take(p.tune, &p.recipe);
    const size_t count = st_tune_range_count(p.tune);
    float *ranges = st_tune_ranges(p.tune), *gradients = st_tune_range_gradients(p.tune);
    float *was = st_alloc_aligned(count * sizeof *was);
    loss(&p);
    st_tune_backward(p.tune, 0, 0, p.dout);
    st_tune_reduce(p.tune, 1);
    memcpy(was, ranges, count * sizeof *was);
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs((double)gradients[i]));
    double values[2];
    for (int sign = 0; sign < 2; sign++) {
        for (size_t i = 0; i < count; i++)
            ranges[i] = was[i] + (float)((sign ? step : -step) * (double)gradients[i] / most);
        values[sign] = loss(&p);
    }
    for (size_t i = 0; i < count; i++)
        slope += (double)gradients[i] * (double)gradients[i] / most;
    const double measured = (values[1] - values[0]) / (2 * step);
    printf("along the gradient of ranges: %.5g by differences, %.5g by backward\n", measured,
           slope);
    assert_true(fabs(measured - slope) < 0.1 * fabs(slope));
    free(was);
    close_pair(&p);
}

/* A person with a checkpoint: what scene_create() trains in one epoch. */
static void trained_scene(struct scene *scene)
{
    scene_create(scene);
    scene->settings.epochs = 1;
    assert_int_equal(scene_train(scene, NULL).status, SYNCTALK_OK);
}

static void quantise_scene(struct scene *scene)
{
    scene->settings.quantize = 1;
    scene->settings.quantize_samples = 8;
    ST_OK(st_path_join(scene->state, scene->folder, "quantize-state.safetensors", err));
}

static bool exists(const struct scene *scene, const char *name)
{
    char path[ST_PATH_MAX];
    ST_OK(st_path_join(path, scene->folder, name, err));
    return st_path_is_file(path);
}

/* Beside what it began from: a checkpoint that says what it is, with its side file; stopped and
 * gone on with, the same bytes. A training that goes on leaves it alone. */
static void goes_on_and_is_left_alone(void **state)
{
    (void)state;
    struct scene whole, parts;
    char path[ST_PATH_MAX];
    if (!has_bytes())
        skip();
    trained_scene(&whole);
    trained_scene(&parts);
    quantise_scene(&whole);
    quantise_scene(&parts);
    struct outcome o = scene_train(&whole, NULL);
    if (o.status)
        printf("%s\n", o.message);
    assert_int_equal(o.status, SYNCTALK_OK);
    assert_int_equal(o.report.checkpoint, 1);
    assert_true(exists(&whole, "1.pth") && exists(&whole, "1.precision.json"));
    assert_true(exists(&whole, "quantize.jsonl") && exists(&whole, "train-state.safetensors"));
    ST_OK(st_path_join(path, whole.folder, "1.pth", err));
    assert_true(st_is_quantised(path));
    ST_OK(st_highest_trained(whole.folder, path, err));
    assert_non_null(strstr(path, "/0.pth"));

    const struct conditions stop = {.stop_after = 2};
    parts.settings.threads = 1;
    assert_int_equal(scene_train(&parts, &stop).status, SYNCTALK_E_CANCELLED);
    assert_false(exists(&parts, "1.pth"));
    assert_int_equal(scene_train(&parts, NULL).status, SYNCTALK_OK);
    scene_assert_equal(&whole, &parts);

    parts.settings.quantize = 0;
    parts.settings.epochs = 2;
    o = scene_train(&parts, NULL);
    assert_int_equal(o.status, SYNCTALK_OK);
    assert_int_equal(o.report.checkpoint, 2);
    ST_OK(st_path_join(path, parts.folder, "1.pth", err));
    assert_true(st_is_quantised(path));
    scene_remove(&whole);
    scene_remove(&parts);
}

/* A checkpoint with that number that says of itself that it was fine-tuned for bytes. */
static void place_quantised(const struct scene *scene, int number)
{
    char path[ST_PATH_MAX];
    struct st_weights *file;
    const float one = 1;
    const size_t count = 1;
    ST_OK(st_path_format(path, err, "%s/%d.pth", scene->folder, number));
    ST_OK(st_weights_create(&file, path, err));
    ST_OK(st_weights_add_f32(file, "x", 1, &count, &one, err));
    ST_OK(st_weights_add_metadata(file, ST_QUANTISED_KEY, "int8", err));
    ST_OK(st_weights_write_pth(file, path, NULL, NULL, true, err));
    st_weights_close(&file);
}

/* Guards the checkpoints of a fine-tune that a training wrote over: the fine-tune itself had
 * removed its first ones, so the training found its next number free and ran into the others. */
static void numbers_of_the_other_are_left_alone(void **state)
{
    (void)state;
    struct scene scene;
    char path[ST_PATH_MAX];
    trained_scene(&scene);
    place_quantised(&scene, 2);
    place_quantised(&scene, 3);
    scene.settings.epochs = 3;
    struct outcome o = scene_train(&scene, NULL);
    assert_int_equal(o.status, SYNCTALK_OK);
    assert_int_equal(o.report.checkpoint, 5);
    for (int i = 2; i <= 3; i++) {
        ST_OK(st_path_format(path, err, "%s/%d.pth", scene.folder, i));
        assert_true(st_is_quantised(path));
    }
    assert_false(exists(&scene, "1.pth"));
    scene_remove(&scene);
}

/* Guards advice that changes nothing: neither --lr nor --precision counts here. Sound so loud that
 * sums overflow. */
static void divergence_names_its_own_rate(void **state)
{
    (void)state;
    struct scene scene;
    struct st_weights *random;
    struct st_npy_writer writer;
    float row[512];
    char path[ST_PATH_MAX];
    if (!has_bytes())
        skip();
    scene_create(&scene);
    quantise_scene(&scene);
    ST_OK(st_path_join(path, scene.project.root, "random.safetensors", err));
    ST_OK(st_unet_random(&random, true, SYNCTALK_ENCODER_AVE, 7, err));
    ST_OK(st_weights_write_safetensors(random, path, ST_F32, NULL, NULL, true, err));
    st_weights_close(&random);
    for (int i = 0; i < 512; i++)
        row[i] = 3e38F;
    ST_OK(st_npy_writer_open(&writer, scene.project.features, true, 1, (size_t[]){512}, err));
    for (int i = 0; i < PROJECT_SOURCES; i++)
        ST_OK(st_npy_writer_rows(&writer, row, 1, err));
    ST_OK(st_npy_writer_commit(&writer, true, err));
    scene.settings.warm_start = path;
    const struct outcome o = scene_train(&scene, NULL);
    if (o.status != SYNCTALK_E_DIVERGED || !strstr(o.message, "try a smaller --quantize-lr;"))
        fail_msg("%d, \"%s\"", o.status, o.message);
    scene_remove(&scene);
}

/* The same batch again and again, from ranges that are half as wide as they should be: its bytes
 * come nearer to what the checkpoint drew. */
static void a_few_steps_bring_bytes_nearer(void **state)
{
    (void)state;
    struct scene scene;
    struct st_kernels kernels;
    struct st_pool *pool;
    struct st_train_data data;
    struct st_task *task;
    struct st_adam adam, extra;
    struct st_terms losses;
    struct st_weights *random;
    double first = 0;
    char start[ST_PATH_MAX];
    if (!has_bytes())
        skip();
    scene_create(&scene);
    ST_OK(st_path_join(start, scene.project.root, "random.safetensors", err));
    ST_OK(st_unet_random(&random, true, SYNCTALK_ENCODER_AVE, 7, err));
    ST_OK(st_weights_write_safetensors(random, start, ST_F32, NULL, NULL, true, err));
    st_weights_close(&random);
    scene.settings.warm_start = start;
    st_kernels_init(&kernels, ~0U);
    ST_OK(st_pool_create(&pool, 2, err));
    ST_OK(st_train_data_open(&data, &scene.settings, pool, NULL, err));
    ST_OK(st_quantise_task_open(&task, &scene.settings, &data, &kernels, pool, err));
    const size_t count = st_train_net_parameter_count(task->net);
    ST_OK(st_adam_open(&adam, count, err));
    ST_OK(st_adam_open(&extra, task->extra_count, err));
    for (size_t i = 0; i < task->extra_count; i++)
        task->extra[i] -= 0.0866F; /* half as wide: exp(-8 x 0.0866) */
    for (int step = 1; step <= 8; step++) {
        memset(st_train_net_gradients(task->net), 0, count * sizeof(float));
        memset(task->extra_gradients, 0, task->extra_count * sizeof(float));
        ST_OK(task->desc->step(task, 0, 0, &losses, err));
        if (step == 1)
            first = losses.at[0].value;
        st_adam_step(&adam, pool, st_train_net_parameters(task->net),
                     st_train_net_gradients(task->net), step, 1e-4);
        st_adam_step(&extra, pool, task->extra, task->extra_gradients, step,
                     1e-4 * task->extra_rate);
    }
    printf("bytes against f32: %.2f dB, then %.2f dB\n", -10 * log10(first),
           -10 * log10(losses.at[0].value));
    assert_true(losses.at[0].value < 0.8 * first);
    st_adam_close(&adam);
    st_adam_close(&extra);
    st_quantise_task_close(&task);
    st_train_data_close(&data);
    st_pool_destroy(&pool);
    scene_remove(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_is_that_of_inference),
        cmocka_unit_test(gradients_are_those_of_f32),
        cmocka_unit_test(ranges_follow_what_is_clipped),
        cmocka_unit_test(a_few_steps_bring_bytes_nearer),
        cmocka_unit_test(divergence_names_its_own_rate),
        cmocka_unit_test(goes_on_and_is_left_alone),
        cmocka_unit_test(numbers_of_the_other_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
