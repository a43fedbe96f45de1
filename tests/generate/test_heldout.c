/* SPDX-License-Identifier: Apache-2.0 */
/* Frames that a real checkpoint was never trained on: PSNR of the redrawn rectangle
 * against the frame's own, next to what PyTorch got with the same checkpoint. */
#include "support/support.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "face/dataset.h"
#include "face/redraw.h"
#include "generate/feature_source.h"
#include "kernels/kernels.h"
#include "models/unet.h"

#define SIDE ST_UNET_SIDE
#define PLANE ((size_t)SIDE * SIDE)
#define TOLERANCE_DB 0.05
#define OTHER_FRAME 225 /* how far away the other reference image was taken */

struct bench {
    struct st_kernels kernels;
    struct st_dataset dataset;
    struct st_unet *unet;
    struct st_unet_worker *worker;
    struct st_redraw *redraw;
    struct st_jpeg_decoder *decoder;
    struct st_picture picture;
    struct st_feature_source *features;
    struct st_weights *table;
    float *input, *other, *prediction, *audio;
};

static void open_bench(struct bench *b, const char *checkpoint, const char *folder,
                       const char *features)
{
    struct st_weights *weights;
    struct st_unet_form form;
    const struct st_redraw_settings settings = {.blend = SYNCTALK_BLEND_NONE};

    memset(b, 0, sizeof *b);
    st_kernels_init(&b->kernels, ~0u);
    ST_OK(st_dataset_open(&b->dataset, folder, NULL, err));
    ST_OK(st_weights_open(&weights, checkpoint, err));
    ST_OK(st_unet_recognise(&form, weights, SYNCTALK_ENCODER_AVE, err));
    ST_OK(st_unet_open(&b->unet, weights, &form, &b->kernels, err));
    st_weights_close(&weights);
    ST_OK(st_unet_worker_open(&b->worker, b->unet, err));
    ST_OK(st_redraw_create(&b->redraw, &settings, b->dataset.largest_side, &b->kernels, err));
    ST_OK(st_jpeg_decoder_create(&b->decoder, err));
    ST_OK(st_weights_open(&b->table, features, err));
    ST_OK(st_feature_source_from_file(&b->features, b->table, form.vector, form.window, err));
    b->input = calloc(6 * PLANE, sizeof(float));
    b->other = calloc(6 * PLANE, sizeof(float));
    b->prediction = calloc(3 * PLANE, sizeof(float));
    b->audio = calloc((size_t)form.window * form.vector, sizeof(float));
    assert_true(b->input && b->other && b->prediction && b->audio);
}

static void close_bench(struct bench *b)
{
    free(b->audio);
    free(b->prediction);
    free(b->other);
    free(b->input);
    st_feature_source_close(&b->features);
    st_weights_close(&b->table);
    st_picture_free(&b->picture);
    st_jpeg_decoder_destroy(&b->decoder);
    st_redraw_destroy(&b->redraw);
    st_unet_worker_close(&b->worker);
    st_unet_close(&b->unet);
    st_dataset_close(&b->dataset);
}

static void crop_of(struct bench *b, int64_t frame, float *input)
{
    ST_OK(st_dataset_read(&b->dataset, frame, b->decoder, &b->picture, err));
    st_redraw_crop(b->redraw, &b->picture, &b->dataset.boxes[frame], input);
}

/* PSNR in 8 bit over rows [top, bottom], columns [left, right] of the inner crop. */
static double psnr(const float *prediction, const float *target, int top, int bottom, int left,
                   int right)
{
    double sum = 0;
    for (size_t c = 0; c < 3; c++)
        for (int y = top; y <= bottom; y++)
            for (int x = left; x <= right; x++) {
                size_t at = c * PLANE + (size_t)y * SIDE + (size_t)x;
                double d =
                    floor((double)(prediction[at] * 255.0f)) - rint((double)target[at] * 255);
                sum += d * d;
            }
    return 10 * log10(65025.0 * 3 * (bottom - top + 1) * (right - left + 1) / sum);
}

