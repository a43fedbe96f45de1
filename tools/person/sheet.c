/* SPDX-License-Identifier: Apache-2.0 */
/* A picture to look at: 4 x 4 mouths, one for each viseme, then 4 x 2 moments of the film. */
#include <string.h>

#include "person/shoot.h"
#include "speech/visemes.h"

#define TILE 256
#define COLUMNS 4
#define MOMENTS 8
#define MOUTH_LEFT 128 /* of the close-ups, in the frame */
#define MOUTH_TOP 232

static void paste_part(struct st_picture *sheet, int tile, const struct st_picture *frame)
{
    int left = tile % COLUMNS * TILE;
    int top = tile / COLUMNS * TILE;
    for (int y = 0; y < TILE; y++)
        memcpy(sheet->data + (size_t)(top + y) * sheet->stride + (size_t)left * 3,
               frame->data + (size_t)(MOUTH_TOP + y) * frame->stride + (size_t)MOUTH_LEFT * 3,
               (size_t)TILE * 3);
}

/* The whole frame at half its size. */
static void paste_whole(struct st_picture *sheet, int tile, const struct st_picture *frame)
{
    int left = tile % COLUMNS * TILE;
    int top = tile / COLUMNS * TILE;
    for (int y = 0; y < TILE; y++) {
        uint8_t *to = sheet->data + (size_t)(top + y) * sheet->stride + (size_t)left * 3;
        const uint8_t *a = frame->data + (size_t)(2 * y) * frame->stride;
        const uint8_t *b = a + frame->stride;
        for (int i = 0; i < TILE * 3; i++) {
            int at = i / 3 * 6 + i % 3;
            to[i] = (uint8_t)((a[at] + a[at + 3] + b[at] + b[at + 3] + 2) / 4);
        }
    }
}

static struct mouth_shape shape_of(enum viseme viseme)
{
    const float *t = viseme_shapes[viseme].target;
    return (struct mouth_shape){.jaw = t[MOUTH_JAW],
                                .width = t[MOUTH_WIDTH],
                                .round = t[MOUTH_ROUND],
                                .closed = t[MOUTH_CLOSED],
                                .teeth = t[MOUTH_TEETH],
                                .tongue_tip = t[MOUTH_TONGUE_TIP],
                                .tongue_back = t[MOUTH_TONGUE_BACK],
                                .upper_raise = t[MOUTH_UPPER_RAISE],
                                .lower_tuck = t[MOUTH_LOWER_TUCK]};
}

synctalk_status shoot_sheet(const struct shoot *shoot, const char *path, synctalk_error *err)
{
    synctalk_status st;
    struct person_studio *studio = NULL;
    struct st_picture sheet = {0};
    struct st_picture frame = {0};
    int rows = (VISEME_COUNT + MOMENTS) / COLUMNS;

    if ((st = person_studio_create(&studio, shoot->person, err)))
        goto done;
    if ((st = st_picture_resize(&sheet, COLUMNS * TILE, rows * TILE, err)))
        goto done;
    for (int i = 0; i < VISEME_COUNT; i++) {
        struct pose pose = {.mouth = shape_of((enum viseme)i)};
        if ((st = person_render(studio, &pose, &frame, NULL, NULL, err)))
            goto done;
        paste_part(&sheet, i, &frame);
    }
    for (int i = 0; i < MOMENTS; i++) {
        struct pose pose;
        shoot_pose(shoot, shoot->frames * (2 * i + 1) / (2 * MOMENTS), &pose);
        if ((st = person_render(studio, &pose, &frame, NULL, NULL, err)))
            goto done;
        paste_whole(&sheet, VISEME_COUNT + i, &frame);
    }
    st = st_png_write(&sheet, path, 1, err);

done:
    person_studio_free(&studio);
    st_picture_free(&sheet);
    st_picture_free(&frame);
    return st;
}
