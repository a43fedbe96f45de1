/* SPDX-License-Identifier: Apache-2.0 */
/* JPEG's planes: parts of them are, as BGR, what decoding the whole file gives; what has no planes
 * says so; a damaged file is an error here too. */
#include "image/planes.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <unistd.h>

#include "support/support.h"

#define WIDEST 64

struct fixture {
    char *folder;
    char path[4200];
    struct st_jpeg_decoder *decoder;
    struct st_picture whole, part;
    struct st_planes planes, video;
    struct st_recolour *recolour;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->folder = st_scratch_create();
    snprintf(f->path, sizeof f->path, "%s/0.jpg", f->folder);
    ST_OK(st_jpeg_decoder_create(&f->decoder, err));
    ST_OK(st_recolour_create(&f->recolour, WIDEST, ~0U, err));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    st_scratch_remove(f->folder);
    st_jpeg_decoder_destroy(&f->decoder);
    st_recolour_destroy(&f->recolour);
    st_picture_free(&f->whole);
    st_picture_free(&f->part);
    st_planes_free(&f->planes);
    st_planes_free(&f->video);
    free(f);
    return 0;
}

/* Noise, so that no sample is like its neighbours. */
static void write_noise(struct fixture *f, int width, int height, int sampling, uint64_t seed)
{
    unsigned char *bytes = NULL;
    unsigned long size = 0;
    unsigned char *bgr = malloc((size_t)width * (size_t)height * 3);
    tjhandle handle = tjInitCompress();
    assert_true(bgr && handle);
    for (size_t i = 0; i < (size_t)width * (size_t)height * 3; i++)
        bgr[i] = (unsigned char)st_random_next(&seed);
    assert_int_equal(tjCompress2(handle, bgr, width, 0, height, TJPF_BGR, &bytes, &size, sampling,
                                 90, TJFLAG_ACCURATEDCT),
                     0);
    st_write_file(f->path, bytes, size);
    tjFree(bytes);
    tjDestroy(handle);
    free(bgr);
}

static bool read_both(struct fixture *f)
{
    bool found = false;
    ST_OK(st_jpeg_read(f->decoder, &f->whole, f->path, err));
    ST_OK(st_jpeg_read_planes(f->decoder, &f->planes, &found, f->path, err));
    return found;
}

static void check_part(struct fixture *f, struct st_picture_part part)
{
    ST_OK(st_picture_resize(&f->part, f->whole.width, f->whole.height, err));
    memset(f->part.data, 7, f->part.stride * (size_t)f->part.height);
    st_recolour_part(f->recolour, &f->part, &f->planes, &part);
    for (int y = 0; y < f->whole.height; y++) {
        for (int i = 0; i < 3 * f->whole.width; i++) {
            const size_t at = (size_t)y * f->whole.stride + (size_t)i;
            const bool in = y >= part.y && y < part.y + part.height && i / 3 >= part.x &&
                            i / 3 < part.x + part.width;
            if (f->part.data[at] != (in ? f->whole.data[at] : 7))
                fail_msg("%dx%d, part %d,%d %dx%d: byte %d of row %d is %d, want %d",
                         f->whole.width, f->whole.height, part.x, part.y, part.width, part.height,
                         i, y, f->part.data[at], in ? f->whole.data[at] : 7);
        }
    }
}

/* Caught here: chroma that is not interpolated as libjpeg does it, or at a part's border as if it
 * were the picture's. */
static void any_part_is_what_the_whole_file_gives(void **state)
{
    struct fixture *f = *state;
    const int sizes[][2] = {{8, 8}, {9, 11}, {16, 10}, {33, 17}, {62, 31}, {64, 48}};
    uint64_t seed = 5;
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (int kind = 0; kind < 2; kind++) {
            const int width = sizes[s][0];
            const int height = sizes[s][1];
            write_noise(f, width, height, kind ? TJSAMP_444 : TJSAMP_420, s);
            assert_true(read_both(f));
            assert_int_equal(f->planes.halved, !kind);
            check_part(f, (struct st_picture_part){0, 0, width, height});
            for (int k = 0; k < 60; k++) {
                struct st_picture_part part;
                part.x = (int)(st_random_next(&seed) % (uint64_t)width);
                part.y = (int)(st_random_next(&seed) % (uint64_t)height);
                part.width = 1 + (int)(st_random_next(&seed) % (uint64_t)(width - part.x));
                part.height = 1 + (int)(st_random_next(&seed) % (uint64_t)(height - part.y));
                check_part(f, part);
            }
        }
    }
}

