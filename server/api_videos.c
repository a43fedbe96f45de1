/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api.h"
#include "fail.h"
#include "form.h"
#include "reply.h"
#include "request.h"
#include "text.h"
#include "webhook.h"

#define PAGE 50 /* videos of a page, unless it is said */
#define PAGE_MOST 200
#define KEY_MOST 200 /* bytes of an Idempotency-Key */

static enum MHD_Result show(struct request *request, int status, const char *id)
{
    json_t *json = NULL;
    synctalk_error err = {0};
    if (jobs_describe(request->server->jobs, id, &json, NULL, &err))
        return reply_failure(request, &err);
    return reply_json(request, status, json);
}

/* What is wrong with the request itself is 400, a queue that is full 429. */
static enum MHD_Result refuse(struct request *request, const synctalk_error *err)
{
    const synctalk_status st = err->status;
    if (st == SYNCTALK_E_EXISTS)
        return reply_error(request, MHD_HTTP_TOO_MANY_REQUESTS, "queue_full", err->message);
    return reply_failure(request, err);
}

static synctalk_status add(struct request *request, char id[ID_SIZE], bool *again,
                           synctalk_error *err)
{
    struct server *server = request->server;
    struct video_request wanted;
    char fresh[ID_SIZE];
    char webhook[WEBHOOK_URL] = "";
    const char *key = request_header(request, "Idempotency-Key");
    if (key && (!*key || strlen(key) > KEY_MOST || !text_is_utf8(key, strlen(key))))
        return server_fail(err, SYNCTALK_E_ARG,
                           "Idempotency-Key: 1 to %d bytes of UTF-8 are needed", KEY_MOST);
    const json_t *address = json_object_get(request->fields, "webhook");
    synctalk_status st = address ? webhook_check(webhook, json_string_value(address),
                                                 &server->options->webhooks, err)
                                 : SYNCTALK_OK;
    if (st)
        return st;
    json_object_del(request->fields, "webhook");
    st = video_request_check(&wanted, request->fields, server->options->settings, server->store,
                             err);
    if (st)
        return st;
    const json_t *model = json_object_get(json_object_get(wanted.json, "settings"), "model");
    const char *name = json_string_value(model);
    char *text = json_dumps(wanted.json, JSON_COMPACT);
    st = text ? api_check_person(server, name ? name : server->options->settings->model, err)
              : server_fail_memory(err, "a request");
    if (!st) {
        id_make(fresh, "video");
        const struct new_job job = {
            .id = fresh,
            .key = key,
            .request = text,
            .audio = wanted.audio,
            .video = wanted.video,
            .webhook = *webhook ? webhook : NULL,
            .now = time(NULL),
            .most_waiting = server->options->limits.queue,
        };
        st = jobs_add(server->jobs, &job, id, again, err);
    }
    free(text);
    video_request_free(&wanted);
    return st;
}

enum MHD_Result api_video_add(struct request *request)
{
    char id[ID_SIZE];
    bool again = false;
    synctalk_error err = {0};
    if (add(request, id, &again, &err)) {
        form_free(&request->form, true); /* what came with it serves nobody */
        return refuse(request, &err);
    }
    return show(request, again ? MHD_HTTP_OK : MHD_HTTP_ACCEPTED, id);
}

enum MHD_Result api_video_list(struct request *request)
{
    const char *limit_text = request_query(request, "limit");
    const char *before_text = request_query(request, "before");
    const char *state_text = request_query(request, "state");
    int64_t limit = PAGE;
    int64_t before = 0;
    int64_t next = 0;
    enum job_state state = JOB_STATES;
    json_t *array = NULL;
    synctalk_error err = {0};

    if ((limit_text && (!text_to_number(limit_text, PAGE_MOST, &limit) || limit == 0)) ||
        (before_text && !text_to_number(before_text, INT64_MAX, &before)))
        return reply_error(request, MHD_HTTP_BAD_REQUEST, "invalid_argument",
                           "limit is a number from 1 to 200, before the next_before of a page");
    if (state_text && !job_state_named(&state, state_text))
        return reply_error(request, MHD_HTTP_BAD_REQUEST, "invalid_argument",
                           "state is queued, in_progress, completed, failed or cancelled");
    if (jobs_list(request->server->jobs, before, state, (int)limit, &array, &next, &err))
        return reply_failure(request, &err);
    return reply_json(request, MHD_HTTP_OK,
                      json_pack("{s:o, s:o}", "videos", array, "next_before",
                                next > 0 ? json_integer(next) : json_null()));
}

enum MHD_Result api_video(struct request *request)
{
    return show(request, MHD_HTTP_OK, request->id);
}

enum MHD_Result api_video_events(struct request *request)
{
    json_t *json = NULL;
    synctalk_error err = {0};
    if (jobs_describe(request->server->jobs, request->id, &json, NULL, &err))
        return reply_failure(request, &err);
    json_decref(json);
    struct MHD_Response *response =
        events_response(request->server->events, request->connection, request->id);
    if (response)
        MHD_add_response_header(response, "Content-Type", "text/event-stream");
    return reply_response(request, MHD_HTTP_OK, response);
}

static enum MHD_Result send_file(struct request *request, enum video_file file, const char *type,
                                 const char *ending)
{
    char etag[ID_SIZE + 16];
    char name[ID_SIZE + 16];
    json_t *json = NULL;
    enum job_state state;
    synctalk_error err = {0};
    if (jobs_describe(request->server->jobs, request->id, &json, &state, &err))
        return reply_failure(request, &err);
    json_decref(json);
    if (state != JOB_COMPLETED)
        return reply_error(request, MHD_HTTP_CONFLICT, "not_completed",
                           "this video is not made yet, or was not made; see its state");
    snprintf(etag, sizeof etag, "\"%s\"", request->id);
    snprintf(name, sizeof name, "%s.%s", request->id, ending);
    struct path path = folders_video(&request->server->folders, request->id, file);
    return reply_file(request, path.text, type, true, etag, name);
}

enum MHD_Result api_video_content(struct request *request)
{
    return send_file(request, VIDEO_MP4, "video/mp4", "mp4");
}

enum MHD_Result api_video_plot(struct request *request)
{
    return send_file(request, VIDEO_VAD, "image/png", "png");
}

enum MHD_Result api_video_edit_list(struct request *request)
{
    return send_file(request, VIDEO_EDL, "application/json", "json");
}

enum MHD_Result api_video_cancel(struct request *request)
{
    synctalk_error err = {0};
    return jobs_cancel(request->server->jobs, request->id, &err)
               ? reply_failure(request, &err)
               : show(request, MHD_HTTP_OK, request->id);
}

enum MHD_Result api_video_remove(struct request *request)
{
    synctalk_error err = {0};
    return jobs_remove(request->server->jobs, request->id, &err) ? reply_failure(request, &err)
                                                                 : reply_nothing(request);
}
