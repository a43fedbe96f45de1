/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs as the API shows them. Rows are turned into JSON while the store is locked; what needs
 * the jobs' lock or the store again is added after. */
#include <string.h>

#include "fail.h"
#include "jobs.h"

struct showing {
    json_t *json;         /* an object, or an array that is there before */
    enum job_state state; /* of the last row */
    int64_t last;         /* its number */
    bool failed;          /* no memory */
};

static json_t *time_json(int64_t seconds_since_1970)
{
    return seconds_since_1970 > 0 ? json_integer(seconds_since_1970) : json_null();
}

/* What is no UTF-8, as an earlier server may have kept it, must not take the other rows along. */
static json_t *text_json(const char *text)
{
    json_t *json = json_string(text);
    return json ? json : json_string("?");
}

static json_t *error_json(const struct job_row *row)
{
    return row->code ? json_pack("{s:s, s:o}", "code", row->code, "message",
                                 text_json(row->message ? row->message : ""))
                     : json_null();
}

/* What became of the telling, or null. */
static json_t *webhook_json(const struct job_row *row)
{
    const bool due = row->delivery == DELIVERY_WAITING && row->due > 0;
    if (!row->webhook)
        return json_null();
    return json_pack("{s:o, s:s, s:I, s:o, s:o, s:o}", "url", text_json(row->webhook), "state",
                     delivery_state_name(row->delivery), "tries", (json_int_t)row->tries,
                     "next_try_at", time_json(due ? row->due : 0), "answer",
                     row->answer > 0 ? json_integer(row->answer) : json_null(), "error",
                     row->fault ? text_json(row->fault) : json_null());
}

static json_t *links_json(const struct job_row *row)
{
    json_t *links = json_pack("{s:o, s:o}", "self", json_sprintf("/v1/videos/%s", row->id),
                              "events", json_sprintf("/v1/videos/%s/events", row->id));
    json_t *result = row->result ? json_loads(row->result, 0, NULL) : NULL;
    if (row->state == JOB_COMPLETED)
        json_object_set_new(links, "content", json_sprintf("/v1/videos/%s/content", row->id));
    if (json_is_true(json_object_get(result, "edit_list")))
        json_object_set_new(links, "edit_list", json_sprintf("/v1/videos/%s/edl.json", row->id));
    if (json_is_true(json_object_get(result, "speech_plot")))
        json_object_set_new(links, "speech_plot", json_sprintf("/v1/videos/%s/vad.png", row->id));
    json_decref(result);
    return links;
}

static void show(void *user, const struct job_row *row)
{
    struct showing *showing = user;
    json_t *request = json_loads(row->request, 0, NULL);
    json_t *result = row->result ? json_loads(row->result, 0, NULL) : json_null();
    json_t *job =
        json_pack("{s:s, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "id", row->id, "number",
                  (json_int_t)row->number, "state", job_state_name(row->state), "created_at",
                  time_json(row->created), "started_at", time_json(row->started), "finished_at",
                  time_json(row->finished), "result", result, "error", error_json(row), "links",
                  links_json(row), "webhook", webhook_json(row));
    if (!job || !request || json_object_update(job, request) != 0)
        showing->failed = true;
    json_decref(request);
    showing->state = row->state;
    showing->last = row->number;
    if (showing->json)
        json_array_append_new(showing->json, job);
    else
        showing->json = job;
}

/* "progress", and "queue_place": 1 is next, null where it does not wait. */
static synctalk_status complete(struct jobs *jobs, json_t *job, synctalk_error *err)
{
    int64_t before = 0;
    struct live live;
    enum job_state state = JOB_FAILED;
    synctalk_status st = SYNCTALK_OK;
    const char *id = json_string_value(json_object_get(job, "id"));
    job_state_named(&state, json_string_value(json_object_get(job, "state")));
    if (state != JOB_IN_PROGRESS || !jobs_live(jobs, id, &live))
        live = (struct live){.percent = state == JOB_COMPLETED ? 100 : 0, .eta = -1};
    if (state == JOB_QUEUED)
        st = store_jobs_before(jobs_store(jobs), json_integer_value(json_object_get(job, "number")),
                               &before, err);
    json_object_set_new(job, "progress", live_to_json(&live));
    json_object_set_new(job, "queue_place",
                        state == JOB_QUEUED ? json_integer(before + 1) : json_null());
    return st;
}

synctalk_status jobs_describe(struct jobs *jobs, const char *id, json_t **json,
                              enum job_state *state, synctalk_error *err)
{
    struct showing showing = {.json = NULL};
    *json = NULL;
    synctalk_status st = store_job_get(jobs_store(jobs), id, show, &showing, err);
    if (!st && showing.failed)
        st = server_fail_memory(err, "the description of a video");
    if (!st)
        st = complete(jobs, showing.json, err);
    if (st) {
        json_decref(showing.json);
        return st;
    }
    if (state)
        *state = showing.state;
    *json = showing.json;
    return SYNCTALK_OK;
}

synctalk_status jobs_list(struct jobs *jobs, int64_t below, enum job_state state, int limit,
                          json_t **array, int64_t *next, synctalk_error *err)
{
    struct showing showing = {.json = json_array()};
    size_t i;
    json_t *job;
    synctalk_status st = SYNCTALK_E_MEMORY;
    if (showing.json)
        st = store_jobs_list(jobs_store(jobs), below, state, limit, show, &showing, err);
    if (st == SYNCTALK_E_MEMORY || showing.failed)
        st = server_fail_memory(err, "the list of videos");
    json_array_foreach(showing.json, i, job)
    {
        if (!st)
            st = complete(jobs, job, err);
    }
    if (st) {
        json_decref(showing.json);
        showing.json = NULL;
    }
    *array = showing.json;
    *next = !st && json_array_size(showing.json) == (size_t)limit ? showing.last : 0;
    return st;
}
