/* SPDX-License-Identifier: Apache-2.0 */
/* .lms files, and the crop that they give. No other file knows an index of a point. */
#include "face/landmarks.h"

#include <math.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/file.h"
#include "face/number.h"
#include "image/picture.h"

#define COORDINATE_MAX 1e6 /* pixels; farther away is a broken file */

static const struct st_landmark_layout layouts[] = {
    {
        .count = 110,
        .left = 1,
        .right = 31,
        .top = {52, 52},
        .contour = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
                    17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32},
        .lips_outer = {90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100, 101},
        .lips_inner = {102, 103, 104, 105, 106, 107, 108, 109},
        .eyes = {{66, 67, 68, 69, 70, 71, 72, 73}, {82, 81, 80, 79, 78, 85, 84, 83}},
    },
    {
        /* InsightFace's order: the chin is 0, each half of the contour in two runs. */
        .count = 106,
        .left = 1,
        .right = 17,
        .top = {74, 74},
        .contour = {1,  9,  10, 11, 12, 13, 14, 15, 16, 2,  3,  4,  5,  6,  7,  8, 0,
                    24, 23, 22, 21, 20, 19, 18, 32, 31, 30, 29, 28, 27, 26, 25, 17},
        .lips_outer = {52, 64, 63, 71, 67, 68, 61, 58, 59, 53, 56, 55},
        .lips_inner = {65, 66, 62, 70, 69, 57, 60, 54},
        .eyes = {{35, 41, 40, 42, 39, 37, 33, 36}, {89, 95, 94, 96, 93, 91, 87, 90}},
    },
    {
        /* WFLW's order. */
        .count = 98,
        .left = 1,
        .right = 31,
        .top = {52, 53},
        .contour = {0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
                    17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32},
        .lips_outer = {76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87},
        .lips_inner = {88, 89, 90, 91, 92, 93, 94, 95},
        .eyes = {{60, 61, 62, 63, 64, 65, 66, 67}, {68, 69, 70, 71, 72, 73, 74, 75}},
    },
};

const struct st_landmark_layout *st_landmark_layout(int count)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (layouts[i].count == count)
            return &layouts[i];
    return NULL;
}

/* Two numbers and nothing else. */
static bool parse_point(struct st_text line, double *x, double *y)
{
    st_text_skip_blanks(&line);
    if (!st_text_number(&line, x))
        return false;
    st_text_skip_blanks(&line);
    if (!st_text_number(&line, y))
        return false;
    st_text_skip_blanks(&line);
    return line.at == line.end;
}

static synctalk_status add_line(struct st_landmarks *landmarks, struct st_text line, int number,
                                const char *path, synctalk_error *err)
{
    double x;
    double y;
    if (!parse_point(line, &x, &y))
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: line %d is not two numbers; each line of landmarks is \"x y\"", path,
                       number);
    if (!(fabs(x) <= COORDINATE_MAX && fabs(y) <= COORDINATE_MAX))
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: line %d: the point (%g, %g) is farther than %.0f pixels away", path,
                       number, x, y, COORDINATE_MAX);
    if (landmarks->count == ST_LANDMARKS_MAX)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: more than %d points; layouts of 110, 106 and 98 points are known", path,
                       ST_LANDMARKS_MAX);
    landmarks->points[landmarks->count++] = (struct st_point){(float)x, (float)y};
    return SYNCTALK_OK;
}

static synctalk_status parse(struct st_landmarks *landmarks, struct st_text text, const char *path,
                             synctalk_error *err)
{
    int first_blank = 0; /* number of the first blank line; only the tail may be blank */
    landmarks->count = 0;
    for (int number = 1; text.at < text.end; number++) {
        struct st_text line = {text.at, text.at};
        while (line.end < text.end && *line.end != '\n')
            line.end++;
        text.at = line.end < text.end ? line.end + 1 : line.end;

        st_text_skip_blanks(&line);
        if (line.at == line.end) {
            first_blank = first_blank ? first_blank : number;
            continue;
        }
        if (first_blank)
            return st_fail(err, SYNCTALK_E_FORMAT,
                           "%s: line %d is empty; each line of landmarks is \"x y\"", path,
                           first_blank);
        synctalk_status st = add_line(landmarks, line, number, path, err);
        if (st)
            return st;
    }
    if (!st_landmark_layout(landmarks->count))
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: %d points; layouts of 110, 106 and 98 points are known", path,
                       landmarks->count);
    return SYNCTALK_OK;
}

synctalk_status st_landmarks_read(struct st_landmarks *landmarks, const char *path,
                                  synctalk_error *err)
{
    struct st_mapping file;
    synctalk_status st = st_map_file(&file, path, err);
    if (st)
        return st;
    if (file.size == 0) {
        st = st_fail(err, SYNCTALK_E_FORMAT, "%s: the file is empty; lines of \"x y\" are needed",
                     path);
    } else {
        const char *text = (const char *)file.data;
        st = parse(landmarks, (struct st_text){text, text + file.size}, path, err);
    }
    st_unmap_file(&file);
    return st;
}

synctalk_status st_crop_box_from_landmarks(struct st_crop_box *box,
                                           const struct st_landmarks *landmarks, const char *path,
                                           synctalk_error *err)
{
    const struct st_landmark_layout *layout = st_landmark_layout(landmarks->count);
    if (!layout)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: %d points; layouts of 110, 106 and 98 points are known", path,
                       landmarks->count);
    const struct st_point *points = landmarks->points;
    int left = (int)points[layout->left].x;
    int right = (int)points[layout->right].x;
    float top = (points[layout->top[0]].y + points[layout->top[1]].y) / 2.0f;
    if (right <= left || right - left > ST_PICTURE_MAX_SIDE)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: the face is %d pixels wide (x %d to %d); 1 to %d are possible", path,
                       right - left, left, right, ST_PICTURE_MAX_SIDE);
    *box = (struct st_crop_box){.x = left, .y = (int)top, .side = right - left};
    return SYNCTALK_OK;
}
