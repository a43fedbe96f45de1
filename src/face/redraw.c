/* SPDX-License-Identifier: Apache-2.0 */
#include "face/redraw.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "face/colour.h"
#include "face/outline.h"
#include "kernels/kernels.h"

#define PLANE ((size_t)ST_INNER_SIDE * ST_INNER_SIDE)

struct st_redraw {
    struct st_redraw_settings settings;
    struct st_kernels kernels;
    struct st_resizer *resizer; /* owned */
    int max_side;
    struct st_crop_box box;    /* of the last crop */
    uint8_t *crop;             /* [328, 328, 3], owned */
    uint8_t *square;           /* [side, side, 3] in the frame's size, owned */
    uint8_t *across;           /* [side] the border's weight along a row, owned */
    uint8_t *alpha;            /* [side] of one row, owned */
    struct st_outline outline; /* of the face, for SYNCTALK_BLEND_FACE */
    float unit[256];           /* level / 255 */
};

synctalk_status st_redraw_create(struct st_redraw **out, const struct st_redraw_settings *settings,
                                 int max_side, const struct st_kernels *kernels,
                                 synctalk_error *err)
{
    synctalk_status st;
    *out = NULL;
    if (max_side < 1 || max_side > ST_PICTURE_MAX_SIDE)
        return st_fail(err, SYNCTALK_E_ARG, "a face of %d pixels: 1 to %d are possible", max_side,
                       ST_PICTURE_MAX_SIDE);
    size_t side = (size_t)max_side;
    struct st_redraw *redraw = calloc(1, sizeof *redraw);
    if (!redraw)
        return st_fail_memory(err, "a face's scratch", sizeof *redraw);
    redraw->settings = *settings;
    redraw->kernels = *kernels;
    redraw->max_side = max_side;
    for (int i = 0; i < 256; i++)
        redraw->unit[i] = (float)i / 255.0f;
    if ((st = st_resizer_create(&redraw->resizer, max_side > ST_CROP_SIDE ? max_side : ST_CROP_SIDE,
                                kernels, err)))
        goto done;
    redraw->crop = st_alloc_aligned((size_t)ST_CROP_SIDE * ST_CROP_SIDE * 3);
    redraw->square = st_alloc_aligned(side * side * 3);
    redraw->across = st_alloc_aligned(side);
    redraw->alpha = st_alloc_aligned(side);
    if (!redraw->crop || !redraw->square || !redraw->across || !redraw->alpha) {
        st = st_fail_memory(err, "a face's scratch", side * side * 3);
        goto done;
    }
    *out = redraw;
    redraw = NULL; /* now the caller's */

done:
    st_redraw_destroy(&redraw);
    return st;
}

void st_redraw_destroy(struct st_redraw **redraw)
{
    if (!redraw || !*redraw)
        return;
    st_resizer_destroy(&(*redraw)->resizer);
    free((*redraw)->crop);
    free((*redraw)->square);
    free((*redraw)->across);
    free((*redraw)->alpha);
    free(*redraw);
    *redraw = NULL;
}

const uint8_t *st_redraw_crop_bytes(const struct st_redraw *redraw)
{
    return redraw->crop;
}

static int clamp_index(int i, int count)
{
    return i < 0 ? 0 : i >= count ? count - 1 : i;
}

/* Copy a square that leaves the frame, its border replicated. */
static void gather_square(uint8_t *square, const struct st_picture *frame,
                          const struct st_crop_box *box)
{
    for (int y = 0; y < box->side; y++) {
        const uint8_t *row =
            frame->data + (size_t)clamp_index(box->y + y, frame->height) * frame->stride;
        for (int x = 0; x < box->side; x++) {
            memcpy(square, row + (size_t)clamp_index(box->x + x, frame->width) * 3, 3);
            square += 3;
        }
    }
}

static bool is_inside(const struct st_crop_box *box, const struct st_picture *frame)
{
    return box->x >= 0 && box->y >= 0 && box->side <= frame->width - box->x &&
           box->side <= frame->height - box->y;
}

