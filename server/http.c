/* SPDX-License-Identifier: Apache-2.0 */
#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fail.h"
#include "form.h"
#include "guard.h"
#include "reply.h"
#include "text.h"

/* Bytes of a refused body that are read, so that the refusal is: of one that was refused on the
 * way, and of one that was as it began. */
#define PASS_MOST (64 << 20)
#define PASS_AT_ONCE (1 << 20)
#define FORM_EXTRA 1000000 /* bytes of a form besides its files */

const char *request_header(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_HEADER_KIND, name);
}

const char *request_query(const struct request *request, const char *name)
{
    return MHD_lookup_connection_value(request->connection, MHD_GET_ARGUMENT_KIND, name);
}

/* Does `path` have the form of `pattern`? Its "{id}" goes into `id`. */
static bool path_fits(const char *path, const char *pattern, char id[ID_SIZE])
{
    for (; *pattern; pattern++) {
        if (strncmp(pattern, "{id}", 4) != 0) {
            if (*path++ != *pattern)
                return false;
            continue;
        }
        const size_t length = strcspn(path, "/");
        if (!id_is_well_formed(path, length))
            return false;
        snprintf(id, ID_SIZE, "%.*s", (int)length, path);
        path += length;
        pattern += 3;
    }
    return *path == '\0';
}

/* *known: the path is one, with another method. HEAD is GET without the body. */
static const struct route *find_route(const char *path, const char *method, char id[ID_SIZE],
                                      bool *known)
{
    const char *wanted = strcmp(method, "HEAD") == 0 ? "GET" : method;
    *known = false;
    for (const struct route *route = routes; route->method; route++) {
        if (!path_fits(path, route->path, id))
            continue;
        *known = true;
        if (strcmp(route->method, wanted) == 0)
            return route;
    }
    return NULL;
}

static bool media_type_is(const struct request *request, const char *type)
{
    const char *said = request_header(request, "Content-Type");
    const size_t length = strlen(type);
    return said && strncasecmp(said, type, length) == 0 &&
           (said[length] == '\0' || said[length] == ';' || said[length] == ' ');
}

static int refuse(struct request *request, int status, const char *sentence)
{
    server_fail(&request->err, SYNCTALK_E_ARG, "%s", sentence);
    return status;
}

static int64_t most_of(const struct request *request)
{
    const int64_t upload = (int64_t)request->server->options->limits.upload_mb * 1000000;
    switch (request->route->body) {
    case BODY_FILE:
        return upload;
    case BODY_FORM_OR_JSON:
        return request->form ? 2 * upload + FORM_EXTRA : BODY_MOST;
    case BODY_JSON:
        return BODY_MOST;
    case BODY_NONE:
        break;
    }
    return 0;
}

static enum MHD_Result count_length(void *user, enum MHD_ValueKind kind, const char *name,
                                    const char *value)
{
    int *count = user;
    (void)kind;
    (void)value;
    *count += strcasecmp(name, "Content-Length") == 0 || strcasecmp(name, "Transfer-Encoding") == 0;
    return MHD_YES;
}

/* Two lengths, of which a proxy might have believed the other (RFC 9112, section 6.3). */
static bool has_two_lengths(const struct request *request)
{
    int count = 0;
    MHD_get_connection_values(request->connection, MHD_HEADER_KIND, count_length, &count);
    return count > 1;
}

/* Before a byte of the body is read, so that ten gigabytes that were announced are not. */
static int begin_body(struct request *request)
{
    const enum body_kind kind = request->route->body;
    const char *said = request_header(request, "Content-Length");
    int64_t length = 0;
    const bool json = media_type_is(request, "application/json");
    if (has_two_lengths(request))
        return refuse(request, MHD_HTTP_BAD_REQUEST, "the request says twice how long it is");
    if (kind == BODY_FORM_OR_JSON && media_type_is(request, "multipart/form-data")) {
        if (!(request->form = form_begin(request)))
            return refuse(request, MHD_HTTP_BAD_REQUEST, "the form names no fit boundary");
    } else if ((kind == BODY_FORM_OR_JSON || kind == BODY_JSON) && !json) {
        return refuse(request, MHD_HTTP_UNSUPPORTED_MEDIA_TYPE,
                      kind == BODY_JSON
                          ? "a body of application/json is needed"
                          : "a body of multipart/form-data or application/json is needed");
    }
    if (said && (!text_to_number(said, INT64_MAX, &length) || length > most_of(request)))
        return refuse(request, MHD_HTTP_CONTENT_TOO_LARGE,
                      kind == BODY_FILE || request->form
                          ? "the body is longer than may be sent (--max-upload-mb)"
                          : "the body is longer than may be sent here");
    return request->route->begin ? request->route->begin(request) : 0;
}

static int take_text(struct request *request, const char *data, size_t size)
{
    if (size > BODY_MOST - request->length)
        return refuse(request, MHD_HTTP_CONTENT_TOO_LARGE,
                      "the body is longer than may be sent here");
    if (!request->text && !(request->text = malloc(BODY_MOST)))
        return refuse(request, MHD_HTTP_SERVICE_UNAVAILABLE, "no memory for the body");
    memcpy(request->text + request->length, data, size);
    request->length += size;
    return 0;
}

