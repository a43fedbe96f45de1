/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "guard.h"
#include "house.h"
#include "http.h"
#include "webhook.h"
#include "worker.h"

#define HTTP_THREADS 4
#define CONNECTION_MEMORY 32768 /* bytes for a request's header fields: more is refused */
#define LOOK_MS 100             /* between two looks at whether to stop */
#define BEAT_SECONDS 15         /* between two signs of life in a stream of events */
#define SWEEP_SECONDS 30

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static synctalk_status read_address(union address *address, const struct server_options *options,
                                    synctalk_error *err)
{
    memset(address, 0, sizeof *address);
    if (inet_pton(AF_INET, options->address, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        address->v4.sin_port = htons((uint16_t)options->port);
    } else if (inet_pton(AF_INET6, options->address, &address->v6.sin6_addr) == 1) {
        address->v6.sin6_family = AF_INET6;
        address->v6.sin6_port = htons((uint16_t)options->port);
    } else {
        return server_fail(err, SYNCTALK_E_ARG,
                           "--address %s: a numeric address is needed, such as 127.0.0.1 or ::1",
                           options->address);
    }
    if (!options->token && !guard_is_loopback(options->address))
        return server_fail(err, SYNCTALK_E_ARG,
                           "--address %s: others can reach this address, so a token is needed: "
                           "--token-file FILE",
                           options->address);
    return SYNCTALK_OK;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void log_line(const struct server *server, const char *message)
{
    if (server->options->log)
        server->options->log(SYNCTALK_LOG_WARNING, message);
}

/* Each connection, and each file that is sent or received, is a descriptor. */
static void allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static char *describe_job(void *user, const char *id, bool *last)
{
    struct server *server = user;
    json_t *json = NULL;
    enum job_state state;
    if (jobs_describe(server->jobs, id, &json, &state, NULL))
        return NULL;
    char *text = json_dumps(json, JSON_COMPACT);
    json_decref(json);
    *last = job_state_is_end(state);
    return text;
}

static void sweep(struct server *server)
{
    const struct house house = {server->options, &server->folders, server->uploads, server->jobs};
    synctalk_error err = {0};
    if (house_sweep(&house, &err))
        log_line(server, err.message);
    store_keep_reserve(server->store);
}

static void keep_house(struct server *server)
{
    double swept = 0;
    double beaten = seconds();
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000L};
    while (!server->options->stopping()) {
        const double now = seconds();
        if (now - swept >= SWEEP_SECONDS) {
            sweep(server);
            swept = now;
        }
        if (now - beaten >= BEAT_SECONDS) {
            events_beat(server->events);
            beaten = now;
        }
        events_tick(server->events);
        nanosleep(&pause, NULL);
    }
}

static synctalk_status listen_on(struct MHD_Daemon **daemon, struct server *server,
                                 union address *address, synctalk_error *err)
{
    const struct server_limits *limits = &server->options->limits;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC;
    if (address->any.sa_family == AF_INET6)
        flags |= MHD_USE_IPv6;
    *daemon = MHD_start_daemon(flags, 0, NULL, NULL, http_handle, server, MHD_OPTION_SOCK_ADDR,
                               &address->any, MHD_OPTION_THREAD_POOL_SIZE, (unsigned)HTTP_THREADS,
                               MHD_OPTION_CONNECTION_LIMIT, (unsigned)limits->connections,
                               MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)limits->idle_seconds,
                               MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
                               MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_NOTIFY_COMPLETED,
                               http_completed, NULL, MHD_OPTION_END);
    if (*daemon)
        return SYNCTALK_OK;
    return server_fail(err, SYNCTALK_E_IO,
                       "cannot listen on %s, port %d: is another program there? --port names "
                       "another, 0 takes any that is free",
                       server->options->address, server->options->port);
}

static void tell_ready(const struct server *server, struct MHD_Daemon *daemon)
{
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT);
    if (server->options->ready)
        server->options->ready(server->options->address, info ? info->port : server->options->port);
}

/* All but the network, in the order in which each needs those before it. */
static synctalk_status open_rooms(struct server *server, synctalk_error *err)
{
    const struct server_options *options = server->options;
    synctalk_status st;
    if ((st = folders_open(&server->folders, options->state, err)) ||
        (st = store_open(&server->store, server->folders.state, err)) ||
        (st = uploads_open(&server->uploads, &server->folders, server->store,
                           (int64_t)options->limits.upload_mb * 1000000, err)) ||
        (st = jobs_open(&server->jobs, server->store, &server->folders, options->workers, err)) ||
        (st = events_open(&server->events, describe_job, server, err)))
        return st;
    jobs_tell(server->jobs, server->events);
    return SYNCTALK_OK;
}

synctalk_status server_run(const struct server_options *options, synctalk_error *err)
{
    synctalk_status st;
    union address address;
    struct workers *workers = NULL;
    struct webhooks *webhooks = NULL;
    struct MHD_Daemon *daemon = NULL;
    struct server server = {.options = options, .folders = {.lock = -1}, .began = seconds()};

    if ((st = read_address(&address, options, err)))
        return st;
    rate_begin(&server.rate, options->limits.rate);
    allow_descriptors();
    signal(SIGXFSZ, SIG_IGN); /* a file that is too long is a failed write */
    guard_begin(&server);
    speech_find(&server.speech);
    if ((st = open_rooms(&server, err)) ||
        (st = workers_open(&workers, options, server.jobs, &server.folders, err)) ||
        (st = questions_open(&server.questions, options, &server.folders, err)) ||
        (options->webhooks.secret && (st = webhooks_open(&webhooks, options, server.jobs, err))) ||
        (st = listen_on(&daemon, &server, &address, err)))
        goto done;
    tell_ready(&server, daemon);
    keep_house(&server);

done:
    if (server.jobs)
        jobs_stop(server.jobs);
    workers_close(&workers);
    questions_stop(server.questions);
    webhooks_close(&webhooks);
    if (server.events)
        events_stop(server.events);
    if (daemon)
        MHD_stop_daemon(daemon);
    questions_close(&server.questions);
    events_close(&server.events);
    jobs_close(&server.jobs);
    uploads_close(&server.uploads);
    store_close(&server.store);
    folders_close(&server.folders);
    rate_end(&server.rate);
    return st;
}
