/* SPDX-License-Identifier: Apache-2.0 */
/* Rows without gaps: Y, Cb, Cr, the part. */
#include "generate/kept_picture.h"

#include <string.h>

size_t st_kept_picture_bytes(const struct st_frame_info *info)
{
    const size_t luma = (size_t)(info->width & ~1) * (size_t)(info->height & ~1);
    const size_t side = (size_t)info->largest_side + ST_PART_ROOM;
    return luma + luma / 2 + 3 * side * side;
}

static void copy_rows(uint8_t *to, size_t to_stride, const uint8_t *from, size_t from_stride,
                      size_t bytes, int rows)
{
    for (int y = 0; y < rows; y++)
        memcpy(to + (size_t)y * to_stride, from + (size_t)y * from_stride, bytes);
}

static uint8_t *part_in(const struct st_picture *canvas, const struct st_picture_part *part)
{
    return canvas->data + (size_t)part->y * canvas->stride + 3 * (size_t)part->x;
}

void st_kept_picture_store(void *block, const struct st_planes *video,
                           const struct st_picture *canvas, const struct st_picture_part *part)
{
    uint8_t *at = block;
    for (int p = 0; p < 3; p++) {
        const size_t row = (size_t)video->width / (p ? 2 : 1);
        const int rows = video->height / (p ? 2 : 1);
        copy_rows(at, row, video->data[p], video->stride[p], row, rows);
        at += row * (size_t)rows;
    }
    if (part->height > 0)
        copy_rows(at, 3 * (size_t)part->width, part_in(canvas, part), canvas->stride,
                  3 * (size_t)part->width, part->height);
}

synctalk_status st_kept_picture_load(const void *block, int width, int height,
                                     struct st_planes *video, struct st_picture *canvas,
                                     const struct st_picture_part *part, synctalk_error *err)
{
    const uint8_t *at = block;
    synctalk_status st;
    if ((st = st_planes_resize(video, width & ~1, height & ~1, true, err)) ||
        (st = st_picture_resize(canvas, width, height, err)))
        return st;
    for (int p = 0; p < 3; p++) {
        const size_t row = (size_t)video->width / (p ? 2 : 1);
        const int rows = video->height / (p ? 2 : 1);
        copy_rows(video->data[p], video->stride[p], at, row, row, rows);
        at += row * (size_t)rows;
    }
    if (part->height > 0)
        copy_rows(part_in(canvas, part), canvas->stride, at, 3 * (size_t)part->width,
                  3 * (size_t)part->width, part->height);
    return SYNCTALK_OK;
}