static int take_body(struct request *request, const char *data, size_t size)
{
    synctalk_status st;
    if (request->form)
        return form_take(request->form, data, size);
    if (!request->upload)
        return request->route->body == BODY_NONE ? 0 : take_text(request, data, size);
    if (!(st = upload_write(request->upload, data, size, &request->err)))
        return 0;
    return st == SYNCTALK_E_ARG ? MHD_HTTP_CONTENT_TOO_LARGE : reply_status_of(st);
}

/* A JSON body becomes fields. */
static int read_json(struct request *request)
{
    json_error_t fault;
    request->fields = json_loadb(request->text ? request->text : "", request->length,
                                 JSON_REJECT_DUPLICATES, &fault);
    if (json_is_object(request->fields))
        return 0;
    server_fail(&request->err, SYNCTALK_E_ARG, "the body is no JSON object: %s",
                request->fields ? "it is another value" : fault.text);
    return MHD_HTTP_BAD_REQUEST;
}

static int end_body(struct request *request)
{
    const enum body_kind kind = request->route->body;
    if (request->form)
        return form_end(request->form, &request->fields);
    return kind == BODY_JSON || kind == BODY_FORM_OR_JSON ? read_json(request) : 0;
}

/* What came of an upload that was named beforehand stays, to be gone on with. */
static void end_upload(struct request *request)
{
    upload_close(&request->upload, request->route && strcmp(request->route->method, "PATCH") == 0);
}

static enum MHD_Result answer_refusal(struct request *request)
{
    static const struct {
        int status;
        const char *code;
    } codes[] = {{400, "invalid_argument"},    {404, "missing"},        {409, "exists"},
                 {413, "too_large"},           {415, "bad_media_type"}, {503, "out_of_memory"},
                 {507, "insufficient_storage"}};
    const char *code = request->code;
    for (size_t i = 0; i < sizeof codes / sizeof *codes && !code; i++) {
        if (codes[i].status == request->refused)
            code = codes[i].code;
    }
    form_free(&request->form, true); /* first: who is told that it was refused finds nothing */
    return reply_error(request, request->refused, code ? code : "internal", request->err.message);
}

static int refuse_path(struct request *request, bool known)
{
    if (!known)
        return refuse(request, MHD_HTTP_NOT_FOUND,
                      "nothing is under this path; /openapi.json lists what there is");
    request->code = "method_not_allowed";
    return refuse(request, MHD_HTTP_METHOD_NOT_ALLOWED, "this path does not take this method");
}

/* Whether what is left of the request is short enough to be read, for a client that listens only
 * when it has sent all. */
static bool is_short(const struct request *request)
{
    int64_t length = 0;
    const char *said = request_header(request, "Content-Length");
    return said && text_to_number(said, PASS_AT_ONCE, &length);
}

static enum MHD_Result begin(struct request *request, const char *url, const char *method)
{
    bool known;
    request->route = find_route(url, method, request->id, &known);
    request->refused = guard_check(request, method, &request->code);
    if (!request->refused)
        request->refused = request->route ? begin_body(request) : refuse_path(request, known);
    if (!request->refused || is_short(request))
        return MHD_YES;
    return answer_refusal(request);
}

/* A body that was refused is read on for a while, for a client that listens only when it has sent
 * all; then the connection is cut. */
static enum MHD_Result take(struct request *request, const char *data, size_t *size)
{
    if (request->refused) {
        request->passed += (int64_t)*size;
        *size = 0;
        return request->passed > PASS_MOST ? MHD_NO : MHD_YES;
    }
    request->refused = take_body(request, data, *size);
    *size = 0;
    /* Now, and not when the client has heard of it: it may come again at once, and find the room.
     */
    if (request->refused)
        end_upload(request);
    return MHD_YES;
}

enum MHD_Result http_handle(void *user, struct MHD_Connection *connection, const char *url,
                            const char *method, const char *version, const char *data, size_t *size,
                            void **context)
{
    struct request *request = *context;
    (void)version;
    if (!request) {
        if (!(request = calloc(1, sizeof *request)))
            return MHD_NO;
        request->server = user;
        request->connection = connection;
        *context = request;
        return begin(request, url, method);
    }
    if (*size > 0)
        return take(request, data, size);
    if (!request->refused && !request->question) /* else it is called for the answer */
        request->refused = end_body(request);
    return request->refused ? answer_refusal(request) : request->route->answer(request);
}

void http_completed(void *user, struct MHD_Connection *connection, void **context,
                    enum MHD_RequestTerminationCode code)
{
    struct request *request = *context;
    (void)user;
    (void)connection;
    (void)code;
    if (!request)
        return;
    end_upload(request);
    form_free(&request->form, !request->fields);
    question_release(&request->question);
    json_decref(request->fields);
    free(request->text);
    free(request);
    *context = NULL;
}
