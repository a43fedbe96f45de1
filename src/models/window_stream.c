/* SPDX-License-Identifier: Apache-2.0 */
/* The stream of a window network: samples wait where they were pushed, and become units as
 * the window takes them; so a window's worth of units is all that is held. Easy to get
 * wrong: a window that reaches the end exactly is the last, and none follows it.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "audio/fbank.h"
#include "base/error.h"
#include "base/memory.h"
#include "models/window_network_impl.h"

#define VARIANCE_FLOOR 1e-7 /* as Hugging Face's feature extractor adds it */

struct st_window_stream {
    const struct st_window_network *network; /* borrows */
    const struct st_window_form *form;       /* the network's */
    const struct st_stop *stop;              /* borrows; NULL: none */
    struct st_fbank *fbank;                  /* owns; NULL for a waveform */

    double sum, squares; /* of the recording, where it is measured */
    int64_t measured;
    float mean, gain;

    float samples[ST_ENCODER_PUSH_MAX]; /* pushed and not yet taken: [begin, end) */
    size_t begin, end;
    int64_t before, after; /* zeros still to be taken */
    bool finished;         /* by the caller: nothing is pushed any more */

    float *window; /* owns; [form->window, unit]; the first `filled` units are there */
    size_t unit;
    int64_t filled;
    bool any;   /* a window was run */
    bool ended; /* the last window was run */

    float *vectors; /* owns; [form->vectors, form->vector]; [ready_begin, ready_end) are left */
    size_t ready_begin, ready_end;
};

void st_window_stream_close(void *stream)
{
    struct st_window_stream *s = stream;
    if (!s)
        return;
    st_fbank_destroy(&s->fbank);
    free(s->window);
    free(s->vectors);
    free(s);
}

synctalk_status st_window_stream_open(void **out, const struct st_window_network *network,
                                      synctalk_error *err)
{
    const struct st_window_form *form = st_window_network_form(network);
    struct st_window_stream *s = calloc(1, sizeof *s);
    size_t window, vectors;

    *out = NULL;
    if (!s)
        return st_fail_memory(err, "an audio encoder's stream", sizeof *s);
    s->network = network;
    s->form = form;
    s->unit = st_window_unit(form->input);
    s->before = form->before;
    s->after = form->after;
    s->gain = form->scale;
    synctalk_status st =
        form->input == ST_WINDOW_FILTER_BANKS ? st_fbank_create(&s->fbank, err) : SYNCTALK_OK;
    if (!st && (!st_mul_size((size_t)form->window, s->unit * sizeof(float), &window) ||
                !st_mul_size(form->vectors, form->vector * sizeof(float), &vectors) ||
                !(s->window = malloc(window)) || !(s->vectors = malloc(vectors))))
        st = st_fail_memory(err, "an audio encoder's window",
                            (unsigned long long)form->window * s->unit * sizeof(float));
    if (st)
        st_window_stream_close(s);
    else
        *out = s;
    return st;
}

void st_window_stream_stop_by(void *stream, const struct st_stop *stop)
{
    ((struct st_window_stream *)stream)->stop = stop;
}

synctalk_status st_window_stream_measure(void *stream, const float *samples, size_t count,
                                         synctalk_error *err)
{
    struct st_window_stream *s = stream;
    (void)err;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(samples[i]))
            continue;
        s->sum += samples[i];
        s->squares += (double)samples[i] * samples[i];
    }
    s->measured += (int64_t)count;
    return SYNCTALK_OK;
}

/* Mean and gain from what was measured; before the first sample is taken. */
static void settle(struct st_window_stream *s)
{
    if (!s->form->normalise || s->measured == 0)
        return;
    const double mean = s->sum / (double)s->measured;
    const double variance = fmax(0, s->squares / (double)s->measured - mean * mean);
    s->mean = (float)mean;
    s->gain = (float)(s->form->scale / sqrt(variance + VARIANCE_FLOOR));
    s->measured = 0;
}

synctalk_status st_window_stream_push(void *stream, const float *samples, size_t count,
                                      synctalk_error *err)
{
    struct st_window_stream *s = stream;
    if (count > ST_ENCODER_PUSH_MAX || s->begin != s->end || s->finished)
        return st_fail(err, SYNCTALK_E_ARG,
                       "audio encoder: %zu samples pushed; at most %d at a time, after all vectors "
                       "were pulled and before the end",
                       count, ST_ENCODER_PUSH_MAX);
    settle(s);
    for (size_t i = 0; i < count; i++) {
        const float x = isfinite(samples[i]) ? samples[i] : 0.0f;
        s->samples[i] = s->fbank ? st_fbank_sample(x) : (x - s->mean) * s->gain;
    }
    s->begin = 0;
    s->end = count;
    return SYNCTALK_OK;
}

