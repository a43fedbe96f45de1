/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/face_choice.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "image/picture.h"

/* Digits with at most one point, ended by `end`; no sign, blank, word or exponent of strtod.
 * NULL: none. Else what follows the `end`. */
static const char *read_coordinate(float *value, const char *text, char end)
{
    char *rest = NULL;
    size_t length = strspn(text, "0123456789.");
    if (length == 0 || length > 12 || text[length] != end)
        return NULL;
    *value = strtof(text, &rest);
    if (rest != text + length || !(*value <= ST_PICTURE_MAX_SIDE))
        return NULL;
    return end ? rest + 1 : rest;
}

static bool read_index(int *index, const char *text)
{
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length > 4 || text[length] != '\0')
        return false;
    *index = (int)strtol(text, NULL, 10);
    return *index < ST_FACES_MAX;
}

synctalk_status st_face_choice_parse(struct st_tracker_settings *tracker, const char *text,
                                     synctalk_error *err)
{
    static const char *const words[] = {
        [ST_FACE_LARGEST] = "largest", [ST_FACE_LEFT] = "left", [ST_FACE_RIGHT] = "right"};
    const char *rest;

    for (int i = 0; i < (int)(sizeof words / sizeof *words); i++) {
        if (strcmp(text, words[i]) != 0)
            continue;
        tracker->choice = i;
        return SYNCTALK_OK;
    }
    if (read_index(&tracker->index, text)) {
        tracker->choice = ST_FACE_INDEX;
        return SYNCTALK_OK;
    }
    if ((rest = read_coordinate(&tracker->at.x, text, ',')) &&
        read_coordinate(&tracker->at.y, rest, '\0')) {
        tracker->choice = ST_FACE_AT;
        return SYNCTALK_OK;
    }
    return st_fail(err, SYNCTALK_E_ARG,
                   "face: \"%s\" is not one of largest, left, right, a number from 0 to %d, or X,Y "
                   "in pixels",
                   text, ST_FACES_MAX - 1);
}
