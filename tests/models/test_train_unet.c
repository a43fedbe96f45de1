/* SPDX-License-Identifier: Apache-2.0 */
/* The UNet that learns: four recorded steps of PyTorch's, and the same bytes whatever the
 * number of threads.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/pool.h"
#include "kernels/kernels.h"
#include "models/model_support.h"
#include "models/train_models.h"

#define IMAGE ((size_t)6 * ST_UNET_SIDE * ST_UNET_SIDE)
#define TARGET ((size_t)3 * ST_UNET_SIDE * ST_UNET_SIDE)
#define STEPS 4

static unsigned cpu_mask = ~0U;

struct trained {
    struct st_pool *pool;
    struct st_train_net *net;
};

static void open_narrow(struct trained *t, int workers, int batch,
                        enum st_train_precision precision)
{
    struct st_kernels kernels;
    struct st_unet_form form;
    st_kernels_init(&kernels, cpu_mask);
    ST_OK(st_pool_create(&t->pool, workers, err));
    ST_OK(st_train_net_create(
        &t->net,
        &(struct st_train_settings){
            .kernels = &kernels, .pool = t->pool, .batch = batch, .precision = precision},
        err));
    st_train_unet_form(&form, true, SYNCTALK_ENCODER_AVE);
    st_train_unet_build(t->net, &form);
    ST_OK(st_train_net_finish(t->net, err));
}

static void close_narrow(struct trained *t)
{
    st_train_net_destroy(&t->net);
    st_pool_destroy(&t->pool);
}

/* Mean absolute error, its gradient into the net. */
static double l1(struct st_train_net *net, const float *target, size_t count)
{
    const float *y = st_train_net_output(net, 0);
    float *dy = st_train_net_output_gradient(net, 0);
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        float off = y[i] - target[i];
        sum += fabs((double)off);
        dy[i] = (off > 0 ? 1.0F : off < 0 ? -1.0F : 0.0F) / (float)count;
    }
    return sum / (double)count;
}

static double step_back(struct st_train_net *net, const float *target, int samples)
{
    ST_OK(st_train_net_forward(net, samples, ST_TRAIN_BATCH, err));
    double loss = l1(net, target, (size_t)samples * TARGET);
    memset(st_train_net_gradients(net), 0, st_train_net_parameter_count(net) * sizeof(float));
    ST_OK(st_train_net_backward(net, err));
    return loss;
}

/* Source: Kingma, Ba, "Adam", 2015, algorithm 1. */
static void adam(struct st_train_net *net, float *m, float *v, int step)
{
    float *w = st_train_net_parameters(net), *g = st_train_net_gradients(net);
    const double c1 = 1 - pow(0.9, step), c2 = 1 - pow(0.999, step);
    for (size_t i = 0; i < st_train_net_parameter_count(net); i++) {
        m[i] = 0.9F * m[i] + 0.1F * g[i];
        v[i] = 0.999F * v[i] + 0.001F * g[i] * g[i];
        w[i] -= (float)(1e-3 * ((double)m[i] / c1) / (sqrt((double)v[i] / c2) + 1e-8));
    }
}

static void check_near(const struct st_weights *file, const char *name, const float *got,
                       double relative)
{
    size_t count;
    float *want = st_test_f32(file, name, &count);
    double greatest = 0, off = st_max_difference(got, want, count);
    for (size_t i = 0; i < count; i++)
        greatest = fmax(greatest, fabs((double)want[i]));
    if (!(off <= relative * greatest))
        fail_msg("%s: off by %g of %g", name, off, greatest);
    free(want);
}

static const float *tensor(struct st_train_net *net, const char *name, float *block)
{
    const struct st_train_tensor *t = st_train_net_find(net, name);
    if (!t)
        fail_msg("no tensor %s", name);
    return block + t->offset;
}

/* Norms of every gradient within 20 %, of those that are not zero but for rounding. */
static void check_norms(struct st_train_net *net, json_t *norms)
{
    size_t count, checked = 0;
    const struct st_train_tensor *t = st_train_net_tensors(net, &count);
    for (size_t i = 0; i < count; i++) {
        json_t *entry = json_object_get(norms, t[i].name);
        if (!entry)
            continue;
        const float *g = st_train_net_gradients(net) + t[i].offset;
        double want = json_number_value(entry), square = 0;
        for (size_t k = 0; k < t[i].count; k++)
            square += (double)g[k] * (double)g[k];
        if (want > 1e-6 ? fabs(sqrt(square) - want) > 0.2 * want : sqrt(square) > 1e-5)
            fail_msg("gradient of %s has norm %g, recorded is %g", t[i].name, sqrt(square), want);
        checked++;
    }
    assert_int_equal(checked, json_object_size(norms));
}

static void check_first(struct st_train_net *net, const struct st_weights *file, json_t *root)
{
    float *gradients = st_train_net_gradients(net), *statistics = st_train_net_statistics(net);
    static const char *const inc = "inc.inconv.0.conv.1";
    char name[128];
    check_near(file, "grad.outc.conv.weight", tensor(net, "outc.conv.weight", gradients), 1e-3);
    check_near(file, "grad.outc.conv.bias", tensor(net, "outc.conv.bias", gradients), 1e-3);
    snprintf(name, sizeof name, "%s.running_mean", inc);
    check_near(file, "step1.bn.running_mean", tensor(net, name, statistics), 1e-6);
    snprintf(name, sizeof name, "%s.running_var", inc);
    check_near(file, "step1.bn.running_var", tensor(net, name, statistics), 1e-6);
    check_norms(net, json_object_get(root, "grad_l2_at_step_1"));
}

