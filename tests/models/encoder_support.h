/* SPDX-License-Identifier: Apache-2.0 */
/* Sound through an encoder, whole or in random pieces. */
#ifndef ST_TESTS_ENCODER_SUPPORT_H
#define ST_TESTS_ENCODER_SUPPORT_H

#include <stdlib.h>

#include "models/encoder.h"
#include "support/support.h"

/* All vectors of `count` samples; seed 0: in pushes of 16 000, pulled 64 at a time; else
 * both sizes at random. malloc'ed. */
static inline float *encode_all(const struct st_encoder *encoder, const float *pcm, size_t count,
                                uint64_t seed, size_t *vectors)
{
    const size_t width = st_encoder_describe(encoder)->vector;
    struct st_encoder_stream *stream;
    size_t capacity = count / 640 + 80;
    float *out = malloc(capacity * width * sizeof *out);
    size_t at = 0;

    assert_non_null(out);
    ST_OK(st_encoder_stream_open(&stream, encoder, err));
    if (st_encoder_describe(encoder)->measures)
        ST_OK(st_encoder_stream_measure(stream, pcm, count, err));
    *vectors = 0;
    for (bool more = true; more;) {
        size_t n = seed ? st_random_next(&seed) % 5000 : 16000;
        n = n < count - at ? n : count - at;
        more = at < count;
        if (more)
            ST_OK(st_encoder_stream_push(stream, pcm + at, n, err));
        else
            ST_OK(st_encoder_stream_finish(stream, err));
        at += n;
        for (size_t got = 1; got;) {
            size_t most = seed ? 1 + st_random_next(&seed) % 7 : 64;
            assert_true(*vectors + most <= capacity);
            ST_OK(st_encoder_stream_pull(stream, out + *vectors * width, most, &got, err));
            assert_true(got <= most);
            *vectors += got;
        }
    }
    st_encoder_stream_close(&stream);
    assert_null(stream);
    return out;
}

#endif /* ST_TESTS_ENCODER_SUPPORT_H */
