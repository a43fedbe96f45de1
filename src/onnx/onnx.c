/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions of ONNX Runtime. What it gives is checked before it is used: a file decides over
 * names, ranks and shapes.
 */
#include "onnx/onnx.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "onnx/abi.h"
#include "onnx/library.h"

#define PORTS_MAX 256
#define SIDE_MAX ((int64_t)1 << 31) /* of one dimension */

/* Inputs, or outputs. */
struct ports {
    size_t count;
    struct st_onnx_port *list; /* [count]; owns the names */
    const char **names;        /* [count], the same, as Run() wants them */
    OrtValue **values;         /* [count], of the last run */
};

struct st_onnx_session {
    struct st_onnx_library library;
    OrtEnv *env;
    OrtSession *session;
    OrtMemoryInfo *memory;
    OrtAllocator *allocator; /* the library's own, never freed */
    struct ports inputs, outputs;
    char path[ST_PATH_MAX]; /* for messages */
};

/* Ends `status` and gives its first line as the sentence's end; OK where there is none. */
static synctalk_status check(const struct st_onnx_session *session, OrtStatus *status,
                             synctalk_status code, const char *what, synctalk_error *err)
{
    if (!status)
        return SYNCTALK_OK;
    const char *message = session->library.api->GetErrorMessage(status);
    int length = (int)strcspn(message, "\r\n");
    synctalk_status st = st_fail(err, code, "%s: %s: %.*s", session->path, what, length, message);
    session->library.api->ReleaseStatus(status);
    return st;
}

/* Of one element; 0: a type whose data we do not hand over. */
static size_t element_size(int type)
{
    static const size_t sizes[] = {0, 4, 1, 1, 2, 2, 4, 8, 0, 1, 2, 8, 4, 8};
    return type > 0 && (size_t)type < sizeof sizes / sizeof *sizes ? sizes[type] : 0;
}

static synctalk_status set_options(const struct st_onnx_session *session,
                                   OrtSessionOptions *options, int threads, synctalk_error *err)
{
    const OrtApi *api = session->library.api;
    const char *what = "ONNX Runtime refuses a setting";
    OrtStatus *status = api->SetIntraOpNumThreads(options, threads);
    if (!status)
        status = api->SetInterOpNumThreads(options, 1);
    if (!status)
        status = api->SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL);
    /* Threads that wait by spinning take the cores from our own workers. */
    if (!status)
        status = api->AddSessionConfigEntry(options, "session.intra_op.allow_spinning", "0");
    if (!status)
        status = api->AddSessionConfigEntry(options, "session.inter_op.allow_spinning", "0");
    return check(session, status, SYNCTALK_E_LIBRARY, what, err);
}

static synctalk_status create_session(struct st_onnx_session *session,
                                      const struct st_mapping *file, int threads,
                                      synctalk_error *err)
{
    const OrtApi *api = session->library.api;
    OrtSessionOptions *options = NULL;

    /* Only what is fatal would be printed: errors come back as sentences. */
    OrtStatus *status = api->CreateEnv(ORT_LOGGING_LEVEL_FATAL, "synctalk", &session->env);
    if (!status)
        status = api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &session->memory);
    if (!status)
        status = api->GetAllocatorWithDefaultOptions(&session->allocator);
    if (!status)
        status = api->CreateSessionOptions(&options);
    synctalk_status st =
        check(session, status, SYNCTALK_E_LIBRARY, "ONNX Runtime does not start", err);
    if (st)
        goto done;
    st = set_options(session, options, threads, err);
    if (st)
        goto done;
    status = api->CreateSessionFromArray(session->env, file->data, file->size, options,
                                         &session->session);
    st = check(session, status, SYNCTALK_E_FORMAT, "not a network that ONNX Runtime reads", err);

done:
    if (options)
        api->ReleaseSessionOptions(options);
    return st;
}

/* Type, rank and dimensions of a port or of a value. */
static synctalk_status read_shape(const struct st_onnx_session *session,
                                  const OrtTensorTypeAndShapeInfo *info, const char *name,
                                  int *type, int *rank, int64_t dims[ST_ONNX_RANK_MAX],
                                  synctalk_error *err)
{
    const OrtApi *api = session->library.api;
    ONNXTensorElementDataType element = ONNX_TENSOR_ELEMENT_DATA_TYPE_UNDEFINED;
    size_t count = 0;

    OrtStatus *status = api->GetTensorElementType(info, &element);
    if (!status)
        status = api->GetDimensionsCount(info, &count);
    if (!status && count <= ST_ONNX_RANK_MAX)
        status = api->GetDimensions(info, dims, count);
    synctalk_status st = check(session, status, SYNCTALK_E_LIBRARY, "a shape cannot be had", err);
    if (st)
        return st;
    if (count > ST_ONNX_RANK_MAX)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: \"%s\" has %zu dimensions; at most %d are known", session->path, name,
                       count, ST_ONNX_RANK_MAX);
    for (size_t i = 0; i < count; i++)
        if (dims[i] < -1 || dims[i] > SIDE_MAX)
            return st_fail(err, SYNCTALK_E_FORMAT, "%s: \"%s\" is %lld long in dimension %zu",
                           session->path, name, (long long)dims[i], i);
    *type = (int)element;
    *rank = (int)count;
    return SYNCTALK_OK;
}

