/* SPDX-License-Identifier: Apache-2.0 */
/* Networks that learn under their published names: every tensor of the published lists, in
 * and out of files, and the outputs that inference gives.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pool.h"
#include "kernels/kernels.h"
#include "models/model_support.h"
#include "models/train_models.h"
#include "synctalk/machine.h"

static unsigned cpu_mask = ~0U;

struct opened {
    struct st_kernels kernels;
    struct st_pool *pool;
    struct st_train_net *net;
};

static void open_net(struct opened *o, int batch)
{
    st_kernels_init(&o->kernels, cpu_mask);
    ST_OK(st_pool_create(&o->pool, 2, err));
    const struct st_train_settings settings = {
        .kernels = &o->kernels, .pool = o->pool, .batch = batch};
    ST_OK(st_train_net_create(&o->net, &settings, err));
}

static void close_net(struct opened *o)
{
    st_train_net_destroy(&o->net);
    st_pool_destroy(&o->pool);
}

/* "NAME\t[1, 2]\tTYPE" as the table's entry of that name. */
static void check_line(const struct st_train_net *net, char *line)
{
    char *shape = strchr(line, '\t'), *type = strrchr(line, '\t');
    assert_non_null(shape);
    *shape++ = '\0';
    const struct st_train_tensor *t = st_train_net_find(net, line);
    if (!t)
        fail_msg("no tensor %s", line);
    char *at = shape + 1;
    for (int i = 0; i < t->rank; i++) {
        if (strtoul(at, &at, 10) != t->dims[i])
            fail_msg("%s: dimension %d is %zu, not as in %s", line, i, t->dims[i], shape);
        at += strspn(at, ", ");
    }
    assert_int_equal(*at, ']');
    assert_int_equal(strncmp(type + 1, "int64", 5) == 0, t->kind == ST_TRAIN_BATCHES);
}

static void check_keys(const struct st_train_net *net, const char *path)
{
    char line[512];
    size_t lines = 0, count;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (; fgets(line, sizeof line, file); lines++)
        check_line(net, line);
    assert_int_equal(fclose(file), 0);
    st_train_net_tensors(net, &count);
    assert_int_equal(count, lines);
}

static const struct {
    const char *keys;
    synctalk_encoder encoder;
    bool narrow;
} unets[] = {
    {"reference/unet/unet_ave.keys.txt", SYNCTALK_ENCODER_AVE, false},
    {"reference/unet/unet_hubert.keys.txt", SYNCTALK_ENCODER_HUBERT, false},
    {"reference/unet/unet_wenet.keys.txt", SYNCTALK_ENCODER_WENET, false},
    {"reference/unet/unet_ave_narrow.keys.txt", SYNCTALK_ENCODER_AVE, true},
    {"reference/unet/unet_hubert_narrow.keys.txt", SYNCTALK_ENCODER_HUBERT, true},
    {"reference/unet/unet_wenet_narrow.keys.txt", SYNCTALK_ENCODER_WENET, true},
};

/* The published wenet SyncNet takes 128 channels, as a narrow UNet's window has. */
static const struct {
    const char *keys;
    synctalk_encoder encoder;
    bool narrow;
} syncnets[] = {
    {"reference/syncnet/syncnet_ave.keys.txt", SYNCTALK_ENCODER_AVE, false},
    {"reference/syncnet/syncnet_hubert.keys.txt", SYNCTALK_ENCODER_HUBERT, false},
    {"reference/syncnet/syncnet_wenet.keys.txt", SYNCTALK_ENCODER_WENET, true},
};

static void tensors_are_those_published(void **state)
{
    (void)state;
    struct opened o;
    struct st_unet_form form;
    for (size_t i = 0; i < sizeof unets / sizeof *unets; i++) {
        ST_NEED_SHARED(path, unets[i].keys);
        open_net(&o, 1);
        st_train_unet_form(&form, unets[i].narrow, unets[i].encoder);
        st_train_unet_build(o.net, &form);
        check_keys(o.net, path);
        close_net(&o);
    }
    for (size_t i = 0; i < sizeof syncnets / sizeof *syncnets; i++) {
        ST_NEED_SHARED(path, syncnets[i].keys);
        open_net(&o, 1);
        st_train_unet_form(&form, syncnets[i].narrow, syncnets[i].encoder);
        st_train_syncnet_build(o.net, &form, true);
        check_keys(o.net, path);
        close_net(&o);
    }
    ST_NEED_SHARED(path, "reference/ave/ave.keys.txt");
    open_net(&o, 1);
    assert_true(st_train_ave_build(o.net, st_train_input(o.net, 1, 80, 16, false)) >= 0);
    check_keys(o.net, path);
    close_net(&o);
}

