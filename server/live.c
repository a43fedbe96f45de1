/* SPDX-License-Identifier: Apache-2.0 */
#include "live.h"

#include <stdio.h>
#include <string.h>

/* Percent at which a stage ends; one that is not here moves nothing. Looking at a video takes
 * about as long as drawing on it, and happens once for each video. */
static const struct {
    const char *stage;
    double end;
} stages[] = {{"dataset", 2},  {"faces", 45},  {"sound", 3},
              {"features", 5}, {"frames", 99}, {"finish", 100}};

static double end_of(const char *stage)
{
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        if (strcmp(stage, stages[i].stage) == 0)
            return stages[i].end;
    }
    return 0;
}

void live_begin(struct live *live, const char *id)
{
    *live = (struct live){.eta = -1};
    snprintf(live->id, sizeof live->id, "%s", id);
}

void live_update(struct live *live, const synctalk_progress *progress, double now)
{
    if (strcmp(live->stage, progress->stage) != 0) {
        snprintf(live->stage, sizeof live->stage, "%s", progress->stage);
        live->stage_percent = live->percent;
        live->stage_began = now;
        live->fps = 0;
        live->eta = -1;
    }
    live->done = progress->done;
    live->total = progress->total;
    if (progress->total <= 0)
        return;
    const double part = (double)progress->done / (double)progress->total;
    const double end = end_of(live->stage);
    if (end > live->stage_percent) {
        const double percent = live->stage_percent + part * (end - live->stage_percent);
        live->percent = percent > live->percent ? percent : live->percent;
    }
    const double passed = now - live->stage_began;
    if (strcmp(live->stage, "frames") == 0 && passed > 0 && progress->done > 0) {
        live->fps = (double)progress->done / passed;
        live->eta = (double)(progress->total - progress->done) / live->fps;
    }
}

json_t *live_to_json(const struct live *live)
{
    json_t *eta = live->eta < 0 ? json_null() : json_real(live->eta);
    return json_pack("{s:f, s:s, s:I, s:I, s:f, s:o}", "percent", live->percent, "stage",
                     live->stage, "done", (json_int_t)live->done, "total", (json_int_t)live->total,
                     "fps", live->fps, "eta_seconds", eta);
}
