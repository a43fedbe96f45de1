/* SPDX-License-Identifier: Apache-2.0 */
/* Persons, sessions, health, metrics. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "api.h"
#include "fail.h"
#include "guard.h"
#include "reply.h"
#include "settings_json.h"
#include "text.h"

#define NAME_SHOWN 100 /* bytes of a name that is repeated: whole, and in UTF-8, or not at all */

/* Whether the networks of mode video are there: of each row of the table and its alternatives
 * one. */
static bool can_look_at_videos(const struct server *server)
{
    size_t count = 0;
    const synctalk_network *rows = synctalk_networks(&count);
    char path[FOLDER_PATH];
    bool all = true;
    bool found = true; /* one of the rows that serve alike */
    for (size_t i = 0; i < count; i++) {
        if (!strstr(rows[i].users, "--mode video"))
            continue;
        if (!rows[i].alternative) {
            all = all && found;
            found = false;
        }
        found = found || synctalk_network_find(server->options->settings, &rows[i], path,
                                               sizeof path, NULL) == SYNCTALK_OK;
    }
    return all && found;
}

static json_t *modes_of(const synctalk_person_info *person, bool video)
{
    json_t *modes = json_array();
    if (person->frames > 0)
        json_array_append_new(modes, json_string("training"));
    if (video)
        json_array_append_new(modes, json_string("video"));
    if (person->clips > 0)
        json_array_append_new(modes, json_string("clips"));
    return modes;
}

/* What holds where a request is silent, as far as one could say it: no path of this machine. */
static json_t *settings_of_silence(const synctalk_settings *settings)
{
    size_t count = 0;
    const synctalk_option *rows = synctalk_settings_options(&count);
    json_t *object = settings_to_json(settings);
    for (size_t i = 0; i < count; i++) {
        if (!settings_are_open(&rows[i]))
            json_object_del(object, rows[i].name);
    }
    return object;
}

enum MHD_Result api_models(struct request *request)
{
    synctalk_people *people = NULL;
    synctalk_error err = {0};
    json_t *array = json_array();
    const bool video = can_look_at_videos(request->server);
    /* A project without a folder of checkpoints has no persons: its path is nobody's business. */
    const synctalk_status st =
        synctalk_people_list(&people, request->server->options->settings, &err);
    if (st && st != SYNCTALK_E_MISSING) {
        json_decref(array);
        return reply_failure(request, &err);
    }
    for (size_t i = 0; i < synctalk_people_count(people); i++) {
        const synctalk_person_info person = synctalk_people_at(people, i);
        json_array_append_new(
            array, json_pack("{s:s, s:i, s:I, s:I, s:o}", "name", person.name, "checkpoint",
                             person.checkpoint, "frames", (json_int_t)person.frames, "clips",
                             (json_int_t)person.clips, "modes", modes_of(&person, video)));
    }
    synctalk_people_free(&people);
    return reply_json(request, MHD_HTTP_OK,
                      json_pack("{s:o, s:b, s:o}", "models", array, "speech",
                                *request->server->speech.program != '\0', "settings",
                                settings_of_silence(request->server->options->settings)));
}

synctalk_status api_check_person(const struct server *server, const char *name, synctalk_error *err)
{
    synctalk_people *people = NULL;
    char there[300] = "";
    size_t used = 0;
    bool found = false;
    synctalk_status st = synctalk_people_list(&people, server->options->settings, err);
    if (st && st != SYNCTALK_E_MISSING)
        return st;
    for (size_t i = 0; i < synctalk_people_count(people); i++) {
        const synctalk_person_info person = synctalk_people_at(people, i);
        found = found || strcmp(person.name, name) == 0;
        if (used < sizeof there)
            used += (size_t)snprintf(there + used, sizeof there - used, "%s%s", i ? ", " : "",
                                     person.name);
    }
    synctalk_people_free(&people);
    return found ? SYNCTALK_OK
                 : server_fail(err, SYNCTALK_E_MISSING, "%s: no such person; there are: %s",
                               text_is_utf8(name, strnlen(name, NAME_SHOWN + 1)) &&
                                       strlen(name) <= NAME_SHOWN
                                   ? name
                                   : "this",
                               *there ? there : "none");
}

/* The name is compared with those of the project before it is part of a path. */
enum MHD_Result api_frame(struct request *request)
{
    synctalk_settings settings = *request->server->options->settings;
    const char *name = request_query(request, "model");
    const char *number_text = request_query(request, "number");
    char path[FOLDER_PATH];
    char etag[96];
    char file[48];
    int64_t number;
    struct stat info;
    synctalk_error err = {0};

