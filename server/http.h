/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: which route they are for, whether they may be, their bodies. */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include <jansson.h>
#include <microhttpd.h>
#include <stdatomic.h>

#include "events.h"
#include "jobs.h"
#include "question.h"
#include "rate.h"
#include "server.h"
#include "speech.h"
#include "uploads.h"

#define BODY_MOST 65536 /* bytes of a JSON body */

/* All of a running server. */
struct server {
    const struct server_options *options;
    struct folders folders;
    struct store *store;
    struct uploads *uploads;
    struct jobs *jobs;
    struct events *events;
    struct questions *questions;
    struct speech speech;
    struct rate rate;
    char session[SHA256_TEXT];      /* value of the cookie that stands for the token */
    atomic_llong requests, refused; /* answered in all; with a status of 400 or more */
    double began;                   /* seconds, monotonic */
};

enum body_kind {
    BODY_NONE,
    BODY_JSON,
    BODY_FORM_OR_JSON, /* multipart/form-data, or JSON */
    BODY_FILE,         /* bytes for request->upload */
};

struct request;
struct form;

/* One operation of the API. The document at /openapi.json is made from these rows. */
struct route {
    const char *method, *path; /* a part "{id}" takes any well-formed id */
    enum body_kind body;
    bool open; /* needs no token */
    /* Before a body of bytes comes: make request->upload. NULL where there is none. Returns 0, or
     * the status of a refusal whose sentence is in request->err. */
    int (*begin)(struct request *request);
    enum MHD_Result (*answer)(struct request *request);
    const char *summary;        /* NULL: not in the document */
    const char *request_schema; /* name of a schema, or NULL */
    const char *success;        /* "STATUS MEDIA-TYPE SCHEMA": schema may be "-" */
    const char *refusals;       /* statuses, besides those of every route */
    const char *parameters;     /* "in:name:type" with ' ' between, or NULL */
};

extern const struct route routes[]; /* end with a row without a method */

struct request {
    struct server *server;
    struct MHD_Connection *connection;
    const struct route *route;
    char id[ID_SIZE];
    char *text; /* owns; the JSON body so far */
    size_t length;
    struct form *form;         /* owns, or NULL */
    struct upload *upload;     /* owns, or NULL */
    struct question *question; /* owns its asker's part, or NULL: nothing was asked */
    json_t *fields;            /* owns; of a form or a JSON body that is whole */
    int refused;               /* status with which it was refused, if it was, before its end */
    const char *code;          /* the word for why, NULL: that of the status */
    synctalk_error err;        /* the sentence */
    int64_t passed;            /* bytes of a refused body that were read on */
};

/* Header field or query parameter, or NULL. */
const char *request_header(const struct request *request, const char *name);
const char *request_query(const struct request *request, const char *name);

enum MHD_Result http_handle(void *user, struct MHD_Connection *connection, const char *url,
                            const char *method, const char *version, const char *data, size_t *size,
                            void **context);
void http_completed(void *user, struct MHD_Connection *connection, void **context,
                    enum MHD_RequestTerminationCode code);

#endif /* SERVER_HTTP_H */
