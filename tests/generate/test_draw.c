/* SPDX-License-Identifier: Apache-2.0 */
/* A frame that is drawn as planes looks as one that is drawn as BGR, and where it was not redrawn
 * it keeps the file's own samples. */
#include "generate/draw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "face/dataset.h"
#include "support/support.h"

#define WIDTH 141
#define HEIGHT 111

struct fixture {
    char *folder;
    char path[4200];
    struct st_kernels kernels;
    struct st_unet *unet;
    size_t audio_floats;
    struct st_jpeg_decoder *decoder;
};

/* Smooth, with edges; TJSAMP_420 or TJSAMP_444. */
static void write_frame(const char *path, int sampling)
{
    static unsigned char bgr[HEIGHT][WIDTH][3];
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    tjhandle handle = tjInitCompress();
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            bgr[y][x][0] = (unsigned char)(60 + x);
            bgr[y][x][1] = (unsigned char)(40 + y + (x / 20 % 2) * 30);
            bgr[y][x][2] = (unsigned char)(200 - x / 2 - y / 2);
        }
    assert_int_equal(tjCompress2(handle, bgr[0][0], WIDTH, 0, HEIGHT, TJPF_BGR, &bytes, &size,
                                 sampling, 92, TJFLAG_ACCURATEDCT),
                     0);
    st_write_file(path, bytes, size);
    tjFree(bytes);
    tjDestroy(handle);
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct st_weights *weights;
    struct st_unet_form form;
    assert_non_null(f);
    f->folder = st_scratch_create();
    snprintf(f->path, sizeof f->path, "%s/0.jpg", f->folder);
    st_kernels_init(&f->kernels, ~0U);
    ST_OK(st_unet_random(&weights, true, SYNCTALK_ENCODER_AVE, 3, err));
    ST_OK(st_unet_recognise(&form, weights, SYNCTALK_ENCODER_AUTO, err));
    ST_OK(st_unet_open(&f->unet, weights, &form, &f->kernels, err));
    f->audio_floats = form.audio_dims[0] * form.audio_dims[1] * form.audio_dims[2];
    st_weights_close(&weights);
    ST_OK(st_jpeg_decoder_create(&f->decoder, err));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    st_scratch_remove(f->folder);
    st_unet_close(&f->unet);
    st_jpeg_decoder_destroy(&f->decoder);
    free(f);
    return 0;
}

static void draw(struct fixture *f, struct st_drawing *drawing, const struct st_crop_box *box,
                 bool planes)
{
    const struct st_frame_info info = {.width = WIDTH, .height = HEIGHT, .largest_side = 100};
    const struct st_drawer_settings settings = {
        .unet = f->unet,
        .kernels = &f->kernels,
        .info = &info,
        .redraw = {.blend = SYNCTALK_BLEND_EDGE, .feather_px = 6},
    };
    struct st_drawer *drawer;
    struct st_frame *frame = &drawing->frame;
    ST_OK(st_drawer_create(&drawer, &settings, err));
    if (planes)
        ST_OK(st_jpeg_read_planes(f->decoder, &frame->planes, &frame->has_planes, f->path, err));
    else
        ST_OK(st_jpeg_read(f->decoder, &frame->picture, f->path, err));
    assert_int_equal(frame->has_planes, planes);
    frame->draw = box != NULL;
    if (box)
        frame->box = *box;
    drawing->audio = calloc(f->audio_floats, sizeof *drawing->audio);
    assert_non_null(drawing->audio);
    ST_OK(st_drawer_draw(drawer, drawing, err));
    st_drawer_destroy(&drawer);
}

static void end(struct st_drawing *drawing)
{
    st_frame_free(&drawing->frame);
    st_planes_free(&drawing->video);
    free(drawing->audio);
}

/* Planes of a video against a picture, all in the video's colours: the largest difference of
 * luma, and of chroma's from the mean of 2x2. */
