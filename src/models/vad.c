/* SPDX-License-Identifier: Apache-2.0 */
#include "models/vad.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "audio/vad_builtin.h"
#include "base/error.h"
#include "base/file.h"
#include "models/silero.h"

/* What one push, or the end, can make ready. */
#define QUEUE (ST_VAD_PUSH_MOST / ST_VAD_CHUNK + 2 + ST_VAD_BUILTIN_DELAY)
#define LOUDEST 32.0f /* 30 dB over full scale; beyond it powers would leave f32 */

_Static_assert(ST_VAD_CHUNK == ST_SILERO_CHUNK, "rules and network count the same chunks");

struct st_vad {
    struct st_silero *silero;       /* owned; one of these three */
    struct st_silero_onnx *onnx;    /* owned */
    struct st_vad_builtin *builtin; /* owned */
    char path[ST_PATH_MAX];         /* of the network's file, for messages */

    float input[ST_SILERO_INPUT]; /* context, then the chunk that is being filled */
    size_t filled;                /* samples of that chunk */
    float queue[QUEUE];
    size_t ready; /* probabilities in it, from its beginning */
};

static bool is_onnx(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && strcasecmp(dot, ".onnx") == 0;
}

/* Its tensors where they are those that run here, else ONNX Runtime. */
static synctalk_status open_onnx(struct st_vad *vad, const char *path, const char *library,
                                 synctalk_error *err)
{
    struct st_weights *weights = NULL;
    synctalk_status st;
    if (!st_weights_open(&weights, path, NULL) && st_silero_fits(weights))
        st = st_silero_open(&vad->silero, weights, err);
    else
        st = st_silero_onnx_open(&vad->onnx, path, library, err);
    st_weights_close(&weights);
    return st;
}

static synctalk_status open_file(struct st_vad *vad, const char *path, const char *library,
                                 synctalk_error *err)
{
    struct st_weights *weights = NULL;
    synctalk_status st = st_path_format(vad->path, err, "%s", path);
    if (st)
        return st;
    if (is_onnx(path))
        return open_onnx(vad, path, library, err);
    if (!(st = st_weights_open(&weights, path, err)))
        st = st_silero_open(&vad->silero, weights, err);
    st_weights_close(&weights);
    return st;
}

synctalk_status st_vad_open(struct st_vad **out, const char *path, const char *library,
                            synctalk_error *err)
{
    *out = NULL;
    struct st_vad *vad = calloc(1, sizeof *vad);
    if (!vad)
        return st_fail_memory(err, "a voice activity detector", sizeof *vad);
    synctalk_status st =
        path ? open_file(vad, path, library, err) : st_vad_builtin_create(&vad->builtin, err);
    if (st)
        st_vad_close(&vad);
    *out = vad;
    return st;
}

void st_vad_close(struct st_vad **vad)
{
    if (!vad || !*vad)
        return;
    st_silero_close(&(*vad)->silero);
    st_silero_onnx_close(&(*vad)->onnx);
    st_vad_builtin_destroy(&(*vad)->builtin);
    free(*vad);
    *vad = NULL;
}

const char *st_vad_name(const struct st_vad *vad)
{
    return vad->builtin ? "built-in" : "silero";
}

/* The chunk is whole. */
static synctalk_status run(struct st_vad *vad, synctalk_error *err)
{
    const float *chunk = vad->input + ST_SILERO_CONTEXT;
    float probability = 0;
    bool ready = true;

    if (vad->ready == QUEUE)
        return st_fail(err, SYNCTALK_E_ARG, "probabilities of speech were not pulled");
    if (vad->builtin) {
        ready = st_vad_builtin_push(vad->builtin, chunk, &probability);
    } else if (vad->silero) {
        probability = st_silero_run(vad->silero, vad->input);
    } else {
        synctalk_status st = st_silero_onnx_run(vad->onnx, vad->input, &probability, err);
        if (st)
            return st;
    }
    if (!isfinite(probability))
        return st_fail(err, SYNCTALK_E_MODEL,
                       "%s: this voice activity network gives a number that is not finite; the "
                       "file is damaged",
                       vad->path);
    if (ready)
        vad->queue[vad->ready++] = probability;
    memcpy(vad->input, vad->input + ST_SILERO_CHUNK, ST_SILERO_CONTEXT * sizeof *vad->input);
    vad->filled = 0;
    return SYNCTALK_OK;
}

synctalk_status st_vad_push(struct st_vad *vad, const float *samples, size_t count,
                            synctalk_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const float x = isfinite(samples[i]) ? samples[i] : 0.0f;
        vad->input[ST_SILERO_CONTEXT + vad->filled++] = fminf(fmaxf(x, -LOUDEST), LOUDEST);
        if (vad->filled < ST_VAD_CHUNK)
            continue;
        synctalk_status st = run(vad, err);
        if (st)
            return st;
    }
    return SYNCTALK_OK;
}

synctalk_status st_vad_finish(struct st_vad *vad, synctalk_error *err)
{
    if (vad->filled > 0) {
        memset(vad->input + ST_SILERO_CONTEXT + vad->filled, 0,
               (ST_VAD_CHUNK - vad->filled) * sizeof *vad->input);
        synctalk_status st = run(vad, err);
        if (st)
            return st;
    }
    while (vad->builtin && vad->ready < QUEUE &&
           st_vad_builtin_flush(vad->builtin, &vad->queue[vad->ready]))
        vad->ready++;
    return SYNCTALK_OK;
}

size_t st_vad_pull(struct st_vad *vad, float *probabilities, size_t capacity)
{
    const size_t count = vad->ready < capacity ? vad->ready : capacity;
    memcpy(probabilities, vad->queue, count * sizeof *probabilities);
    memmove(vad->queue, vad->queue + count, (vad->ready - count) * sizeof *vad->queue);
    vad->ready -= count;
    return count;
}
