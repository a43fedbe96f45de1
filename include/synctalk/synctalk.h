/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file synctalk.h
 * Make a video of one person speaking any audio track.
 *
 * Threads   A synctalk_person is immutable once open and may be shared; each call of
 *           synctalk_generate() runs its own worker threads and returns when they ended.
 *           Callbacks come from the calling thread, one at a time.
 * Errors    A fallible call returns SYNCTALK_OK or a negative synctalk_status. If `err`
 *           is not NULL it is filled too, with one sentence meant for a person.
 *           On failure every `**out` is left NULL and nothing is leaked.
 * Memory    `T **out` hands a new object to the caller, who ends it with the matching
 *           *_close(). `const T *` is borrowed until the call returns, unless said.
 * Units     Time is in seconds (double) or frames (int64_t), as the name says. Audio is
 *           mono f32 in [-1, 1] at SYNCTALK_AUDIO_HZ. Paths are UTF-8.
 *
 * The library never prints, exits, reads the environment or installs signal handlers.
 *
 * A whole program (examples/generate.c is this one):
 *
 *     synctalk_settings s;
 *     synctalk_settings_init(&s);
 *     s.root = "project";
 *     s.model = "anna";
 *     synctalk_person *anna = NULL;
 *     synctalk_error err;
 *     if (synctalk_person_open(&anna, &s, NULL, &err) ||
 *         synctalk_generate(anna, &s, "hello.wav", "hello.mp4", NULL, NULL, &err))
 *         fprintf(stderr, "%s\n", err.message);
 *     synctalk_person_close(&anna);
 */
#ifndef SYNCTALK_SYNCTALK_H
#define SYNCTALK_SYNCTALK_H

#include "synctalk/export.h"
#include "synctalk/features.h"
#include "synctalk/generate.h"
#include "synctalk/look.h"
#include "synctalk/machine.h"
#include "synctalk/models.h"
#include "synctalk/people.h"
#include "synctalk/preprocess.h"
#include "synctalk/progress.h"
#include "synctalk/settings.h"
#include "synctalk/stats.h"
#include "synctalk/status.h"
#include "synctalk/train.h"
#include "synctalk/vad.h"
#include "synctalk/weights.h"

#ifdef __cplusplus
extern "C" {
#endif

#define SYNCTALK_API_VERSION 0x000100 /* 0xMMmmpp; major changes break callers */
#define SYNCTALK_AUDIO_HZ 16000

/** SYNCTALK_API_VERSION of the library that is running, to compare with the header's. */
SYNCTALK_API unsigned synctalk_api_version(void);

/** The release as text, "0.1.0"; static. */
SYNCTALK_API const char *synctalk_version(void);

#ifdef __cplusplus
}
#endif

#endif /* SYNCTALK_SYNCTALK_H */
