/* SPDX-License-Identifier: Apache-2.0 */
/* The encoder "ave": mel rows to windows, windows to vectors, the first and the last of
 * them repeated once. Easy to get wrong: a window is in the final set as soon as it fits
 * the rows that are there, except the last, which moves back to end at T; so the last 16
 * rows are kept until the end.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "audio/mel.h"
#include "base/error.h"
#include "models/ave.h"
#include "models/encoder_desc.h"
#include "weights/weights.h"

#define STEPS ST_AVE_STEPS
#define BANDS ST_AVE_BANDS
#define BATCH ST_AVE_BATCH
#define MAX_ROWS 256

struct stream {
    struct st_mel *mel;           /* owns */
    struct st_ave_worker *worker; /* owns */

    float rows[MAX_ROWS * BANDS]; /* mel rows [first_row, first_row + row_count) */
    int64_t first_row;
    int64_t row_count;

    /* Windows go through the network in full batches whatever the pushes were, so that the
     * vectors do not depend on them: the last bits of a vector do depend on its batch. */
    float windows[BATCH * BANDS * STEPS];
    size_t window_count;
    int64_t next_window;

    float vectors[(BATCH + 2) * ST_AVE_VECTOR]; /* ready: [begin, end) */
    size_t begin, end;
    float last[ST_AVE_VECTOR];
    bool any; /* a vector has been made */

    bool finished; /* by the caller */
    bool ended;    /* the repeated last vector is out */
};

/* Forget the rows that no window to come can need. */
static void drop_rows(struct stream *s)
{
    int64_t total = s->first_row + s->row_count;
    int64_t keep = st_mel_window_start(s->next_window, INT64_MAX - STEPS);
    if (keep > total - STEPS)
        keep = total - STEPS;
    int64_t drop = keep - s->first_row;
    if (drop <= 0)
        return;
    s->row_count -= drop;
    s->first_row += drop;
    memmove(s->rows, s->rows + drop * BANDS, (size_t)s->row_count * BANDS * sizeof *s->rows);
}

/* Lay out rows [start, start + 16) as [bands, time], the next of the batch. */
static void add_window(struct stream *s, int64_t start)
{
    const float *rows = s->rows + (start - s->first_row) * BANDS;
    float *window = s->windows + s->window_count * BANDS * STEPS;

    assert(start >= s->first_row && start + STEPS <= s->first_row + s->row_count);
    for (int t = 0; t < STEPS; t++)
        for (int band = 0; band < BANDS; band++)
            window[band * STEPS + t] = rows[t * BANDS + band];
    s->window_count++;
    s->next_window++;
}

/* Fill the batch from the rows at hand. `T` is the number of all rows where it is known,
 * else -1. */
static void cut_windows(struct stream *s, int64_t T)
{
    int64_t total = s->first_row + s->row_count;
    while (s->window_count < BATCH) {
        if (T >= 0 && s->next_window >= st_mel_window_count(T))
            return;
        int64_t start = st_mel_window_start(s->next_window, T >= 0 ? T : INT64_MAX - STEPS);
        if (start + STEPS > total)
            return;
        add_window(s, start);
    }
}

static synctalk_status run_batch(struct stream *s, synctalk_error *err)
{
    float *made = s->vectors + (s->any ? 0 : ST_AVE_VECTOR);
    synctalk_status st = st_ave_run(s->worker, s->window_count, s->windows, made, err);
    if (st)
        return st;
    s->begin = 0;
    s->end = s->window_count + (s->any ? 0 : 1);
    if (!s->any)
        memcpy(s->vectors, made, sizeof s->last);
    s->any = true;
    memcpy(s->last, s->vectors + (s->end - 1) * ST_AVE_VECTOR, sizeof s->last);
    s->window_count = 0;
    return SYNCTALK_OK;
}

