/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels on rows of colours: JPEG's YCbCr (BT.601, full range) to BGR, bit by bit as libjpeg does
 * it, and to a video's (BT.709, limited range); and what a change of BGR is in a video's colours.
 * Integers throughout: variants are equal. Any count >= 1.
 */
#ifndef ST_KERNELS_COLOUR_H
#define ST_KERNELS_COLOUR_H

#include <stddef.h>
#include <stdint.h>

struct st_colour_kernels {
    /* 2 * count samples for the luma row that lies nearer to chroma row `near` than to `far`, its
     * neighbour: weights 3 and 1 in both directions, rounded as libjpeg's h2v2_fancy_upsample. */
    void (*chroma_up)(uint8_t *dst, const uint8_t *near, const uint8_t *far, size_t count);

    /* libjpeg's ycc_rgb_convert, as BGR. */
    void (*jpeg_to_bgr)(uint8_t *bgr, const uint8_t *y, const uint8_t *cb, const uint8_t *cr,
                        size_t count);

    /* A video's luma; its chroma, at the same places. Within 0.51 of the exact value. */
    void (*jpeg_to_luma)(uint8_t *dst, const uint8_t *y, const uint8_t *cb, const uint8_t *cr,
                         size_t count);
    void (*jpeg_to_chroma)(uint8_t *dst_cb, uint8_t *dst_cr, const uint8_t *cb, const uint8_t *cr,
                           size_t count);

    /* Means of 2x2 of two rows, halves up; `count` of them. */
    void (*mean_2x2)(uint8_t *dst, const uint8_t *upper, const uint8_t *lower, size_t count);

    /* Add to two rows of a video what the change from `before` to `after` (BGR) is in its colours:
     * `count` blocks of 2x2, whose chroma takes the mean. What has not changed stays. */
    void (*add_change)(uint8_t *y[2], uint8_t *cb, uint8_t *cr, const uint8_t *const before[2],
                       const uint8_t *const after[2], size_t count);
};

/* The best variants among `allowed`, as st_kernels_init(). */
void st_colour_kernels_init(struct st_colour_kernels *k, unsigned allowed);

#endif /* ST_KERNELS_COLOUR_H */
