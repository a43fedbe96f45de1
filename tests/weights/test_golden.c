/* SPDX-License-Identifier: Apache-2.0 */
/* Reference checkpoints: names, shapes and types as their lists say, and every file opens. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/support.h"
#include "synctalk/weights.h"

static const struct {
    const char *file, *keys;
    bool half; /* the list says float32, the file holds f16 */
    const char *described;
} checkpoints[] = {
    {"reference/ave/ave_random.pth", "reference/ave/ave.keys.txt", false, "AVE audio encoder"},
    {"reference/pfld/pfld_random.pth.tar", "reference/pfld/pfld.keys.txt", false,
     "PFLD-GhostOne landmarks, 110 points"},
    {"reference/unet/unet_ave_full_random_f16.pth", "reference/unet/unet_ave.keys.txt", true,
     "UNet, full width, ave or hubert"},
    {"checkpoint/sanders/0.pth", "reference/unet/unet_ave.keys.txt", true,
     "UNet, full width, ave or hubert"},
    {"reference/unet/unet_ave_narrow_random.pth", "reference/unet/unet_ave_narrow.keys.txt", false,
     "UNet, narrow, ave or hubert"},
    {"reference/unet/unet_hubert_narrow_f16.pth", "reference/unet/unet_hubert_narrow.keys.txt",
     true, "UNet, narrow, ave or hubert"},
    {"reference/unet/unet_wenet_narrow_f16.pth", "reference/unet/unet_wenet_narrow.keys.txt", true,
     "UNet, narrow, wenet"},
};

static const char *listed_type(enum st_dtype dtype, bool half)
{
    if (dtype == ST_F32 && !half)
        return "float32";
    if (dtype == ST_F16 && half)
        return "float32";
    return dtype == ST_I64 ? "int64" : "another type";
}

/* "NAME\t[64, 32, 1, 1]\tfloat32" */
static void print_line(char *line, size_t room, const struct st_tensor *tensor, bool half)
{
    size_t at = (size_t)snprintf(line, room, "%s\t[", tensor->name);
    for (int axis = 0; axis < tensor->rank; axis++)
        at += (size_t)snprintf(line + at, room - at, "%s%zu", axis ? ", " : "", tensor->dims[axis]);
    snprintf(line + at, room - at, "]\t%s\n", listed_type(tensor->dtype, half));
}

static void names_shapes_and_types_are_as_listed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof checkpoints / sizeof *checkpoints; i++) {
        ST_NEED_SHARED(path, checkpoints[i].file);
        ST_NEED_SHARED(keys, checkpoints[i].keys);
        struct st_weights *weights = NULL;
        ST_OK(st_weights_open(&weights, path, err));
        FILE *list = fopen(keys, "r");
        assert_non_null(list);
        char want[1024];
        char got[1024];
        size_t lines = 0;
        for (; fgets(want, sizeof want, list); lines++) {
            char name[1024];
            snprintf(name, sizeof name, "%.*s", (int)strcspn(want, "\t"), want);
            const struct st_tensor *tensor = st_weights_find(weights, name);
            if (!tensor)
                fail_msg("%s: no tensor %s", path, name);
            print_line(got, sizeof got, tensor, checkpoints[i].half);
            assert_string_equal(got, want);
        }
        assert_int_equal(lines, st_weights_count(weights));
        fclose(list);
        st_weights_close(&weights);
    }
}

static void every_reference_file_opens_and_converts(void **state)
{
    (void)state;
    static const char *const files[] = {
        "checkpoint/sanders/0.pth",
        "dataset/sanders/aud_ave.npy",
        "models/silero_vad_16k_v6.safetensors",
        "reference/audio/mel_talk_hb_6s.npz",
        "reference/ave/ave_feats_talk_hb_6s.npz",
        "reference/ave/ave_random.npz",
        "reference/encoders/hubert_tiny.npz",
        "reference/encoders/hubert_tiny.safetensors",
        "reference/encoders/hubert_tiny_25s.npz",
        "reference/encoders/wenet_standin.npz",
        "reference/heldout/crops.npz",
        "reference/image/resize.npz",
        "reference/pfld/pfld_random.npz",
        "reference/train/blocks.npz",
        "reference/train/train_step_narrow.npz",
        "reference/unet/composite_100.npz",
        "reference/unet/composite_300.npz",
        "reference/unet/unet_ave_full.npz",
        "reference/unet/unet_ave_narrow.npz",
        "reference/unet/unet_hubert_narrow.npz",
        "reference/unet/unet_wenet_narrow.npz",
        "reference/vad/burst.npy",
        "reference/vad/silero_german_pauses_probs.npy",
        "reference/vad/silero_talk_hb_probs.npy",
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        ST_NEED_SHARED(path, files[i]);
        struct st_weights *weights = NULL;
        ST_OK(st_weights_open(&weights, path, err));
        assert_true(st_weights_count(weights) > 0);
        for (size_t k = 0; k < st_weights_count(weights); k++)
            free(st_test_f32(weights, st_weights_at(weights, k)->name, NULL));
        st_weights_close(&weights);
    }
}

