/* SPDX-License-Identifier: Apache-2.0 */
/* Mono 16 bit PCM in a RIFF file. */
#ifndef SPEECH_WAV_H
#define SPEECH_WAV_H

#include <stddef.h>

#include "synctalk/status.h"

/* Full scale 1, cut beyond it. An existing file is replaced; written whole or not at all. */
synctalk_status wav_write(const char *path, const float *samples, size_t count, int hz,
                          synctalk_error *err);

#endif /* SPEECH_WAV_H */
