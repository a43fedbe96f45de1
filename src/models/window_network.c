/* SPDX-License-Identifier: Apache-2.0 */
/* The network: its ports held against the form, and one run under a lock, since a session
 * serves one thread at a time and an encoder any number of streams.
 */
#include "models/window_network.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/fbank.h"
#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "models/window_network_impl.h"

#define INPUTS_MAX (ST_WINDOW_CONSTANTS_MAX + 1)
#define OUTPUTS_MAX 64

/* What one thread at a time has. */
struct runner {
    pthread_mutex_t lock;
    struct st_onnx_session *session; /* owns */
    struct st_onnx_tensor inputs[INPUTS_MAX];
    struct st_onnx_tensor outputs[OUTPUTS_MAX];
    void *constants[ST_WINDOW_CONSTANTS_MAX]; /* owns */
};

struct st_window_network {
    struct st_window_form form;
    char path[ST_PATH_MAX];
    size_t sound, result;  /* indices of ports */
    struct runner *runner; /* owns */
};

int st_window_rate(enum st_window_input input)
{
    return input == ST_WINDOW_WAVEFORM ? ST_ENCODER_HZ : ST_ENCODER_HZ / ST_FBANK_HOP;
}

size_t st_window_unit(enum st_window_input input)
{
    return input == ST_WINDOW_WAVEFORM ? 1 : ST_FBANK_BANDS;
}

const struct st_window_form *st_window_network_form(const struct st_window_network *network)
{
    return &network->form;
}

/* "chunk [1, 1, 67, 80], offset [1]", cut where it grows too long; a free side is "?". */
static void list_ports(char *buf, size_t size, const struct st_onnx_session *session, bool input)
{
    const size_t count = input ? st_onnx_input_count(session) : st_onnx_output_count(session);
    size_t used = 0;
    *buf = '\0';
    for (size_t i = 0; i < count && used + 4 < size; i++) {
        const struct st_onnx_port *port =
            input ? st_onnx_input_port(session, i) : st_onnx_output_port(session, i);
        used += (size_t)snprintf(buf + used, size - used, "%s%.40s [", i ? ", " : "", port->name);
        for (int d = 0; d < port->rank && used < size; d++)
            used +=
                (size_t)(port->dims[d] < 0 ? snprintf(buf + used, size - used, "%s?", d ? ", " : "")
                                           : snprintf(buf + used, size - used, "%s%lld",
                                                      d ? ", " : "", (long long)port->dims[d]));
        if (used < size)
            used += (size_t)snprintf(buf + used, size - used, "]");
    }
}

static synctalk_status unfit(const struct st_window_network *network, bool input, const char *what,
                             const char *name, synctalk_error *err)
{
    char there[160];
    list_ports(there, sizeof there, network->runner->session, input);
    return st_fail(err, SYNCTALK_E_MODEL, "%s: %s \"%s\"; its %s: %s", network->path, what, name,
                   input ? "inputs are" : "outputs are", there);
}

static int constant_named(const struct st_window_form *form, const char *name)
{
    for (int i = 0; i < form->constant_count; i++)
        if (strcmp(form->constants[i].name, name) == 0)
            return i;
    return -1;
}

static bool fits(const struct st_onnx_port *port, const struct st_onnx_tensor *tensor)
{
    if (port->type != tensor->type || port->rank != tensor->rank)
        return false;
    for (int i = 0; i < port->rank; i++)
        if (port->dims[i] >= 0 && port->dims[i] != tensor->dims[i])
            return false;
    return true;
}

static synctalk_status fill_constant(struct st_window_network *network, size_t input, int index,
                                     synctalk_error *err)
{
    const struct st_window_constant *constant = &network->form.constants[index];
    struct runner *runner = network->runner;
    struct st_onnx_tensor *tensor = &runner->inputs[input];
    size_t count = 1, bytes;
    const size_t element = constant->type == ST_ONNX_I64 ? 8 : 4;

    *tensor = (struct st_onnx_tensor){.type = constant->type, .rank = constant->rank};
    for (int i = 0; i < constant->rank; i++) {
        tensor->dims[i] = constant->dims[i];
        if (!st_mul_size(count, (size_t)constant->dims[i], &count))
            count = SIZE_MAX;
    }
    if (!fits(st_onnx_input_port(runner->session, input), tensor))
        return unfit(network, true, "type or shape do not fit those wanted for its input",
                     constant->name, err);
    if (!st_mul_size(count, element, &bytes) || !(runner->constants[index] = malloc(bytes + 1)))
        return st_fail_memory(err, "an audio encoder's constant", bytes);
    tensor->data = runner->constants[index];
    for (size_t i = 0; i < count; i++)
        if (constant->type == ST_ONNX_F32)
            ((float *)tensor->data)[i] = (float)constant->value;
        else if (constant->type == ST_ONNX_I32)
            ((int32_t *)tensor->data)[i] = (int32_t)constant->value;
        else
            ((int64_t *)tensor->data)[i] = (int64_t)constant->value;
    return SYNCTALK_OK;
}

