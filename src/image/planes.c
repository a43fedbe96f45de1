/* SPDX-License-Identifier: Apache-2.0 */
#include "image/planes.h"

#include <assert.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "kernels/colour.h"

#define ROW_ROOM 64 /* bytes past the last row that others may read */

struct st_recolour {
    struct st_colour_kernels kernels;
    int max_width;
    uint8_t *chroma[2]; /* [max_width + 1] of one row of luma, owned */
};

static size_t half(size_t size)
{
    return (size + 1) / 2;
}

synctalk_status st_planes_resize(struct st_planes *planes, int width, int height, bool halved,
                                 synctalk_error *err)
{
    if (width < 1 || height < 1 || width > ST_PICTURE_MAX_SIDE || height > ST_PICTURE_MAX_SIDE)
        return st_fail(err, SYNCTALK_E_FORMAT, "a picture of %dx%d: each side must be 1 to %d",
                       width, height, ST_PICTURE_MAX_SIDE);
    /* An odd side of luma has a sample more where chroma is halved: TurboJPEG writes it. */
    const size_t luma = st_align_size((size_t)width);
    const size_t luma_rows = halved ? 2 * half((size_t)height) : (size_t)height;
    const size_t chroma = halved ? st_align_size(half((size_t)width)) : luma;
    const size_t rows = halved ? half((size_t)height) : (size_t)height;
    const size_t bytes = luma * luma_rows + 2 * chroma * rows + ROW_ROOM;
    if (bytes > planes->capacity) {
        uint8_t *data = st_alloc_aligned(bytes);
        if (!data)
            return st_fail_memory(err, "a picture", bytes);
        free(planes->data[0]);
        planes->data[0] = data;
        planes->capacity = bytes;
    }
    planes->data[1] = planes->data[0] + luma * luma_rows;
    planes->data[2] = planes->data[1] + chroma * rows;
    planes->stride[0] = luma;
    planes->stride[1] = planes->stride[2] = chroma;
    planes->width = width;
    planes->height = height;
    planes->halved = halved;
    return SYNCTALK_OK;
}

void st_planes_free(struct st_planes *planes)
{
    if (!planes)
        return;
    free(planes->data[0]);
    *planes = (struct st_planes){.width = 0};
}

synctalk_status st_recolour_create(struct st_recolour **out, int max_width, unsigned allowed,
                                   synctalk_error *err)
{
    *out = NULL;
    struct st_recolour *recolour = calloc(1, sizeof *recolour);
    if (!recolour)
        return st_fail_memory(err, "a row of colours", sizeof *recolour);
    st_colour_kernels_init(&recolour->kernels, allowed);
    recolour->max_width = max_width;
    for (int c = 0; c < 2; c++)
        if (!(recolour->chroma[c] = st_alloc_aligned((size_t)max_width + 1))) {
            st_recolour_destroy(&recolour);
            return st_fail_memory(err, "a row of colours", (size_t)max_width + 1);
        }
    *out = recolour;
    return SYNCTALK_OK;
}

void st_recolour_destroy(struct st_recolour **recolour)
{
    if (!recolour || !*recolour)
        return;
    free((*recolour)->chroma[0]);
    free((*recolour)->chroma[1]);
    free(*recolour);
    *recolour = NULL;
}

static uint8_t *row_of(const struct st_planes *planes, int plane, size_t row)
{
    return planes->data[plane] + row * planes->stride[plane];
}

/* Chroma plane c of row y, a sample for each pixel in [first, end), which is what [*at] onwards of
 * the row returned holds. */
static const uint8_t *chroma_row(struct st_recolour *recolour, const struct st_planes *jpeg, int c,
                                 int y, int first, int end, size_t *at)
{
    if (!jpeg->halved) {
        *at = (size_t)first;
        return row_of(jpeg, c, (size_t)y);
    }
    const size_t rows = half((size_t)jpeg->height);
    const size_t samples = half((size_t)jpeg->width);
    const size_t near = (size_t)y / 2;
    size_t far = near;
    if (y % 2 == 0 && near > 0)
        far = near - 1;
    else if (y % 2 != 0 && near + 1 < rows)
        far = near + 1;
    /* One sample more on either side: the ends of what is raised are right at the picture's ends
     * alone. */
    const size_t from = first >= 2 ? (size_t)first / 2 - 1 : 0;
    const size_t to = (size_t)end / 2 + 2 < samples ? (size_t)end / 2 + 2 : samples;
    uint8_t *raised = recolour->chroma[c - 1];
    recolour->kernels.chroma_up(raised, row_of(jpeg, c, near) + from, row_of(jpeg, c, far) + from,
                                to - from);
    *at = (size_t)first - 2 * from;
    return raised;
}

