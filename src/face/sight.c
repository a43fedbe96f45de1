/* SPDX-License-Identifier: Apache-2.0 */
#include "face/sight.h"

#define QUALITY 70
#define APART_NS 250000000

bool st_sight_take(struct st_sight *sight, int64_t number, const struct st_picture *frame,
                   const struct st_landmarks *landmarks)
{
    const int longer = frame->width > frame->height ? frame->width : frame->height;
    const int most = longer < SYNCTALK_SIGHT_SIDE ? longer : SYNCTALK_SIGHT_SIDE;
    const int width = (frame->width * most + longer / 2) / longer;
    const int height = (frame->height * most + longer / 2) / longer;
    if (st_picture_resize(&sight->picture, width > 0 ? width : 1, height > 0 ? height : 1, NULL))
        return false;
    st_resize_linear(sight->picture.data, sight->picture.width, sight->picture.height,
                     sight->picture.stride, frame->data, frame->width, frame->height,
                     frame->stride);
    sight->frame = number;
    sight->width = frame->width;
    sight->height = frame->height;
    sight->found = landmarks != NULL;
    if (landmarks)
        sight->landmarks = *landmarks;
    return true;
}

void st_sight_show(const struct st_sight *sight, int64_t frames,
                   const synctalk_callbacks *callbacks)
{
    unsigned char *jpeg = NULL;
    size_t size = 0;
    struct st_crop_box box = {0, 0, 0};
    const bool found = sight->found &&
                       st_crop_box_from_landmarks(&box, &sight->landmarks, "", NULL) == SYNCTALK_OK;
    if (st_jpeg_encode(&sight->picture, QUALITY, "a frame", &jpeg, &size, NULL))
        return;
    const synctalk_sight told = {
        .frame = sight->frame,
        .frames = frames,
        .width = sight->width,
        .height = sight->height,
        .found = found,
        .box_x = box.x,
        .box_y = box.y,
        .box_side = box.side,
        .points = found ? &sight->landmarks.points[0].x : NULL,
        .point_count = found ? sight->landmarks.count : 0,
        .jpeg = jpeg,
        .jpeg_size = size,
    };
    callbacks->sight(callbacks->user, &told);
    st_jpeg_free(jpeg);
}

void st_sight_desk_begin(struct st_sight_desk *desk, int64_t frames,
                         const synctalk_callbacks *callbacks)
{
    *desk = (struct st_sight_desk){
        .wanted = callbacks && callbacks->sight, .free = true, .frames = frames};
    pthread_mutex_init(&desk->lock, NULL);
}

void st_sight_desk_end(struct st_sight_desk *desk)
{
    st_picture_free(&desk->sight.picture);
    pthread_mutex_destroy(&desk->lock);
}

void st_sight_desk_offer(struct st_sight_desk *desk, int64_t number, const struct st_picture *frame,
                         const struct st_landmarks *landmarks)
{
    if (!desk->wanted)
        return;
    pthread_mutex_lock(&desk->lock);
    if (desk->free || number == desk->frames - 1)
        desk->free = !st_sight_take(&desk->sight, number, frame, landmarks);
    pthread_mutex_unlock(&desk->lock);
}

void st_sight_desk_show(struct st_sight_desk *desk, int64_t now_ns, bool last,
                        const synctalk_callbacks *callbacks)
{
    if (!desk->wanted || (!last && now_ns - desk->shown_ns < APART_NS))
        return;
    pthread_mutex_lock(&desk->lock);
    if (!desk->free) {
        st_sight_show(&desk->sight, desk->frames, callbacks);
        desk->shown_ns = now_ns;
        desk->free = true;
    }
    pthread_mutex_unlock(&desk->lock);
}
