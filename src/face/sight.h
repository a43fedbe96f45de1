/* SPDX-License-Identifier: Apache-2.0 */
/* Showing a caller what is seen in a video while it is looked at: now and then a frame, small, with
 * the face in it. One thread sees, another one, the caller's, is told. */
#ifndef ST_FACE_SIGHT_H
#define ST_FACE_SIGHT_H

#include <pthread.h>
#include <stdbool.h>

#include "face/landmarks.h"
#include "image/picture.h"
#include "synctalk/progress.h"

struct st_sight {
    int64_t frame;
    int width, height; /* of the frame; `picture` is smaller */
    bool found;
    struct st_landmarks landmarks; /* where it was found */
    struct st_picture picture;     /* owns */
};

/* A small copy of `frame`; `landmarks` NULL: there is no face in it. False without memory. */
bool st_sight_take(struct st_sight *sight, int64_t number, const struct st_picture *frame,
                   const struct st_landmarks *landmarks);
/* Tell the caller, on the caller's thread; `frames` in all. Without memory nothing is told. */
void st_sight_show(const struct st_sight *sight, int64_t frames,
                   const synctalk_callbacks *callbacks);

/* Between the two threads: a place for one sight, the oldest that was not shown yet, or the video's
 * last frame. */
struct st_sight_desk {
    pthread_mutex_t lock;
    struct st_sight sight;
    bool wanted; /* set once, before the threads */
    bool free;   /* there is room */
    int64_t frames;
    int64_t shown_ns;
};

void st_sight_desk_begin(struct st_sight_desk *desk, int64_t frames,
                         const synctalk_callbacks *callbacks);
void st_sight_desk_end(struct st_sight_desk *desk);
/* By the thread that sees. Nothing where the place is taken, or nobody wants to know. */
void st_sight_desk_offer(struct st_sight_desk *desk, int64_t number, const struct st_picture *frame,
                         const struct st_landmarks *landmarks);
/* By the caller's thread, often: shows some four a second; `last`: what there is, at once. */
void st_sight_desk_show(struct st_sight_desk *desk, int64_t now_ns, bool last,
                        const synctalk_callbacks *callbacks);

#endif /* ST_FACE_SIGHT_H */
