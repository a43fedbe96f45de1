/* SPDX-License-Identifier: Apache-2.0 */
/* How far a job is, from what the library tells while it works. */
#ifndef SERVER_LIVE_H
#define SERVER_LIVE_H

#include <jansson.h>
#include <stdbool.h>

#include "ids.h"
#include "synctalk/progress.h"

struct live {
    char id[ID_SIZE]; /* "": nobody works here */
    bool unwanted;
    char stage[24];
    int64_t done, total;
    double percent;       /* never falls */
    double stage_percent; /* at which the stage began */
    double stage_began;   /* seconds, monotonic */
    double fps;           /* frames made a second; 0 = not known */
    double eta;           /* seconds; < 0 = not known */
};

void live_begin(struct live *live, const char *id);
void live_update(struct live *live, const synctalk_progress *progress, double now);
/* {"percent", "stage", "done", "total", "fps", "eta_seconds"} */
json_t *live_to_json(const struct live *live);

#endif /* SERVER_LIVE_H */
