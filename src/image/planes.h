/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures as planes: luma, and chroma of full size or of half in both directions.
 *
 * A frame of which only the face is redrawn need not become BGR and a video's colours again: its
 * planes are recoloured, the face's square alone becomes BGR, and what changes there is added.
 */
#ifndef ST_IMAGE_PLANES_H
#define ST_IMAGE_PLANES_H

#include <stdbool.h>

#include "image/picture.h"

/* Owns its block; zero it first, and it may be filled again and again. */
struct st_planes {
    uint8_t *data[3]; /* Y, Cb, Cr; all in data[0]'s block */
    size_t stride[3];
    int width, height;
    bool halved; /* chroma has (width + 1) / 2 by (height + 1) / 2 samples */
    size_t capacity;
};

synctalk_status st_planes_resize(struct st_planes *planes, int width, int height, bool halved,
                                 synctalk_error *err); /* contents are undefined after */
void st_planes_free(struct st_planes *planes);

/* JPEG's own planes. *found is false, and nothing is decoded, where the file's colours are not
 * YCbCr 4:2:0 or 4:4:4: read it as BGR. Else as st_jpeg_read(). */
synctalk_status st_jpeg_read_planes(struct st_jpeg_decoder *decoder, struct st_planes *planes,
                                    bool *found, const char *path, synctalk_error *err);

/* A part of a picture, not empty and inside of it. */
struct st_picture_part {
    int x, y, width, height;
};

/* One thread's scratch for pictures up to `max_width`. */
struct st_recolour;
synctalk_status st_recolour_create(struct st_recolour **out, int max_width, unsigned allowed,
                                   synctalk_error *err);
void st_recolour_destroy(struct st_recolour **recolour); /* NULL-safe */

/* `video` (4:2:0, BT.709, limited range, chroma at the middle of its 2x2) of JPEG's planes; it
 * gets their size, an odd row or column left out. */
synctalk_status st_recolour_video(struct st_recolour *recolour, struct st_planes *video,
                                  const struct st_planes *jpeg, synctalk_error *err);

/* A part of `picture`, which has the size of `jpeg`: the bytes that st_jpeg_read() gives. */
void st_recolour_part(struct st_recolour *recolour, struct st_picture *picture,
                      const struct st_planes *jpeg, const struct st_picture_part *part);

/* Add to `video` what has changed in a part of even place and size: `before` is packed BGR of
 * the part, `after` a picture of the video's size or larger. */
void st_recolour_change(struct st_recolour *recolour, struct st_planes *video,
                        const struct st_picture *after, const uint8_t *before,
                        const struct st_picture_part *part);

#endif /* ST_IMAGE_PLANES_H */
