/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of voice activity share. */
#ifndef ST_TESTS_MODELS_VAD_SUPPORT_H
#define ST_TESTS_MODELS_VAD_SUPPORT_H

#include "media/audio_reader.h"
#include "models/vad.h"
#include "support/support.h"

/* A recording as mono f32 at 16 kHz. malloc'ed. */
static inline float *vad_read_sound(const char *path, size_t *samples)
{
    struct st_audio_reader *reader;
    size_t capacity = 1 << 16;
    size_t got;
    float *pcm = malloc(capacity * sizeof *pcm);
    *samples = 0;
    ST_OK(st_audio_reader_open(&reader, path, ST_VAD_HZ, 1, err));
    do {
        if (*samples == capacity)
            pcm = realloc(pcm, (capacity *= 2) * sizeof *pcm);
        assert_non_null(pcm);
        ST_OK(st_audio_reader_read(reader, pcm + *samples, capacity - *samples, &got, err));
        *samples += got;
    } while (got > 0);
    st_audio_reader_close(&reader);
    return pcm;
}

/* All probabilities of a recording, from pushes of random size if `seed` is not 0. malloc'ed. */
static inline float *vad_all(const char *file, const char *library, const float *pcm,
                             size_t samples, uint64_t seed, size_t *count)
{
    struct st_vad *vad;
    size_t got;
    float *p = malloc((samples / ST_VAD_CHUNK + 64) * sizeof *p);
    assert_non_null(p);
    ST_OK(st_vad_open(&vad, file, library, err));
    *count = 0;
    for (size_t at = 0; at < samples;) {
        size_t n = seed ? st_random_next(&seed) % 3000 : ST_VAD_PUSH_MOST;
        n = n < samples - at ? n : samples - at;
        ST_OK(st_vad_push(vad, pcm + at, n, err));
        at += n;
        while ((got = st_vad_pull(vad, p + *count, seed ? 3 : 64)) > 0)
            *count += got;
    }
    ST_OK(st_vad_finish(vad, err));
    while ((got = st_vad_pull(vad, p + *count, 64)) > 0)
        *count += got;
    st_vad_close(&vad);
    assert_null(vad);
    return p;
}

#endif /* ST_TESTS_MODELS_VAD_SUPPORT_H */