/* Six planes of the inner crop: the last three without what the network must draw. */
static void write_planes(const struct st_redraw *redraw, float *input)
{
    for (int y = 0; y < ST_INNER_SIDE; y++) {
        const uint8_t *row =
            redraw->crop +
            ((size_t)(y + ST_INNER_BORDER) * ST_CROP_SIDE + (size_t)ST_INNER_BORDER) * 3;
        float *b = input + (size_t)y * ST_INNER_SIDE;
        float *g = b + PLANE;
        float *r = g + PLANE;
        for (size_t x = 0; x < ST_INNER_SIDE; x++, row += 3) {
            b[x] = redraw->unit[row[0]];
            g[x] = redraw->unit[row[1]];
            r[x] = redraw->unit[row[2]];
        }
    }
    memcpy(input + 3 * PLANE, input, 3 * PLANE * sizeof *input);
    for (size_t c = 3; c < 6; c++)
        for (size_t y = ST_MASK_TOP; y <= ST_MASK_BOTTOM; y++)
            memset(input + c * PLANE + y * ST_INNER_SIDE + ST_MASK_LEFT, 0,
                   (ST_MASK_RIGHT - ST_MASK_LEFT + 1) * sizeof *input);
}

void st_redraw_crop(struct st_redraw *redraw, const struct st_picture *frame,
                    const struct st_crop_box *box, float *input)
{
    assert(box->side >= 1 && box->side <= redraw->max_side);
    const uint8_t *src = redraw->square;
    size_t stride = (size_t)box->side * 3;

    redraw->box = *box;
    if (is_inside(box, frame)) {
        src = frame->data + (size_t)box->y * frame->stride + (size_t)box->x * 3;
        stride = frame->stride;
    } else {
        gather_square(redraw->square, frame, box);
    }
    st_resize_cubic(redraw->resizer, redraw->crop, ST_CROP_SIDE, ST_CROP_SIDE,
                    (size_t)ST_CROP_SIDE * 3, src, box->side, box->side, stride);
    write_planes(redraw, input);
}

/* Truncated, as NumPy's conversion does; clamped, because a shift may leave the range and
 * a NaN must not be undefined. */
static uint8_t to_level(float value)
{
    return value > 0.0f ? value < 255.0f ? (uint8_t)value : 255 : 0;
}

static void write_prediction(struct st_redraw *redraw, const float *prediction)
{
    struct st_colour_shift shift = {0};
    if (redraw->settings.colour_match)
        st_colour_shift_fit(&shift, redraw->crop, prediction);

    for (int y = 0; y < ST_INNER_SIDE; y++) {
        uint8_t *row = redraw->crop +
                       ((size_t)(y + ST_INNER_BORDER) * ST_CROP_SIDE + (size_t)ST_INNER_BORDER) * 3;
        const float *b = prediction + (size_t)y * ST_INNER_SIDE;
        const float *g = b + PLANE;
        const float *r = g + PLANE;
        if (!redraw->settings.colour_match) {
            for (size_t x = 0; x < ST_INNER_SIDE; x++) {
                row[x * 3] = to_level(b[x] * 255.0f);
                row[x * 3 + 1] = to_level(g[x] * 255.0f);
                row[x * 3 + 2] = to_level(r[x] * 255.0f);
            }
            continue;
        }
        for (int x = 0; x < ST_INNER_SIDE; x++, row += 3) {
            row[0] = to_level(b[x] * 255.0f + st_colour_shift_at(&shift, 0, (float)x, (float)y));
            row[1] = to_level(g[x] * 255.0f + st_colour_shift_at(&shift, 1, (float)x, (float)y));
            row[2] = to_level(r[x] * 255.0f + st_colour_shift_at(&shift, 2, (float)x, (float)y));
        }
    }
}

/* Weight of pixel i of a side: rises from both ends over `feather` pixels, except at an
 * end where the frame stops and there is nothing to blend with. */
static uint8_t border_weight(int i, int side, float feather, bool open_first, bool open_last)
{
    float first = open_first ? INFINITY : (float)i + 0.5f;
    float last = open_last ? INFINITY : (float)(side - 1 - i) + 0.5f;
    return st_feather(first < last ? first : last, feather);
}

