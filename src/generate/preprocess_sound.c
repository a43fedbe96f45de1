/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/preprocess_sound.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "media/audio_reader.h"

#define RATE ST_PREPROCESS_RATE_HZ
#define CHUNK_SAMPLES 4096
#define HEADER_BYTES 44
#define SAMPLES_MAX ((INT64_C(0xFFFFFFFF) - HEADER_BYTES) / 2) /* of a RIFF file; 37 hours */
#define OFFSET_MAX 10.0 /* seconds; what is farther apart is no offset but a broken clock */

struct wav {
    struct st_output output;
    int64_t samples;
    unsigned char bytes[CHUNK_SAMPLES * 2];
};

static void put32(unsigned char *to, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        to[i] = (unsigned char)(value >> (8 * i));
}

/* RIFF, mono, 16 bit, with the sizes of `samples` samples. */
static void make_header(unsigned char *header, int64_t samples)
{
    static const unsigned char form[HEADER_BYTES] =
        "RIFF....WAVEfmt \x10\0\0\0\1\0\1\0........\2\0\x10\0data";
    uint32_t bytes = (uint32_t)(samples * 2);
    memcpy(header, form, HEADER_BYTES);
    put32(header + 4, bytes + HEADER_BYTES - 8);
    put32(header + 24, RATE);
    put32(header + 28, RATE * 2);
    put32(header + 40, bytes);
}

/* NULL stands for silence. At most CHUNK_SAMPLES. */
static synctalk_status write_samples(struct wav *wav, const float *samples, size_t count,
                                     synctalk_error *err)
{
    if (wav->samples + (int64_t)count > SAMPLES_MAX)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: the sound is longer than the 37 hours that a WAV file can hold",
                       wav->output.target);
    for (size_t i = 0; i < count; i++) {
        float level = samples ? samples[i] * 32768.0f : 0;
        long value = level >= 32767.0f    ? 32767
                     : level <= -32768.0f ? -32768
                     : level == level     ? lrintf(level)
                                          : 0;
        wav->bytes[2 * i] = (unsigned char)(value & 255);
        wav->bytes[2 * i + 1] = (unsigned char)(value >> 8 & 255);
    }
    wav->samples += (int64_t)count;
    return st_output_write(&wav->output, wav->bytes, count * 2, err);
}

static synctalk_status write_silence(struct wav *wav, int64_t count, synctalk_error *err)
{
    while (count > 0) {
        size_t now = count < CHUNK_SAMPLES ? (size_t)count : CHUNK_SAMPLES;
        synctalk_status st = write_samples(wav, NULL, now, err);
        if (st)
            return st;
        count -= (int64_t)now;
    }
    return SYNCTALK_OK;
}

static synctalk_status copy(struct wav *wav, struct st_audio_reader *reader, int64_t skip,
                            const synctalk_callbacks *callbacks, synctalk_error *err)
{
    float samples[CHUNK_SAMPLES];
    for (;;) {
        size_t got;
        synctalk_status st = st_audio_reader_read(reader, samples, CHUNK_SAMPLES, &got, err);
        if (st || got == 0)
            return st;
        size_t drop = skip < (int64_t)got ? (size_t)skip : got;
        skip -= (int64_t)drop;
        if ((st = write_samples(wav, samples + drop, got - drop, err)))
            return st;
        st_progress(callbacks, "sound", wav->samples, 0, 0);
        if (st_cancelled(callbacks))
            return st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
    }
}

/* Samples by which the sound is ahead of the pictures; negative: it begins after them. */
static int64_t samples_ahead(const struct st_audio_info *sound, double picture_start)
{
    double ahead = picture_start - sound->start;
    return fabs(ahead) <= OFFSET_MAX ? llround(ahead * RATE) : 0;
}

synctalk_status st_preprocess_sound_write(const char *video, double picture_start,
                                          const char *output, const synctalk_callbacks *callbacks,
                                          int64_t *samples, synctalk_error *err)
{
    synctalk_status st;
    struct wav wav = {.output.fd = -1};
    struct st_audio_reader *reader = NULL;
    unsigned char header[HEADER_BYTES];

    if ((st = st_output_open(&wav.output, output, true, err)) ||
        (st = st_audio_reader_open(&reader, video, RATE, 1, err)))
        goto done;
    int64_t ahead = samples_ahead(st_audio_reader_info(reader), picture_start);
    make_header(header, 0);
    if ((st = st_output_write(&wav.output, header, sizeof header, err)) ||
        (st = write_silence(&wav, -ahead, err)) ||
        (st = copy(&wav, reader, ahead > 0 ? ahead : 0, callbacks, err)))
        goto done;
    if (wav.samples == 0) {
        st = st_fail(err, SYNCTALK_E_FORMAT, "%s: its sound ends before its pictures begin", video);
        goto done;
    }
    make_header(header, wav.samples);
    if (pwrite(wav.output.fd, header, sizeof header, 0) != (ssize_t)sizeof header) {
        st = st_fail_errno(err, errno, "write", output);
        goto done;
    }
    *samples = wav.samples;
    st_progress(callbacks, "sound", wav.samples, wav.samples, 0);
    st = st_output_commit(&wav.output, true, err);

done:
    st_audio_reader_close(&reader);
    st_output_close(&wav.output);
    return st;
}
