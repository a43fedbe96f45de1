/* SPDX-License-Identifier: Apache-2.0 */
/* What precisions cost on a real checkpoint: found out on frames that it was trained on, then
 * measured against f32 on 72 frames that it never saw. Prints the table of docs/SPEED.md. With
 * a folder as argument, pictures to look at go there: f32 and what AUTO takes, side by side. */
#include "support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/memory.h"
#include "image/picture.h"
#include "models/unet_calibrate.h"
#include "models/unet_clip.h"
#include "support/heldout.h"
#include "synctalk/settings.h"

#define FRAMES 16
#define COMPARED 3
#define TARGET_DB 45.0

static const char *folder; /* of pictures; set once by main() */

struct bench {
    struct st_kernels kernels;
    struct heldout *heldout;
    struct st_weights *weights;
    struct st_unet_form form;
    struct st_unet_recipe recipe;
    struct st_unet_calibration calibration;
};

static float *numbers(size_t count)
{
    float *block = st_alloc_aligned(count * sizeof *block);
    assert_non_null(block);
    return block;
}

static void calibrate(struct bench *b)
{
    float *images[FRAMES], *sounds[FRAMES];
    for (size_t i = 0; i < FRAMES; i++) {
        images[i] = numbers(HELDOUT_IMAGE);
        sounds[i] = numbers((size_t)b->form.window * b->form.vector);
        assert_true(
            heldout_read(b->heldout, (int64_t)i * HELDOUT_FIRST / FRAMES, images[i], sounds[i]));
    }
    struct st_unet_samples samples = {FRAMES, (const float *const *)images,
                                      (const float *const *)sounds, NULL};
    st_unet_recipe_uniform(&b->recipe, &b->form, ST_ELEMENT_F32);
    ST_OK(st_unet_recipe_alloc(&b->recipe, &b->form, err));
    ST_OK(st_unet_find_ranges(&b->recipe, b->weights, &b->form, &b->kernels, &samples, COMPARED,
                              err));
    b->calibration =
        (struct st_unet_calibration){.flags = b->kernels.flags, .target_db = TARGET_DB};
    ST_OK(st_unet_calibrate(&b->calibration, &b->recipe, b->weights, &b->form, &b->kernels,
                            &samples, COMPARED, err));
    for (size_t i = 0; i < FRAMES; i++) {
        free(images[i]);
        free(sounds[i]);
    }
}