static void copy_tensor(float *dst, const struct st_weights *file, const char *name, float scale)
{
    size_t count;
    float *values = st_test_f32(file, name, &count);
    for (size_t i = 0; i < count; i++)
        dst[i] = values[i] * scale;
    free(values);
}

static void check_output(const struct opened *o, const struct st_weights *file, double bound)
{
    size_t count;
    float *want = st_test_f32(file, "out", &count);
    double off = st_max_difference(st_train_net_output(o->net, 0), want, count);
    if (!(off <= bound))
        fail_msg("off by %g", off);
    free(want);
}

/* The wiring, and norms with running statistics, against recorded outputs. */
static void check_unet(synctalk_encoder encoder, const char *weights_path, const char *path)
{
    struct opened o;
    struct st_unet_form form;
    struct st_weights *weights, *file;
    open_net(&o, 1);
    st_train_unet_form(&form, true, encoder);
    st_train_unet_build(o.net, &form);
    ST_OK(st_train_net_finish(o.net, err));
    ST_OK(st_weights_open(&weights, weights_path, err));
    ST_OK(st_weights_open(&file, path, err));
    ST_OK(st_train_load(o.net, weights, "", err));
    copy_tensor(st_train_net_input(o.net, 0), file, "image_u8", 1.0F / 255);
    copy_tensor(st_train_net_input(o.net, 1), file, "audio", 1);
    ST_OK(st_train_net_forward(o.net, 1, ST_TRAIN_RUNNING, err));
    check_output(&o, file, 1e-5);
    st_weights_close(&weights);
    st_weights_close(&file);
    close_net(&o);
}

static void recorded_outputs_are_reproduced(void **state)
{
    (void)state;
    ST_NEED_SHARED(ave, "reference/unet/unet_ave_narrow_random.pth");
    ST_NEED_SHARED(hubert, "reference/unet/unet_hubert_narrow_f16.pth");
    ST_NEED_SHARED(wenet, "reference/unet/unet_wenet_narrow_f16.pth");
    check_unet(SYNCTALK_ENCODER_AVE, ave, st_shared("reference/unet/unet_ave_narrow.npz"));
    check_unet(SYNCTALK_ENCODER_HUBERT, hubert, st_shared("reference/unet/unet_hubert_narrow.npz"));
    check_unet(SYNCTALK_ENCODER_WENET, wenet, st_shared("reference/unet/unet_wenet_narrow.npz"));
}

static int add_head(struct st_train_net *net, int x, const char *name, int channels)
{
    return st_train_conv(net, x,
                         &(struct st_train_conv){.name = name,
                                                 .channels = channels,
                                                 .kernel = 1,
                                                 .stride_h = 1,
                                                 .stride_w = 1,
                                                 .bias = true});
}

static void recorded_features_are_reproduced(void **state)
{
    (void)state;
    ST_NEED_SHARED(weights_path, "reference/ave/ave_random.pth");
    ST_NEED_SHARED(path, "reference/ave/ave_random.npz");
    struct opened o;
    struct st_weights *weights, *file;
    open_net(&o, 4);
    int x = st_train_ave_build(o.net, st_train_input(o.net, 1, 80, 16, false));
    st_train_output(o.net, x, ST_TRAIN_PLAIN);
    ST_OK(st_train_net_finish(o.net, err));
    ST_OK(st_weights_open(&weights, weights_path, err));
    ST_OK(st_weights_open(&file, path, err));
    ST_OK(st_train_load(o.net, weights, "", err));
    copy_tensor(st_train_net_input(o.net, 0), file, st_weights_find(file, "mel") ? "mel" : "in", 1);
    ST_OK(st_train_net_forward(o.net, 4, ST_TRAIN_RUNNING, err));
    check_output(&o, file, 1e-5);
    st_weights_close(&weights);
    st_weights_close(&file);
    close_net(&o);
}