/* Pixels of the prediction that are not the reference's, [3, 320, 320] against BGR rows. */
static int count_unequal(const float *prediction, const float *planes_or_rows, bool planes,
                         int *most)
{
    int unequal = 0;
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < PLANE; i++) {
            int got = (int)(prediction[c * PLANE + i] * 255.0f);
            int want = (int)planes_or_rows[planes ? c * PLANE + i : i * 3 + c];
            unequal += got != want;
            if (abs(got - want) > *most)
                *most = abs(got - want);
        }
    return unequal;
}

struct worst {
    double whole, mouth;
};

static void compare(struct bench *b, const json_t *row, const char *key, struct worst *worst)
{
    char mouth_key[32];
    snprintf(mouth_key, sizeof mouth_key, "%s_mouth", key);
    double whole = psnr(b->prediction, b->input, 5, 309, 5, 314);
    double mouth = psnr(b->prediction, b->input, 120, 309, 60, 259);
    double whole_off = fabs(whole - json_number_value(json_object_get(row, key)));
    double mouth_off = fabs(mouth - json_number_value(json_object_get(row, mouth_key)));
    worst->whole = fmax(worst->whole, whole_off);
    worst->mouth = fmax(worst->mouth, mouth_off);
    if (!(whole_off <= TOLERANCE_DB) || !(mouth_off <= TOLERANCE_DB))
        fail_msg("frame %d, %s: %.4f and %.4f dB, off by %.4f and %.4f",
                 (int)json_integer_value(json_object_get(row, "frame")), key, whole, mouth,
                 whole_off, mouth_off);
}

static void psnr_is_that_of_pytorch(void **state)
{
    (void)state;
    ST_NEED_SHARED(reference, "reference/heldout/psnr.json");
    ST_NEED_SHARED(checkpoint, "checkpoint/sanders/0.pth");
    ST_NEED_SHARED(folder, "dataset/sanders");
    ST_NEED_SHARED(features, "dataset/sanders/aud_ave.npy");
    ST_NEED_SHARED(crops_path, "reference/heldout/crops.npz");
    struct bench b;
    struct st_weights *crops;
    struct worst self = {0}, other = {0};
    size_t count;
    size_t pixels = 0;
    int unequal = 0;
    int most = 0;

    json_t *json = json_load_file(reference, 0, NULL);
    assert_non_null(json);
    const json_t *rows = json_object_get(json, "frames");
    open_bench(&b, checkpoint, folder, features);
    ST_OK(st_weights_open(&crops, crops_path, err));
    float *index = st_test_f32(crops, "index", &count);
    float *want[2] = {st_test_f32(crops, "pred_self", NULL),
                      st_test_f32(crops, "pred_other", NULL)};
    const struct st_tensor *shape = st_weights_find(crops, "pred_self");
    const bool planes = shape->dims[1] == 3;

    assert_int_equal(json_array_size(rows), 72);
    for (size_t k = 0; k < json_array_size(rows); k++) {
        const json_t *row = json_array_get(rows, k);
        int64_t frame = json_integer_value(json_object_get(row, "frame"));
        crop_of(&b, frame - OTHER_FRAME, b.other);
        crop_of(&b, frame, b.input);
        memcpy(b.other + 3 * PLANE, b.input + 3 * PLANE, 3 * PLANE * sizeof(float));
        ST_OK(st_feature_source_window(b.features, frame, b.audio, err));
        for (int which = 0; which < 2; which++) {
            ST_OK(st_unet_run(b.worker, 1, which ? b.other : b.input, b.audio, b.prediction, err));
            compare(&b, row, which ? "other" : "self", which ? &other : &self);
            for (size_t i = 0; i < count; i++) {
                if ((int64_t)index[i] != frame)
                    continue;
                unequal += count_unequal(b.prediction, want[which] + i * 3 * PLANE, planes, &most);
                pixels += 3 * PLANE;
            }
        }
    }
    printf("held out: off by at most %.5f dB (mouth %.5f); other reference %.5f (mouth %.5f); "
           "crops: %d of %zu values differ, by at most %d\n",
           self.whole, self.mouth, other.whole, other.mouth, unequal, pixels, most);
    assert_int_equal(pixels, 2 * count * 3 * PLANE);
    assert_in_range(most, 0, 1);
    free(want[0]);
    free(want[1]);
    free(index);
    st_weights_close(&crops);
    close_bench(&b);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(psnr_is_that_of_pytorch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
