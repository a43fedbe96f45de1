/* SPDX-License-Identifier: Apache-2.0 */
/* The face from which PFLD's numbers are offsets. */
#ifndef ST_FACE_MEAN_FACE_H
#define ST_FACE_MEAN_FACE_H

#include "synctalk/status.h"

/* `count` numbers (x, y pairs in units of the crop) from the text file `path`, or, where that
 * is NULL, from mean_face.txt or mean_face_110.txt in the folder of the file `beside`. */
synctalk_status st_mean_face_read(float *numbers, int count, const char *path, const char *beside,
                                  synctalk_error *err);

#endif /* ST_FACE_MEAN_FACE_H */
