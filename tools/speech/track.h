/* SPDX-License-Identifier: Apache-2.0 */
/* How a mouth moves while it says a list of visemes: every part of it at any time.
 *
 * Promised, and held by tests: the same spans give the same track; every PP has the lips
 * touching and every FF the lip on the teeth for longer than a frame of 25 fps; movements
 * begin 80 to 120 ms before the sound they belong to; in pauses longer than
 * TRACK_PAUSE_SECONDS the mouth is at rest except while it closes and opens; there are no
 * steps and no jitter.
 */
#ifndef SPEECH_TRACK_H
#define SPEECH_TRACK_H

#include <stddef.h>

#include "speech/visemes.h"
#include "synctalk/status.h"

#define TRACK_PAUSE_SECONDS 0.15 /* shorter pauses do not bring the mouth to rest */

/* Ranges: enum mouth_part. */
struct mouth {
    float part[MOUTH_PARTS];
    float opening; /* distance of the lips' inner edges in the middle, 0..1: mouth_opening() */
};

struct track;

/* `spans` as in struct speech, in order and without gaps; borrowed during the call. */
synctalk_status track_create(struct track **out, const struct viseme_span *spans, size_t count,
                             synctalk_error *err);
void track_destroy(struct track **track); /* NULL-safe both ways */

/* The mouth at a time; before the beginning and after the end it is at rest. */
void track_at(const struct track *track, double seconds, struct mouth *mouth);

/* How far the lips are apart, a function of the parts: the true opening of a frame. */
float mouth_opening(const float part[MOUTH_PARTS]);

#endif /* SPEECH_TRACK_H */