static void compare(const struct st_planes *video, const struct st_picture *picture, double *luma,
                    double *chroma)
{
    *luma = *chroma = 0;
    for (int y = 0; y < video->height; y++) {
        for (int x = 0; x < video->width; x++) {
            const uint8_t *p = picture->data + (size_t)y * picture->stride + (size_t)x * 3;
            const double want = 16 + 0.062007 * p[0] + 0.614231 * p[1] + 0.182586 * p[2];
            *luma =
                fmax(*luma, fabs(video->data[0][(size_t)y * video->stride[0] + (size_t)x] - want));
            if (x % 2 || y % 2)
                continue;
            double cb = 128;
            double cr = 128;
            for (size_t k = 0; k < 4; k++) {
                const uint8_t *q = p + k / 2 * picture->stride + k % 2 * 3;
                cb += (0.439216 * q[0] - 0.338572 * q[1] - 0.100644 * q[2]) / 4;
                cr += (0.439216 * q[2] - 0.398942 * q[1] - 0.040274 * q[0]) / 4;
            }
            const size_t at = (size_t)y / 2 * video->stride[1] + (size_t)x / 2;
            *chroma =
                fmax(*chroma, fmax(fabs(video->data[1][at] - cb), fabs(video->data[2][at] - cr)));
        }
    }
}

static void planes_look_as_bgr(void **state)
{
    struct fixture *f = *state;
    /* Inside; leaving at the left and above; at the right and below, over the odd last column and
     * row; away from the frame. */
    const struct st_crop_box boxes[] = {{31, 20, 70}, {-13, -9, 64}, {80, 50, 77}, {200, 9, 30}};
    for (int kind = 0; kind < 2; kind++) {
        write_frame(f->path, kind ? TJSAMP_444 : TJSAMP_420);
        for (size_t i = 0; i < sizeof boxes / sizeof *boxes; i++) {
            struct st_drawing planes = {.plan = {.other = -1}};
            struct st_drawing bgr = {.plan = {.other = -1}};
            double luma;
            double chroma;
            draw(f, &planes, &boxes[i], true);
            draw(f, &bgr, &boxes[i], false);
            assert_int_equal(planes.video.width, WIDTH - 1);
            assert_int_equal(planes.video.height, HEIGHT - 1);
            compare(&planes.video, &bgr.frame.picture, &luma, &chroma);
            /* Two roundings, and what libjpeg's interpolation takes off chroma. */
            if (!(luma <= 1.5 && chroma <= 4))
                fail_msg("kind %d, box %zu: luma is off by %g, chroma by %g", kind, i, luma,
                         chroma);
            end(&planes);
            end(&bgr);
        }
    }
}

/* Caught here: a face that changes anything outside of its square. */
static void the_rest_keeps_the_files_samples(void **state)
{
    struct fixture *f = *state;
    const struct st_crop_box box = {31, 20, 70};
    struct st_drawing drawn = {.plan = {.other = -1}};
    struct st_drawing plain = {.plan = {.other = -1}};
    size_t changed = 0;
    write_frame(f->path, TJSAMP_420);
    draw(f, &drawn, &box, true);
    draw(f, &plain, NULL, true);
    for (int p = 0; p < 3; p++) {
        for (int y = 0; y < drawn.video.height / (p ? 2 : 1); y++) {
            for (int x = 0; x < drawn.video.width / (p ? 2 : 1); x++) {
                const int scale = p ? 2 : 1;
                const bool in = scale * x + scale > box.x && scale * x < box.x + box.side &&
                                scale * y + scale > box.y && scale * y < box.y + box.side;
                const size_t at = (size_t)y * drawn.video.stride[p] + (size_t)x;
                changed += drawn.video.data[p][at] != plain.video.data[p][at];
                assert_true(in || drawn.video.data[p][at] == plain.video.data[p][at]);
            }
        }
    }
    assert_true(changed > 3000);
    end(&drawn);
    end(&plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(planes_look_as_bgr),
        cmocka_unit_test(the_rest_keeps_the_files_samples),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
