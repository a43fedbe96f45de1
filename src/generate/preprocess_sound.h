/* SPDX-License-Identifier: Apache-2.0 */
/* The sound of a video as a WAV file that begins with the video's first picture. */
#ifndef ST_GENERATE_PREPROCESS_SOUND_H
#define ST_GENERATE_PREPROCESS_SOUND_H

#include <stdint.h>

#include "synctalk/progress.h"
#include "synctalk/status.h"

#define ST_PREPROCESS_RATE_HZ 16000

/* 16 kHz mono PCM16 into `output`, over what is there. `picture_start`: when the first
 * picture is shown, in seconds on the file's clock; sound before it is left out, and
 * silence stands where sound begins later. *samples > 0. */
synctalk_status st_preprocess_sound_write(const char *video, double picture_start,
                                          const char *output, const synctalk_callbacks *callbacks,
                                          int64_t *samples, synctalk_error *err);

#endif /* ST_GENERATE_PREPROCESS_SOUND_H */
