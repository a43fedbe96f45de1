/* SPDX-License-Identifier: Apache-2.0 */
/* Which voices there are, and which of them nothing is ever trained on. flite's one other
 * male timbre and four of espeak-ng's variants are held out whole: a person who speaks to
 * the network has a voice that it never met either.
 */
#include <string.h>

#include "speech/speech.h"

#define FLITE(id, female, held_out)                                                     \
    {                                                                                   \
        "flite/" id, id, SPEECH_FLITE, SPEECH_ENGLISH, PHONEMES_FLITE, female, held_out \
    }
#define ESPEAK(language, set, code, variant, female, held_out)                              \
    {                                                                                       \
        "espeak/" code "+" variant, code "+" variant, SPEECH_ESPEAK, language, set, female, \
            held_out                                                                        \
    }
#define ESPEAK_TRAIN(language, set, code)                \
    ESPEAK(language, set, code, "m1", false, false),     \
        ESPEAK(language, set, code, "m3", false, false), \
        ESPEAK(language, set, code, "m5", false, false), \
        ESPEAK(language, set, code, "m7", false, false), \
        ESPEAK(language, set, code, "f1", true, false),  \
        ESPEAK(language, set, code, "f2", true, false),  \
        ESPEAK(language, set, code, "f4", true, false),  \
        ESPEAK(language, set, code, "klatt", false, false)
#define ESPEAK_HELD_OUT(language, set, code)                                                       \
    ESPEAK(language, set, code, "f5", true, true), ESPEAK(language, set, code, "m8", false, true), \
        ESPEAK(language, set, code, "klatt4", false, true),                                        \
        ESPEAK(language, set, code, "Annie", true, true)

static const struct speech_voice voices[] = {
    FLITE("slt", true, false),
    FLITE("rms", false, false),
    FLITE("kal16", false, false),
    FLITE("awb", false, true),
    ESPEAK_TRAIN(SPEECH_ENGLISH, PHONEMES_ESPEAK_US, "en-us"),
    ESPEAK_TRAIN(SPEECH_ENGLISH, PHONEMES_ESPEAK_GB, "en"),
    ESPEAK_TRAIN(SPEECH_ENGLISH, PHONEMES_ESPEAK_GB, "en-gb-x-rp"),
    ESPEAK_TRAIN(SPEECH_GERMAN, PHONEMES_ESPEAK_DE, "de"),
    ESPEAK_HELD_OUT(SPEECH_ENGLISH, PHONEMES_ESPEAK_US, "en-us"),
    ESPEAK_HELD_OUT(SPEECH_ENGLISH, PHONEMES_ESPEAK_GB, "en-gb-x-rp"),
    ESPEAK_HELD_OUT(SPEECH_GERMAN, PHONEMES_ESPEAK_DE, "de"),
};

const struct speech_voice *speech_voices(size_t *count)
{
    *count = sizeof voices / sizeof voices[0];
    return voices;
}

const struct speech_voice *speech_voice_find(const char *name)
{
    for (size_t i = 0; i < sizeof voices / sizeof voices[0]; i++)
        if (strcmp(voices[i].name, name) == 0)
            return &voices[i];
    return NULL;
}
