/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about files that were sent. */
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "fail.h"
#include "reply.h"

#define VAD_SECONDS 300    /* that a look for speech may take */
#define FACE_SECONDS 900   /* likewise for a face; what was seen until then is kept */
#define VAD_VALUES 1000000 /* probabilities: some nine hours of sound */
#define PRECISION 9        /* digits after which a float is told from every other */

/* The statuses that stand for what goes wrong with a file. */
static int status_of(const char *code)
{
    static const struct {
        const char *code;
        int status;
    } rows[] = {{"invalid_argument", MHD_HTTP_BAD_REQUEST},
                {"missing", MHD_HTTP_NOT_FOUND},
                {"bad_file", MHD_HTTP_UNPROCESSABLE_CONTENT},
                {"bad_model", MHD_HTTP_UNPROCESSABLE_CONTENT},
                {"worker_died", MHD_HTTP_UNPROCESSABLE_CONTENT},
                {"too_large", MHD_HTTP_CONTENT_TOO_LARGE},
                {"unsupported", MHD_HTTP_NOT_IMPLEMENTED},
                {"cancelled", MHD_HTTP_SERVICE_UNAVAILABLE},
                {"out_of_memory", MHD_HTTP_SERVICE_UNAVAILABLE}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].code, code) == 0)
            return rows[i].status;
    }
    return MHD_HTTP_INTERNAL_SERVER_ERROR;
}

static enum MHD_Result refuse(struct request *request, const synctalk_error *err)
{
    if (err->status == SYNCTALK_E_EXISTS)
        return reply_error(request, MHD_HTTP_TOO_MANY_REQUESTS, "too_many_requests", err->message);
    return reply_error(request, status_of(server_code_of(err->status)), server_code_of(err->status),
                       err->message);
}

enum MHD_Result questions_ask_and_sleep(struct request *request, const struct question_order *order,
                                        bool *asked)
{
    synctalk_error err = {0};
    *asked = false;
    if (question_ask(&request->question, request->server->questions, order, request->connection,
                     &err))
        return refuse(request, &err);
    *asked = !question_wait(request->question);
    return MHD_YES;
}

enum MHD_Result questions_refuse(struct request *request, const struct question_answer *answer)
{
    return reply_error(request, status_of(answer->code), answer->code, answer->message);
}

/* The upload of the request, whole; else a refusal was sent, and *result is its. */
static bool find_upload(struct request *request, struct upload_row *row, enum MHD_Result *result)
{
    synctalk_error err = {0};
    if (store_upload_get(request->server->store, request->id, row, &err)) {
        *result = reply_failure(request, &err);
        return false;
    }
    if (*row->sha256)
        return true;
    *result = reply_error(request, MHD_HTTP_CONFLICT, "not_completed",
                          "not all of this upload is there yet");
    return false;
}

static enum MHD_Result answer_vad(struct request *request)
{
    const struct question_answer answer = question_answer(request->question);
    if (answer.code)
        return questions_refuse(request, &answer);
    json_object_set(answer.result, "probabilities", answer.parts);
    char *text = json_dumps(answer.result, JSON_COMPACT | JSON_REAL_PRECISION(PRECISION));
    const enum MHD_Result result = text ? reply_text(request, MHD_HTTP_OK, "application/json", text)
                                        : reply_error(request, MHD_HTTP_SERVICE_UNAVAILABLE,
                                                      "out_of_memory", "no memory for the answer");
    free(text);
    return result;
}

enum MHD_Result api_upload_vad(struct request *request)
{
    struct upload_row row;
    enum MHD_Result result;
    bool asked = true;
    if (!request->question) {
        if (!find_upload(request, &row, &result))
            return result;
        const struct question_order order = {
            .ask = json_pack("{s:s, s:{s:s, s:s}}", "ask", "vad", "audio", "sha256", row.sha256,
                             "name", row.name),
            .start = json_pack("{s:[]}", "writes"),
            .seconds = VAD_SECONDS,
            .most_part = VAD_VALUES,
        };
        result = questions_ask_and_sleep(request, &order, &asked);
    }
    return asked ? answer_vad(request) : result;
}

/* The folder in which what was seen is kept, so that the video need not be looked at again. */
static json_t *start_of_face(const struct server *server)
{
    const char *kept = server->options->settings->analysis_cache;
    struct path own = folders_below(&server->folders, "analysis");
    return json_pack("{s:[s]}", "writes", kept ? kept : own.text);
}

enum MHD_Result api_upload_face(struct request *request)
{
    struct upload_row row;
    enum MHD_Result result;
    synctalk_error err = {0};
    const char *model = request_query(request, "model");
    if (!model || !*model)
        return reply_error(request, MHD_HTTP_BAD_REQUEST, "invalid_argument",
                           "model: the name of a person is needed");
    if (api_check_person(request->server, model, &err))
        return reply_failure(request, &err);
    if (!find_upload(request, &row, &result))
        return result;
    const struct question_order order = {
        .ask = json_pack("{s:s, s:s, s:{s:s, s:s}}", "ask", "face", "model", model, "video",
                         "sha256", row.sha256, "name", row.name),
        .start = start_of_face(request->server),
        .seconds = FACE_SECONDS,
    };
    if (question_ask(&request->question, request->server->questions, &order, request->connection,
                     &err))
        return refuse(request, &err);
    struct MHD_Response *response = question_response(&request->question);
    if (response)
        MHD_add_response_header(response, "Content-Type", "text/event-stream");
    return reply_response(request, MHD_HTTP_OK, response);
}
