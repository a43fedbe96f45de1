/* SPDX-License-Identifier: Apache-2.0 */
#include "webhook.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fail.h"
#include "public_address.h"
#include "webhook_sign.h"

#define FLIGHTS 16   /* sent at once: one receiver that is slow holds up few others */
#define LOOK_MS 1000 /* between two looks at what is due */
#define CONNECT_SECONDS 5L
#define WHOLE_SECONDS 15L
#define ANSWER_MOST 65536 /* bytes of an answer that are read; what they say does not matter */
#define WAIT_MOST 86400   /* seconds between two tries */

/* A delivery on its way, or one that ended and is not written down yet. */
struct flight {
    struct webhooks *owner;
    CURL *curl;                /* owns; NULL: not on its way */
    struct curl_slist *fields; /* owns */
    char *body;                /* owns */
    struct delivery delivery;  /* "" as job: there is none */
    bool turned_away;          /* an address was refused */
    size_t heard;              /* bytes of the answer */
    struct delivery_end end;   /* of one that ended */
    char fault[300];
    char words[CURL_ERROR_SIZE];
};

struct webhooks {
    const struct server_options *options;
    struct jobs *jobs;
    struct webhook_key key;
    CURLM *multi; /* owns */
    pthread_t thread;
    bool running;
    atomic_bool stopping;
    struct flight flights[FLIGHTS];
};

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* libcurl asks for a socket to each address that it is about to connect to. */
static curl_socket_t open_socket(void *user, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct flight *flight = user;
    (void)purpose;
    if (!flight->owner->options->webhooks.allow_private && !address_is_public(&to->addr)) {
        flight->turned_away = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

static size_t hear(const char *data, size_t one, size_t count, void *user)
{
    struct flight *flight = user;
    const size_t size = one * count;
    (void)data;
    flight->heard += size;
    return flight->heard > ANSWER_MOST ? 0 : size;
}

/* {"type": "video.completed", "timestamp": ..., "data": the video without its webhook} */
static synctalk_status write_body(struct flight *flight, synctalk_error *err)
{
    json_t *video = NULL;
    enum job_state state;
    char when[32];
    struct tm parts;
    synctalk_status st =
        jobs_describe(flight->owner->jobs, flight->delivery.job, &video, &state, err);
    if (st)
        return st;
    const time_t ended = (time_t)json_integer_value(json_object_get(video, "finished_at"));
    gmtime_r(&ended, &parts);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%SZ", &parts);
    json_object_del(video, "webhook");
    json_t *whole =
        json_pack("{s:o, s:s, s:o}", "type", json_sprintf("video.%s", job_state_name(state)),
                  "timestamp", when, "data", video);
    flight->body = whole ? json_dumps(whole, JSON_COMPACT) : NULL;
    json_decref(whole);
    return flight->body ? SYNCTALK_OK : server_fail_memory(err, "a webhook");
}

static bool add_field(struct flight *flight, const char *name, const char *value)
{
    char line[160];
    snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *longer = curl_slist_append(flight->fields, line);
    if (longer)
        flight->fields = longer;
    return longer != NULL;
}

static synctalk_status write_fields(struct flight *flight, synctalk_error *err)
{
    char signature[WEBHOOK_SIGNATURE];
    char when[24];
    const int64_t now = time(NULL);
    synctalk_status st =
        webhook_sign(signature, &flight->owner->key, flight->delivery.job, now, flight->body, err);
    if (st)
        return st;
    snprintf(when, sizeof when, "%" PRId64, now);
    return add_field(flight, "Content-Type", "application/json") &&
                   add_field(flight, "Expect", "") &&
                   add_field(flight, "webhook-id", flight->delivery.job) &&
                   add_field(flight, "webhook-timestamp", when) &&
                   add_field(flight, "webhook-signature", signature)
               ? SYNCTALK_OK
               : server_fail_memory(err, "a webhook");
}

static synctalk_status set_options(struct flight *flight, synctalk_error *err)
{
    const struct server_webhooks *options = &flight->owner->options->webhooks;
    CURL *curl = flight->curl;
    CURLcode bad = CURLE_OK;
#define SET(option, value) bad = bad ? bad : curl_easy_setopt(curl, option, value)
    SET(CURLOPT_ERRORBUFFER, flight->words);
    SET(CURLOPT_PRIVATE, flight);
    SET(CURLOPT_PROTOCOLS_STR, options->allow_private ? "https,http" : "https");
    SET(CURLOPT_FOLLOWLOCATION, 0L);
    SET(CURLOPT_URL, flight->delivery.url);
    SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
    SET(CURLOPT_OPENSOCKETDATA, flight);
    SET(CURLOPT_FRESH_CONNECT, 1L); /* each is judged */
    SET(CURLOPT_FORBID_REUSE, 1L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    SET(CURLOPT_TIMEOUT, WHOLE_SECONDS);
    SET(CURLOPT_HEADERFUNCTION, hear);
    SET(CURLOPT_HEADERDATA, flight);
    SET(CURLOPT_WRITEFUNCTION, hear);
    SET(CURLOPT_WRITEDATA, flight);
    SET(CURLOPT_USERAGENT, "synctalk");
    /* Empty, since NULL would make libcurl look into the environment: a proxy would go where
     * this may not. */
    SET(CURLOPT_PROXY, "");
    if (options->ca_file) {
        SET(CURLOPT_CAINFO, options->ca_file);
        SET(CURLOPT_CAPATH, NULL);
    }
    SET(CURLOPT_HTTPHEADER, flight->fields);
    SET(CURLOPT_POSTFIELDS, flight->body);
#undef SET
    return bad == CURLE_OK ? SYNCTALK_OK
                           : server_fail(err, SYNCTALK_E_LIBRARY, "libcurl cannot send: %s",
                                         curl_easy_strerror(bad));
}

static void clear(struct flight *flight)
{
    if (flight->curl) {
        curl_multi_remove_handle(flight->owner->multi, flight->curl);
        curl_easy_cleanup(flight->curl);
    }
    curl_slist_free_all(flight->fields);
    free(flight->body);
    *flight = (struct flight){.owner = flight->owner};
}

/* Each wait is three times the one before. */
static int64_t wait_after(const struct server_webhooks *options, int64_t tries)
{
    int64_t wait = options->retry_seconds;
    for (int64_t i = 1; i < tries && wait < WAIT_MOST; i++)
        wait *= 3;
    return wait < WAIT_MOST ? wait : WAIT_MOST;
}

/* The try ended; `for_good`: another would end likewise. */
static void end_failed(struct flight *flight, bool for_good)
{
    const struct server_webhooks *options = &flight->owner->options->webhooks;
    const bool last = for_good || flight->delivery.tries >= options->tries;
    flight->end.state = last ? DELIVERY_FAILED : DELIVERY_WAITING;
    flight->end.due = last ? 0 : time(NULL) + wait_after(options, flight->delivery.tries);
    flight->end.fault = flight->fault;
}

static void judge(struct flight *flight, CURLcode code)
{
    long answer = 0;
    (void)curl_easy_getinfo(flight->curl, CURLINFO_RESPONSE_CODE, &answer);
    flight->end.answer = answer;
    if (answer >= 200 && answer < 300) {
        flight->end.state = DELIVERY_DONE;
    } else if (answer > 0) {
        snprintf(flight->fault, sizeof flight->fault, "the receiver answered %ld%s", answer,
                 answer >= 300 && answer < 400 ? ", and redirections are not followed" : "");
        end_failed(flight, answer == 410); /* Gone: it asks for no more */
    } else if (flight->turned_away) {
        snprintf(flight->fault, sizeof flight->fault,
                 "the address leads into a machine or a network of its own, to which this server "
                 "sends nothing (--webhook-allow-private)");
        end_failed(flight, true);
    } else {
        snprintf(flight->fault, sizeof flight->fault, "cannot send: %s",
                 *flight->words ? flight->words : curl_easy_strerror(code));
        end_failed(flight, false);
    }
}

/* Where it cannot be written down, it is tried again at the next look. */
static void write_down(struct flight *flight)
{
    char line[400];
    const struct server_options *options = flight->owner->options;
    if (store_delivery_end(jobs_store(flight->owner->jobs), flight->delivery.job, &flight->end,
                           NULL))
        return;
    if (flight->end.state == DELIVERY_FAILED && options->log) {
        snprintf(line, sizeof line, "%s: webhook: %s", flight->delivery.job, flight->fault);
        options->log(SYNCTALK_LOG_WARNING, line);
    }
    clear(flight);
}

static void start(struct flight *flight)
{
    synctalk_error err = {0};
    synctalk_status st;
    if (!(st = write_body(flight, &err)) && !(st = write_fields(flight, &err))) {
        flight->curl = curl_easy_init();
        st = flight->curl ? set_options(flight, &err) : server_fail_memory(&err, "a webhook");
    }
    if (st == SYNCTALK_E_MISSING) { /* the job was removed meanwhile, and this with it */
        clear(flight);
        return;
    }
    if (!st && curl_multi_add_handle(flight->owner->multi, flight->curl) == CURLM_OK)
        return;
    if (flight->curl)
        curl_easy_cleanup(flight->curl);
    flight->curl = NULL;
    snprintf(flight->fault, sizeof flight->fault, "%.*s", (int)sizeof flight->fault - 1,
             st ? err.message : "cannot send");
    end_failed(flight, false);
}

static void start_those_due(struct webhooks *webhooks)
{
    struct store *store = jobs_store(webhooks->jobs);
    for (size_t i = 0; i < FLIGHTS; i++) {
        if (*webhooks->flights[i].delivery.job && !webhooks->flights[i].curl)
            write_down(&webhooks->flights[i]);
    }
    for (size_t i = 0; i < FLIGHTS; i++) {
        struct flight *flight = &webhooks->flights[i];
        bool found = false;
        if (*flight->delivery.job)
            continue;
        if (store_delivery_take(store, time(NULL), &flight->delivery, &found, NULL) || !found) {
            clear(flight);
            return;
        }
        start(flight);
    }
}

/* Whether there were any. */
static bool end_those_done(struct webhooks *webhooks)
{
    int left;
    bool any = false;
    const CURLMsg *message;
    while ((message = curl_multi_info_read(webhooks->multi, &left))) {
        void *user = NULL;
        const CURLcode code = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        (void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &user);
        struct flight *flight = user;
        judge(flight, code);
        curl_multi_remove_handle(webhooks->multi, flight->curl);
        curl_easy_cleanup(flight->curl);
        flight->curl = NULL;
        write_down(flight);
        any = true;
    }
    return any;
}

static void *send_them(void *user)
{
    struct webhooks *webhooks = user;
    double looked = 0;
    int flying;
    while (!atomic_load(&webhooks->stopping)) {
        if (seconds() - looked >= LOOK_MS / 1000.0) {
            start_those_due(webhooks);
            looked = seconds();
        }
        curl_multi_perform(webhooks->multi, &flying);
        if (end_those_done(webhooks))
            looked = 0;
        else
            curl_multi_poll(webhooks->multi, NULL, 0, LOOK_MS, NULL);
    }
    return NULL;
}

synctalk_status webhooks_open(struct webhooks **out, const struct server_options *options,
                              struct jobs *jobs, synctalk_error *err)
{
    synctalk_status st;
    struct webhooks *webhooks = calloc(1, sizeof *webhooks);
    *out = NULL;
    if (!webhooks)
        return server_fail_memory(err, "the webhooks");
    webhooks->options = options;
    webhooks->jobs = jobs;
    for (size_t i = 0; i < FLIGHTS; i++)
        webhooks->flights[i].owner = webhooks;
    if ((st = webhook_key_read(&webhooks->key, options->webhooks.secret, err)) ||
        (st = store_deliveries_return(jobs_store(jobs), err)))
        goto done;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK ||
        !(webhooks->multi = curl_multi_init())) {
        st = server_fail(err, SYNCTALK_E_LIBRARY, "libcurl cannot be started");
        goto done;
    }
    if (pthread_create(&webhooks->thread, NULL, send_them, webhooks) != 0) {
        st = server_fail(err, SYNCTALK_E_LIBRARY, "no thread for webhooks");
        goto done;
    }
    webhooks->running = true;
    *out = webhooks;
    webhooks = NULL;

done:
    webhooks_close(&webhooks);
    return st;
}

void webhooks_close(struct webhooks **webhooks)
{
    if (!webhooks || !*webhooks)
        return;
    struct webhooks *w = *webhooks;
    atomic_store(&w->stopping, true);
    if (w->running) {
        curl_multi_wakeup(w->multi);
        pthread_join(w->thread, NULL);
    }
    for (size_t i = 0; i < FLIGHTS; i++)
        clear(&w->flights[i]);
    if (w->multi)
        curl_multi_cleanup(w->multi);
    OPENSSL_cleanse(&w->key, sizeof w->key);
    free(w);
    *webhooks = NULL;
}
