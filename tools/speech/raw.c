/* SPDX-License-Identifier: Apache-2.0 */
/* Growing buffers for what a synthesiser delivers piece by piece. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "speech/engine.h"

/* Room for `needed` items of `size` bytes; 0 or -1, the block untouched then. */
static int grow(void **block, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity)
        return 0;
    size_t room = *capacity ? *capacity : 256, bytes;
    while (room < needed)
        if (!st_mul_size(room, 2, &room))
            return -1;
    if (!st_mul_size(room, size, &bytes))
        return -1;
    void *larger = realloc(*block, bytes);
    if (!larger)
        return -1;
    *block = larger;
    *capacity = room;
    return 0;
}

int raw_add_samples(struct raw_speech *raw, const int16_t *samples, size_t count)
{
    size_t needed;
    void *block = raw->samples;
    if (!st_add_size(raw->count, count, &needed) ||
        grow(&block, &raw->capacity, needed, sizeof *raw->samples))
        return -1;
    raw->samples = block;
    if (count)
        memcpy(raw->samples + raw->count, samples, count * sizeof *samples);
    raw->count = needed;
    return 0;
}

int raw_add_phoneme(struct raw_speech *raw, const char name[], double start_s)
{
    void *block = raw->phonemes;
    if (grow(&block, &raw->phoneme_capacity, raw->phoneme_count + 1, sizeof *raw->phonemes))
        return -1;
    raw->phonemes = block;
    struct raw_phoneme *phoneme = &raw->phonemes[raw->phoneme_count++];
    *phoneme = (struct raw_phoneme){.start_s = start_s};
    memcpy(phoneme->name, name, strnlen(name, SPEECH_NAME_MAX - 1));
    return 0;
}

void raw_free(struct raw_speech *raw)
{
    free(raw->samples);
    free(raw->phonemes);
    *raw = (struct raw_speech){0};
}