/* An encoder with two heads, without its heads in the file, and back under a prefix. */
static void what_is_saved_is_loaded(void **state)
{
    (void)state;
    struct opened from, to;
    struct st_weights *made, *file;
    char path[512], *folder = st_scratch_create();
    open_net(&from, 2);
    int x = st_train_ave_build(from.net, st_train_input(from.net, 1, 80, 16, false));
    st_train_output(from.net, add_head(from.net, x, "head.viseme", 15), ST_TRAIN_PLAIN);
    st_train_output(from.net, add_head(from.net, x, "head.opening", 1), ST_TRAIN_SIGMOID);
    ST_OK(st_train_net_finish(from.net, err));
    st_train_net_init(from.net, 3);
    for (size_t i = 0; i < st_train_net_counter_count(from.net); i++)
        st_train_net_counters(from.net)[i] = (int64_t)i << 33;
    st_train_net_statistics(from.net)[5] = 0.25F;
    ST_OK(st_weights_create(&made, "made", err));
    ST_OK(st_train_save(from.net, made, "head.", err));
    snprintf(path, sizeof path, "%s/a.pth", folder);
    ST_OK(st_weights_write_pth(made, path, NULL, NULL, false, err));
    ST_OK(st_weights_open(&file, path, err));
    struct st_weights *named = st_test_edited(file, "audio_encoder.", ST_EDIT_NONE, NULL);

    open_net(&to, 1);
    st_train_output(to.net, st_train_ave_build(to.net, st_train_input(to.net, 1, 80, 16, false)),
                    ST_TRAIN_PLAIN);
    ST_OK(st_train_net_finish(to.net, err));
    ST_OK(st_train_load(to.net, file, "", err));
    assert_memory_equal(st_train_net_counters(from.net), st_train_net_counters(to.net),
                        st_train_net_counter_count(to.net) * sizeof(int64_t));
    ST_OK(st_train_load(to.net, named, "audio_encoder.", err));
    assert_memory_equal(st_train_net_parameters(from.net), st_train_net_parameters(to.net),
                        st_train_net_parameter_count(to.net) * sizeof(float));
    assert_memory_equal(st_train_net_statistics(from.net), st_train_net_statistics(to.net),
                        st_train_net_statistic_count(to.net) * sizeof(float));
    st_weights_close(&named);
    st_weights_close(&file);
    st_weights_close(&made);
    close_net(&from);
    close_net(&to);
    st_scratch_remove(folder);
}

