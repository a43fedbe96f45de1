/* SPDX-License-Identifier: Apache-2.0 */
#include "reply.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"
#include "ranges.h"

/* Answers hold data, never a document: nothing in them may run, be framed, be guessed at, or be
 * read by another site. */
static const char *const common[][2] = {
    {"Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"},
    {"X-Content-Type-Options", "nosniff"},
    {"X-Frame-Options", "DENY"},
    {"Referrer-Policy", "no-referrer"},
    {"Cross-Origin-Resource-Policy", "same-origin"},
    {"Cross-Origin-Opener-Policy", "same-origin"},
};

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    MHD_add_response_header(response, name, value);
}

/* What is not cached says so. */
static bool has(struct MHD_Response *response, const char *name)
{
    return MHD_get_response_header(response, name) != NULL;
}

enum MHD_Result reply_response(struct request *request, int status, struct MHD_Response *response)
{
    if (!response)
        return MHD_NO; /* closes the connection: there is no memory for more */
    for (size_t i = 0; i < sizeof common / sizeof *common; i++) {
        if (!has(response, common[i][0]))
            add(response, common[i][0], common[i][1]);
    }
    if (!has(response, "Cache-Control"))
        add(response, "Cache-Control", "no-store");
    if (status == MHD_HTTP_UNAUTHORIZED)
        add(response, "WWW-Authenticate", "Bearer");
    if (status == MHD_HTTP_TOO_MANY_REQUESTS)
        add(response, "Retry-After", "1");
    atomic_fetch_add(&request->server->requests, 1);
    if (status >= 400)
        atomic_fetch_add(&request->server->refused, 1);
    const enum MHD_Result result =
        MHD_queue_response(request->connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

enum MHD_Result reply_text(struct request *request, int status, const char *type, const char *text)
{
    char *copy = strdup(text);
    struct MHD_Response *response =
        copy ? MHD_create_response_from_buffer(strlen(copy), copy, MHD_RESPMEM_MUST_FREE) : NULL;
    if (response)
        add(response, "Content-Type", type);
    return reply_response(request, status, response);
}

enum MHD_Result reply_json(struct request *request, int status, json_t *value)
{
    char *text = value ? json_dumps(value, JSON_COMPACT) : NULL;
    json_decref(value);
    if (!text)
        return MHD_NO;
    const enum MHD_Result result = reply_text(request, status, "application/json", text);
    free(text);
    return result;
}

enum MHD_Result reply_error(struct request *request, int status, const char *code,
                            const char *message)
{
    return reply_json(request, status,
                      json_pack("{s:{s:s, s:s}}", "error", "code", code, "message", message));
}

int reply_status_of(synctalk_status status)
{
    if (status == SERVER_E_FULL)
        return MHD_HTTP_INSUFFICIENT_STORAGE;
    switch (status) {
    case SYNCTALK_E_ARG:
        return MHD_HTTP_BAD_REQUEST;
    case SYNCTALK_E_MISSING:
        return MHD_HTTP_NOT_FOUND;
    case SYNCTALK_E_EXISTS:
        return MHD_HTTP_CONFLICT;
    case SYNCTALK_E_MEMORY:
        return MHD_HTTP_SERVICE_UNAVAILABLE;
    default:
        return MHD_HTTP_INTERNAL_SERVER_ERROR;
    }
}

enum MHD_Result reply_failure(struct request *request, const synctalk_error *err)
{
    return reply_error(request, reply_status_of(err->status), server_code_of(err->status),
                       err->message);
}

enum MHD_Result reply_nothing(struct request *request)
{
    return reply_response(request, MHD_HTTP_NO_CONTENT,
                          MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT));
}

/* A range is for the representation that the client knows, or for none. */
static struct range wanted_range(const struct request *request, const char *etag, int64_t size)
{
    const char *only_if = request_header(request, "If-Range");
    if (only_if && strcmp(only_if, etag) != 0)
        return range_parse(NULL, size);
    return range_parse(request_header(request, "Range"), size);
}

static void describe_file(struct request *request, struct MHD_Response *response, const char *type,
                          const char *etag, const char *name)
{
    char text[256];
    const char *download = request_query(request, "download");
    add(response, "Content-Type", type);
    add(response, "Accept-Ranges", "bytes");
    add(response, "ETag", etag);
    add(response, "Cache-Control", "private, max-age=3600");
    if (download && strcmp(download, "1") == 0) {
        snprintf(text, sizeof text, "attachment; filename=\"%s\"", name);
        add(response, "Content-Disposition", text);
    }
}

static enum MHD_Result reply_unsatisfiable(struct request *request, int64_t size)
{
    char text[64];
    json_t *json = json_pack("{s:{s:s, s:s}}", "error", "code", "range_not_satisfiable", "message",
                             "the file has no byte of the range that was asked for");
    char *body = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    struct MHD_Response *response =
        body ? MHD_create_response_from_buffer(strlen(body), body, MHD_RESPMEM_MUST_FREE) : NULL;
    if (response) {
        snprintf(text, sizeof text, "bytes */%" PRId64, size);
        add(response, "Content-Range", text);
        add(response, "Content-Type", "application/json");
    }
    return reply_response(request, MHD_HTTP_RANGE_NOT_SATISFIABLE, response);
}

enum MHD_Result reply_file(struct request *request, const char *path, const char *type, bool own,
                           const char *etag, const char *name)
{
    struct stat info;
    char text[96];
    /* Whatever is there, this thread is not held up by it. */
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (own ? O_NOFOLLOW : 0));
    if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        if (fd >= 0)
            close(fd);
        return reply_error(request, MHD_HTTP_NOT_FOUND, "missing", "this file is not there");
    }
    const int64_t size = info.st_size;
    const char *known = request_header(request, "If-None-Match");
    struct range range = wanted_range(request, etag, size);
    if (known && strcmp(known, etag) == 0) {
        close(fd);
        struct MHD_Response *same =
            MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
        if (same)
            add(same, "ETag", etag);
        return reply_response(request, MHD_HTTP_NOT_MODIFIED, same);
    }
    if (range.kind == RANGE_UNSATISFIABLE) {
        close(fd);
        return reply_unsatisfiable(request, size);
    }
    const bool part = range.kind == RANGE_PART;
    const int64_t first = part ? range.first : 0;
    const int64_t count = part ? range.last - range.first + 1 : size;
    struct MHD_Response *response =
        MHD_create_response_from_fd_at_offset64((uint64_t)count, fd, (uint64_t)first);
    if (!response) {
        close(fd);
        return MHD_NO;
    }
    describe_file(request, response, type, etag, name);
    if (part) {
        snprintf(text, sizeof text, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, range.first,
                 range.last, size);
        add(response, "Content-Range", text);
    }
    return reply_response(request, part ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK, response);
}
