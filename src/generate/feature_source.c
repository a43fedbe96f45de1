/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/feature_source.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "generate/sound.h"
#include "media/audio_reader.h"

#define READ_SAMPLES 4096 /* sound taken in one step, a quarter of a second */
#define RING_SPARE 32     /* vectors held beyond a window: what one step may bring */

struct st_feature_source {
    size_t vector; /* floats */
    int window;    /* vectors */

    /* The last `ring_size` vectors of the stream: vector v in slot v % ring_size. */
    float *ring; /* owns; [ring_size, vector] */
    int64_t ring_size;
    int64_t have; /* vectors seen so far */
    bool ended;   /* have is final */

    /* Either a table of ready vectors ... */
    const struct st_tensor *ready; /* borrows; [N, ...] */
    const char *path;              /* borrows; of the file that is ready */
    /* ... or a sound and its encoder. */
    struct st_audio_reader *reader;   /* owns */
    struct st_encoder_stream *stream; /* owns */
    bool sound_ended;
    atomic_bool stopped;
    struct st_stop stop; /* asks the above */
    float samples[READ_SAMPLES];
};

/* NULL, with `err` filled, when there is no memory. */
static struct st_feature_source *create(size_t vector, int window, synctalk_error *err)
{
    size_t bytes;
    struct st_feature_source *source = calloc(1, sizeof *source);
    if (!source) {
        st_fail_memory(err, "a feature source", sizeof *source);
        return NULL;
    }
    source->vector = vector;
    source->window = window;
    source->ring_size = window + RING_SPARE;
    if (!st_mul_size((size_t)source->ring_size * sizeof(float), vector, &bytes) ||
        !(source->ring = malloc(bytes))) {
        st_feature_source_close(&source);
        st_fail_memory(err, "audio features", (unsigned long long)vector * sizeof(float));
    }
    return source;
}

void st_feature_source_close(struct st_feature_source **source)
{
    if (!source || !*source)
        return;
    st_encoder_stream_close(&(*source)->stream);
    st_audio_reader_close(&(*source)->reader);
    free((*source)->ring);
    free(*source);
    *source = NULL;
}

static bool is_finite(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

/* One row of a table as f32, whatever its element type and strides. */
static void read_row(const struct st_tensor *table, size_t row, float *dst)
{
    struct st_tensor view = *table;
    view.data += row * table->strides[0] * st_dtype_size(table->dtype);
    view.dims[0] = 1;
    view.count = table->count / table->dims[0];
    st_tensor_to_f32(&view, dst);
}

synctalk_status st_feature_source_from_file(struct st_feature_source **out,
                                            const struct st_weights *features, size_t vector,
                                            int window, synctalk_error *err)
{
    *out = NULL;
    const char *path = st_weights_path(features);
    if (st_weights_count(features) != 1)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: holds %zu arrays; features are one array in an .npy file", path,
                       st_weights_count(features));
    const struct st_tensor *table = st_weights_at(features, 0);
    if (table->rank < 2 || table->dims[0] == 0 || table->count == 0)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: is no table of feature vectors: rank %d, %zu elements", path,
                       table->rank, table->count);
    if (table->count / table->dims[0] != vector)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: has %zu numbers a vector, but the checkpoint needs %zu; were the "
                       "features made by another encoder?",
                       path, table->count / table->dims[0], vector);

    struct st_feature_source *source = create(vector, window, err);
    if (!source)
        return SYNCTALK_E_MEMORY;
    source->ready = table;
    source->path = path;
    *out = source;
    return SYNCTALK_OK;
}

static bool was_stopped(void *source)
{
    return atomic_load(&((struct st_feature_source *)source)->stopped);
}

