/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "api.h"
#include "fail.h"
#include "reply.h"
#include "text.h"

enum MHD_Result reply_upload(struct request *request, int status, const struct upload_row *row)
{
    const int64_t offset = uploads_offset(request->server->uploads, row);
    const bool whole = *row->sha256 != '\0';
    json_t *length = row->length < 0 ? json_null() : json_integer(row->length);
    json_t *sha256 = whole ? json_string(row->sha256) : json_null();
    return reply_json(request, status,
                      json_pack("{s:s, s:s, s:o, s:I, s:b, s:o, s:I}", "id", row->id, "name",
                                row->name, "length", length, "offset", (json_int_t)offset,
                                "complete", whole, "sha256", sha256, "created_at",
                                (json_int_t)row->created));
}

/* `fallback` where the field is absent; false, with a sentence, where it is no number. */
static bool number_of(struct request *request, const char *name, int64_t fallback, int64_t *number)
{
    const char *text = request_header(request, name);
    *number = fallback;
    if (!text || text_to_number(text, INT64_MAX, number))
        return true;
    server_fail(&request->err, SYNCTALK_E_ARG, "%s: a number of bytes is needed", name);
    return false;
}

int api_upload_begin(struct request *request)
{
    struct upload_row row;
    int64_t length;
    if (!number_of(request, "Upload-Length", -1, &length))
        return MHD_HTTP_BAD_REQUEST;
    const synctalk_status st =
        upload_begin(&request->upload, request->server->uploads, request_query(request, "name"),
                     length, &row, &request->err);
    if (!st)
        snprintf(request->id, sizeof request->id, "%s", row.id);
    return !st ? 0 : st == SYNCTALK_E_ARG ? MHD_HTTP_CONTENT_TOO_LARGE : reply_status_of(st);
}

static enum MHD_Result end(struct request *request, int status)
{
    struct upload_row row;
    synctalk_error err = {0};
    const synctalk_status st = upload_end(request->upload, &row, &err);
    /* Of one that failed as it was made, the client knows no id to go on with. */
    upload_close(&request->upload, !st || status != MHD_HTTP_CREATED);
    return st ? reply_failure(request, &err) : reply_upload(request, status, &row);
}

/* One that was announced and has no byte yet is not whole, and waits for PATCH. */
enum MHD_Result api_upload_add(struct request *request)
{
    return end(request, MHD_HTTP_CREATED);
}

int api_upload_resume(struct request *request)
{
    int64_t offset;
    if (!number_of(request, "Upload-Offset", -1, &offset))
        return MHD_HTTP_BAD_REQUEST;
    if (offset < 0) {
        server_fail(&request->err, SYNCTALK_E_ARG,
                    "Upload-Offset is needed: the bytes of this upload that are there");
        return MHD_HTTP_BAD_REQUEST;
    }
    const synctalk_status st = upload_resume(&request->upload, request->server->uploads,
                                             request->id, offset, &request->err);
    return !st ? 0 : st == SYNCTALK_E_ARG ? MHD_HTTP_CONFLICT : reply_status_of(st);
}

enum MHD_Result api_upload_append(struct request *request)
{
    return end(request, MHD_HTTP_OK);
}

enum MHD_Result api_upload(struct request *request)
{
    struct upload_row row;
    synctalk_error err = {0};
    return store_upload_get(request->server->store, request->id, &row, &err)
               ? reply_failure(request, &err)
               : reply_upload(request, MHD_HTTP_OK, &row);
}

/* As bytes, whatever they are: the answer's other fields keep a browser from making more of it. */
enum MHD_Result api_upload_content(struct request *request)
{
    struct upload_row row;
    char etag[SHA256_TEXT + 2];
    synctalk_error err = {0};
    if (store_upload_get(request->server->store, request->id, &row, &err))
        return reply_failure(request, &err);
    if (!*row.sha256)
        return reply_error(request, MHD_HTTP_CONFLICT, "not_completed",
                           "not all of this upload is there yet");
    snprintf(etag, sizeof etag, "\"%s\"", row.sha256);
    return reply_file(request, folders_content(&request->server->folders, row.sha256).text,
                      "application/octet-stream", true, etag, row.id);
}

enum MHD_Result api_upload_remove(struct request *request)
{
    synctalk_error err = {0};
    return uploads_remove(request->server->uploads, request->id, &err)
               ? reply_failure(request, &err)
               : reply_nothing(request);
}
