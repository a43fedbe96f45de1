/* SPDX-License-Identifier: Apache-2.0 */
/* JPEG: what is written comes back, and a damaged file is an error, never a grey frame. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>
#include <unistd.h>

#include "image/picture.h"
#include "support/support.h"

static void draw(struct st_picture *picture, int width, int height)
{
    ST_OK(st_picture_resize(picture, width, height, err));
    for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
            uint8_t *p = picture->data + (size_t)y * picture->stride + (size_t)x * 3;
            p[0] = (uint8_t)(x * 255 / width);
            p[1] = (uint8_t)(y * 255 / height);
            p[2] = (uint8_t)((x + y) * 255 / (width + height));
        }
    }
}

struct fixture {
    char *folder;
    char path[4200];
    struct st_jpeg_decoder *decoder;
    struct st_picture picture;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->folder = st_scratch_create();
    snprintf(f->path, sizeof f->path, "%s/0.jpg", f->folder);
    ST_OK(st_jpeg_decoder_create(&f->decoder, err));
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    st_scratch_remove(f->folder);
    st_jpeg_decoder_destroy(&f->decoder);
    st_picture_free(&f->picture);
    free(f);
    return 0;
}

static void expect_refusal(struct fixture *f, synctalk_status want, const char *word)
{
    synctalk_error err = {0};
    synctalk_status st = st_jpeg_read(f->decoder, &f->picture, f->path, &err);
    if (st != want)
        fail_msg("status %d (%s), want %d", st, err.message, want);
    assert_non_null(strstr(err.message, f->path));
    if (!strstr(err.message, word))
        fail_msg("\"%s\" lacks \"%s\"", err.message, word);
}

static uint8_t *slurp(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *data = malloc(*size + 64);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *size, file), *size);
    fclose(file);
    return data;
}

static void test_round_trip(void **state)
{
    struct fixture *f = *state;
    struct st_picture drawn = {0};
    int width = 0;
    int height = 0;
    draw(&drawn, 37, 21);
    ST_OK(st_jpeg_write(&drawn, f->path, 98, 0, err));
    ST_OK(st_jpeg_size(f->decoder, f->path, &width, &height, err));
    assert_int_equal(width, 37);
    assert_int_equal(height, 21);
    ST_OK(st_jpeg_read(f->decoder, &f->picture, f->path, err));
    assert_int_equal(f->picture.width, 37);
    assert_int_equal(f->picture.height, 21);
    for (size_t i = 0; i < drawn.stride * 21; i++)
        assert_in_range(abs(f->picture.data[i] - drawn.data[i]), 0, 6);

    synctalk_error err;
    assert_int_equal(st_jpeg_write(&drawn, f->path, 98, 0, &err), SYNCTALK_E_EXISTS);
    assert_int_equal(st_jpeg_write(&drawn, f->path, 98, 1, &err), SYNCTALK_OK);
    st_picture_free(&drawn);
}

/* A picture that fits keeps its block: frames are read without allocating. */
static void test_block_is_kept(void **state)
{
    struct fixture *f = *state;
    struct st_picture drawn = {0};
    draw(&drawn, 64, 48);
    ST_OK(st_jpeg_write(&drawn, f->path, 90, 0, err));
    ST_OK(st_jpeg_read(f->decoder, &f->picture, f->path, err));
    const uint8_t *block = f->picture.data;
    draw(&drawn, 32, 16);
    ST_OK(st_jpeg_write(&drawn, f->path, 90, 1, err));
    ST_OK(st_jpeg_read(f->decoder, &f->picture, f->path, err));
    assert_ptr_equal(f->picture.data, block);
    assert_int_equal(f->picture.stride, 96);
    st_picture_free(&drawn);
}

/* TurboJPEG calls a file that ends early a warning and fills the rest with grey. */
static void test_every_truncation_is_refused(void **state)
{
    struct fixture *f = *state;
    struct st_picture drawn = {0};
    size_t size;
    draw(&drawn, 40, 40);
    ST_OK(st_jpeg_write(&drawn, f->path, 90, 0, err));
    uint8_t *data = slurp(f->path, &size);
    /* The last two bytes are the end marker, after all pixels. */
    for (size_t cut = 0; cut < size - 2; cut += cut < 700 ? 13 : 1) {
        st_write_file(f->path, data, cut);
        expect_refusal(f, SYNCTALK_E_FORMAT, cut ? "JPEG" : "empty");
    }
    free(data);
    st_picture_free(&drawn);
}

