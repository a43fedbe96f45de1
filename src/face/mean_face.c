/* SPDX-License-Identifier: Apache-2.0 */
#include "face/mean_face.h"

#include <math.h>

#include "base/error.h"
#include "base/file.h"
#include "face/number.h"

#define UNITS_MAX 10.0 /* crop sides; a point farther away is none of the face in the crop */

/* Whatever stands between the numbers: blanks and ends of lines. Returns how many there are, at
 * most `count` + 1; -1 where something else is met. */
static int parse(float *numbers, int count, struct st_text text)
{
    int found = 0;
    while (text.at < text.end && found <= count) {
        struct st_text line = {text.at, text.at};
        while (line.end < text.end && *line.end != '\n')
            line.end++;
        text.at = line.end < text.end ? line.end + 1 : line.end;
        for (st_text_skip_blanks(&line); line.at < line.end && found <= count;
             st_text_skip_blanks(&line)) {
            double number;
            if (!st_text_number(&line, &number) || !(fabs(number) <= UNITS_MAX))
                return -1;
            if (found < count)
                numbers[found] = (float)number;
            found++;
        }
    }
    return found;
}

static synctalk_status read_file(float *numbers, int count, const char *path, synctalk_error *err)
{
    struct st_mapping file;
    synctalk_status st = st_map_file(&file, path, err);
    if (st)
        return st;
    const char *text = (const char *)file.data;
    int found = file.size ? parse(numbers, count, (struct st_text){text, text + file.size}) : 0;
    st_unmap_file(&file);
    if (found == count)
        return SYNCTALK_OK;
    if (found < 0)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: not a mean face: %d numbers near 0 to 1 are needed, and nothing else",
                       path, count);
    return st_fail(err, SYNCTALK_E_FORMAT,
                   "%s: not a mean face: it holds %s%d numbers; %d are needed", path,
                   found > count ? "more than " : "", found > count ? count : found, count);
}

synctalk_status st_mean_face_read(float *numbers, int count, const char *path, const char *beside,
                                  synctalk_error *err)
{
    static const char *const names[] = {"mean_face.txt", "mean_face_110.txt"};
    char found[ST_PATH_MAX];
    const int folder = (int)(st_path_base(beside) - beside); /* length, with its '/' */

    if (path)
        return read_file(numbers, count, path, err);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        synctalk_status st = st_path_format(found, err, "%.*s%s", folder, beside, names[i]);
        if (st)
            return st;
        if (st_path_is_file(found))
            return read_file(numbers, count, found, err);
    }
    return st_fail(err, SYNCTALK_E_MISSING,
                   "%.*s%s is not there: the mean face that the points of %s are offsets from; it "
                   "comes with the network (option --mean-face names another place)",
                   folder, beside, names[0], st_path_base(beside));
}
