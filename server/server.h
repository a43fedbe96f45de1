/* SPDX-License-Identifier: Apache-2.0 */
/* The server: videos as jobs, over HTTP.
 *
 * This folder sees include/synctalk/ and nothing else of the project; the command `serve`
 * starts it. What must not be known elsewhere: http.c, reply.c and form.c alone know
 * libmicrohttpd, store.c SQLite, sandbox.c seccomp and landlock.
 *
 * Processes   The server never opens a media file. Worker processes do (worker_process.c),
 *             without network and with what they may read and write named; one that dies
 *             fails its job and is replaced.
 * Threads     MHD's pool parses requests and answers (nothing there waits for a job); one
 *             thread for each worker process; one that keeps house.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "synctalk/synctalk.h"

/* argv[1] with which the program becomes a worker; see server_worker_main(). */
#define SERVER_WORKER "serve-worker"

/* 0 never stands for "no limit" but where it is said. */
struct server_limits {
    int upload_mb;     /* of one upload, 10^6 bytes */
    int video_mb;      /* of one video made */
    int queue;         /* jobs waiting */
    int connections;   /* at once */
    int rate;          /* requests a second of one address; 0 = no limit */
    int idle_seconds;  /* after which a silent connection is closed */
    int job_minutes;   /* processor time of one job, of all its threads */
    int job_memory_mb; /* address space of a worker process; 0 = no limit */
    int keep_hours;    /* after which uploads, analyses and ended jobs go */
    int keep_mb;       /* of all of these together; see house.h for what goes first */
};

/* See webhook.h. */
struct server_webhooks {
    const char *secret;  /* that signs them; NULL: requests may ask for none */
    const char *ca_file; /* PEM of authorities to trust, instead of the system's; or NULL */
    bool allow_private;  /* any address, and http, too */
    int tries;
    int retry_seconds; /* after the first try; each wait is three times the one before */
};

struct server_options {
    const char *address; /* to bind: a numeric IPv4 or IPv6 address */
    int port;            /* 0: any free one */
    const char *token;   /* NULL: none is asked for, and `address` must be a loopback one */
    const char *state;   /* folder for the database, uploads and videos; made if absent */
    int workers;         /* jobs made at once */
    struct server_limits limits;
    struct server_webhooks webhooks;
    const synctalk_settings *settings; /* what videos are made with where a request is silent */
    void (*log)(synctalk_log_level level, const char *message);
    void (*ready)(const char *address, int port); /* once connections are taken */
    bool (*stopping)(void);                       /* polled; true ends server_run() */
};

/* Serve until stopping() says so: jobs in work then go back to the queue.
 *
 * E_EXISTS: another server is at work in `state`. E_ARG: an address that needs a token and
 * has none. */
synctalk_status server_run(const struct server_options *options, synctalk_error *err);

/* A worker process: takes jobs from the socket on descriptor 3 until that is closed. Returns
 * an exit code. */
int server_worker_main(void);

#endif /* SERVER_SERVER_H */
