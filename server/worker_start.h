/* SPDX-License-Identifier: Apache-2.0 */
/* Between worker.c and worker_start.c: a worker process, from the server's side. */
#ifndef SERVER_WORKER_START_H
#define SERVER_WORKER_START_H

#include <sys/types.h>

#include "folders.h"
#include "lines.h"
#include "server.h"

struct process {
    pid_t pid; /* 0 = there is none */
    int fd;    /* of the socket to it; -1 = none */
    struct lines lines;
};

/* Start one and wait until it has shut itself in. `start` replaces fields of the first line that it
 * is told, or is NULL. *files: it can open what it is shown only. */
synctalk_status process_start(struct process *process, const struct server_options *options,
                              const struct folders *folders, const json_t *start, bool *files,
                              synctalk_error *err);
/* End it, at once where `kill_it`, else after two seconds if it does not by itself; returns what
 * waitpid() said. Nothing where there is none. */
int process_end(struct process *process, bool kill_it);

#endif /* SERVER_WORKER_START_H */
