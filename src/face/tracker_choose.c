/* SPDX-License-Identifier: Apache-2.0 */
/* Which face of several. */
#include <math.h>

#include "face/tracker_impl.h"

/* The face that was followed so far stays with a lower score: else one that hovers around the
 * threshold comes and goes from frame to frame. */
#define STAY_SHARE 0.6f
#define STAY_OVERLAP 0.3f

static float area(const struct st_face *face)
{
    float width = face->right - face->left;
    float height = face->bottom - face->top;
    return width > 0 && height > 0 ? width * height : 0;
}

float st_face_overlap(const struct st_face *a, const struct st_face *b)
{
    float width = fminf(a->right, b->right) - fmaxf(a->left, b->left);
    float height = fminf(a->bottom, b->bottom) - fmaxf(a->top, b->top);
    if (!(width > 0 && height > 0))
        return 0;
    float shared = width * height;
    return shared / (area(a) + area(b) - shared);
}

static int find_last(const struct st_face *faces, int count, float threshold,
                     const struct st_face *last)
{
    int best = -1;
    float most = STAY_OVERLAP;
    for (int i = 0; i < count; i++) {
        float overlap = st_face_overlap(&faces[i], last);
        if (faces[i].score >= STAY_SHARE * threshold && overlap >= most) {
            most = overlap;
            best = i;
        }
    }
    return best;
}

/* 0 for a face that holds the point; squared pixels from its centre otherwise, so that any
 * face around the point comes before all others. */
static float distance_to(const struct st_face *face, struct st_point at)
{
    if (at.x >= face->left && at.x <= face->right && at.y >= face->top && at.y <= face->bottom)
        return 0;
    float x = (face->left + face->right) / 2 - at.x;
    float y = (face->top + face->bottom) / 2 - at.y;
    return x * x + y * y;
}

/* What a face must have least of. Not for ST_FACE_INDEX. */
static float rank(const struct st_face *face, const struct st_tracker_settings *settings)
{
    switch (settings->choice) {
    case ST_FACE_LEFT:
        return face->left + face->right;
    case ST_FACE_RIGHT:
        return -(face->left + face->right);
    case ST_FACE_AT:
        return distance_to(face, settings->at);
    default:
        return -area(face);
    }
}

/* The one that has settings->index others to its left; ties go by the detector's order. */
static int find_index(const struct st_face *faces, int count,
                      const struct st_tracker_settings *settings)
{
    for (int i = 0; i < count; i++) {
        int before = 0;
        float x = faces[i].left + faces[i].right;
        if (faces[i].score < settings->threshold)
            continue;
        for (int k = 0; k < count; k++) {
            float other = faces[k].left + faces[k].right;
            if (faces[k].score >= settings->threshold && (other < x || (other == x && k < i)))
                before++;
        }
        if (before == settings->index)
            return i;
    }
    return -1;
}

int st_face_choose(const struct st_face *faces, int count,
                   const struct st_tracker_settings *settings, const struct st_face *last,
                   int *accepted)
{
    int best = -1;
    *accepted = 0;
    for (int i = 0; i < count; i++)
        *accepted += faces[i].score >= settings->threshold;
    if (last) {
        best = find_last(faces, count, settings->threshold, last);
        if (best >= 0)
            return best;
    }
    if (settings->choice == ST_FACE_INDEX)
        return find_index(faces, count, settings);
    for (int i = 0; i < count; i++) {
        if (faces[i].score < settings->threshold)
            continue;
        if (best < 0 || rank(&faces[i], settings) < rank(&faces[best], settings))
            best = i;
    }
    return best;
}
