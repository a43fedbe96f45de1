/* SPDX-License-Identifier: Apache-2.0 */
/* Detection when it is due or when something is off, else the box from the last landmarks.
 *
 * A landmark network partly repeats the box that it is given: fed with the extents of its own
 * points, box and points drift together, upwards first, as soon as the chin is cut off. So the
 * size of the box stays the detector's, and its place hangs on what depends least on the box:
 * the mean height of the points inside the face and the middle of its sides. How far the box is
 * from there is measured at each detection, on the very person.
 */
#include "face/tracker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "face/tracker_impl.h"

#define STATE_MAGIC 0x31545453u /* version 1 of struct state */

/* Limits between a face that is followed and one that must be found again. Of 1300 frames of
 * five talking people, every 15th is beyond them. */
#define RESIDUAL_MAX 0.12f /* to the shape at the last detection */
#define SCALE_MAX 1.12f    /* likewise, either way */
#define STEP_MAX 0.15f     /* between frames, of the box's longer side */
#define INSIDE_MIN 0.5f    /* of the box, in the picture */
#define LIKENESS_MIN 0.5f  /* between frames; 0.57 was the least of those without a cut */

/* Beyond these it is another face, or another take. */
#define JUMP_STEP 0.25f /* of the longer side, for each frame since; at most JUMP_FRAMES */
#define JUMP_FRAMES 4
#define JUMP_SCALE 1.4f

#define COORDINATE_MAX 1e6f /* pixels; a box farther away is none */

/* All that the next frame depends on; 4-byte members alone, so without padding. */
struct state {
    uint32_t magic;
    int32_t since;          /* frames since the last detection */
    int32_t missing;        /* frames since the last face; -1: there was none yet */
    int32_t faces;          /* of the last detection */
    float score;            /* likewise */
    struct st_face face;    /* the last one; where the next frame looks */
    struct st_point offset; /* from the anchor to the box's centre, in widths and heights */
    struct st_landmarks landmarks;
    struct st_landmarks reference; /* at the last detection */
    struct st_glance glance;       /* of `face` in its frame */
};

struct st_tracker {
    struct st_face_finder finder;
    struct st_tracker_settings settings;
    struct state state;
    struct st_face faces[ST_FACES_MAX];
};

synctalk_status st_tracker_create_with(struct st_tracker **out, const struct st_face_finder *finder,
                                       const struct st_tracker_settings *settings,
                                       synctalk_error *err)
{
    *out = NULL;
    if (!(settings->threshold > 0 && settings->threshold <= 1))
        return st_fail(err, SYNCTALK_E_ARG,
                       "the score from which a face is accepted is %g; above 0 up to 1 is needed",
                       (double)settings->threshold);
    if (settings->interval < 1)
        return st_fail(err, SYNCTALK_E_ARG,
                       "a face is to be detected every %d frames; 1 or more are needed",
                       settings->interval);
    if (settings->choice < ST_FACE_LARGEST || settings->choice > ST_FACE_AT || settings->index < 0)
        return st_fail(err, SYNCTALK_E_ARG, "no such choice of a face: %d, index %d",
                       settings->choice, settings->index);
    struct st_tracker *tracker = calloc(1, sizeof *tracker);
    if (!tracker)
        return st_fail_memory(err, "following a face", sizeof *tracker);
    tracker->finder = *finder;
    tracker->settings = *settings;
    tracker->state.magic = STATE_MAGIC;
    tracker->state.missing = -1;
    *out = tracker;
    return SYNCTALK_OK;
}

void st_tracker_destroy(struct st_tracker **tracker)
{
    if (!tracker)
        return;
    free(*tracker);
    *tracker = NULL;
}

static float longer_side(const struct st_face *face)
{
    return fmaxf(face->right - face->left, face->bottom - face->top);
}

static float distance(const struct st_face *a, const struct st_face *b)
{
    float x = (a->left + a->right - b->left - b->right) / 2;
    float y = (a->top + a->bottom - b->top - b->bottom) / 2;
    return sqrtf(x * x + y * y);
}