void st_recolour_part(struct st_recolour *recolour, struct st_picture *picture,
                      const struct st_planes *jpeg, const struct st_picture_part *part)
{
    assert(part->x >= 0 && part->width > 0 && part->width <= jpeg->width - part->x);
    assert(part->y >= 0 && part->height > 0 && part->height <= jpeg->height - part->y);
    assert(picture->width == jpeg->width && picture->height == jpeg->height);
    assert(jpeg->width <= recolour->max_width);
    const int end = part->x + part->width;
    for (int y = part->y; y < part->y + part->height; y++) {
        size_t at[2];
        const uint8_t *cb = chroma_row(recolour, jpeg, 1, y, part->x, end, &at[0]);
        const uint8_t *cr = chroma_row(recolour, jpeg, 2, y, part->x, end, &at[1]);
        recolour->kernels.jpeg_to_bgr(
            picture->data + (size_t)y * picture->stride + (size_t)part->x * 3,
            row_of(jpeg, 0, (size_t)y) + part->x, cb + at[0], cr + at[1], (size_t)part->width);
    }
}

static void recolour_chroma(struct st_recolour *recolour, struct st_planes *video,
                            const struct st_planes *jpeg)
{
    const size_t count = (size_t)video->width / 2;
    for (size_t y = 0; y < (size_t)video->height / 2; y++) {
        const uint8_t *from[2];
        for (int c = 1; c <= 2; c++) {
            from[c - 1] = row_of(jpeg, c, y);
            if (jpeg->halved)
                continue;
            recolour->kernels.mean_2x2(recolour->chroma[c - 1], row_of(jpeg, c, 2 * y),
                                       row_of(jpeg, c, 2 * y + 1), count);
            from[c - 1] = recolour->chroma[c - 1];
        }
        recolour->kernels.jpeg_to_chroma(row_of(video, 1, y), row_of(video, 2, y), from[0], from[1],
                                         count);
    }
}

synctalk_status st_recolour_video(struct st_recolour *recolour, struct st_planes *video,
                                  const struct st_planes *jpeg, synctalk_error *err)
{
    assert(jpeg->width <= recolour->max_width);
    const int width = jpeg->width & ~1;
    synctalk_status st = st_planes_resize(video, width, jpeg->height & ~1, true, err);
    if (st)
        return st;
    for (int y = 0; y < video->height; y++) {
        size_t at[2];
        const uint8_t *cb = chroma_row(recolour, jpeg, 1, y, 0, width, &at[0]);
        const uint8_t *cr = chroma_row(recolour, jpeg, 2, y, 0, width, &at[1]);
        recolour->kernels.jpeg_to_luma(row_of(video, 0, (size_t)y), row_of(jpeg, 0, (size_t)y),
                                       cb + at[0], cr + at[1], (size_t)width);
    }
    recolour_chroma(recolour, video, jpeg);
    return SYNCTALK_OK;
}

void st_recolour_change(struct st_recolour *recolour, struct st_planes *video,
                        const struct st_picture *after, const uint8_t *before,
                        const struct st_picture_part *part)
{
    assert((part->x | part->y | part->width | part->height) % 2 == 0);
    assert(part->x + part->width <= video->width);
    assert(part->y + part->height <= video->height);
    const size_t row = (size_t)part->width * 3;
    const size_t x = (size_t)part->x;
    for (size_t k = 0; k < (size_t)part->height; k += 2, before += 2 * row) {
        const size_t y = (size_t)part->y + k;
        const uint8_t *new = after->data + y * after->stride + x * 3;
        uint8_t *luma[2] = {row_of(video, 0, y) + x, row_of(video, 0, y + 1) + x};
        const uint8_t *const old_rows[2] = {before, before + row};
        const uint8_t *const new_rows[2] = {new, new + after->stride};
        recolour->kernels.add_change(luma, row_of(video, 1, y / 2) + x / 2,
                                     row_of(video, 2, y / 2) + x / 2, old_rows, new_rows,
                                     (size_t)part->width / 2);
    }
}
