/* SPDX-License-Identifier: Apache-2.0 */
#include "face/outline.h"

#include <math.h>
#include <stdbool.h>

#define CORNERS 34   /* 33 of the contour and the bridge of the nose */
#define GROWTH 0.04f /* of the square's side, outwards */

uint8_t st_feather(float distance, float feather)
{
    float t = feather > 0.0f ? distance / feather : distance + 0.5f;
    t = t > 0.0f ? t < 1.0f ? t : 1.0f : 0.0f;
    if (feather > 0.0f)
        t = t * t * (3.0f - 2.0f * t);
    return (uint8_t)(t * 255.0f + 0.5f);
}

static float squared_to_segment(struct st_point p, struct st_point a, struct st_point b)
{
    float ex = b.x - a.x;
    float ey = b.y - a.y;
    float px = p.x - a.x;
    float py = p.y - a.y;
    float length = ex * ex + ey * ey;
    float t = length > 0.0f ? (px * ex + py * ey) / length : 0.0f;
    t = t > 0.0f ? t < 1.0f ? t : 1.0f : 0.0f;
    px -= t * ex;
    py -= t * ey;
    return px * px + py * py;
}

/* Signed by the even-odd rule: positive inside. */
static float signed_distance(const struct st_point *corners, struct st_point p)
{
    float nearest = INFINITY;
    bool inside = false;
    for (int i = 0; i < CORNERS; i++) {
        struct st_point a = corners[i];
        struct st_point b = corners[(i + 1) % CORNERS];
        nearest = fminf(nearest, squared_to_segment(p, a, b));
        if ((a.y > p.y) != (b.y > p.y) && p.x < a.x + (p.y - a.y) * (b.x - a.x) / (b.y - a.y))
            inside = !inside;
    }
    return inside ? sqrtf(nearest) : -sqrtf(nearest);
}

void st_outline_build(struct st_outline *outline, const struct st_landmarks *landmarks,
                      const struct st_crop_box *box)
{
    const struct st_landmark_layout *layout = st_landmark_layout(landmarks->count);
    const struct st_point *points = landmarks->points;
    struct st_point corners[CORNERS];
    for (int i = 0; i < CORNERS - 1; i++)
        corners[i] = points[layout->contour[i]];
    struct st_point a = points[layout->top[0]];
    struct st_point b = points[layout->top[1]];
    corners[CORNERS - 1] = (struct st_point){(a.x + b.x) / 2.0f, (a.y + b.y) / 2.0f};

    const float step = (float)box->side / ST_OUTLINE_CELLS;
    const float growth = GROWTH * (float)box->side;
    float *distance = outline->distance;
    for (int j = 0; j <= ST_OUTLINE_CELLS; j++) {
        for (int i = 0; i <= ST_OUTLINE_CELLS; i++) {
            struct st_point p = {(float)box->x + (float)i * step, (float)box->y + (float)j * step};
            *distance++ = signed_distance(corners, p) + growth;
        }
    }
}

void st_outline_row(uint8_t *alpha, const struct st_outline *outline, int side, int y,
                    float feather)
{
    const float scale = (float)ST_OUTLINE_CELLS / (float)side;
    const float v = ((float)y + 0.5f) * scale;
    const int j = (int)v < ST_OUTLINE_CELLS ? (int)v : ST_OUTLINE_CELLS - 1;
    const float fv = v - (float)j;
    const float *upper = outline->distance + (ptrdiff_t)j * (ST_OUTLINE_CELLS + 1);
    const float *lower = upper + ST_OUTLINE_CELLS + 1;

    for (int x = 0; x < side; x++) {
        float u = ((float)x + 0.5f) * scale;
        int i = (int)u < ST_OUTLINE_CELLS ? (int)u : ST_OUTLINE_CELLS - 1;
        float fu = u - (float)i;
        float left = upper[i] + (lower[i] - upper[i]) * fv;
        float right = upper[i + 1] + (lower[i + 1] - upper[i + 1]) * fv;
        uint8_t level = st_feather(left + (right - left) * fu, feather);
        alpha[x] = alpha[x] < level ? alpha[x] : level;
    }
}