static void scale_bytes(float *dst, const struct st_weights *file, const char *name, size_t count)
{
    size_t found;
    float *bytes = st_test_f32(file, name, &found);
    assert_int_equal(found, count);
    for (size_t i = 0; i < count; i++)
        dst[i] = bytes[i] / 255.0F;
    free(bytes);
}

static void recorded_steps_are_reproduced(void **state)
{
    (void)state;
    ST_NEED_SHARED(steps_path, "reference/train/train_step_narrow.npz");
    ST_NEED_SHARED(json_path, "reference/train/train_step_narrow.json");
    ST_NEED_SHARED(weights_path, "reference/unet/unet_ave_narrow_random.pth");
    struct st_weights *file, *weights;
    struct trained t;
    json_t *root = json_load_file(json_path, 0, NULL);
    assert_non_null(root);
    ST_OK(st_weights_open(&file, steps_path, err));
    ST_OK(st_weights_open(&weights, weights_path, err));
    open_narrow(&t, 2, 2, ST_TRAIN_F32);
    ST_OK(st_train_load(t.net, weights, "", err));

    size_t count, size = st_train_net_parameter_count(t.net);
    float *target = malloc(2 * TARGET * sizeof *target), *audio;
    float *m = calloc(size, sizeof *m), *v = calloc(size, sizeof *v);
    scale_bytes(st_train_net_input(t.net, 0), file, "image_u8", 2 * IMAGE);
    scale_bytes(target, file, "target_u8", 2 * TARGET);
    audio = st_test_f32(file, "audio", &count);
    memcpy(st_train_net_input(t.net, 1), audio, count * sizeof *audio);
    for (int step = 0; step < STEPS; step++) {
        double loss = step_back(t.net, target, 2);
        json_t *losses = json_object_get(root, "losses_before_each_step");
        double want = json_number_value(json_array_get(losses, (size_t)step));
        if (!(fabs(loss - want) <= (step ? 1e-3 : 2e-6)))
            fail_msg("loss before step %d is %.9g, recorded is %.9g", step + 1, loss, want);
        if (step == 0)
            check_first(t.net, file, root);
        adam(t.net, m, v, step + 1);
    }
    char text[160];
    assert_false(st_train_net_blame(t.net, text, sizeof text));
    free(target);
    free(audio);
    free(m);
    free(v);
    close_narrow(&t);
    st_weights_close(&weights);
    st_weights_close(&file);
    json_decref(root);
}

/* One step with `workers`; gradients and then statistics, malloc'ed. */
static float *one_step(int workers, enum st_train_precision precision, size_t *count)
{
    struct trained t;
    uint64_t random = 7;
    open_narrow(&t, workers, 3, precision);
    st_train_net_init(t.net, 5);
    float *target = malloc(3 * TARGET * sizeof *target);
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < 3 * st_train_net_input_size(t.net, i); k++)
            st_train_net_input(t.net, i)[k] = st_random_unit(&random);
    for (size_t i = 0; i < 3 * TARGET; i++)
        target[i] = st_random_unit(&random);
    step_back(t.net, target, 3);
    size_t parameters = st_train_net_parameter_count(t.net);
    *count = parameters + st_train_net_statistic_count(t.net);
    float *all = malloc(*count * sizeof *all);
    memcpy(all, st_train_net_gradients(t.net), parameters * sizeof *all);
    memcpy(all + parameters, st_train_net_statistics(t.net), (*count - parameters) * sizeof *all);
    free(target);
    close_narrow(&t);
    return all;
}

static void a_step_is_the_same_for_any_number_of_threads(void **state)
{
    (void)state;
    size_t count;
    float *one = one_step(1, ST_TRAIN_F32, &count);
    for (int workers = 2; workers <= 4; workers++) {
        float *more = one_step(workers, ST_TRAIN_F32, &count);
        if (memcmp(one, more, count * sizeof *one) != 0)
            fail_msg("with %d threads a step differs", workers);
        free(more);
    }
    free(one);
}

static void a_step_in_bf16_is_the_same_for_any_number_of_threads(void **state)
{
    (void)state;
    struct st_kernels kernels;
    st_kernels_init(&kernels, cpu_mask);
    if (!st_train_precision_usable(&kernels, ST_TRAIN_BF16)) {
        fputs("skipped: this CPU has no AVX-512 BF16\n", stderr);
        skip();
    }
    size_t count;
    float *one = one_step(1, ST_TRAIN_BF16, &count), *two = one_step(2, ST_TRAIN_BF16, &count);
    assert_memory_equal(one, two, count * sizeof *one);
    free(one);
    free(two);
}

int main(int argc, char **argv)
{
    cpu_mask = st_test_cpu_mask(argc, argv);
    const struct CMUnitTest unit[] = {
        cmocka_unit_test(a_step_is_the_same_for_any_number_of_threads),
        cmocka_unit_test(a_step_in_bf16_is_the_same_for_any_number_of_threads),
    };
    const struct CMUnitTest golden[] = {
        cmocka_unit_test(recorded_steps_are_reproduced),
    };
    if (argc > 2 && strcmp(argv[2], "golden") == 0)
        return cmocka_run_group_tests(golden, NULL, NULL);
    return cmocka_run_group_tests(unit, NULL, NULL);
}