/* Cameras leave bytes between segments: the pixels are whole, and the file is taken. */
static void test_extraneous_bytes_pass(void **state)
{
    struct fixture *f = *state;
    struct st_picture drawn = {0};
    size_t size;
    draw(&drawn, 40, 40);
    ST_OK(st_jpeg_write(&drawn, f->path, 90, 0, err));
    uint8_t *data = slurp(f->path, &size);
    memmove(data + 2 + 5, data + 2, size - 2); /* five zeros after the start marker */
    memset(data + 2, 0, 5);
    st_write_file(f->path, data, size + 5);
    ST_OK(st_jpeg_read(f->decoder, &f->picture, f->path, err));
    for (size_t i = 0; i < drawn.stride * 40; i++)
        assert_in_range(abs(f->picture.data[i] - drawn.data[i]), 0, 24);

    /* But they do not cover up for what is missing at the end. */
    st_write_file(f->path, data, size - 60);
    expect_refusal(f, SYNCTALK_E_FORMAT, "damaged or cut short");
    free(data);
    st_picture_free(&drawn);
}

/* Pixels missing in the middle, with the end marker in place: the rest would be grey. */
static void test_a_hole_is_refused(void **state)
{
    struct fixture *f = *state;
    struct st_picture drawn = {0};
    size_t size;
    draw(&drawn, 64, 64);
    ST_OK(st_jpeg_write(&drawn, f->path, 95, 0, err));
    uint8_t *data = slurp(f->path, &size);
    memmove(data + size - 202, data + size - 2, 2);
    st_write_file(f->path, data, size - 200);
    expect_refusal(f, SYNCTALK_E_FORMAT, "damaged or cut short");
    free(data);
    st_picture_free(&drawn);
}

static void test_damage_never_crashes(void **state)
{
    struct fixture *f = *state;
    struct st_picture drawn = {0};
    uint64_t seed = 3;
    size_t size;
    draw(&drawn, 48, 32);
    ST_OK(st_jpeg_write(&drawn, f->path, 90, 0, err));
    uint8_t *data = slurp(f->path, &size);
    uint8_t *copy = malloc(size);
    assert_non_null(copy);
    for (int round = 0; round < 300; round++) {
        memcpy(copy, data, size);
        for (int k = 0; k < 4; k++)
            copy[st_random_next(&seed) % size] = (uint8_t)st_random_next(&seed);
        /* The sizes stay: a lying one only makes the test slow. */
        memcpy(copy + 160, data + 160, 12);
        st_write_file(f->path, copy, size);
        synctalk_error err = {0};
        synctalk_status st = st_jpeg_read(f->decoder, &f->picture, f->path, &err);
        assert_true(st == SYNCTALK_OK || st == SYNCTALK_E_FORMAT);
    }
    free(copy);
    free(data);
    st_picture_free(&drawn);
}

static void test_grey_and_cmyk(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int format, sampling;
    } kinds[] = {{TJPF_GRAY, TJSAMP_GRAY}, {TJPF_CMYK, TJSAMP_444}};
    for (size_t k = 0; k < 2; k++) {
        size_t channels = (size_t)tjPixelSize[kinds[k].format];
        uint8_t pixels[16 * 16 * 4];
        unsigned char *bytes = NULL;
        unsigned long size = 0;
        memset(pixels, 200, sizeof pixels);
        tjhandle handle = tjInitCompress();
        assert_int_equal(tjCompress2(handle, pixels, 16, (int)(16 * channels), 16, kinds[k].format,
                                     &bytes, &size, kinds[k].sampling, 95, 0),
                         0);
        st_write_file(f->path, bytes, size);
        tjFree(bytes);
        tjDestroy(handle);
        ST_OK(st_jpeg_read(f->decoder, &f->picture, f->path, err));
        int want = k == 0 ? 200 : 200 - (55 * 200 >> 8);
        for (size_t i = 0; i < (size_t)16 * 16 * 3; i++)
            assert_in_range(f->picture.data[i], want - 2, want + 2);
    }
}

static void test_wrong_files(void **state)
{
    struct fixture *f = *state;
    expect_refusal(f, SYNCTALK_E_MISSING, "open");
    st_write_file(f->path, "", 0);
    expect_refusal(f, SYNCTALK_E_FORMAT, "empty");
    st_write_file(f->path, "no picture at all", 17);
    expect_refusal(f, SYNCTALK_E_FORMAT, "JPEG");
}

/* A header may promise 60000x60000 pixels in a few bytes. */
static void test_huge_header_is_refused_before_memory(void **state)
{
    struct fixture *f = *state;
    static const uint8_t header[] = {
        0xFF, 0xD8, 0xFF, 0xC0, 0, 17, 8, 0xEA, 0x60, 0xEA, 0x60, 3, 1, 0x11, 0,  2, 0x11, 0,   3,
        0x11, 0,    0xFF, 0xDA, 0, 12, 3, 1,    0,    2,    0,    3, 0, 0,    63, 0, 0xFF, 0xD9};
    st_write_file(f->path, header, sizeof header);
    expect_refusal(f, SYNCTALK_E_FORMAT, "16384");
    assert_null(f->picture.data);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_round_trip),
        CASE(test_block_is_kept),
        CASE(test_every_truncation_is_refused),
        CASE(test_extraneous_bytes_pass),
        CASE(test_a_hole_is_refused),
        CASE(test_damage_never_crashes),
        CASE(test_grey_and_cmyk),
        CASE(test_wrong_files),
        CASE(test_huge_header_is_refused_before_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
