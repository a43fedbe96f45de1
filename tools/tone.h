/* SPDX-License-Identifier: Apache-2.0 */
/* A voice without words: vowels through formants, in syllables and two phrases. */
#ifndef DEMO_TONE_H
#define DEMO_TONE_H

#include "synctalk/status.h"

/* Write about six seconds as 16 kHz mono 16-bit WAV, replacing what is there. */
synctalk_status tone_write(const char *path, synctalk_error *err);

#endif /* DEMO_TONE_H */