    if (!name || !number_text || !text_to_number(number_text, INT32_MAX, &number))
        return reply_error(request, MHD_HTTP_BAD_REQUEST, "invalid_argument",
                           "the name of a person as model and the number of a frame are needed");
    settings.model = name;
    if (api_check_person(request->server, name, &err))
        return reply_failure(request, &err);
    if (synctalk_people_frame(&settings, number, path, sizeof path, NULL) || stat(path, &info) != 0)
        return reply_error(request, MHD_HTTP_NOT_FOUND, "missing", "this person has no such frame");
    snprintf(etag, sizeof etag, "\"%llx-%llx\"", (unsigned long long)info.st_size,
             (unsigned long long)info.st_mtime);
    snprintf(file, sizeof file, "%lld.jpg", (long long)number);
    return reply_file(request, path, "image/jpeg", false, etag, file);
}

enum MHD_Result api_session(struct request *request)
{
    char cookie[256];
    const char *token = json_string_value(json_object_get(request->fields, "token"));
    const char *right = request->server->options->token;
    if (!token)
        return reply_error(request, MHD_HTTP_BAD_REQUEST, "invalid_argument",
                           "token: a text is needed");
    if (right && !same_secret(token, right))
        return reply_error(request, MHD_HTTP_UNAUTHORIZED, "unauthorized",
                           "this is not the token of this server");
    struct MHD_Response *response =
        MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    guard_cookie(request->server, cookie, sizeof cookie);
    if (response && right)
        MHD_add_response_header(response, "Set-Cookie", cookie);
    return reply_response(request, MHD_HTTP_NO_CONTENT, response);
}

enum MHD_Result api_health(struct request *request)
{
    int64_t counts[JOB_STATES];
    synctalk_error err = {0};
    if (store_jobs_count(request->server->store, counts, &err))
        return reply_error(request, MHD_HTTP_SERVICE_UNAVAILABLE, "io", err.message);
    return reply_json(request, MHD_HTTP_OK,
                      json_pack("{s:s, s:s}", "status", "ok", "version", synctalk_version()));
}

/* Resident memory of this process, bytes; 0 where it cannot be told. */
static long long memory_now(void)
{
    char line[128];
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    const char *got = fgets(line, sizeof line, file);
    fclose(file);
    const char *second = got ? strchr(line, ' ') : NULL;
    return second ? strtoll(second, NULL, 10) * sysconf(_SC_PAGESIZE) : 0;
}

/* Source: Prometheus, "Exposition formats", text format 0.0.4. */
enum MHD_Result api_metrics(struct request *request)
{
    struct server *server = request->server;
    int64_t counts[JOB_STATES];
    int64_t bytes = 0;
    struct timespec now;
    synctalk_error err = {0};
    char text[4096];
    size_t used;

    if (store_jobs_count(server->store, counts, &err) ||
        store_jobs_bytes(server->store, &bytes, &err))
        return reply_failure(request, &err);
    clock_gettime(CLOCK_MONOTONIC, &now);
    used = (size_t)snprintf(
        text, sizeof text,
        "# TYPE synctalk_up_seconds gauge\nsynctalk_up_seconds %.0f\n"
        "# TYPE synctalk_requests_total counter\nsynctalk_requests_total %lld\n"
        "# TYPE synctalk_requests_refused_total counter\nsynctalk_requests_refused_total %lld\n"
        "# TYPE synctalk_event_streams gauge\nsynctalk_event_streams %d\n"
        "# TYPE synctalk_questions gauge\nsynctalk_questions %d\n"
        "# TYPE synctalk_upload_bytes gauge\nsynctalk_upload_bytes %lld\n"
        "# TYPE synctalk_video_bytes gauge\nsynctalk_video_bytes %lld\n"
        "# TYPE synctalk_memory_bytes gauge\nsynctalk_memory_bytes %lld\n"
        "# TYPE synctalk_jobs gauge\n",
        (double)now.tv_sec + 1e-9 * (double)now.tv_nsec - server->began,
        (long long)atomic_load(&server->requests), (long long)atomic_load(&server->refused),
        events_count(server->events), questions_count(server->questions),
        (long long)uploads_bytes(server->uploads), (long long)bytes, memory_now());
    for (int i = 0; i < JOB_STATES && used < sizeof text; i++)
        used +=
            (size_t)snprintf(text + used, sizeof text - used, "synctalk_jobs{state=\"%s\"} %lld\n",
                             job_state_name((enum job_state)i), (long long)counts[i]);
    return reply_text(request, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", text);
}
