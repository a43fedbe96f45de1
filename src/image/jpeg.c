/* SPDX-License-Identifier: Apache-2.0 */
/* JPEG by TurboJPEG. The library calls a truncated file a warning and fills the rest with
 * grey; here it is an error, because such a frame must never be shown. */
#include <stdlib.h>
#include <string.h>
#include <turbojpeg.h>

#include "base/error.h"
#include "base/file.h"
#include "base/stopwatch.h"
#include "image/picture.h"
#include "image/planes.h"

/* LIMITSCANS: a progressive file of thousands of empty scans would decode for hours. */
#define DECODE_FLAGS (TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS)

#define PAGE 4096

struct st_jpeg_decoder {
    tjhandle handle;            /* owned */
    uint8_t *cmyk;              /* owned; grown for four-channel files */
    size_t cmyk_capacity;       /* bytes */
    struct st_stopwatch *watch; /* borrowed; NULL: off */
};

struct header {
    int width, height, colour_space;
    int sampling; /* TJSAMP_*, or -1: it has no name */
};

synctalk_status st_jpeg_decoder_create(struct st_jpeg_decoder **out, synctalk_error *err)
{
    *out = NULL;
    struct st_jpeg_decoder *decoder = calloc(1, sizeof *decoder);
    if (!decoder)
        return st_fail_memory(err, "a JPEG decoder", sizeof *decoder);
    if (!(decoder->handle = tjInitDecompress())) {
        st_jpeg_decoder_destroy(&decoder);
        return st_fail_memory(err, "a JPEG decoder", sizeof *decoder);
    }
    *out = decoder;
    return SYNCTALK_OK;
}

void st_jpeg_decoder_destroy(struct st_jpeg_decoder **decoder)
{
    if (!decoder || !*decoder)
        return;
    if ((*decoder)->handle)
        tjDestroy((*decoder)->handle);
    free((*decoder)->cmyk);
    free(*decoder);
    *decoder = NULL;
}

void st_jpeg_decoder_watch(struct st_jpeg_decoder *decoder, struct st_stopwatch *watch)
{
    decoder->watch = watch;
}

/* A mapped file comes as it is looked at: where somebody watches, before it is decoded, so that
 * the disk's time is not taken for the decoder's. */
static synctalk_status map_file(const struct st_jpeg_decoder *decoder, struct st_mapping *file,
                                const char *path, synctalk_error *err)
{
    synctalk_status st = st_map_file(file, path, err);
    if (st || !decoder->watch)
        return st;
    for (size_t i = 0; i < file->size; i += PAGE)
        (void)*(volatile const unsigned char *)&file->data[i];
    st_lap(decoder->watch, ST_STAGE_READ);
    return SYNCTALK_OK;
}

static synctalk_status read_header(struct st_jpeg_decoder *decoder, struct header *header,
                                   const struct st_mapping *file, const char *path,
                                   synctalk_error *err)
{
    *header = (struct header){0};
    if (file->size == 0)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: the file is empty; a JPEG picture is needed",
                       path);
    /* The call also fails for a chroma layout that has no name in its interface, after it
     * has filled the sizes; such a file decodes all the same. And it succeeds without a
     * size for a file that holds tables alone. */
    int failed = tjDecompressHeader3(decoder->handle, file->data, file->size, &header->width,
                                     &header->height, &header->sampling, &header->colour_space);
    if (failed)
        header->sampling = -1;
    if (header->width < 1 || header->height < 1)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: not a readable JPEG picture: %s", path,
                       failed ? tjGetErrorStr2(decoder->handle) : "it ends before any pixels");
    if (header->width > ST_PICTURE_MAX_SIDE || header->height > ST_PICTURE_MAX_SIDE)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: a picture of %dx%d: each side must be 1 to %d",
                       path, header->width, header->height, ST_PICTURE_MAX_SIDE);
    return SYNCTALK_OK;
}

static bool has_end_marker(const struct st_mapping *file)
{
    for (size_t i = file->size; i-- > 1;)
        if (file->data[i] == 0xD9 && file->data[i - 1] == 0xFF)
            return true;
    return false;
}

/* Only the first warning of a file keeps its words, so a harmless one counts as harmless
 * only where the file also reaches its end marker. */
static bool is_harmless(tjhandle handle, const struct st_mapping *file)
{
    const char *words = tjGetErrorStr2(handle);
    return tjGetErrorCode(handle) == TJERR_WARNING &&
           (strstr(words, "extraneous bytes") || strstr(words, "Adobe")) && has_end_marker(file);
}

static synctalk_status refuse_damage(const struct st_jpeg_decoder *decoder, const char *path,
                                     synctalk_error *err)
{
    return st_fail(err, SYNCTALK_E_FORMAT, "%s: the JPEG picture is damaged or cut short: %s", path,
                   tjGetErrorStr2(decoder->handle));
}

static synctalk_status decode(struct st_jpeg_decoder *decoder, uint8_t *dst, size_t stride,
                              const struct header *header, int format,
                              const struct st_mapping *file, const char *path, synctalk_error *err)
{
    if (tjDecompress2(decoder->handle, file->data, file->size, dst, header->width, (int)stride,
                      header->height, format, DECODE_FLAGS) == 0 ||
        is_harmless(decoder->handle, file))
        return SYNCTALK_OK;
    return refuse_damage(decoder, path, err);
}

/* Files store CMYK inverted; black scales what the inks leave. Source: OpenCV's imgcodecs,
 * whose rounding (a shift, not a division by 255) is kept. */
