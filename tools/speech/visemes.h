/* SPDX-License-Identifier: Apache-2.0 */
/* Sixteen visemes: what the mouth does for each kind of sound, and which phoneme of which
 * synthesiser is which.
 */
#ifndef SPEECH_VISEMES_H
#define SPEECH_VISEMES_H

#include <stddef.h>

/* Whose names the phonemes have; one name may be different sounds in two accents. */
enum phoneme_set { PHONEMES_FLITE, PHONEMES_ESPEAK_US, PHONEMES_ESPEAK_GB, PHONEMES_ESPEAK_DE };

#define SPEECH_NAME_MAX 9 /* a phoneme's name: 8 bytes and the terminator */

/* The numbers are the classes an audio encoder is trained on. */
enum viseme {
    VISEME_SIL,
    VISEME_PP,
    VISEME_FF,
    VISEME_TH,
    VISEME_DD,
    VISEME_LL,
    VISEME_SS,
    VISEME_CH,
    VISEME_KK,
    VISEME_RR,
    VISEME_UU,
    VISEME_OO,
    VISEME_AA,
    VISEME_EH,
    VISEME_IY,
    VISEME_AX,
    VISEME_COUNT
};

/* What a mouth can do, each on its own. */
enum mouth_part {
    MOUTH_JAW,         /* 0 shut .. 1 as far as it goes */
    MOUTH_WIDTH,       /* -1 corners drawn in .. 0 rest .. 1 spread */
    MOUTH_ROUND,       /* 0 flat .. 1 pursed and protruded */
    MOUTH_CLOSED,      /* 1 = lips touch along their whole length */
    MOUTH_TEETH,       /* how much of them shows, 0..1 */
    MOUTH_TONGUE_TIP,  /* 0 low .. 0.8 behind the upper teeth .. 1 between the teeth */
    MOUTH_TONGUE_BACK, /* 0 low .. 1 at the soft palate */
    MOUTH_UPPER_RAISE, /* upper lip lifted off the teeth, 0..1 */
    MOUTH_LOWER_TUCK,  /* 1 = lower lip touches the upper teeth */
    MOUTH_PARTS
};

struct viseme_shape {
    const char *name;
    float target[MOUTH_PARTS];
    float jaw, lips, tongue; /* dominance: how hard it is on its neighbours, 0..1 */
};

/* Up to three visemes that one phoneme passes through. */
struct viseme_sequence {
    int count;
    enum viseme visemes[3];
    float ends[3]; /* share of the phoneme's time at which each ends; the last is 1 */
};

struct viseme_span {
    enum viseme viseme;
    double start_s, end_s;
    double hold_s; /* a closure is kept until here */
};

extern const struct viseme_shape viseme_shapes[VISEME_COUNT];

/* 0, or -1 for a name that no table has. */
int viseme_of(struct viseme_sequence *out, enum phoneme_set set, const char *phoneme);

/* Which viseme sounds at a time; SIL outside. */
enum viseme viseme_at(const struct viseme_span *spans, size_t count, double seconds);

#endif /* SPEECH_VISEMES_H */
