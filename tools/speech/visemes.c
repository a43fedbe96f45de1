/* SPDX-License-Identifier: Apache-2.0 */
/* The viseme table and the phonemes of both synthesisers.
 *
 * The jaw's, lips' and tongue's dominance differ because a sound that is made with one of
 * them leaves the others free: a k says nothing about the lips, a p nothing about the
 * tongue. Easy to get wrong: names as "3", "r", "0" are other sounds in another accent.
 */
#include "speech/visemes.h"

#include <stdbool.h>
#include <string.h>

/* jaw, width, round, closed, teeth, tongue tip, tongue back, upper raise, lower tuck;
 * dominance of jaw, lips, tongue. */
const struct viseme_shape viseme_shapes[VISEME_COUNT] = {
    [VISEME_SIL] = {"SIL", {0.00f, 0.00f, 0.00f, 1, 0.0f, 0.3f, 0.1f, 0.00f, 0}, 0.3f, 0.3f, 0.2f},
    [VISEME_PP] = {"PP", {0.05f, -0.05f, 0.05f, 1, 0.0f, 0.3f, 0.1f, 0.00f, 0}, 1.0f, 0.5f, 0.05f},
    [VISEME_FF] = {"FF", {0.10f, 0.05f, 0.05f, 0, 0.8f, 0.3f, 0.1f, 0.40f, 1}, 0.9f, 0.9f, 0.05f},
    [VISEME_TH] = {"TH", {0.18f, 0.05f, 0.00f, 0, 0.6f, 1.0f, 0.1f, 0.20f, 0}, 0.6f, 0.3f, 1.0f},
    [VISEME_DD] = {"DD", {0.15f, 0.10f, 0.00f, 0, 0.7f, 0.8f, 0.2f, 0.15f, 0}, 0.4f, 0.15f, 0.9f},
    [VISEME_LL] = {"LL", {0.22f, 0.05f, 0.00f, 0, 0.4f, 0.9f, 0.3f, 0.15f, 0}, 0.4f, 0.20f, 0.9f},
    [VISEME_SS] = {"SS", {0.06f, 0.30f, 0.00f, 0, 1.0f, 0.6f, 0.2f, 0.25f, 0}, 0.9f, 0.35f, 0.9f},
    [VISEME_CH] = {"CH", {0.12f, -0.25f, 0.55f, 0, 0.9f, 0.6f, 0.4f, 0.35f, 0}, 0.8f, 0.8f, 0.9f},
    [VISEME_KK] = {"KK", {0.20f, 0.05f, 0.00f, 0, 0.3f, 0.1f, 1.0f, 0.10f, 0}, 0.2f, 0.1f, 0.9f},
    [VISEME_RR] = {"RR", {0.18f, -0.20f, 0.45f, 0, 0.3f, 0.5f, 0.6f, 0.15f, 0}, 0.5f, 0.5f, 0.7f},
    [VISEME_UU] = {"UU", {0.10f, -0.70f, 0.95f, 0, 0.0f, 0.1f, 0.9f, 0.05f, 0}, 0.7f, 0.9f, 0.4f},
    [VISEME_OO] = {"OO", {0.40f, -0.45f, 0.70f, 0, 0.0f, 0.1f, 0.6f, 0.05f, 0}, 0.7f, 0.7f, 0.4f},
    [VISEME_AA] = {"AA", {0.75f, 0.00f, 0.00f, 0, 0.2f, 0.1f, 0.2f, 0.10f, 0}, 0.8f, 0.6f, 0.4f},
    [VISEME_EH] = {"EH", {0.45f, 0.35f, 0.00f, 0, 0.5f, 0.2f, 0.2f, 0.25f, 0}, 0.7f, 0.5f, 0.4f},
    [VISEME_IY] = {"IY", {0.20f, 0.65f, 0.00f, 0, 0.8f, 0.4f, 0.3f, 0.30f, 0}, 0.6f, 0.6f, 0.4f},
    [VISEME_AX] = {"AX", {0.28f, 0.05f, 0.05f, 0, 0.3f, 0.3f, 0.3f, 0.10f, 0}, 0.25f, 0.2f, 0.2f},
};

#define V(name) VISEME_##name
#define ONE(a)                 \
    {                          \
        1, {V(a), V(a), V(a)}, \
        {                      \
            1, 1, 1            \
        }                      \
    }
#define TWO(a, share, b)       \
    {                          \
        2, {V(a), V(b), V(b)}, \
        {                      \
            (share), 1, 1      \
        }                      \
    }
