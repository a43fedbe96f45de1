/* SPDX-License-Identifier: Apache-2.0 */
/* What is removed at its age, or since all of it takes more space than it may. */
#ifndef SERVER_HOUSE_H
#define SERVER_HOUSE_H

#include "folders.h"
#include "jobs.h"
#include "server.h"
#include "uploads.h"

struct house {
    const struct server_options *options;
    const struct folders *folders;
    struct uploads *uploads;
    struct jobs *jobs;
};

/* Everything older than --keep-hours goes: ended jobs, uploads that no waiting or working job
 * needs, and analyses in STATE. Then, while what is left takes more than --keep-mb, the oldest of
 * what videos are made from as long as that has more than half of it (analyses, which can be made
 * again, before uploads), else the oldest ended job: neither kind drives out the other. A folder
 * that --analysis-cache names is never touched. */
synctalk_status house_sweep(const struct house *house, synctalk_error *err);

#endif /* SERVER_HOUSE_H */