synctalk_status st_window_stream_finish(void *stream, synctalk_error *err)
{
    struct st_window_stream *s = stream;
    if (s->finished)
        return st_fail(err, SYNCTALK_E_ARG, "audio encoder: finish() called twice");
    s->finished = true;
    return SYNCTALK_OK;
}

/* Up to `most` samples of the padded recording: zeros, sound, zeros. 0: none for now. */
static size_t take_samples(struct st_window_stream *s, float *dst, size_t most)
{
    const bool sound = s->before == 0 && s->begin < s->end;
    int64_t *zeros = s->before > 0 ? &s->before : s->finished && !sound ? &s->after : NULL;
    size_t n = 0;

    if (sound) {
        n = s->end - s->begin < most ? s->end - s->begin : most;
        memcpy(dst, s->samples + s->begin, n * sizeof *dst);
        s->begin += n;
    } else if (zeros) {
        n = *zeros < (int64_t)most ? (size_t)*zeros : most;
        memset(dst, 0, n * sizeof *dst);
        *zeros -= (int64_t)n;
    }
    return n;
}

/* Fill the window as far as the sound at hand allows. */
static synctalk_status fill(struct st_window_stream *s, synctalk_error *err)
{
    float piece[1600];

    while (s->filled < s->form->window) {
        float *at = s->window + (size_t)s->filled * s->unit;
        const size_t room = (size_t)(s->form->window - s->filled);
        size_t n = s->fbank ? st_fbank_pull(s->fbank, at, room) : take_samples(s, at, room);
        s->filled += (int64_t)n;
        if (n > 0)
            continue;
        if (!s->fbank || (n = take_samples(s, piece, sizeof piece / sizeof *piece)) == 0)
            return SYNCTALK_OK;
        synctalk_status st = st_fbank_push(s->fbank, piece, n, err);
        if (st)
            return st;
    }
    return SYNCTALK_OK;
}

/* With nothing ready: the next window through the network, or nothing where none is due. */
static synctalk_status advance(struct st_window_stream *s, synctalk_error *err)
{
    const struct st_window_form *form = s->form;
    const int64_t overlap = form->window - form->hop;
    synctalk_status st = fill(s, err);

    if (st)
        return st;
    const int64_t filled = s->filled;
    if (filled < form->window) {
        if (!s->finished)
            return SYNCTALK_OK;
        s->ended = true;
        if (filled <= (s->any ? overlap : 0))
            return SYNCTALK_OK;
        memset(s->window + (size_t)filled * s->unit, 0,
               (size_t)(form->window - filled) * s->unit * sizeof *s->window);
    }
    if (st_stop_asked(s->stop))
        return st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
    if ((st = st_window_network_run(s->network, s->window, s->vectors, err)))
        return st;
    s->any = true;
    s->ready_begin = 0;
    s->ready_end = form->vectors;
    if (filled < form->window) {
        /* Of several vectors, those that have sound. */
        const int64_t with = filled > overlap ? filled - overlap : 1;
        s->ready_end = (size_t)((with * (int64_t)form->vectors + form->hop - 1) / form->hop);
    }
    memmove(s->window, s->window + (size_t)form->hop * s->unit,
            (size_t)overlap * s->unit * sizeof *s->window);
    s->filled = overlap;
    return SYNCTALK_OK;
}

synctalk_status st_window_stream_pull(void *stream, float *vectors, size_t capacity, size_t *got,
                                      synctalk_error *err)
{
    struct st_window_stream *s = stream;
    const size_t vector = s->form->vector;

    *got = 0;
    while (*got < capacity) {
        if (s->ready_begin == s->ready_end) {
            synctalk_status st = s->ended ? SYNCTALK_OK : advance(s, err);
            if (st)
                return st;
            if (s->ready_begin == s->ready_end)
                break;
        }
        const size_t left = s->ready_end - s->ready_begin;
        const size_t n = left < capacity - *got ? left : capacity - *got;
        memcpy(vectors + *got * vector, s->vectors + s->ready_begin * vector,
               n * vector * sizeof *vectors);
        s->ready_begin += n;
        *got += n;
    }
    return SYNCTALK_OK;
}