#define THREE(a, end_a, b, end_b, c) \
    {                                \
        3, {V(a), V(b), V(c)},       \
        {                            \
            (end_a), (end_b), 1      \
        }                            \
    }

struct row {
    const char *phoneme;
    struct viseme_sequence sequence;
};

/* ARPAbet as flite names it. */
static const struct row flite_rows[] = {
    {"pau", ONE(SIL)},
    {"p", ONE(PP)},
    {"b", ONE(PP)},
    {"m", ONE(PP)},
    {"f", ONE(FF)},
    {"v", ONE(FF)},
    {"th", ONE(TH)},
    {"dh", ONE(TH)},
    {"t", ONE(DD)},
    {"d", ONE(DD)},
    {"n", ONE(DD)},
    {"l", ONE(LL)},
    {"s", ONE(SS)},
    {"z", ONE(SS)},
    {"sh", ONE(CH)},
    {"zh", ONE(CH)},
    {"ch", ONE(CH)},
    {"jh", ONE(CH)},
    {"k", ONE(KK)},
    {"g", ONE(KK)},
    {"ng", ONE(KK)},
    {"hh", ONE(KK)},
    {"r", ONE(RR)},
    {"er", ONE(RR)},
    {"w", ONE(UU)},
    {"uw", ONE(UU)},
    {"uh", ONE(UU)},
    {"ao", ONE(OO)},
    {"aa", ONE(AA)},
    {"ah", ONE(AA)},
    {"ae", ONE(EH)},
    {"eh", ONE(EH)},
    {"iy", ONE(IY)},
    {"ih", ONE(IY)},
    {"y", ONE(IY)},
    {"ax", ONE(AX)},
    {"aw", TWO(AA, 0.55f, UU)},
    {"ay", TWO(AA, 0.55f, IY)},
    {"oy", TWO(OO, 0.55f, IY)},
    {"ow", TWO(OO, 0.55f, UU)},
    {"ey", TWO(EH, 0.55f, IY)},
    {NULL, ONE(SIL)},
};

/* What all voices of espeak-ng share; ";" is the glide of "few". */
static const struct row espeak_rows[] = {
    {"_", ONE(SIL)},
    {"_:", ONE(SIL)},
    {"p", ONE(PP)},
    {"b", ONE(PP)},
    {"m", ONE(PP)},
    {"m-", ONE(PP)},
    {"f", ONE(FF)},
    {"v", ONE(FF)},
    {"T", ONE(TH)},
    {"D", ONE(TH)},
    {"t", ONE(DD)},
    {"d", ONE(DD)},
    {"n", ONE(DD)},
    {"t#", ONE(DD)},
    {"t2", ONE(DD)},
    {"n-", ONE(DD)},
    {"l", ONE(LL)},
    {"l2", ONE(LL)},
    {"l/", ONE(LL)},
    {"s", ONE(SS)},
    {"z", ONE(SS)},
    {"S", ONE(CH)},
    {"Z", ONE(CH)},
    {"tS", ONE(CH)},
    {"dZ", ONE(CH)},
    {"k", ONE(KK)},
    {"g", ONE(KK)},
    {"N", ONE(KK)},
    {"h", ONE(KK)},
    {"x", ONE(KK)},
    {"R", ONE(KK)},
    {"?", ONE(KK)},
    {"r-", ONE(RR)},
    {"w", ONE(UU)},
    {"u", ONE(UU)},
    {"u:", ONE(UU)},
    {"U", ONE(UU)},
    {"y", ONE(UU)},
    {"y:", ONE(UU)},
    {"Y", ONE(UU)},
    {"O", ONE(OO)},
    {"O:", ONE(OO)},
    {"O2", ONE(OO)},
    {"o", ONE(OO)},
    {"o:", ONE(OO)},
    {"W", ONE(OO)},
    {"A", ONE(AA)},
    {"A:", ONE(AA)},
    {"a", ONE(AA)},
    {"a:", ONE(AA)},
    {"aa", ONE(AA)},
    {"V", ONE(AA)},
    {"E", ONE(EH)},
    {"E:", ONE(EH)},
    {"E2", ONE(EH)},
    {"e", ONE(EH)},
    {"e:", ONE(EH)},
    {"i", ONE(IY)},
    {"i:", ONE(IY)},
    {"I", ONE(IY)},
    {"I2", ONE(IY)},
    {"I#", ONE(IY)},
    {"j", ONE(IY)},
    {"C", ONE(IY)},
    {";", ONE(IY)},
    {"@-", ONE(AX)},
    {"@", ONE(AX)},
    {"@2", ONE(AX)},
    {"@5", ONE(AX)},
    {"a#", ONE(AX)},
    {"ts", TWO(DD, 0.5f, SS)},
    {"pF", TWO(PP, 0.5f, FF)},
    {"@L", TWO(AX, 0.3f, LL)},
    {"aU", TWO(AA, 0.55f, UU)},
    {"aI", TWO(AA, 0.55f, IY)},
    {"OI", TWO(OO, 0.55f, IY)},
    {"OY", TWO(OO, 0.55f, IY)},
    {"oU", TWO(OO, 0.55f, UU)},
    {"eI", TWO(EH, 0.55f, IY)},
    {NULL, ONE(SIL)},
};

