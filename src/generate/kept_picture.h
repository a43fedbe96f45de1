/* SPDX-License-Identifier: Apache-2.0 */
/* A source frame as its worker begins with it, kept beside the network's image side in one block
 * of generate/image_cache.h: its planes in the video's colours, and the part of it in which the
 * face is redrawn as BGR. Where it is there, the file need be neither read nor decoded. */
#ifndef ST_GENERATE_KEPT_PICTURE_H
#define ST_GENERATE_KEPT_PICTURE_H

#include "generate/frame_source.h"
#include "image/planes.h"

/* Pixels that a redrawn part reaches beyond the square, both sides together. */
#define ST_PART_ROOM 4

size_t st_kept_picture_bytes(const struct st_frame_info *info);

/* `part` of `canvas`; empty where nothing is redrawn. */
void st_kept_picture_store(void *block, const struct st_planes *video,
                           const struct st_picture *canvas, const struct st_picture_part *part);

/* What was stored, with the same part, of frames of width x height. `canvas` gets that size. */
synctalk_status st_kept_picture_load(const void *block, int width, int height,
                                     struct st_planes *video, struct st_picture *canvas,
                                     const struct st_picture_part *part, synctalk_error *err);

#endif /* ST_GENERATE_KEPT_PICTURE_H */