/* Shapes that numerics.md and README.md state. */
static void known_arrays_have_known_shapes(void **state)
{
    (void)state;
    ST_NEED_SHARED(path, "reference/unet/unet_ave_full.npz");
    struct st_weights *weights = NULL;
    ST_OK(st_weights_open(&weights, path, err));
    const struct st_tensor *image = st_weights_find(weights, "image_u8");
    assert_int_equal(image->dtype, ST_U8);
    assert_int_equal(image->count, 1 * 6 * 320 * 320);
    assert_int_equal(st_weights_find(weights, "audio")->dims[1], 32);
    float *out = st_test_f32(weights, "out", NULL);
    for (size_t i = 0; i < (size_t)3 * 320 * 320; i++)
        assert_true(out[i] > 0 && out[i] < 1); /* after a sigmoid */
    free(out);
    st_weights_close(&weights);

    ST_NEED_SHARED(features, "dataset/sanders/aud_ave.npy");
    ST_OK(st_weights_open(&weights, features, err));
    assert_int_equal(st_weights_at(weights, 0)->dims[0], 522);
    assert_int_equal(st_weights_at(weights, 0)->dims[1], 512);
    st_weights_close(&weights);
}

static void describe_file(const char *path, const char *want)
{
    synctalk_weights *weights = NULL;
    char text[100];
    ST_OK(synctalk_weights_open(&weights, path, err));
    synctalk_weights_describe(weights, text, sizeof text);
    assert_string_equal(text, want);
    char small[5];
    synctalk_weights_describe(weights, small, sizeof small);
    assert_memory_equal(small, want, strlen(small));
    synctalk_weights_close(&weights);
}

static void networks_are_recognised(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof checkpoints / sizeof *checkpoints; i++) {
        ST_NEED_SHARED(path, checkpoints[i].file);
        describe_file(path, checkpoints[i].described);
    }
    ST_NEED_SHARED(vad, "models/silero_vad_16k_v6.safetensors");
    describe_file(vad, "Silero voice activity, 16 kHz");
    ST_NEED_SHARED(hubert, "reference/encoders/hubert_tiny.safetensors");
    describe_file(hubert, "HuBERT, 3 layers of 64");
    ST_NEED_SHARED(array, "reference/vad/burst.npy");
    describe_file(array, "");
}

/* A real checkpoint of f16: to safetensors f16 and on to .pth nothing may change. */
static void a_real_checkpoint_survives_conversion(void **state)
{
    (void)state;
    ST_NEED_SHARED(path, "reference/unet/unet_wenet_narrow_f16.pth");
    char *folder = st_scratch_create();
    char half[4200];
    char pth[4200];
    snprintf(half, sizeof half, "%s/h.safetensors", folder);
    snprintf(pth, sizeof pth, "%s/h.pth", folder);
    synctalk_weights *first = NULL;
    synctalk_weights *middle = NULL;
    struct st_weights *a = NULL;
    struct st_weights *b = NULL;
    ST_OK(synctalk_weights_open(&first, path, err));
    ST_OK(synctalk_weights_convert(first, half, SYNCTALK_WEIGHTS_SAFETENSORS_F16,
                                   SYNCTALK_ENCODER_WENET, 0, err));
    ST_OK(synctalk_weights_open(&middle, half, err));
    ST_OK(
        synctalk_weights_convert(middle, pth, SYNCTALK_WEIGHTS_PTH, SYNCTALK_ENCODER_AUTO, 0, err));
    ST_OK(st_weights_open(&a, path, err));
    ST_OK(st_weights_open(&b, pth, err));
    assert_string_equal(st_weights_metadata(b, "synctalk.encoder"), "wenet");
    for (size_t i = 0; i < st_weights_count(a); i++) {
        const struct st_tensor *tensor = st_weights_at(a, i);
        float *x = st_test_f32(a, tensor->name, NULL);
        float *y = st_test_f32(b, tensor->name, NULL);
        assert_memory_equal(x, y, tensor->count * sizeof *x);
        free(x);
        free(y);
    }
    st_weights_close(&a);
    st_weights_close(&b);
    synctalk_weights_close(&middle);
    synctalk_weights_close(&first);
    st_scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_shapes_and_types_are_as_listed),
        cmocka_unit_test(every_reference_file_opens_and_converts),
        cmocka_unit_test(known_arrays_have_known_shapes),
        cmocka_unit_test(networks_are_recognised),
        cmocka_unit_test(a_real_checkpoint_survives_conversion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