/* American: r is sounded after vowels, and the vowel of "hot" has no rounding. */
static const struct row espeak_us_rows[] = {
    {"r", ONE(RR)},
    {"3", ONE(RR)},
    {"3:", ONE(RR)},
    {"0", ONE(AA)},
    {"i@", TWO(IY, 0.5f, AX)},
    {"i@3", TWO(IY, 0.5f, RR)},
    {"I@", TWO(IY, 0.5f, AX)},
    {"e@", TWO(EH, 0.6f, RR)},
    {"U@", TWO(UU, 0.5f, RR)},
    {"A@", TWO(AA, 0.6f, RR)},
    {"O@", TWO(OO, 0.6f, RR)},
    {"o@", TWO(OO, 0.6f, RR)},
    {"aI@", THREE(AA, 0.4f, IY, 0.75f, AX)},
    {"aI3", THREE(AA, 0.4f, IY, 0.7f, RR)},
    {"aU@", THREE(AA, 0.4f, UU, 0.75f, AX)},
    {NULL, ONE(SIL)},
};

/* British: an r after a vowel is heard as its length, or not at all. */
static const struct row espeak_gb_rows[] = {
    {"r", ONE(RR)},
    {"3", ONE(AX)},
    {"3:", ONE(AX)},
    {"0", ONE(OO)},
    {"i@", TWO(IY, 0.5f, AX)},
    {"i@3", TWO(IY, 0.5f, AX)},
    {"I@", TWO(IY, 0.5f, AX)},
    {"e@", TWO(EH, 0.6f, AX)},
    {"U@", TWO(UU, 0.5f, AX)},
    {"A@", ONE(AA)},
    {"O@", ONE(OO)},
    {"o@", ONE(OO)},
    {"aI@", THREE(AA, 0.4f, IY, 0.75f, AX)},
    {"aI3", THREE(AA, 0.4f, IY, 0.75f, AX)},
    {"aU@", THREE(AA, 0.4f, UU, 0.75f, AX)},
    {NULL, ONE(SIL)},
};

/* The r of these voices is a tap of the tongue's tip, with the lips at ease. */
static const struct row espeak_de_rows[] = {
    {"r", ONE(DD)},   {"3", ONE(AX)}, {"Y:", ONE(OO)}, {"UR", ONE(UU)}, {"EI", TWO(EH, 0.55f, IY)},
    {NULL, ONE(SIL)},
};

static const struct row *const own_rows[] = {
    [PHONEMES_FLITE] = flite_rows,
    [PHONEMES_ESPEAK_US] = espeak_us_rows,
    [PHONEMES_ESPEAK_GB] = espeak_gb_rows,
    [PHONEMES_ESPEAK_DE] = espeak_de_rows,
};

static bool find(struct viseme_sequence *out, const struct row *rows, const char *phoneme)
{
    for (const struct row *row = rows; row->phoneme; row++) {
        if (strcmp(row->phoneme, phoneme) == 0) {
            *out = row->sequence;
            return true;
        }
    }
    return false;
}

int viseme_of(struct viseme_sequence *out, enum phoneme_set set, const char *phoneme)
{
    bool found = find(out, own_rows[set], phoneme) ||
                 (set != PHONEMES_FLITE && find(out, espeak_rows, phoneme)) ||
                 /* German voices switch to English for words they take for it. */
                 (set == PHONEMES_ESPEAK_DE && find(out, espeak_gb_rows, phoneme));
    return found ? 0 : -1;
}

enum viseme viseme_at(const struct viseme_span *spans, size_t count, double seconds)
{
    size_t low = 0, high = count; /* the first span that ends after `seconds` is in [low, high] */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (spans[middle].end_s > seconds)
            high = middle;
        else
            low = middle + 1;
    }
    if (low == count || spans[low].start_s > seconds)
        return VISEME_SIL;
    return spans[low].viseme;
}
