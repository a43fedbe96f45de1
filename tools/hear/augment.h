/* SPDX-License-Identifier: Apache-2.0 */
/* What rooms, microphones and neighbours do to a second of speech. None of it moves the
 * speech in time, so labels stay right.
 */
#ifndef HEAR_AUGMENT_H
#define HEAR_AUGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/random.h"

#include "synctalk/status.h"

#define AUGMENT_HZ 16000
#define AUGMENT_COUNT 16000  /* samples of one clip */
#define AUGMENT_HISTORY 8000 /* samples before it, whose echoes reach into it */

enum augment_noise { NOISE_NONE, NOISE_WHITE, NOISE_PINK, NOISE_HUM, NOISE_BABBLE };
enum augment_band { BAND_FULL, BAND_TELEPHONE, BAND_LOW_PASS, BAND_HIGH_PASS };

struct augment_recipe {
    double speed;     /* 0.85..1.18: sound that is played faster, pitch and formants with it */
    double tilt_db;   /* -8..8 above 1 kHz */
    double reverb_s;  /* time in which echoes fall by 60 dB, 0.1..0.8; 0: a room without echo */
    double direct_db; /* sound without echo over its echoes, 0..18 */
    enum augment_noise noise;
    double snr_db; /* 0..40 over speech before echoes */
    enum augment_band band;
    double cutoff_hz; /* of low and high pass */
    double gain_db;   /* -30..6 */
    double clip;      /* peaks are cut at this share of the loudest, 0.3..1; 1: none are */
    uint64_t seed;    /* of noise and echoes */
};

/* Draw one; `random` moves on. */
void augment_draw(struct augment_recipe *recipe, struct st_random *random);

/* Nothing is done to the sound. */
extern const struct augment_recipe augment_nothing;

struct augmenter; /* scratch memory of one worker */

synctalk_status augmenter_create(struct augmenter **out, synctalk_error *err);
void augmenter_destroy(struct augmenter **augmenter); /* NULL-safe both ways */

/* `sound` [AUGMENT_HISTORY + AUGMENT_COUNT], already at the recipe's speed. `babble`
 * [AUGMENT_COUNT] of any level is read for NOISE_BABBLE. `rms` of the speaker's speech.
 * out [AUGMENT_COUNT] within [-1, 1]. */
void augment_sound(struct augmenter *augmenter, const struct augment_recipe *recipe,
                   const float *sound, const float *babble, double rms, float *out);

#endif /* HEAR_AUGMENT_H */