static void print_blocks(const struct bench *b)
{
    static const char *const names[] = {"f32", "bf16", "int8"};
    struct st_unet_block blocks[ST_UNET_BLOCKS];
    const size_t count = st_unet_blocks(&b->form, blocks);
    printf("| block | million multiplications | alone in int8, dB | mixed |\n"
           "| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < count; i++)
        printf("| %s | %.0f | %.1f | %s |\n", blocks[i].name, blocks[i].work / 1e6,
               b->calibration.block_db[i], names[b->calibration.mixed[i]]);
}

static double psnr(const float *a, const float *b)
{
    double sum = 0;
    for (size_t i = 0; i < HELDOUT_PICTURE; i++)
        sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sum > 0 ? -10 * log10(sum / (double)HELDOUT_PICTURE) : 120;
}

/* f32, the other, and sixteen times their difference around grey. */
static void write_picture(int frame, const float *exact, const float *other)
{
    struct st_picture picture = {0};
    char path[ST_PATH_MAX];
    const size_t side = ST_UNET_SIDE;
    ST_OK(st_picture_resize(&picture, 3 * ST_UNET_SIDE, ST_UNET_SIDE, err));
    for (size_t i = 0; i < HELDOUT_PICTURE; i++) {
        const size_t c = i / (side * side), y = i / side % side, x = i % side;
        uint8_t *row = picture.data + y * picture.stride;
        const double off = 128 + 16 * 255 * ((double)other[i] - (double)exact[i]);
        row[3 * x + c] = (uint8_t)(exact[i] * 255);
        row[3 * (x + side) + c] = (uint8_t)(other[i] * 255);
        row[3 * (x + 2 * side) + c] = (uint8_t)fmin(fmax(off, 0), 255);
    }
    ST_OK(st_path_format(path, err, "%s/%d.png", folder, frame));
    ST_OK(st_png_write(&picture, path, 1, err));
    st_picture_free(&picture);
}

static void test_heldout(void **state)
{
    (void)state;
    static const struct {
        int precision;
        double mean, worst; /* at least */
    } rows[] = {{SYNCTALK_PRECISION_BF16, 60, 58},
                {SYNCTALK_PRECISION_MIXED, TARGET_DB, TARGET_DB - 1},
                {SYNCTALK_PRECISION_INT8, TARGET_DB, TARGET_DB - 1}};
    static const char *const names[] = {"bf16", "mixed", "int8"};
    enum { ROWS = 3 };
    const char *shared = st_shared("checkpoint/sanders/0.pth");
    char root[ST_PATH_MAX];
    struct bench b = {0};
    if (!shared)
        skip();
    snprintf(root, sizeof root, "%.*s", (int)(strlen(shared) - strlen("/checkpoint/sanders/0.pth")),
             shared);
    st_kernels_init(&b.kernels, ~0U);
    if (!st_pixel_kernels_have(b.kernels.flags, ST_ELEMENT_U8))
        skip();
    assert_true(heldout_open(&b.heldout, root, &b.weights, &b.form, &b.kernels));
    calibrate(&b);
    print_blocks(&b);

    struct st_unet *unets[1 + ROWS];
    struct st_unet_worker *workers[1 + ROWS];
    float *outs[1 + ROWS];
    double sum[ROWS] = {0}, worst[ROWS] = {200, 200, 200};
    for (size_t i = 0; i <= ROWS; i++) {
        struct st_unet_recipe recipe = b.recipe;
        st_unet_recipe_set(&recipe, &b.form, i ? rows[i - 1].precision : SYNCTALK_PRECISION_F32,
                           b.kernels.flags, &b.calibration);
        ST_OK(st_unet_open_as(&unets[i], b.weights, &b.form, &recipe, &b.kernels, err));
        ST_OK(st_unet_worker_open(&workers[i], unets[i], err));
        outs[i] = numbers(HELDOUT_PICTURE);
    }
    float *image = numbers(HELDOUT_IMAGE);
    float *sound = numbers((size_t)b.form.window * b.form.vector);
    for (int frame = HELDOUT_FIRST; frame < HELDOUT_END; frame++) {
        assert_true(heldout_read(b.heldout, frame, image, sound));
        for (size_t i = 0; i <= ROWS; i++)
            ST_OK(st_unet_run(workers[i], 1, image, sound, outs[i], err));
        for (size_t i = 0; i < ROWS; i++) {
            const double db = psnr(outs[0], outs[i + 1]);
            sum[i] += db;
            worst[i] = fmin(worst[i], db);
        }
        if (folder && frame % 12 == 0)
            write_picture(frame, outs[0], outs[2]);
    }
    const double frames = HELDOUT_END - HELDOUT_FIRST;
    for (size_t i = 0; i < ROWS; i++) {
        printf("%s: %.2f dB from f32, worst of 72 frames %.2f\n", names[i], sum[i] / frames,
               worst[i]);
        assert_true(sum[i] / frames >= rows[i].mean && worst[i] >= rows[i].worst);
    }
    for (size_t i = 0; i <= ROWS; i++) {
        free(outs[i]);
        st_unet_worker_close(&workers[i]);
        st_unet_close(&unets[i]);
    }
    free(sound);
    free(image);
    st_unet_recipe_free(&b.recipe);
    st_weights_close(&b.weights);
    heldout_close(&b.heldout);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heldout),
    };
    folder = argc > 1 ? argv[1] : NULL;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