/* Middle of the sides, mean height of what is not contour. */
static struct st_point anchor(const struct st_landmarks *landmarks)
{
    const struct st_landmark_layout *layout = st_landmark_layout(landmarks->count);
    bool contour[ST_LANDMARKS_MAX] = {false};
    float left = INFINITY;
    float right = -INFINITY;
    double sum = 0;
    int count = 0;

    for (size_t i = 0; i < sizeof layout->contour / sizeof *layout->contour; i++)
        contour[layout->contour[i]] = true;
    for (int i = 0; i < landmarks->count; i++) {
        left = fminf(left, landmarks->points[i].x);
        right = fmaxf(right, landmarks->points[i].x);
        if (!contour[i]) {
            sum += (double)landmarks->points[i].y;
            count++;
        }
    }
    return (struct st_point){(left + right) / 2, (float)(sum / count)};
}

static void move_face(struct st_face *face, float x, float y)
{
    face->left += x;
    face->right += x;
    face->top += y;
    face->bottom += y;
    for (int i = 0; i < 5; i++) {
        face->keypoints[i].x += x;
        face->keypoints[i].y += y;
    }
}

/* The last box, where these landmarks put it. */
static struct st_face follow_landmarks(const struct state *state,
                                       const struct st_landmarks *landmarks)
{
    struct st_face face = state->face;
    struct st_point at = anchor(landmarks);
    float x = at.x + state->offset.x * (face.right - face.left);
    float y = at.y + state->offset.y * (face.bottom - face.top);
    move_face(&face, x - (face.left + face.right) / 2, y - (face.top + face.bottom) / 2);
    return face;
}

static float share_inside(const struct st_face *face, const struct st_picture *frame)
{
    float width = fminf(face->right, (float)frame->width) - fmaxf(face->left, 0);
    float height = fminf(face->bottom, (float)frame->height) - fmaxf(face->top, 0);
    float area = (face->right - face->left) * (face->bottom - face->top);
    return width > 0 && height > 0 && area > 0 ? width * height / area : 0;
}

/* Are `landmarks` those of the face that was followed so far? `face` is then its new box. */
static bool goes_on(const struct state *state, const struct st_picture *frame,
                    const struct st_landmarks *landmarks, struct st_face *face)
{
    struct st_shape_fit fit;
    if (!st_landmarks_plausible(landmarks) || !st_shape_fit(&fit, &state->reference, landmarks))
        return false;
    *face = follow_landmarks(state, landmarks);
    return fit.residual <= RESIDUAL_MAX && fit.scale <= SCALE_MAX && fit.scale >= 1 / SCALE_MAX &&
           distance(face, &state->face) <= STEP_MAX * longer_side(&state->face) &&
           share_inside(face, frame) >= INSIDE_MIN;
}

/* Farther than a head gets in the frames since it was last seen. */
static bool jumps(const struct state *state, const struct st_face *face)
{
    float frames = (float)(state->missing < JUMP_FRAMES ? state->missing + 1 : JUMP_FRAMES);
    float before = longer_side(&state->face);
    float now = longer_side(face);
    return state->missing >= 0 && (distance(face, &state->face) > JUMP_STEP * frames * before ||
                                   now > JUMP_SCALE * before || before > JUMP_SCALE * now);
}

static void accept(struct st_tracker *tracker, const struct st_picture *frame,
                   const struct st_face *face, const struct st_landmarks *landmarks)
{
    tracker->state.face = *face;
    tracker->state.landmarks = *landmarks;
    tracker->state.missing = 0;
    st_glance_take(&tracker->state.glance, frame, face);
}

/* By the last landmarks; *found is false where only the detector can tell. */
static synctalk_status follow(struct st_tracker *tracker, const struct st_picture *frame,
                              bool *found, synctalk_error *err)
{
    struct state *state = &tracker->state;
    const struct st_face_finder *finder = &tracker->finder;
    struct st_landmarks landmarks = {0};
    struct st_face face;

    *found = false;
    synctalk_status st = finder->landmark(finder->landmarker, frame, &state->face, &landmarks, err);
    if (st || !goes_on(state, frame, &landmarks, &face))
        return st;
    state->since++;
    accept(tracker, frame, &face, &landmarks);
    *found = true;
    return SYNCTALK_OK;
}