static void cmyk_to_bgr(uint8_t *dst, const uint8_t *cmyk, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++, dst += 3, cmyk += 4) {
        int k = cmyk[3];
        for (int c = 0; c < 3; c++)
            dst[2 - c] = (uint8_t)(k - ((255 - cmyk[c]) * k >> 8));
    }
}

static synctalk_status read_cmyk(struct st_jpeg_decoder *decoder, struct st_picture *picture,
                                 const struct header *header, const struct st_mapping *file,
                                 const char *path, synctalk_error *err)
{
    synctalk_status st;
    size_t stride = (size_t)header->width * 4;
    size_t bytes = stride * (size_t)header->height;
    if (bytes > decoder->cmyk_capacity) {
        uint8_t *grown = realloc(decoder->cmyk, bytes);
        if (!grown)
            return st_fail_memory(err, "a four-channel picture", bytes);
        decoder->cmyk = grown;
        decoder->cmyk_capacity = bytes;
    }
    if ((st = decode(decoder, decoder->cmyk, stride, header, TJPF_CMYK, file, path, err)))
        return st;
    cmyk_to_bgr(picture->data, decoder->cmyk, (size_t)header->width * (size_t)header->height);
    return SYNCTALK_OK;
}

synctalk_status st_jpeg_read(struct st_jpeg_decoder *decoder, struct st_picture *picture,
                             const char *path, synctalk_error *err)
{
    synctalk_status st;
    struct st_mapping file;
    struct header header;

    if ((st = map_file(decoder, &file, path, err)))
        return st;
    if ((st = read_header(decoder, &header, &file, path, err)))
        goto done;
    if ((st = st_picture_resize(picture, header.width, header.height, err)))
        goto done;
    if (header.colour_space == TJCS_CMYK || header.colour_space == TJCS_YCCK)
        st = read_cmyk(decoder, picture, &header, &file, path, err);
    else
        st = decode(decoder, picture->data, picture->stride, &header, TJPF_BGR, &file, path, err);

done:
    st_unmap_file(&file);
    return st;
}

/* What libjpeg does to chroma of so few samples is not what it does to more. */
#define LEAST_HALVED 8

static synctalk_status decode_planes(struct st_jpeg_decoder *decoder, struct st_planes *planes,
                                     const struct st_mapping *file, const char *path,
                                     synctalk_error *err)
{
    int strides[3];
    for (int i = 0; i < 3; i++)
        strides[i] = (int)planes->stride[i];
    if (tjDecompressToYUVPlanes(decoder->handle, file->data, file->size, planes->data, 0, strides,
                                0, DECODE_FLAGS) == 0 ||
        is_harmless(decoder->handle, file))
        return SYNCTALK_OK;
    return refuse_damage(decoder, path, err);
}

synctalk_status st_jpeg_read_planes(struct st_jpeg_decoder *decoder, struct st_planes *planes,
                                    bool *found, const char *path, synctalk_error *err)
{
    synctalk_status st;
    struct st_mapping file;
    struct header header;

    *found = false;
    if ((st = map_file(decoder, &file, path, err)))
        return st;
    if ((st = read_header(decoder, &header, &file, path, err)))
        goto done;
    const bool halved = header.sampling == TJSAMP_420;
    if (header.colour_space != TJCS_YCbCr || (!halved && header.sampling != TJSAMP_444) ||
        (halved && (header.width < LEAST_HALVED || header.height < LEAST_HALVED)))
        goto done;
    if ((st = st_planes_resize(planes, header.width, header.height, halved, err)) ||
        (st = decode_planes(decoder, planes, &file, path, err)))
        goto done;
    *found = true;

done:
    st_unmap_file(&file);
    return st;
}

synctalk_status st_jpeg_size(struct st_jpeg_decoder *decoder, const char *path, int *width,
                             int *height, synctalk_error *err)
{
    struct st_mapping file;
    struct header header;
    synctalk_status st = st_map_file(&file, path, err);
    if (st)
        return st;
    if (!(st = read_header(decoder, &header, &file, path, err))) {
        *width = header.width;
        *height = header.height;
    }
    st_unmap_file(&file);
    return st;
}

synctalk_status st_jpeg_encode(const struct st_picture *picture, int quality, const char *name,
                               unsigned char **bytes, size_t *size, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    unsigned long length = 0;
    tjhandle handle = tjInitCompress();

    *bytes = NULL;
    *size = 0;
    if (!handle)
        return st_fail_memory(err, "a JPEG encoder", sizeof *picture);
    if (tjCompress2(handle, picture->data, picture->width, (int)picture->stride, picture->height,
                    TJPF_BGR, bytes, &length, TJSAMP_444, quality, TJFLAG_ACCURATEDCT) < 0) {
        st = st_fail(err, SYNCTALK_E_LIBRARY, "%s: cannot encode a JPEG picture: %s", name,
                     tjGetErrorStr2(handle));
        st_jpeg_free(*bytes);
        *bytes = NULL;
    } else {
        *size = length;
    }
    tjDestroy(handle);
    return st;
}

void st_jpeg_free(unsigned char *bytes)
{
    tjFree(bytes);
}

synctalk_status st_jpeg_write(const struct st_picture *picture, const char *path, int quality,
                              int overwrite, synctalk_error *err)
{
    synctalk_status st;
    struct st_output output = {.fd = -1};
    unsigned char *bytes = NULL;
    size_t size = 0;

    if ((st = st_output_open(&output, path, overwrite, err)) ||
        (st = st_jpeg_encode(picture, quality, path, &bytes, &size, err)) ||
        (st = st_output_write(&output, bytes, size, err)))
        goto done;
    st = st_output_commit(&output, overwrite, err);

done:
    st_output_close(&output);
    st_jpeg_free(bytes);
    return st;
}
