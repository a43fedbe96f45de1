/* SPDX-License-Identifier: Apache-2.0 */
#include "train/lips.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "face/redraw.h"

#define MARGIN 0.25f /* of the lips' width, on all sides */

/* Pixel `v` of the frame in the inner crop of a square from `from`. */
static float in_crop(float v, int from, int side)
{
    return (v - (float)from) * (float)ST_CROP_SIDE / (float)side - ST_INNER_BORDER;
}

static int clamp(float v)
{
    return v > 0.0f ? v < ST_INNER_SIDE - 1 ? (int)v : ST_INNER_SIDE - 1 : 0;
}

struct st_region st_lips_region(const struct st_landmarks *landmarks, const struct st_crop_box *box)
{
    const struct st_landmark_layout *layout = st_landmark_layout(landmarks->count);
    float left = INFINITY;
    float right = -INFINITY;
    float top = INFINITY;
    float bottom = -INFINITY;
    for (size_t i = 0; i < sizeof layout->lips_outer / sizeof *layout->lips_outer; i++) {
        const struct st_point p = landmarks->points[layout->lips_outer[i]];
        left = fminf(left, p.x);
        right = fmaxf(right, p.x);
        top = fminf(top, p.y);
        bottom = fmaxf(bottom, p.y);
    }
    const float margin = MARGIN * (right - left);
    return (struct st_region){.left = clamp(in_crop(left - margin, box->x, box->side)),
                              .right = clamp(in_crop(right + margin, box->x, box->side)),
                              .top = clamp(in_crop(top - margin, box->y, box->side)),
                              .bottom = clamp(in_crop(bottom + margin, box->y, box->side))};
}

synctalk_status st_lips_open(struct st_region **out, const struct st_dataset *dataset,
                             int64_t frames, synctalk_error *err)
{
    synctalk_status st;
    struct st_landmarks landmarks;
    size_t bytes;
    *out = NULL;
    if (!st_mul_size((size_t)frames, sizeof **out, &bytes))
        return st_fail_memory(err, "where the lips are", SIZE_MAX);
    struct st_region *lips = malloc(bytes);
    if (!lips)
        return st_fail_memory(err, "where the lips are", bytes);
    for (int64_t i = 0; i < frames; i++) {
        if ((st = st_dataset_landmarks(dataset, i, &landmarks, err))) {
            free(lips);
            return st;
        }
        lips[i] = st_lips_region(&landmarks, &dataset->boxes[i]);
    }
    *out = lips;
    return SYNCTALK_OK;
}
