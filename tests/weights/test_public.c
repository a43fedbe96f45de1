/* SPDX-License-Identifier: Apache-2.0 */
/* The public interface to weights: information, ranges, arguments. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "synctalk/weights.h"
#include "weights/builders.h"

static char *folder;

static int make_folder(void **state)
{
    (void)state;
    folder = st_scratch_create();
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    st_scratch_remove(folder);
    return 0;
}

/* The set written to a file and opened from outside. */
static synctalk_weights *opened(struct st_weights *set, const char *name)
{
    char path[4200];
    synctalk_weights *weights = NULL;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    ST_OK(st_weights_write_safetensors(set, path, ST_F32, NULL, NULL, true, err));
    ST_OK(synctalk_weights_open(&weights, path, err));
    st_weights_close(&set);
    return weights;
}

static void information_and_ranges(void **state)
{
    (void)state;
    struct st_weights *set = NULL;
    const char *key;
    const char *value;
    double least;
    double greatest;
    double mean;
    ST_OK(st_weights_create(&set, "set", err));
    ST_OK(st_weights_add_f32(set, "a", 2, (size_t[]){2, 2}, (float[]){-1, 2, 4, -9}, err));
    ST_OK(st_weights_add_f32(set, "none", 1, (size_t[]){0}, NULL, err));
    ST_OK(st_weights_add_f32(set, "nan", 1, (size_t[]){2}, (float[]){3, NAN}, err));
    ST_OK(st_weights_add_metadata(set, "k", "v", err));
    synctalk_weights *weights = opened(set, "set.safetensors");

    assert_string_equal(synctalk_weights_format(weights), "safetensors");
    assert_int_equal(synctalk_weights_count(weights), 3);
    synctalk_tensor_info info = synctalk_weights_tensor(weights, 0);
    assert_string_equal(info.name, "a");
    assert_string_equal(info.dtype, "f32");
    assert_int_equal(info.rank, 2);
    assert_int_equal(info.count, 4);
    assert_int_equal(info.bytes, 16);
    assert_int_equal(synctalk_weights_metadata(weights, 0, &key, &value), 1);
    assert_string_equal(value, "v");
    assert_int_equal(synctalk_weights_metadata(weights, 1, &key, &value), 0);

    ST_OK(synctalk_weights_range(weights, 0, &least, &greatest, &mean, err));
    assert_true(least == -9 && greatest == 4 && mean == -1);
    ST_OK(synctalk_weights_range(weights, 1, &least, &greatest, &mean, err));
    assert_true(isnan(least) && isnan(greatest) && isnan(mean));
    ST_OK(synctalk_weights_range(weights, 2, &least, &greatest, &mean, err));
    assert_true(least == 3 && greatest == 3 && isnan(mean));
    synctalk_error why;
    assert_int_equal(synctalk_weights_range(weights, 3, &least, &greatest, &mean, &why),
                     SYNCTALK_E_ARG);
    synctalk_weights_close(&weights);
    synctalk_weights_close(&weights);
}

static void add_shape(struct st_weights *set, const char *name, int rank, const size_t *dims)
{
    static const float zeros[65536];
    ST_OK(st_weights_add_f32(set, name, rank, dims, zeros, err));
}

static void networks_by_their_shapes(void **state)
{
    (void)state;
    static const struct {
        size_t last, audio;
        const char *note, *text;
    } cases[] = {
        {16, 32, NULL, "UNet, full width, ave or hubert"},
        {16, 32, "hubert", "UNet, full width, hubert"},
        {8, 16, "ave", "UNet, narrow, ave"},
        {16, 256, NULL, "UNet, full width, wenet"},
        {8, 128, "ave", "UNet, narrow, wenet"}, /* the shapes know better */
    };
    char text[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct st_weights *set = NULL;
        ST_OK(st_weights_create(&set, "set", err));
        add_shape(set, "inc.inconv.0.conv.0.weight", 4, (size_t[]){12, 6, 1, 1});
        add_shape(set, "outc.conv.weight", 4, (size_t[]){3, cases[i].last, 1, 1});
        add_shape(set, "audio_model.conv1.conv.0.weight", 4, (size_t[]){2, cases[i].audio, 1, 1});
        if (cases[i].note)
            ST_OK(st_weights_add_metadata(set, "synctalk.encoder", cases[i].note, err));
        synctalk_weights *weights = opened(set, "unet.safetensors");
        synctalk_weights_describe(weights, text, sizeof text);
        assert_string_equal(text, cases[i].text);
        synctalk_weights_close(&weights);
    }
    for (size_t audio = 32; audio <= 128; audio += 96) {
        struct st_weights *set = NULL;
        ST_OK(st_weights_create(&set, "set", err));
        add_shape(set, "face_encoder.0.conv_block.0.weight", 4, (size_t[]){32, 3, 7, 7});
        add_shape(set, "audio_encoder.0.conv_block.0.weight", 4, (size_t[]){4, audio, 3, 3});
        synctalk_weights *weights = opened(set, "syncnet.safetensors");
        synctalk_weights_describe(weights, text, sizeof text);
        assert_string_equal(text, audio == 32 ? "SyncNet, ave or hubert" : "SyncNet, wenet");
        synctalk_weights_close(&weights);
    }
}

static void arguments_are_checked(void **state)
{
    (void)state;
    synctalk_weights *weights = NULL;
    synctalk_error why;
    char path[4200];
    assert_int_equal(synctalk_weights_open(&weights, "", &why), SYNCTALK_E_ARG);
    assert_int_equal(synctalk_weights_open(&weights, NULL, &why), SYNCTALK_E_ARG);
    assert_int_equal(synctalk_weights_open(NULL, "x", &why), SYNCTALK_E_ARG);
    assert_int_equal(synctalk_weights_open(&weights, "no-such-file", NULL), SYNCTALK_E_MISSING);
    assert_int_equal(synctalk_weights_count(NULL), 0);
    assert_int_equal(synctalk_weights_tensor(NULL, 0).rank, 0);

    struct st_weights *set = NULL;
    ST_OK(st_weights_create(&set, "set", err));
    weights = opened(set, "empty.safetensors");
    snprintf(path, sizeof path, "%s/out", folder);
    assert_int_equal(synctalk_weights_convert(weights, path, (synctalk_weights_format_kind)9,
                                              SYNCTALK_ENCODER_AUTO, 0, &why),
                     SYNCTALK_E_ARG);
    assert_int_equal(synctalk_weights_convert(weights, path, SYNCTALK_WEIGHTS_PTH,
                                              (synctalk_encoder)-1, 0, &why),
                     SYNCTALK_E_ARG);
    assert_int_equal(
        synctalk_weights_convert(NULL, path, SYNCTALK_WEIGHTS_PTH, SYNCTALK_ENCODER_AUTO, 0, &why),
        SYNCTALK_E_ARG);
    synctalk_weights_close(&weights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(information_and_ranges),
        cmocka_unit_test(networks_by_their_shapes),
        cmocka_unit_test(arguments_are_checked),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
