/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/fade.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

/* Of a weight; fades are at most some hundred frames long. */
#define SHARE_BITS 14
#define SHARE_ONE (1 << SHARE_BITS)

static uint8_t mix(int a, int b, int share)
{
    return (uint8_t)((a * (SHARE_ONE - share) + b * share + SHARE_ONE / 2) >> SHARE_BITS);
}

static void mix_bytes(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t count, int share)
{
    for (size_t i = 0; i < count; i++)
        out[i] = mix(a[i], b[i], share);
}

static int share_of(double weight)
{
    return (int)lrint(weight * SHARE_ONE);
}

void st_fade_bytes(uint8_t *out, const uint8_t *a, const uint8_t *b, size_t count, double weight)
{
    mix_bytes(out, a, b, count, share_of(weight));
}

static void fade_still(struct st_picture *out, const struct st_picture *a,
                       const struct st_picture *b, int share)
{
    for (int y = 0; y < out->height; y++) {
        mix_bytes(out->data + (size_t)y * out->stride, a->data + (size_t)y * a->stride,
                  b->data + (size_t)y * b->stride, 3 * (size_t)out->width, share);
    }
}

static float within(float v, int size)
{
    return fminf(fmaxf(v, 0), (float)(size - 1));
}

void st_picture_between(const struct st_picture *p, struct st_point at, uint8_t bgr[3])
{
    const float x = within(at.x, p->width);
    const float y = within(at.y, p->height);
    const int left = (int)x;
    const int top = (int)y;
    const int right = left + 1 < p->width ? left + 1 : left;
    const int below = top + 1 < p->height ? top + 1 : top;
    const float fx = x - (float)left;
    const float fy = y - (float)top;
    const uint8_t *upper = p->data + (size_t)top * p->stride;
    const uint8_t *lower = p->data + (size_t)below * p->stride;
    for (size_t c = 0; c < 3; c++) {
        const float u = (float)upper[3 * (size_t)left + c] * (1 - fx) +
                        (float)upper[3 * (size_t)right + c] * fx;
        const float l = (float)lower[3 * (size_t)left + c] * (1 - fx) +
                        (float)lower[3 * (size_t)right + c] * fx;
        bgr[c] = (uint8_t)(u * (1 - fy) + l * fy + 0.5f);
    }
}

static void fade_moved(struct st_picture *out, const struct st_picture *a,
                       const struct st_picture *b, const struct st_fade *fade, int share)
{
    const struct st_similarity back = st_similarity_invert(&fade->move);
    const struct st_similarity other_back = st_similarity_invert(&fade->other_move);
    for (int y = 0; y < out->height; y++) {
        uint8_t *to = out->data + (size_t)y * out->stride;
        for (int x = 0; x < out->width; x++) {
            const struct st_point at = {(float)x, (float)y};
            uint8_t from[3];
            uint8_t over[3];
            st_picture_between(a, st_similarity_apply(&back, at), from);
            st_picture_between(b, st_similarity_apply(&other_back, at), over);
            mix_bytes(to, from, over, 3, share);
            to += 3;
        }
    }
}

void st_fade_pictures(struct st_picture *out, const struct st_picture *picture,
                      const struct st_picture *other, const struct st_fade *fade)
{
    const int share = share_of(fade->weight);
    assert(out->width == picture->width && out->height == picture->height);
    assert(other->width == picture->width && other->height == picture->height);
    assert(share >= 0 && share <= SHARE_ONE);
    if (fade->moves)
        fade_moved(out, picture, other, fade, share);
    else
        fade_still(out, picture, other, share);
}

double st_picture_difference(const struct st_picture *a, const struct st_picture *b)
{
    int64_t sum = 0;
    assert(a->width == b->width && a->height == b->height);
    for (int y = 0; y < a->height; y++) {
        const uint8_t *p = a->data + (size_t)y * a->stride;
        const uint8_t *q = b->data + (size_t)y * b->stride;
        for (int i = 0; i < 3 * a->width; i++)
            sum += abs(p[i] - q[i]);
    }
    return (double)sum / (3.0 * a->width * a->height);
}
