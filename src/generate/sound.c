/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/sound.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "media/audio_reader.h"
#include "models/encoder.h"
#include "weights/npy.h"

#define CHUNK_SAMPLES 4096
#define MAX_SAMPLES (INT64_C(1) << 40) /* 265 days at 48 kHz */
#define NEAR_SILENCE 0.003f            /* -50 dB of full scale */
#define PULL_VECTORS 16

static synctalk_status stopped(synctalk_error *err)
{
    return st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
}

static void warn(const struct st_sound *sound, const char *path, int64_t damaged,
                 const synctalk_callbacks *callbacks)
{
    if (damaged > 0)
        st_log(callbacks, SYNCTALK_LOG_WARNING,
               "%s: %" PRId64 " damaged parts of the sound were skipped", path, damaged);
    if (sound->peak < NEAR_SILENCE)
        st_log(callbacks, SYNCTALK_LOG_WARNING,
               "%s: the sound is %s (peak %.4f of full scale); the mouth will hardly move", path,
               sound->peak > 0 ? "nearly silent" : "silent", (double)sound->peak);
}

/* A file of some bytes can unpack to days of sound; it is not decoded to its end. */
static synctalk_status too_long(const char *path, int max_seconds, synctalk_error *err)
{
    return st_fail(err, SYNCTALK_E_ARG, "%s: the sound is longer than %d seconds (--max-seconds)",
                   path, max_seconds);
}

synctalk_status st_sound_measure(struct st_sound *sound, const char *path, int max_seconds,
                                 const synctalk_callbacks *callbacks, synctalk_error *err)
{
    synctalk_status st;
    struct st_audio_reader *reader = NULL;
    float samples[CHUNK_SAMPLES];
    size_t got;
    unsigned chunks = 0;

    memset(sound, 0, sizeof *sound);
    if ((st = st_audio_reader_open(&reader, path, 0, 1, err)))
        return st;
    const struct st_audio_info *info = st_audio_reader_info(reader);
    sound->rate_hz = info->rate_hz;
    sound->channels = info->source_channels;
    do {
        if ((st = st_audio_reader_read(reader, samples, CHUNK_SAMPLES, &got, err)))
            goto done;
        for (size_t i = 0; i < got; i++)
            sound->peak = fmaxf(sound->peak, fabsf(samples[i]));
        sound->samples += (int64_t)got;
        if (max_seconds > 0 && sound->samples > (int64_t)max_seconds * sound->rate_hz) {
            st = too_long(path, max_seconds, err);
            goto done;
        }
        if (chunks++ % 256 == 0)
            st_progress(callbacks, "sound", sound->samples, 0, 0);
        if (st_cancelled(callbacks)) {
            st = stopped(err);
            goto done;
        }
    } while (got > 0 && sound->samples < MAX_SAMPLES);
    if (sound->samples == 0) {
        st = st_fail(err, SYNCTALK_E_FORMAT, "%s: the sound has no samples", path);
        goto done;
    }
    st_progress(callbacks, "sound", sound->samples, sound->samples, 0);
    warn(sound, path, st_audio_reader_damaged(reader), callbacks);

done:
    st_audio_reader_close(&reader);
    return st;
}

synctalk_status st_sound_show(const char *audio, struct st_encoder_stream *stream,
                              const synctalk_callbacks *callbacks, synctalk_error *err)
{
    struct st_audio_reader *reader = NULL;
    float samples[CHUNK_SAMPLES];
    size_t got = 0;
    synctalk_status st = st_audio_reader_open(&reader, audio, 16000, 1, err);

    while (!st && !(st = st_audio_reader_read(reader, samples, CHUNK_SAMPLES, &got, err)) &&
           got > 0 && !(st = st_encoder_stream_measure(stream, samples, got, err)))
        if (st_cancelled(callbacks))
            st = stopped(err);
    st_audio_reader_close(&reader);
    return st;
}

/* Everything that is ready, into the file. */
static synctalk_status drain(struct st_encoder_stream *stream, struct st_npy_writer *writer,
                             float *vectors, synctalk_error *err)
{
    for (;;) {
        size_t got;
        synctalk_status st = st_encoder_stream_pull(stream, vectors, PULL_VECTORS, &got, err);
        if (st || got == 0)
            return st;
        if ((st = st_npy_writer_rows(writer, vectors, got, err)))
            return st;
    }
}

static bool was_cancelled(void *callbacks)
{
    return st_cancelled(callbacks);
}

synctalk_status st_sound_write_features(const char *audio, const struct st_encoder *encoder,
                                        const char *output, int overwrite,
                                        const synctalk_callbacks *callbacks, int64_t *vectors,
                                        synctalk_error *err)
{
    synctalk_status st;
    const struct st_encoder_info *info = st_encoder_describe(encoder);
    struct st_npy_writer writer = {0};
    struct st_audio_reader *reader = NULL;
    struct st_encoder_stream *stream = NULL;
    struct st_sound sound;
    float samples[CHUNK_SAMPLES];
    float *pulled = NULL;
    size_t got;
    const struct st_stop stop = {was_cancelled, (void *)callbacks};

    if ((st = st_npy_writer_open(&writer, output, overwrite, info->rank, info->shape, err)) ||
        (st = st_sound_measure(&sound, audio, 0, callbacks, err)) ||
        (st = st_audio_reader_open(&reader, audio, 16000, 1, err)) ||
        (st = st_encoder_stream_open(&stream, encoder, err)))
        goto done;
    st_encoder_stream_stop_by(stream, &stop);
    if ((info->measures && (st = st_sound_show(audio, stream, callbacks, err))))
        goto done;
    if (!(pulled = malloc(PULL_VECTORS * info->vector * sizeof *pulled))) {
        st = st_fail_memory(err, "audio features", PULL_VECTORS * info->vector * sizeof *pulled);
        goto done;
    }
    int64_t total = sound.samples * info->fps / sound.rate_hz;
    do {
        if ((st = st_audio_reader_read(reader, samples, CHUNK_SAMPLES, &got, err)) ||
            (st = got > 0 ? st_encoder_stream_push(stream, samples, got, err)
                          : st_encoder_stream_finish(stream, err)) ||
            (st = drain(stream, &writer, pulled, err)))
            goto done;
        st_progress(callbacks, "features", (int64_t)writer.rows, total, info->fps);
        if (st_cancelled(callbacks)) {
            st = stopped(err);
            goto done;
        }
    } while (got > 0);
    if (vectors)
        *vectors = (int64_t)writer.rows;
    st_progress(callbacks, "features", (int64_t)writer.rows, (int64_t)writer.rows, info->fps);
    st = st_npy_writer_commit(&writer, overwrite, err);

done:
    free(pulled);
    st_encoder_stream_close(&stream);
    st_audio_reader_close(&reader);
    st_npy_writer_close(&writer);
    return st;
}
