/* SPDX-License-Identifier: Apache-2.0 */
/* The published ONNX form: sound [1, 576], state [2, 1, 128] and the rate in, probability
 * and the next state out. Ports are found by name, since their order is the exporter's.
 */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "models/silero.h"
#include "onnx/onnx.h"

#define INPUTS 3
#define OUTPUTS 2
#define STATE_FLOATS ((size_t)2 * ST_SILERO_STATE)

struct st_silero_onnx {
    struct st_onnx_session *session; /* owned */
    size_t sound, state, rate;       /* indices of inputs */
    size_t result, next;             /* indices of outputs */
    int64_t hz;
    float x[ST_SILERO_INPUT];
    float h[STATE_FLOATS];
};

typedef const struct st_onnx_port *port_getter(const struct st_onnx_session *session, size_t index);

static bool find_port(const struct st_onnx_session *session, port_getter *get, size_t count,
                      const char *name, int type, size_t *index)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(get(session, i)->name, name) != 0)
            continue;
        *index = i;
        return get(session, i)->type == type;
    }
    return false;
}

static bool find_ports(struct st_silero_onnx *s)
{
    const struct st_onnx_session *session = s->session;
    return st_onnx_input_count(session) == INPUTS && st_onnx_output_count(session) == OUTPUTS &&
           find_port(session, st_onnx_input_port, INPUTS, "input", ST_ONNX_F32, &s->sound) &&
           find_port(session, st_onnx_input_port, INPUTS, "state", ST_ONNX_F32, &s->state) &&
           find_port(session, st_onnx_input_port, INPUTS, "sr", ST_ONNX_I64, &s->rate) &&
           find_port(session, st_onnx_output_port, OUTPUTS, "output", ST_ONNX_F32, &s->result) &&
           find_port(session, st_onnx_output_port, OUTPUTS, "stateN", ST_ONNX_F32, &s->next);
}

synctalk_status st_silero_onnx_open(struct st_silero_onnx **out, const char *path,
                                    const char *library, synctalk_error *err)
{
    *out = NULL;
    struct st_silero_onnx *s = calloc(1, sizeof *s);
    if (!s)
        return st_fail_memory(err, "Silero VAD", sizeof *s);
    synctalk_status st = st_onnx_open(
        &s->session, path,
        &(struct st_onnx_settings){.library = library, .purpose = "to find speech", .threads = 1},
        err);
    if (!st && !find_ports(s))
        st = st_fail(err, SYNCTALK_E_MODEL,
                     "%s: not a Silero VAD v5 or v6: its inputs must be input, state and sr, and "
                     "its outputs output and stateN",
                     path);
    s->hz = 16000;
    if (st)
        st_silero_onnx_close(&s);
    *out = s;
    return st;
}

void st_silero_onnx_close(struct st_silero_onnx **silero)
{
    if (!silero || !*silero)
        return;
    st_onnx_close(&(*silero)->session);
    free(*silero);
    *silero = NULL;
}

static size_t count_of(const struct st_onnx_tensor *tensor)
{
    size_t count = 1;
    for (int i = 0; i < tensor->rank; i++)
        count *= tensor->dims[i] > 0 ? (size_t)tensor->dims[i] : 0;
    return count;
}

synctalk_status st_silero_onnx_run(struct st_silero_onnx *silero, const float *x,
                                   float *probability, synctalk_error *err)
{
    struct st_onnx_tensor inputs[INPUTS] = {{0}};
    struct st_onnx_tensor outputs[OUTPUTS] = {{0}};

    memcpy(silero->x, x, sizeof silero->x);
    inputs[silero->sound] = (struct st_onnx_tensor){
        .type = ST_ONNX_F32, .rank = 2, .dims = {1, ST_SILERO_INPUT}, .data = silero->x};
    inputs[silero->state] = (struct st_onnx_tensor){
        .type = ST_ONNX_F32, .rank = 3, .dims = {2, 1, ST_SILERO_STATE}, .data = silero->h};
    inputs[silero->rate] =
        (struct st_onnx_tensor){.type = ST_ONNX_I64,
                                .rank = st_onnx_input_port(silero->session, silero->rate)->rank > 0,
                                .dims = {1},
                                .data = &silero->hz};
    synctalk_status st = st_onnx_run(silero->session, inputs, outputs, err);
    if (st)
        return st;
    if (count_of(&outputs[silero->result]) != 1 || count_of(&outputs[silero->next]) != STATE_FLOATS)
        return st_fail(err, SYNCTALK_E_MODEL,
                       "the ONNX file gives %zu probabilities and a state of %zu numbers where a "
                       "Silero VAD gives 1 and %zu",
                       count_of(&outputs[silero->result]), count_of(&outputs[silero->next]),
                       STATE_FLOATS);
    *probability = *(const float *)outputs[silero->result].data;
    memcpy(silero->h, outputs[silero->next].data, sizeof silero->h);
    return SYNCTALK_OK;
}
