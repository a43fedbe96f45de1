/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures: 8-bit BGR, row-major, origin top-left, strides in bytes. */
#ifndef ST_IMAGE_PICTURE_H
#define ST_IMAGE_PICTURE_H

#include <stddef.h>
#include <stdint.h>

#include "synctalk/status.h"

#define ST_PICTURE_MAX_SIDE 16384 /* larger ones are refused before anything is allocated */

struct st_kernels;

/* Owns `data`; zero it first, and it may be filled again and again: the block is kept
 * when the next picture fits. */
struct st_picture {
    uint8_t *data;
    int width, height;
    size_t stride;   /* width * 3 */
    size_t capacity; /* bytes of the block */
};

synctalk_status st_picture_resize(struct st_picture *picture, int width, int height,
                                  synctalk_error *err); /* contents are undefined after */
void st_picture_free(struct st_picture *picture);

/* JPEG as OpenCV decodes it: libjpeg's accurate integer DCT, fancy upsampling; grey and
 * CMYK become BGR. A decoder keeps its scratch: one per thread. E_FORMAT with the path
 * and the decoder's words for a damaged or truncated file. */
struct st_jpeg_decoder;
synctalk_status st_jpeg_decoder_create(struct st_jpeg_decoder **out, synctalk_error *err);
void st_jpeg_decoder_destroy(struct st_jpeg_decoder **decoder);
/* From here on tell reading a file from decoding it; `watch` is the calling thread's, or NULL. */
struct st_stopwatch;
void st_jpeg_decoder_watch(struct st_jpeg_decoder *decoder, struct st_stopwatch *watch);
synctalk_status st_jpeg_read(struct st_jpeg_decoder *decoder, struct st_picture *picture,
                             const char *path, synctalk_error *err);
/* Width and height alone. */
synctalk_status st_jpeg_size(struct st_jpeg_decoder *decoder, const char *path, int *width,
                             int *height, synctalk_error *err);
/* 4:4:4. *bytes is ended by st_jpeg_free(). `name` is for messages. */
synctalk_status st_jpeg_encode(const struct st_picture *picture, int quality, const char *name,
                               unsigned char **bytes, size_t *size, synctalk_error *err);
void st_jpeg_free(unsigned char *bytes); /* NULL-safe */
/* Likewise into a file, whole or not at all. */
synctalk_status st_jpeg_write(const struct st_picture *picture, const char *path, int quality,
                              int overwrite, synctalk_error *err);

/* PNG to BGR (alpha dropped, palettes and grey expanded, 16 bit cut to 8), and back. */
synctalk_status st_png_read(struct st_picture *picture, const char *path, synctalk_error *err);
synctalk_status st_png_write(const struct st_picture *picture, const char *path, int overwrite,
                             synctalk_error *err);

/* OpenCV's INTER_CUBIC for 8-bit BGR, bit by bit (docs/MODEL.md, "Resampling"). Source
 * and destination are views: `src` may be a part of a larger picture. */
struct st_resizer;
/* For any sizes up to max_side on either side: nothing is allocated after. */
synctalk_status st_resizer_create(struct st_resizer **out, int max_side,
                                  const struct st_kernels *kernels, synctalk_error *err);
void st_resizer_destroy(struct st_resizer **resizer);
void st_resize_cubic(struct st_resizer *resizer, uint8_t *dst, int dst_width, int dst_height,
                     size_t dst_stride, const uint8_t *src, int src_width, int src_height,
                     size_t src_stride);

/* OpenCV's INTER_LINEAR for 8-bit BGR, bit by bit, between views of any sizes >= 1. */
void st_resize_linear(uint8_t *dst, int dst_width, int dst_height, size_t dst_stride,
                      const uint8_t *src, int src_width, int src_height, size_t src_stride);

/* OpenCV's INTER_AREA likewise, except that a mean of exactly half a level is rounded up.
 * `scratch` holds 3 * src_width floats. */
void st_resize_area(uint8_t *dst, int dst_width, int dst_height, size_t dst_stride,
                    const uint8_t *src, int src_width, int src_height, size_t src_stride,
                    float *scratch);

#endif /* ST_IMAGE_PICTURE_H */