static bool is_box(const struct st_face *face)
{
    return fabsf(face->left) <= COORDINATE_MAX && fabsf(face->top) <= COORDINATE_MAX &&
           fabsf(face->right) <= COORDINATE_MAX && fabsf(face->bottom) <= COORDINATE_MAX &&
           face->right - face->left >= 1 && face->bottom - face->top >= 1;
}

static synctalk_status detect(struct st_tracker *tracker, const struct st_picture *frame,
                              bool *found, bool *jumped, synctalk_error *err)
{
    struct state *state = &tracker->state;
    const struct st_face_finder *finder = &tracker->finder;
    const struct st_face *last = state->missing >= 0 ? &state->face : NULL;
    struct st_landmarks landmarks = {0};
    synctalk_status st;
    int count = 0;

    *found = false;
    *jumped = false;
    if ((st = finder->detect(finder->detector, frame, tracker->faces, &count, err)))
        return st;
    state->since = 0;
    state->score = count > 0 ? tracker->faces[0].score : 0;
    int chosen = st_face_choose(tracker->faces, count, &tracker->settings, last, &state->faces);
    if (chosen < 0 || !is_box(&tracker->faces[chosen]))
        return SYNCTALK_OK;

    const struct st_face *face = &tracker->faces[chosen];
    if ((st = finder->landmark(finder->landmarker, frame, face, &landmarks, err)) ||
        !st_landmarks_plausible(&landmarks))
        return st;
    struct st_point at = anchor(&landmarks);
    state->offset.x = ((face->left + face->right) / 2 - at.x) / (face->right - face->left);
    state->offset.y = ((face->top + face->bottom) / 2 - at.y) / (face->bottom - face->top);
    state->reference = landmarks;
    *jumped = jumps(state, face);
    accept(tracker, frame, face, &landmarks);
    *found = true;
    return SYNCTALK_OK;
}

synctalk_status st_tracker_next(struct st_tracker *tracker, const struct st_picture *frame,
                                struct st_tracked *tracked, synctalk_error *err)
{
    struct state *state = &tracker->state;
    const bool known = state->missing == 0;
    synctalk_status st = SYNCTALK_OK;
    bool found = false;
    bool jumped = false;
    bool cut = false;

    if (known) {
        struct st_glance now;
        st_glance_take(&now, frame, &state->face);
        cut = st_glance_compare(&now, &state->glance) < LIKENESS_MIN;
    }
    if (known && !cut && state->since + 1 < tracker->settings.interval)
        st = follow(tracker, frame, &found, err);
    const bool followed = found;
    if (!st && !found)
        st = detect(tracker, frame, &found, &jumped, err);
    if (st)
        return st;
    if (!found && state->missing >= 0 && state->missing < INT32_MAX)
        state->missing++;

    tracked->found = found;
    tracked->detected = !followed;
    tracked->begins = found && (!known || cut || jumped);
    tracked->jumped = jumped;
    tracked->score = state->score;
    tracked->faces = state->faces;
    tracked->face = state->face;
    tracked->landmarks = state->landmarks;
    return SYNCTALK_OK;
}

size_t st_tracker_state_size(const struct st_tracker *tracker)
{
    return sizeof tracker->state;
}

void st_tracker_save(const struct st_tracker *tracker, void *state)
{
    memcpy(state, &tracker->state, sizeof tracker->state);
}

static bool is_state(const struct state *state)
{
    if (state->magic != STATE_MAGIC || state->since < 0 || state->missing < -1 || state->faces < 0)
        return false;
    if (state->missing < 0)
        return state->landmarks.count == 0;
    return is_box(&state->face) && isfinite(state->offset.x) && isfinite(state->offset.y) &&
           st_landmarks_plausible(&state->landmarks) && st_landmarks_plausible(&state->reference);
}

synctalk_status st_tracker_restore(struct st_tracker *tracker, const void *state, size_t size,
                                   synctalk_error *err)
{
    struct state restored;
    if (size != sizeof restored)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "the saved state of a tracker has %zu bytes; %zu are needed", size,
                       sizeof restored);
    memcpy(&restored, state, sizeof restored);
    if (!is_state(&restored))
        return st_fail(err, SYNCTALK_E_FORMAT, "the saved state of a tracker is damaged");
    tracker->state = restored;
    return SYNCTALK_OK;
}