/* The library's string, copied: ours outlives what the allocator does. */
static synctalk_status read_name(const struct st_onnx_session *session, bool input, size_t index,
                                 char **name, synctalk_error *err)
{
    const OrtApi *api = session->library.api;
    char *theirs = NULL;
    OrtStatus *status =
        input ? api->SessionGetInputName(session->session, index, session->allocator, &theirs)
              : api->SessionGetOutputName(session->session, index, session->allocator, &theirs);
    synctalk_status st = check(session, status, SYNCTALK_E_LIBRARY, "a name cannot be had", err);
    if (st)
        return st;
    *name = strdup(theirs);
    if (!*name)
        st = st_fail_memory(err, "a name in a network", strlen(theirs) + 1);
    status = api->AllocatorFree(session->allocator, theirs);
    if (status)
        api->ReleaseStatus(status);
    return st;
}

static synctalk_status read_port(const struct st_onnx_session *session, bool input, size_t index,
                                 struct st_onnx_port *port, synctalk_error *err)
{
    const OrtApi *api = session->library.api;
    const OrtTensorTypeAndShapeInfo *shape = NULL;
    OrtTypeInfo *info = NULL;
    char *name = NULL;

    synctalk_status st = read_name(session, input, index, &name, err);
    if (st)
        return st;
    port->name = name; /* the port's from here on */
    OrtStatus *status = input ? api->SessionGetInputTypeInfo(session->session, index, &info)
                              : api->SessionGetOutputTypeInfo(session->session, index, &info);
    if (!status)
        status = api->CastTypeInfoToTensorInfo(info, &shape);
    st = check(session, status, SYNCTALK_E_LIBRARY, "a type cannot be had", err);
    if (!st && !shape)
        st = st_fail(err, SYNCTALK_E_FORMAT, "%s: \"%s\" is no tensor", session->path, name);
    if (!st)
        st = read_shape(session, shape, name, &port->type, &port->rank, port->dims, err);
    if (info)
        api->ReleaseTypeInfo(info);
    return st;
}

static synctalk_status read_ports(struct st_onnx_session *session, bool input, synctalk_error *err)
{
    const OrtApi *api = session->library.api;
    struct ports *ports = input ? &session->inputs : &session->outputs;
    size_t count = 0;

    OrtStatus *status = input ? api->SessionGetInputCount(session->session, &count)
                              : api->SessionGetOutputCount(session->session, &count);
    synctalk_status st = check(session, status, SYNCTALK_E_LIBRARY, "no ports can be had", err);
    if (st)
        return st;
    if (count == 0 || count > PORTS_MAX)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: the network has %zu %s; 1 to %d are possible",
                       session->path, count, input ? "inputs" : "outputs", PORTS_MAX);
    ports->list = calloc(count, sizeof *ports->list);
    ports->names = calloc(count, sizeof *ports->names);
    ports->values = calloc(count, sizeof(void *));
    if (!ports->list || !ports->names || !ports->values)
        return st_fail_memory(err, "a network's ports", count * sizeof *ports->list);
    ports->count = count;
    for (size_t i = 0; i < count && !st; i++) {
        st = read_port(session, input, i, &ports->list[i], err);
        ports->names[i] = ports->list[i].name;
    }
    return st;
}

synctalk_status st_onnx_open(struct st_onnx_session **out, const char *path,
                             const struct st_onnx_settings *settings, synctalk_error *err)
{
    struct st_mapping file = {0};
    struct st_onnx_session *session = NULL;

    *out = NULL;
    synctalk_status st = st_map_file(&file, path, err);
    if (st)
        return st;
    if (file.size == 0) {
        st = st_fail(err, SYNCTALK_E_FORMAT, "%s: the file is empty; a network in ONNX is needed",
                     path);
        goto done;
    }
    session = calloc(1, sizeof *session);
    if (!session) {
        st = st_fail_memory(err, "a network", sizeof *session);
        goto done;
    }
    snprintf(session->path, sizeof session->path, "%s", path);
    st = st_onnx_library_open(&session->library, settings->library, settings->purpose, err);
    if (!st)
        st = create_session(session, &file, settings->threads, err);
    if (!st)
        st = read_ports(session, true, err);
    if (!st)
        st = read_ports(session, false, err);
    if (st)
        goto done;
    *out = session;
    session = NULL;

done:
    st_onnx_close(&session);
    st_unmap_file(&file);
    return st;
}

static void release_values(const struct st_onnx_session *session, struct ports *ports)
{
    for (size_t i = 0; i < ports->count; i++) {
        if (ports->values[i])
            session->library.api->ReleaseValue(ports->values[i]);
        ports->values[i] = NULL;
    }
}

