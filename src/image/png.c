/* SPDX-License-Identifier: Apache-2.0 */
/* PNG by libpng. Its errors are long jumps: everything that must survive one lives in a
 * struct, and no call that may jump holds a resource in a local. */
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "image/picture.h"

/* Text and profiles are of no use here, so a file cannot ask for much of them. */
#define CHUNK_BYTES_MAX (8u << 20)

struct reader {
    struct st_mapping file; /* owned */
    size_t at;              /* bytes of the file consumed */
    png_structp png;        /* owned */
    png_infop info;         /* owned */
    png_bytep *rows;        /* owned; into the picture */
    const char *path;
    char words[128]; /* libpng's, of the error */
};

static void on_error(png_structp png, png_const_charp words)
{
    struct reader *reader = png_get_error_ptr(png);
    size_t length = strnlen(words, sizeof reader->words - 1);
    memcpy(reader->words, words, length);
    reader->words[length] = '\0';
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp words)
{
    (void)png;
    (void)words;
}

static void on_read(png_structp png, png_bytep dst, size_t count)
{
    struct reader *reader = png_get_io_ptr(png);
    if (count > reader->file.size - reader->at)
        png_error(png, "the file is cut short");
    memcpy(dst, reader->file.data + reader->at, count);
    reader->at += count;
}

static synctalk_status refuse(const struct reader *reader, synctalk_error *err)
{
    return st_fail(err, SYNCTALK_E_FORMAT, "%s: not a readable PNG picture: %s", reader->path,
                   reader->words);
}

/* Header read, output set to three bytes a pixel, BGR. */
static synctalk_status read_start(struct reader *reader, synctalk_error *err)
{
    if (setjmp(png_jmpbuf(reader->png)))
        return refuse(reader, err);
    png_set_read_fn(reader->png, reader, on_read);
    png_set_user_limits(reader->png, ST_PICTURE_MAX_SIDE, ST_PICTURE_MAX_SIDE);
    png_set_chunk_malloc_max(reader->png, CHUNK_BYTES_MAX);
    png_read_info(reader->png, reader->info);
    png_set_palette_to_rgb(reader->png);
    png_set_strip_16(reader->png);
    png_set_strip_alpha(reader->png);
    if (!(png_get_color_type(reader->png, reader->info) & PNG_COLOR_MASK_COLOR)) {
        if (png_get_bit_depth(reader->png, reader->info) < 8)
            png_set_expand_gray_1_2_4_to_8(reader->png);
        png_set_gray_to_rgb(reader->png);
    }
    png_set_bgr(reader->png);
    (void)png_set_interlace_handling(reader->png);
    png_read_update_info(reader->png, reader->info);
    if (png_get_rowbytes(reader->png, reader->info) !=
        (size_t)png_get_image_width(reader->png, reader->info) * 3)
        png_error(reader->png, "its pixels cannot be made three bytes");
    return SYNCTALK_OK;
}

static synctalk_status read_rows(struct reader *reader, synctalk_error *err)
{
    if (setjmp(png_jmpbuf(reader->png)))
        return refuse(reader, err);
    png_read_image(reader->png, reader->rows);
    png_read_end(reader->png, NULL);
    return SYNCTALK_OK;
}

static synctalk_status read_all(struct reader *reader, struct st_picture *picture,
                                synctalk_error *err)
{
    synctalk_status st;
    reader->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, reader, on_error, on_warning);
    if (reader->png)
        reader->info = png_create_info_struct(reader->png);
    if (!reader->info)
        return st_fail_memory(err, "a PNG decoder", sizeof *reader);
    if ((st = read_start(reader, err)))
        return st;

    int width = (int)png_get_image_width(reader->png, reader->info);
    int height = (int)png_get_image_height(reader->png, reader->info);
    if ((st = st_picture_resize(picture, width, height, err)))
        return st;
    reader->rows = malloc((size_t)height * sizeof(png_bytep));
    if (!reader->rows)
        return st_fail_memory(err, "a picture's rows", (size_t)height * sizeof(png_bytep));
    for (size_t y = 0; y < (size_t)height; y++)
        reader->rows[y] = picture->data + y * picture->stride;
    return read_rows(reader, err);
}

synctalk_status st_png_read(struct st_picture *picture, const char *path, synctalk_error *err)
{
    synctalk_status st;
    struct reader reader = {.path = path};

    if ((st = st_map_file(&reader.file, path, err)))
        return st;
    if (reader.file.size < 8 || png_sig_cmp(reader.file.data, 0, 8) != 0)
        st = st_fail(err, SYNCTALK_E_FORMAT, "%s: %s; a PNG picture is needed", path,
                     reader.file.size ? "does not begin as PNG does" : "the file is empty");
    else
        st = read_all(&reader, picture, err);

    png_destroy_read_struct(&reader.png, &reader.info, NULL);
    free(reader.rows);
    st_unmap_file(&reader.file);
    return st;
}

synctalk_status st_png_write(const struct st_picture *picture, const char *path, int overwrite,
                             synctalk_error *err)
{
    synctalk_status st;
    struct st_output output = {.fd = -1};
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)picture->width,
                       .height = (png_uint_32)picture->height,
                       .format = PNG_FORMAT_BGR};
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    void *bytes = malloc(size);

    if (!bytes)
        return st_fail_memory(err, "a PNG picture", size);
    if ((st = st_output_open(&output, path, overwrite, err)))
        goto done;
    if (!png_image_write_to_memory(&image, bytes, &size, 0, picture->data,
                                   (png_int_32)picture->stride, NULL)) {
        st = st_fail(err, SYNCTALK_E_LIBRARY, "%s: cannot encode a PNG picture: %s", path,
                     image.message);
        goto done;
    }
    if ((st = st_output_write(&output, bytes, size, err)))
        goto done;
    st = st_output_commit(&output, overwrite, err);

done:
    png_image_free(&image);
    st_output_close(&output);
    free(bytes);
    return st;
}