static double sample(const struct st_planes *p, int plane, int x, int y)
{
    return p->data[plane][(size_t)y * p->stride[plane] + (size_t)x];
}

/* The exact colours of the file's own samples, rounded once: no way through BGR is nearer. */
static void a_video_has_the_files_colours(void **state)
{
    struct fixture *f = *state;
    const int sizes[][2] = {{8, 8}, {9, 11}, {63, 34}};
    for (size_t s = 0; s < 3; s++) {
        for (int kind = 0; kind < 2; kind++) {
            write_noise(f, sizes[s][0], sizes[s][1], kind ? TJSAMP_444 : TJSAMP_420, s);
            assert_true(read_both(f));
            ST_OK(st_recolour_video(f->recolour, &f->video, &f->planes, err));
            assert_int_equal(f->video.width, sizes[s][0] & ~1);
            assert_int_equal(f->video.height, sizes[s][1] & ~1);
            for (int y = 0; y < f->video.height / 2; y++) {
                for (int x = 0; x < f->video.width / 2; x++) {
                    double cb = sample(&f->planes, 1, x, y) - 128;
                    double cr = sample(&f->planes, 2, x, y) - 128;
                    if (kind) {
                        cb = cr = -128;
                        for (int k = 0; k < 4; k++) {
                            cb += sample(&f->planes, 1, 2 * x + k % 2, 2 * y + k / 2) / 4;
                            cr += sample(&f->planes, 2, 2 * x + k % 2, 2 * y + k / 2) / 4;
                        }
                    }
                    const double slack = kind ? 1.02 : 0.51; /* a mean is rounded too */
                    assert_true(fabs(sample(&f->video, 1, x, y) -
                                     (128 + 0.894805 * cb + 0.100684 * cr)) <= slack);
                    assert_true(fabs(sample(&f->video, 2, x, y) -
                                     (128 + 0.065926 * cb + 0.900679 * cr)) <= slack);
                }
            }
            /* Luma against the BGR that the file gives, where that was not clipped. */
            for (int y = 0; y < f->video.height; y++) {
                for (int x = 0; x < f->video.width; x++) {
                    const uint8_t *p = f->whole.data + (size_t)y * f->whole.stride + (size_t)x * 3;
                    bool clipped = false;
                    for (int c = 0; c < 3; c++)
                        clipped = clipped || p[c] == 0 || p[c] == 255;
                    const double want = 16 + 0.062007 * p[0] + 0.614231 * p[1] + 0.182586 * p[2];
                    assert_true(clipped || fabs(sample(&f->video, 0, x, y) - want) <= 1.0);
                }
            }
        }
    }
}

static void what_has_no_planes_says_so(void **state)
{
    struct fixture *f = *state;
    const int samplings[] = {TJSAMP_422, TJSAMP_GRAY, TJSAMP_440};
    for (size_t i = 0; i < 3; i++) {
        write_noise(f, 32, 24, samplings[i], i);
        assert_false(read_both(f));
    }
    write_noise(f, 6, 24, TJSAMP_420, 3); /* libjpeg treats few samples otherwise */
    assert_false(read_both(f));
}

static void a_file_that_is_cut_short_is_refused(void **state)
{
    struct fixture *f = *state;
    bool found = false;
    synctalk_error error = {0};
    write_noise(f, 64, 48, TJSAMP_420, 4);
    assert_int_equal(truncate(f->path, 1500), 0);
    assert_int_equal(st_jpeg_read_planes(f->decoder, &f->planes, &found, f->path, &error),
                     SYNCTALK_E_FORMAT);
    assert_non_null(strstr(error.message, "cut short"));
    assert_false(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(any_part_is_what_the_whole_file_gives, setup, teardown),
        cmocka_unit_test_setup_teardown(a_video_has_the_files_colours, setup, teardown),
        cmocka_unit_test_setup_teardown(what_has_no_planes_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_is_cut_short_is_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
