/* SPDX-License-Identifier: Apache-2.0 */
/* Answers, each with the header fields that keep a browser from doing more than is meant. */
#ifndef SERVER_REPLY_H
#define SERVER_REPLY_H

#include "http.h"

/* Takes the reference; NULL is no memory. */
enum MHD_Result reply_json(struct request *request, int status, json_t *value);
/* {"error": {"code", "message"}} */
enum MHD_Result reply_error(struct request *request, int status, const char *code,
                            const char *message);
/* With the status and the code that stand for err->status. */
enum MHD_Result reply_failure(struct request *request, const synctalk_error *err);
int reply_status_of(synctalk_status status);
/* Static or copied text. */
enum MHD_Result reply_text(struct request *request, int status, const char *type, const char *text);
enum MHD_Result reply_nothing(struct request *request);
/* A file, of which ranges may be asked for. `own`: it lies in STATE, and a link there is not
 * followed. `etag` in quotes; `name` is offered for saving where the query says download=1. */
enum MHD_Result reply_file(struct request *request, const char *path, const char *type, bool own,
                           const char *etag, const char *name);
/* Takes the response; NULL is no memory. */
enum MHD_Result reply_response(struct request *request, int status, struct MHD_Response *response);

#endif /* SERVER_REPLY_H */
