/* SPDX-License-Identifier: Apache-2.0 */
/* PNG: every kind of pixel becomes three bytes, and a damaged file is an error. */
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "image/picture.h"
#include "support/support.h"

struct fixture {
    char *folder;
    char path[4200];
    struct st_picture picture;
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->folder = st_scratch_create();
    snprintf(f->path, sizeof f->path, "%s/0.png", f->folder);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    st_scratch_remove(f->folder);
    st_picture_free(&f->picture);
    free(f);
    return 0;
}

static void expect_refusal(struct fixture *f, synctalk_status want, const char *word)
{
    synctalk_error err = {0};
    synctalk_status st = st_png_read(&f->picture, f->path, &err);
    if (st != want)
        fail_msg("status %d (%s), want %d", st, err.message, want);
    assert_non_null(strstr(err.message, f->path));
    if (!strstr(err.message, word))
        fail_msg("\"%s\" lacks \"%s\"", err.message, word);
}

static void fill(struct st_picture *picture, int width, int height)
{
    uint64_t seed = 5;
    ST_OK(st_picture_resize(picture, width, height, err));
    for (size_t i = 0; i < picture->stride * (size_t)height; i++)
        picture->data[i] = (uint8_t)st_random_next(&seed);
}

static void test_round_trip(void **state)
{
    struct fixture *f = *state;
    struct st_picture drawn = {0};
    fill(&drawn, 33, 17);
    ST_OK(st_png_write(&drawn, f->path, 0, err));
    ST_OK(st_png_read(&f->picture, f->path, err));
    assert_int_equal(f->picture.width, 33);
    assert_int_equal(f->picture.height, 17);
    assert_memory_equal(f->picture.data, drawn.data, drawn.stride * 17);
    synctalk_error err;
    assert_int_equal(st_png_write(&drawn, f->path, 0, &err), SYNCTALK_E_EXISTS);
    st_picture_free(&drawn);
}

/* One row of two pixels, in the given form. */
static void write_two(const char *path, int type, int depth, const uint8_t *row, int interlace)
{
    static const png_color palette[4] = {{1, 2, 3}, {10, 20, 30}, {100, 110, 120}, {255, 0, 0}};
    static const png_byte clear[2] = {0, 128};
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
    png_infop info = png_create_info_struct(png);
    png_init_io(png, file);
    png_set_IHDR(png, info, 2, 1, depth, type, interlace, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    if (type == PNG_COLOR_TYPE_PALETTE) {
        png_set_PLTE(png, info, palette, 4);
        png_set_tRNS(png, info, clear, 2, NULL);
    }
    png_write_info(png, info);
    (void)png_set_interlace_handling(png);
    png_bytep rows[1] = {(png_bytep)(uintptr_t)row};
    png_write_image(png, rows);
    png_write_end(png, info);
    png_destroy_write_struct(&png, &info);
    assert_int_equal(fclose(file), 0);
}

static void test_every_kind(void **state)
{
    struct fixture *f = *state;
    static const struct {
        int type, depth, interlace;
        uint8_t row[16];
        uint8_t want[6]; /* B G R B G R */
    } kinds[] = {
        {PNG_COLOR_TYPE_GRAY, 8, 0, {7, 250}, {7, 7, 7, 250, 250, 250}},
        {PNG_COLOR_TYPE_GRAY, 1, 0, {0x40}, {0, 0, 0, 255, 255, 255}},
        {PNG_COLOR_TYPE_GRAY, 16, 0, {7, 255, 9, 0}, {7, 7, 7, 9, 9, 9}},
        {PNG_COLOR_TYPE_GRAY_ALPHA, 8, 0, {7, 0, 9, 255}, {7, 7, 7, 9, 9, 9}},
        {PNG_COLOR_TYPE_RGB, 8, 1, {1, 2, 3, 4, 5, 6}, {3, 2, 1, 6, 5, 4}},
        {PNG_COLOR_TYPE_RGB, 16, 0, {1, 255, 2, 255, 3, 255, 4, 0, 5, 0, 6, 0}, {3, 2, 1, 6, 5, 4}},
        {PNG_COLOR_TYPE_RGBA, 8, 0, {1, 2, 3, 0, 4, 5, 6, 99}, {3, 2, 1, 6, 5, 4}},
        {PNG_COLOR_TYPE_PALETTE, 8, 0, {1, 3}, {30, 20, 10, 0, 0, 255}},
        {PNG_COLOR_TYPE_PALETTE, 2, 0, {0x90}, {120, 110, 100, 30, 20, 10}},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        write_two(f->path, kinds[i].type, kinds[i].depth, kinds[i].row, kinds[i].interlace);
        ST_OK(st_png_read(&f->picture, f->path, err));
        assert_memory_equal(f->picture.data, kinds[i].want, 6);
    }
}

static void test_every_truncation_is_refused(void **state)
{
    struct fixture *f = *state;
    struct st_picture drawn = {0};
    static uint8_t data[8192];
    fill(&drawn, 20, 20);
    ST_OK(st_png_write(&drawn, f->path, 0, err));
    FILE *file = fopen(f->path, "rb");
    assert_non_null(file);
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    for (size_t cut = 0; cut < size; cut += 7) {
        st_write_file(f->path, data, cut);
        expect_refusal(f, SYNCTALK_E_FORMAT, cut ? "PNG" : "empty");
    }
    st_picture_free(&drawn);
}

static void test_damage_is_refused(void **state)
{
    struct fixture *f = *state;
    struct st_picture drawn = {0};
    static uint8_t data[8192];
    uint64_t seed = 9;
    fill(&drawn, 20, 20);
    ST_OK(st_png_write(&drawn, f->path, 0, err));
    FILE *file = fopen(f->path, "rb");
    assert_non_null(file);
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    for (int round = 0; round < 300; round++) {
        size_t at = st_random_next(&seed) % size;
        uint8_t old = data[at];
        data[at] ^= (uint8_t)(1u << st_random_next(&seed) % 8);
        st_write_file(f->path, data, size);
        synctalk_error err = {0};
        synctalk_status st = st_png_read(&f->picture, f->path, &err);
        assert_true(st == SYNCTALK_OK || st == SYNCTALK_E_FORMAT);
        if (st == SYNCTALK_OK) /* an ancillary chunk, or one that became ancillary */
            assert_memory_equal(f->picture.data, drawn.data, drawn.stride * 20);
        data[at] = old;
    }
    st_picture_free(&drawn);
}

static void test_wrong_files(void **state)
{
    struct fixture *f = *state;
    expect_refusal(f, SYNCTALK_E_MISSING, "open");
    st_write_file(f->path, "\x89PNG", 4);
    expect_refusal(f, SYNCTALK_E_FORMAT, "PNG");

    /* 40000x40000 in a header whose checksum is right. */
    static const uint8_t huge[] = {0x89, 'P',  'N', 'G', 13,  10, 26, 10,   0,    0,    0,
                                   13,   'I',  'H', 'D', 'R', 0,  0,  0x9C, 0x40, 0,    0,
                                   0x9C, 0x40, 8,   2,   0,   0,  0,  0xDE, 0x6E, 0x99, 0x52};
    st_write_file(f->path, huge, sizeof huge);
    expect_refusal(f, SYNCTALK_E_FORMAT, "PNG");
    assert_null(f->picture.data);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_round_trip),
        CASE(test_every_kind),
        CASE(test_every_truncation_is_refused),
        CASE(test_damage_is_refused),
        CASE(test_wrong_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