/* With nothing ready: make the next vectors, as far as the sound at hand allows. */
static synctalk_status advance(struct stream *s, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    size_t rows;

    s->begin = s->end = 0;
    do {
        drop_rows(s);
        rows =
            st_mel_pull(s->mel, s->rows + s->row_count * BANDS, (size_t)(MAX_ROWS - s->row_count));
        s->row_count += (int64_t)rows;
        cut_windows(s, -1);
    } while (rows > 0 && s->window_count < BATCH);

    if (s->window_count == BATCH)
        return run_batch(s, err);
    if (!s->finished)
        return SYNCTALK_OK;

    int64_t T = s->first_row + s->row_count;
    cut_windows(s, T);
    if (s->window_count > 0 && (st = run_batch(s, err)))
        return st;
    if (s->next_window == st_mel_window_count(T)) {
        memcpy(s->vectors + s->end * ST_AVE_VECTOR, s->last, sizeof s->last);
        s->end++;
        s->ended = true;
    }
    return SYNCTALK_OK;
}

static synctalk_status pull(void *stream, float *vectors, size_t capacity, size_t *got,
                            synctalk_error *err)
{
    struct stream *s = stream;

    *got = 0;
    while (*got < capacity) {
        if (s->begin == s->end) {
            synctalk_status st = s->ended ? SYNCTALK_OK : advance(s, err);
            if (st)
                return st;
            if (s->begin == s->end)
                break;
        }
        size_t n = s->end - s->begin < capacity - *got ? s->end - s->begin : capacity - *got;
        memcpy(vectors + *got * ST_AVE_VECTOR, s->vectors + s->begin * ST_AVE_VECTOR,
               n * ST_AVE_VECTOR * sizeof *vectors);
        s->begin += n;
        *got += n;
        if (s->ended && s->begin == s->end)
            break;
    }
    return SYNCTALK_OK;
}

static synctalk_status push(void *stream, const float *samples, size_t count, synctalk_error *err)
{
    struct stream *s = stream;
    return st_mel_push(s->mel, samples, count, err);
}

static synctalk_status finish(void *stream, synctalk_error *err)
{
    struct stream *s = stream;
    synctalk_status st = st_mel_finish(s->mel, err);
    s->finished = !st;
    return st;
}

static void stream_close(void *stream)
{
    struct stream *s = stream;
    if (!s)
        return;
    st_mel_destroy(&s->mel);
    st_ave_worker_close(&s->worker);
    free(s);
}

static synctalk_status stream_open(void **stream, const void *self, synctalk_error *err)
{
    synctalk_status st;
    struct stream *s = calloc(1, sizeof *s);

    *stream = NULL;
    if (!s)
        return st_fail_memory(err, "a stretch of mel spectrogram", sizeof *s);
    if ((st = st_mel_create(&s->mel, err)) || (st = st_ave_worker_open(&s->worker, self, err))) {
        stream_close(s);
        return st;
    }
    *stream = s;
    return SYNCTALK_OK;
}

static void close_ave(void *self)
{
    struct st_ave *ave = self;
    st_ave_close(&ave);
}

static synctalk_status open_ave(void **self, const char *path,
                                const struct st_encoder_options *options, synctalk_error *err)
{
    struct st_weights *weights = NULL;
    struct st_ave *ave = NULL;
    synctalk_status st = st_weights_open(&weights, path, err);

    if (!st)
        st = st_ave_open(&ave, weights, options->kernels, err);
    st_weights_close(&weights);
    *self = ave;
    return st;
}

const struct st_encoder_desc st_encoder_ave = {
    .info =
        {
            .kind = SYNCTALK_ENCODER_AVE,
            .name = "ave",
            .weight_files =
                (const char *const[]){
                    "audio_visual_encoder.pth", "audio_visual_encoder.safetensors",
                    "ave.safetensors", "checkpoints/audio_visual_encoder.pth",
                    "checkpoints/audio_visual_encoder.safetensors",
                    "model/audio_visual_encoder.pth", "model/audio_visual_encoder.safetensors",
                    "model/checkpoints/audio_visual_encoder.pth",
                    "model/checkpoints/audio_visual_encoder.safetensors", NULL},
            .feature_files = (const char *const[]){"aud_ave.npy", NULL},
            .vector = ST_AVE_VECTOR,
            .rank = 1,
            .shape = {ST_AVE_VECTOR},
            .fps = 25,
        },
    .open = open_ave,
    .close = close_ave,
    .stream_open = stream_open,
    .stream_close = stream_close,
    .push = push,
    .finish = finish,
    .pull = pull,
};
