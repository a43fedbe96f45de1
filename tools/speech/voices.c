/* SPDX-License-Identifier: Apache-2.0 */
/* Which voices there are, and which of them nothing is ever trained on. flite's one other
 * male timbre and four of espeak-ng's variants are held out whole: a person who speaks to
 * the network has a voice that it never met either.
 */
#include <string.h>

#include "speech/speech.h"

#define FLITE(id, female, held_out)                                     \
    {                                                                   \
        "flite/" id, SPEECH_FLITE, SPEECH_ENGLISH, id, female, held_out \
    }
#define ESPEAK(language, code, variant, female, held_out)                                       \
    {                                                                                           \
        "espeak/" code "+" variant, SPEECH_ESPEAK, language, code "+" variant, female, held_out \
    }
#define ESPEAK_TRAIN(language, code)                                                            \
    ESPEAK(language, code, "m1", false, false), ESPEAK(language, code, "m3", false, false),     \
        ESPEAK(language, code, "m5", false, false), ESPEAK(language, code, "m7", false, false), \
        ESPEAK(language, code, "f1", true, false), ESPEAK(language, code, "f2", true, false),   \
        ESPEAK(language, code, "f4", true, false), ESPEAK(language, code, "klatt", false, false)
#define ESPEAK_HELD_OUT(language, code)                                                  \
    ESPEAK(language, code, "f5", true, true), ESPEAK(language, code, "m8", false, true), \
        ESPEAK(language, code, "klatt4", false, true), ESPEAK(language, code, "Annie", true, true)

static const struct speech_voice voices[] = {
    FLITE("slt", true, false),
    FLITE("rms", false, false),
    FLITE("kal16", false, false),
    FLITE("awb", false, true),
    ESPEAK_TRAIN(SPEECH_ENGLISH, "en-us"),
    ESPEAK_TRAIN(SPEECH_ENGLISH, "en"),
    ESPEAK_TRAIN(SPEECH_ENGLISH, "en-gb-x-rp"),
    ESPEAK_TRAIN(SPEECH_GERMAN, "de"),
    ESPEAK_HELD_OUT(SPEECH_ENGLISH, "en-us"),
    ESPEAK_HELD_OUT(SPEECH_ENGLISH, "en-gb-x-rp"),
    ESPEAK_HELD_OUT(SPEECH_GERMAN, "de"),
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