synctalk_status st_feature_source_from_sound(struct st_feature_source **out, const char *audio,
                                             const struct st_encoder *encoder, int window,
                                             const synctalk_callbacks *callbacks,
                                             synctalk_error *err)
{
    synctalk_status st;
    const struct st_encoder_info *info = st_encoder_describe(encoder);
    struct st_feature_source *source;

    *out = NULL;
    if (!(source = create(info->vector, window, err)))
        return SYNCTALK_E_MEMORY;
    source->stop = (struct st_stop){was_stopped, source};
    if ((st = st_audio_reader_open(&source->reader, audio, ST_ENCODER_HZ, 1, err)) ||
        (st = st_encoder_stream_open(&source->stream, encoder, err)) ||
        (info->measures && (st = st_sound_show(audio, source->stream, callbacks, err)))) {
        st_feature_source_close(&source);
        return st;
    }
    st_encoder_stream_stop_by(source->stream, &source->stop);
    *out = source;
    return SYNCTALK_OK;
}

void st_feature_source_stop(struct st_feature_source *source)
{
    atomic_store(&source->stopped, true);
}

static float *slot(struct st_feature_source *source, int64_t v)
{
    return source->ring + (size_t)(v % source->ring_size) * source->vector;
}

/* Take at most `room` vectors that are ready now into the ring. */
static synctalk_status pull(struct st_feature_source *source, int64_t room, size_t *taken,
                            synctalk_error *err)
{
    *taken = 0;
    while (room > 0) {
        size_t got;
        int64_t to_wall = source->ring_size - source->have % source->ring_size;
        size_t capacity = (size_t)(room < to_wall ? room : to_wall);
        synctalk_status st =
            st_encoder_stream_pull(source->stream, slot(source, source->have), capacity, &got, err);
        if (st)
            return st;
        if (got == 0)
            break;
        source->have += (int64_t)got;
        room -= (int64_t)got;
        *taken += got;
    }
    return SYNCTALK_OK;
}

/* Bring in more vectors, so that at least one comes or the stream has ended. `room` is how
 * many may come without pushing out what the current window needs. */
static synctalk_status advance(struct st_feature_source *source, int64_t room, synctalk_error *err)
{
    synctalk_status st;
    size_t taken;
    size_t got;

    if (source->ready) {
        if (source->have == (int64_t)source->ready->dims[0]) {
            source->ended = true;
            return SYNCTALK_OK;
        }
        read_row(source->ready, (size_t)source->have, slot(source, source->have));
        if (!is_finite(slot(source, source->have), source->vector))
            return st_fail(err, SYNCTALK_E_FORMAT,
                           "%s: vector %lld holds what is not a number; make the features again "
                           "with synctalk features",
                           source->path, (long long)source->have);
        source->have++;
        return SYNCTALK_OK;
    }
    for (;;) {
        if ((st = pull(source, room, &taken, err)) || taken > 0)
            return st;
        if (source->sound_ended) {
            source->ended = true;
            return SYNCTALK_OK;
        }
        if ((st = st_audio_reader_read(source->reader, source->samples, READ_SAMPLES, &got, err)))
            return st;
        if (got > 0) {
            st = st_encoder_stream_push(source->stream, source->samples, got, err);
        } else {
            source->sound_ended = true;
            st = st_encoder_stream_finish(source->stream, err);
        }
        if (st)
            return st;
    }
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
    return v < low ? low : v > high ? high : v;
}

synctalk_status st_feature_source_window(struct st_feature_source *source, int64_t i, float *dst,
                                         synctalk_error *err)
{
    synctalk_status st;
    int64_t first = i - source->window / 2;
    int64_t end = first + source->window;

    while (source->have < end && !source->ended) {
        /* Past the sound's end the last vector stays in the ring, whatever `first` is. */
        int64_t keep = first < 0 ? 0 : first < source->have ? first : source->have;
        int64_t room = source->ring_size - (source->have - keep);
        assert(room > 0);
        if ((st = advance(source, room < end - source->have ? room : end - source->have, err)))
            return st;
    }
    if (source->have == 0)
        return st_fail(err, SYNCTALK_E_FORMAT, "the sound gave no audio features at all");
    for (int k = 0; k < source->window; k++) {
        int64_t v = clamp(first + k, 0, source->have - 1);
        memcpy(dst + (size_t)k * source->vector, slot(source, v), source->vector * sizeof *dst);
    }
    return SYNCTALK_OK;
}