/* Pixels that the parsing mask keeps: exactly red, or white. */
static void keep_parsed(uint8_t *alpha, const uint8_t *parsing, size_t count)
{
    for (size_t x = 0; x < count; x++, parsing += 3)
        if (parsing[2] == 255 && parsing[0] == parsing[1] && (parsing[0] == 0 || parsing[0] == 255))
            alpha[x] = 0;
}

/* What one paste needs in each row; x of the square in [first, first + count). */
struct paste {
    bool edge, face;
    float feather;
    int first;
    size_t count;
};

static void row_alpha(struct st_redraw *redraw, const struct paste *paste, int y, bool open_top,
                      bool open_bottom)
{
    const int side = redraw->box.side;
    if (!paste->edge) {
        memset(redraw->alpha, 255, (size_t)side);
        return;
    }
    unsigned down = border_weight(y, side, paste->feather, open_top, open_bottom);
    for (int x = 0; x < side; x++)
        redraw->alpha[x] = (uint8_t)((redraw->across[x] * down + 127) / 255);
    if (paste->face)
        st_outline_row(redraw->alpha, &redraw->outline, side, y, paste->feather);
}

static void paste_square(struct st_redraw *redraw, struct st_picture *frame,
                         const struct paste *paste, const struct st_picture *parsing)
{
    const struct st_crop_box box = redraw->box;
    const bool open_top = box.y <= 0;
    const bool open_bottom = box.side >= frame->height - box.y;

    for (int x = 0; paste->edge && x < box.side; x++)
        redraw->across[x] = border_weight(x, box.side, paste->feather, box.x <= 0,
                                          box.side >= frame->width - box.x);
    for (int y = 0; y < box.side; y++) {
        const int row = box.y + y;
        if (row < 0 || row >= frame->height)
            continue;
        const size_t at = (size_t)(box.x + paste->first) * 3;
        uint8_t *dst = frame->data + (size_t)row * frame->stride + at;
        const uint8_t *src =
            redraw->square + ((size_t)y * (size_t)box.side + (size_t)paste->first) * 3;
        if (!paste->edge && !parsing) {
            memcpy(dst, src, paste->count * 3);
            continue;
        }
        row_alpha(redraw, paste, y, open_top, open_bottom);
        if (parsing)
            keep_parsed(redraw->alpha + paste->first,
                        parsing->data + (size_t)row * parsing->stride + at, paste->count);
        redraw->kernels.blend_row(dst, dst, src, redraw->alpha + paste->first, paste->count);
    }
}

void st_redraw_paste(struct st_redraw *redraw, struct st_picture *frame, const float *prediction,
                     const struct st_landmarks *landmarks, const struct st_picture *parsing)
{
    const struct st_crop_box box = redraw->box;
    const int blend = redraw->settings.blend;
    assert(!parsing || (parsing->width == frame->width && parsing->height == frame->height));

    write_prediction(redraw, prediction);
    st_resize_cubic(redraw->resizer, redraw->square, box.side, box.side, (size_t)box.side * 3,
                    redraw->crop, ST_CROP_SIDE, ST_CROP_SIDE, (size_t)ST_CROP_SIDE * 3);

    const int first = box.x < 0 ? -box.x : 0;
    const int end = box.side < frame->width - box.x ? box.side : frame->width - box.x;
    if (first >= end)
        return;
    /* On a small face a wide border would leave nothing of the mouth. */
    const float widest = (float)box.side / 4.0f;
    const struct paste paste = {
        .edge = blend != SYNCTALK_BLEND_NONE,
        .face = blend == SYNCTALK_BLEND_FACE && landmarks && st_landmark_layout(landmarks->count),
        .feather = fminf((float)redraw->settings.feather_px, widest),
        .first = first,
        .count = (size_t)(end - first),
    };
    if (paste.face)
        st_outline_build(&redraw->outline, landmarks, &box);
    paste_square(redraw, frame, &paste, parsing);
}
