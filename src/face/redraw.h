/* SPDX-License-Identifier: Apache-2.0 */
/* The picture side of a frame's way: crop in, network input out; prediction in, frame out.
 *
 *     crop - 328x328 bicubic - inner 320x320 - masked - planes / 255      (st_redraw_crop)
 *     prediction - 8 bit - into the 328 crop - bicubic back - blend       (st_redraw_paste)
 *
 * A struct st_redraw is one worker's scratch, sized once for the largest frame: nothing
 * is allocated per frame. crop and paste belong together: paste uses the crop kept by the
 * crop before it.
 */
#ifndef ST_FACE_REDRAW_H
#define ST_FACE_REDRAW_H

#include "face/landmarks.h"
#include "image/picture.h"
#include "synctalk/settings.h"

#define ST_CROP_SIDE 328
#define ST_INNER_SIDE 320
#define ST_INNER_BORDER 4
/* The rectangle of the inner crop that the network does not see, both ends included. */
#define ST_MASK_LEFT 5
#define ST_MASK_RIGHT 314
#define ST_MASK_TOP 5
#define ST_MASK_BOTTOM 309

struct st_redraw_settings {
    int blend;        /* synctalk_blend */
    int feather_px;   /* 0..64, pixels of the frame */
    int colour_match; /* shift the prediction's colours to its surroundings */
};

struct st_redraw;

/* For squares up to max_side. `kernels` is copied. */
synctalk_status st_redraw_create(struct st_redraw **out, const struct st_redraw_settings *settings,
                                 int max_side, const struct st_kernels *kernels,
                                 synctalk_error *err);
void st_redraw_destroy(struct st_redraw **redraw);

/* `input` [6, 320, 320] f32: inner then masked crop, BGR planes in [0, 1]. Where the
 * square leaves the frame the border is replicated. */
void st_redraw_crop(struct st_redraw *redraw, const struct st_picture *frame,
                    const struct st_crop_box *box, float *input);

/* `prediction` [3, 320, 320] f32 in [0, 1], into `frame`, inside the square of the last
 * crop and inside the frame. `landmarks` are used by SYNCTALK_BLEND_FACE. `parsing` (size
 * of the frame, or NULL): pixels exactly red (0,0,255) or white keep the frame's own. */
void st_redraw_paste(struct st_redraw *redraw, struct st_picture *frame, const float *prediction,
                     const struct st_landmarks *landmarks, const struct st_picture *parsing);

/* The 328x328x3 crop of the last st_redraw_crop(), and the inner crop with the prediction
 * in 8 bit after st_redraw_paste(); for tests and evaluation. Borrowed. */
const uint8_t *st_redraw_crop_bytes(const struct st_redraw *redraw);

#endif /* ST_FACE_REDRAW_H */
