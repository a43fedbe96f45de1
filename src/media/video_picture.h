/* SPDX-License-Identifier: Apache-2.0 */
/* A decoded picture as upright BGR.
 *
 * Matrix and range are the picture's own tags. Without a matrix tag it is BT.709 if the
 * picture is 1280 or more wide or above 576 high, else BT.601; without a range tag it is
 * limited. Transfer functions are left alone (no tone mapping). Chroma is interpolated at
 * the same positions where the writer averages it, so that reading and writing undo each
 * other. A picture of another size than the first is scaled to the first.
 */
#ifndef ST_MEDIA_VIDEO_PICTURE_H
#define ST_MEDIA_VIDEO_PICTURE_H

#include <libavformat/avformat.h>
#include <libavutil/frame.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synctalk/status.h"

struct SwsContext;

/* Upright pixel (x, y) is stored pixel (x, y), or (y, x) with `transposed`, after `flip_x` and
 * `flip_y` mirrored the stored picture left to right and top to bottom. */
struct st_video_turn {
    bool transposed, flip_x, flip_y;
    int degrees;   /* clockwise, that make the stored picture upright: 0, 90, 180, 270 */
    bool mirrored; /* and then from left to right */
    double odd;    /* degrees that are no quarter turn and are not undone; 0: none */
};

/* From the stream's display matrix; the identity without one. */
struct st_video_turn st_video_turn_of(const AVStream *stream);

struct st_video_picture {
    const char *path;  /* borrows, for messages */
    int width, height; /* as stored */
    struct st_video_turn turn;
    struct SwsContext *sws; /* for pictures as `from_*` say; NULL before the first */
    int from_width, from_height, from_format, from_matrix, from_range;
    AVFrame *planes; /* owns; the last picture, GBR planes, as stored */
};

/* Convert into `dst`: rows of 3 * upright width bytes, `stride` apart. */
synctalk_status st_video_picture_convert(struct st_video_picture *picture, const AVFrame *frame,
                                         uint8_t *dst, size_t stride, synctalk_error *err);
void st_video_picture_close(struct st_video_picture *picture); /* safe on a zeroed struct */

#endif /* ST_MEDIA_VIDEO_PICTURE_H */
