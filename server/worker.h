/* SPDX-License-Identifier: Apache-2.0 */
/* Worker processes and the threads that lead them. */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "jobs.h"
#include "server.h"

struct workers;

/* One thread and one process for each of options->workers. Borrowed until workers_close(). */
synctalk_status workers_open(struct workers **out, const struct server_options *options,
                             struct jobs *jobs, const struct folders *folders, synctalk_error *err);
/* After jobs_stop(): jobs in work are returned to the queue, and processes end. NULL-safe. */
void workers_close(struct workers **workers);

#endif /* SERVER_WORKER_H */