static void bad_checkpoints_are_refused(void **state)
{
    (void)state;
    static const struct {
        enum st_test_edit edit;
        const char *word;
    } cases[] = {
        {ST_EDIT_DROP, "has no tensor 3.conv_block.1.running_var"},
        {ST_EDIT_RESHAPE, "has shape [65], needed is [64]"},
        {ST_EDIT_NAN, "not a finite number"},
    };
    struct opened o;
    struct st_weights *made;
    synctalk_error error = {0};
    open_net(&o, 1);
    st_train_output(o.net, st_train_ave_build(o.net, st_train_input(o.net, 1, 80, 16, false)),
                    ST_TRAIN_PLAIN);
    ST_OK(st_train_net_finish(o.net, err));
    st_train_net_init(o.net, 3);
    ST_OK(st_weights_create(&made, "made", err));
    ST_OK(st_train_save(o.net, made, NULL, err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct st_weights *bad =
            st_test_edited(made, "", cases[i].edit, "3.conv_block.1.running_var");
        assert_int_equal(st_train_load(o.net, bad, "", &error), SYNCTALK_E_MODEL);
        if (!strstr(error.message, cases[i].word))
            fail_msg("\"%s\" does not say \"%s\"", error.message, cases[i].word);
        st_weights_close(&bad);
    }
    struct st_unet_form form;
    st_train_unet_form(&form, false, SYNCTALK_ENCODER_AVE);
    assert_int_equal(st_train_syncnet_recognise(made, &form, &error), SYNCTALK_E_MODEL);
    assert_non_null(strstr(error.message, "not a SyncNet"));
    st_weights_close(&made);
    close_net(&o);
}

/* Guards against a step of seconds: oneDNN's reference code for a convolution. */
static void check_fast(struct opened *o)
{
    const char *layer;
    ST_OK(st_train_net_finish(o->net, err));
    for (size_t i = 0; (layer = st_train_net_layer(o->net, i)); i++)
        if (strstr(layer, "ref"))
            fail_msg("%s", layer);
    close_net(o);
}

static void no_layer_is_left_to_reference_code(void **state)
{
    (void)state;
    struct opened o;
    struct st_unet_form form;
    open_net(&o, 1);
    if ((o.kernels.flags & SYNCTALK_CPU_AVX512) == 0) {
        close_net(&o);
        fputs("skipped: this CPU has no AVX-512\n", stderr);
        skip();
    }
    st_train_unet_form(&form, false, SYNCTALK_ENCODER_AVE);
    st_train_unet_build(o.net, &form);
    check_fast(&o);
    for (int encoder = SYNCTALK_ENCODER_AVE; encoder <= SYNCTALK_ENCODER_WENET; encoder++) {
        open_net(&o, 1);
        st_train_unet_form(&form, true, (synctalk_encoder)encoder);
        st_train_syncnet_build(o.net, &form, true);
        check_fast(&o);
    }
}

/* Both ends are vectors of unit length, and the face's gradient arrives. */
static void syncnet_runs(void **state)
{
    (void)state;
    struct opened o;
    struct st_unet_form form;
    uint64_t random = 9;
    open_net(&o, 1);
    st_train_unet_form(&form, true, SYNCTALK_ENCODER_AVE);
    st_train_syncnet_build(o.net, &form, true);
    ST_OK(st_train_net_finish(o.net, err));
    st_train_net_init(o.net, 2);
    for (int i = 0; i < 2; i++)
        for (size_t k = 0; k < st_train_net_input_size(o.net, i); k++)
            st_train_net_input(o.net, i)[k] = st_random_unit(&random);
    ST_OK(st_train_net_forward(o.net, 1, ST_TRAIN_BATCH, err));
    for (int i = 0; i < 2; i++) {
        double square = 0;
        assert_int_equal(st_train_net_output_size(o.net, i), 4608);
        for (size_t k = 0; k < 4608; k++) {
            double y = (double)st_train_net_output(o.net, i)[k];
            square += y * y;
            st_train_net_output_gradient(o.net, i)[k] = st_train_net_output(o.net, 1 - i)[k];
        }
        assert_true(square > 0.9999 && square < 1.0001);
    }
    ST_OK(st_train_net_backward(o.net, err));
    double sum = 0;
    for (size_t k = 0; k < st_train_net_input_size(o.net, 0); k++)
        sum += (double)st_train_net_input_gradient(o.net, 0)[k] *
               (double)st_train_net_input_gradient(o.net, 0)[k];
    char text[160];
    assert_true(sum > 0);
    assert_false(st_train_net_blame(o.net, text, sizeof text));
    close_net(&o);
}

int main(int argc, char **argv)
{
    cpu_mask = st_test_cpu_mask(argc, argv);
    const struct CMUnitTest unit[] = {
        cmocka_unit_test(what_is_saved_is_loaded),
        cmocka_unit_test(bad_checkpoints_are_refused),
        cmocka_unit_test(no_layer_is_left_to_reference_code),
        cmocka_unit_test(syncnet_runs),
    };
    const struct CMUnitTest golden[] = {
        cmocka_unit_test(tensors_are_those_published),
        cmocka_unit_test(recorded_outputs_are_reproduced),
        cmocka_unit_test(recorded_features_are_reproduced),
    };
    if (argc > 2 && strcmp(argv[2], "golden") == 0)
        return cmocka_run_group_tests(golden, NULL, NULL);
    return cmocka_run_group_tests(unit, NULL, NULL);
}