/* Ones, then the window, then, for filter banks, the bands. */
static synctalk_status shape_sound(struct st_window_network *network, size_t input,
                                   synctalk_error *err)
{
    const struct st_onnx_port *port = st_onnx_input_port(network->runner->session, input);
    const int tail = network->form.input == ST_WINDOW_WAVEFORM ? 1 : 2;
    struct st_onnx_tensor *tensor = &network->runner->inputs[input];

    *tensor = (struct st_onnx_tensor){.type = ST_ONNX_F32, .rank = port->rank};
    for (int i = 0; i < port->rank; i++)
        tensor->dims[i] = 1;
    if (port->rank >= tail)
        tensor->dims[port->rank - tail] = network->form.window;
    if (port->rank >= tail && tail == 2)
        tensor->dims[port->rank - 1] = ST_FBANK_BANDS;
    if (port->rank >= tail && fits(port, tensor))
        return SYNCTALK_OK;

    char what[128];
    snprintf(what, sizeof what, "a window of f32 [%s%lld%s] does not fit its input",
             port->rank > tail ? "1, " : "", (long long)network->form.window,
             tail == 1 ? "" : ", 80");
    return unfit(network, true, what, port->name, err);
}

/* Every input is the sound or a constant, and every constant is an input. */
static synctalk_status match_inputs(struct st_window_network *network, synctalk_error *err)
{
    const struct st_window_form *form = &network->form;
    const struct st_onnx_session *session = network->runner->session;
    const size_t count = st_onnx_input_count(session);
    bool used[ST_WINDOW_CONSTANTS_MAX] = {false}, heard = false;
    synctalk_status st;

    for (size_t i = 0; i < count; i++) {
        const char *name = st_onnx_input_port(session, i)->name;
        const int constant = constant_named(form, name);
        const bool sound =
            constant < 0 && !heard && (form->sound[0] == '\0' || strcmp(form->sound, name) == 0);
        if (constant < 0 && !sound)
            return unfit(network, true, "it needs an input that the encoder does not give:", name,
                         err);
        if (sound) {
            heard = true;
            network->sound = i;
        } else {
            used[constant] = true;
        }
        if ((st = sound ? shape_sound(network, i, err) : fill_constant(network, i, constant, err)))
            return st;
    }
    for (int i = 0; i < form->constant_count; i++)
        if (!used[i])
            return unfit(network, true, "it has no input", form->constants[i].name, err);
    return heard ? SYNCTALK_OK
                 : unfit(network, true, "it has no input for the sound,",
                         form->sound[0] ? form->sound : "any", err);
}

static synctalk_status match_outputs(struct st_window_network *network, synctalk_error *err)
{
    const struct st_window_form *form = &network->form;
    const struct st_onnx_session *session = network->runner->session;
    const size_t count = st_onnx_output_count(session);

    if (count > OUTPUTS_MAX)
        return st_fail(err, SYNCTALK_E_MODEL, "%s: it has %zu outputs; %d are possible",
                       network->path, count, OUTPUTS_MAX);
    for (size_t i = 0; i < count; i++) {
        const struct st_onnx_port *port = st_onnx_output_port(session, i);
        if (form->result[0] && strcmp(form->result, port->name) != 0)
            continue;
        network->result = i;
        return port->type == ST_ONNX_F32
                   ? SYNCTALK_OK
                   : unfit(network, false, "32-bit floats are needed of its output", port->name,
                           err);
    }
    return unfit(network, false, "it has no output", form->result, err);
}

synctalk_status st_window_network_open(struct st_window_network **out, const char *path,
                                       const struct st_window_form *form,
                                       const struct st_encoder_options *options,
                                       synctalk_error *err)
{
    synctalk_status st;
    struct st_window_network *network = calloc(1, sizeof *network);
    /* One thread, so that no vector depends on how many there are: frames are drawn on the
     * others meanwhile. */
    const struct st_onnx_settings settings = {
        .library = options->onnxruntime, .purpose = "to run an audio encoder", .threads = 1};

    *out = NULL;
    if (!network || !(network->runner = calloc(1, sizeof *network->runner))) {
        free(network);
        return st_fail_memory(err, "an audio encoder", sizeof *network);
    }
    pthread_mutex_init(&network->runner->lock, NULL);
    network->form = *form;
    snprintf(network->path, sizeof network->path, "%s", path);
    if ((st = st_onnx_open(&network->runner->session, path, &settings, err)) ||
        (st = match_inputs(network, err)) || (st = match_outputs(network, err)))
        st_window_network_close(&network);
    *out = network;
    return st;
}

void st_window_network_close(struct st_window_network **network)
{
    if (!network || !*network)
        return;
    struct runner *runner = (*network)->runner;
    st_onnx_close(&runner->session);
    for (int i = 0; i < ST_WINDOW_CONSTANTS_MAX; i++)
        free(runner->constants[i]);
    pthread_mutex_destroy(&runner->lock);
    free(runner);
    free(*network);
    *network = NULL;
}

synctalk_status st_window_network_run(const struct st_window_network *network, float *window,
                                      float *vectors, synctalk_error *err)
{
    struct runner *runner = network->runner;
    const size_t want = network->form.vectors * network->form.vector;
    size_t have = 1;

    pthread_mutex_lock(&runner->lock);
    runner->inputs[network->sound].data = window;
    synctalk_status st = st_onnx_run(runner->session, runner->inputs, runner->outputs, err);
    if (st)
        goto done;
    const struct st_onnx_tensor *result = &runner->outputs[network->result];
    for (int i = 0; i < result->rank; i++)
        have *= result->dims[i] > 0 ? (size_t)result->dims[i] : 0;
    if (have == want && result->type == ST_ONNX_F32)
        memcpy(vectors, result->data, want * sizeof *vectors);
    else
        st = st_fail(err, SYNCTALK_E_MODEL,
                     "%s: a window gives %zu numbers where %zu vectors of %zu are needed",
                     network->path, have, network->form.vectors, network->form.vector);

done:
    pthread_mutex_unlock(&runner->lock);
    return st;
}