static void free_ports(const struct st_onnx_session *session, struct ports *ports)
{
    release_values(session, ports);
    for (size_t i = 0; i < ports->count; i++)
        free((char *)ports->list[i].name);
    free(ports->list);
    free((void *)ports->names);
    free((void *)ports->values);
}

void st_onnx_close(struct st_onnx_session **session)
{
    struct st_onnx_session *s = *session;
    if (!s)
        return;
    const OrtApi *api = s->library.api;
    free_ports(s, &s->inputs);
    free_ports(s, &s->outputs);
    if (s->session)
        api->ReleaseSession(s->session);
    if (s->memory)
        api->ReleaseMemoryInfo(s->memory);
    if (s->env)
        api->ReleaseEnv(s->env);
    st_onnx_library_close(&s->library);
    free(s);
    *session = NULL;
}

size_t st_onnx_input_count(const struct st_onnx_session *session)
{
    return session->inputs.count;
}

size_t st_onnx_output_count(const struct st_onnx_session *session)
{
    return session->outputs.count;
}

const struct st_onnx_port *st_onnx_input_port(const struct st_onnx_session *session, size_t index)
{
    return &session->inputs.list[index];
}

const struct st_onnx_port *st_onnx_output_port(const struct st_onnx_session *session, size_t index)
{
    return &session->outputs.list[index];
}

/* Bytes of a tensor; false where the shape or type gives no size. */
static bool tensor_bytes(const struct st_onnx_tensor *tensor, size_t *bytes)
{
    *bytes = element_size(tensor->type);
    if (*bytes == 0 || tensor->rank < 0 || tensor->rank > ST_ONNX_RANK_MAX)
        return false;
    for (int i = 0; i < tensor->rank; i++)
        if (tensor->dims[i] < 0 || !st_mul_size(*bytes, (size_t)tensor->dims[i], bytes))
            return false;
    return true;
}

static synctalk_status wrap_input(struct st_onnx_session *session, size_t index,
                                  const struct st_onnx_tensor *tensor, synctalk_error *err)
{
    size_t bytes;
    if (!tensor_bytes(tensor, &bytes))
        return st_fail(err, SYNCTALK_E_ARG, "%s: \"%s\" is given a tensor without a size",
                       session->path, session->inputs.names[index]);
    OrtStatus *status = session->library.api->CreateTensorWithDataAsOrtValue(
        session->memory, tensor->data, bytes, tensor->dims, (size_t)tensor->rank,
        (ONNXTensorElementDataType)tensor->type, &session->inputs.values[index]);
    return check(session, status, SYNCTALK_E_LIBRARY, "an input is refused", err);
}

static synctalk_status unwrap_output(struct st_onnx_session *session, size_t index,
                                     struct st_onnx_tensor *tensor, synctalk_error *err)
{
    const OrtApi *api = session->library.api;
    const char *name = session->outputs.names[index];
    OrtValue *value = session->outputs.values[index];
    OrtTensorTypeAndShapeInfo *shape = NULL;
    size_t bytes;

    if (!value)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: \"%s\" stays without a value", session->path,
                       name);
    OrtStatus *status = api->GetTensorTypeAndShape(value, &shape);
    synctalk_status st = check(session, status, SYNCTALK_E_FORMAT, "an output is no tensor", err);
    if (st)
        return st;
    st = read_shape(session, shape, name, &tensor->type, &tensor->rank, tensor->dims, err);
    api->ReleaseTensorTypeAndShapeInfo(shape);
    if (st)
        return st;
    if (!tensor_bytes(tensor, &bytes))
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: \"%s\" has elements of a kind (%d) that is not "
                       "known",
                       session->path, name, tensor->type);
    status = api->GetTensorMutableData(value, &tensor->data);
    return check(session, status, SYNCTALK_E_LIBRARY, "an output cannot be had", err);
}

synctalk_status st_onnx_run(struct st_onnx_session *session, const struct st_onnx_tensor *inputs,
                            struct st_onnx_tensor *outputs, synctalk_error *err)
{
    struct ports *in = &session->inputs;
    struct ports *out = &session->outputs;
    synctalk_status st = SYNCTALK_OK;

    release_values(session, out);
    for (size_t i = 0; i < in->count && !st; i++)
        st = wrap_input(session, i, &inputs[i], err);
    if (st)
        goto done;
    OrtStatus *status = session->library.api->Run(session->session, NULL, in->names,
                                                  (const OrtValue *const *)in->values, in->count,
                                                  out->names, out->count, out->values);
    st = check(session, status, SYNCTALK_E_FORMAT, "the network does not run", err);
    for (size_t i = 0; i < out->count && !st; i++)
        st = unwrap_output(session, i, &outputs[i], err);

done:
    release_values(session, in);
    return st;
}

synctalk_status st_onnx_version(char *buf, size_t size, const char *library, synctalk_error *err)
{
    struct st_onnx_library found = {0};
    synctalk_status st = st_onnx_library_open(&found, library, NULL, err);
    if (st)
        return st;
    snprintf(buf, size, "%s from %s", found.version, found.path);
    st_onnx_library_close(&found);
    return SYNCTALK_OK;
}
