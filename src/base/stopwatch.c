/* SPDX-License-Identifier: Apache-2.0 */
#include "base/stopwatch.h"

#include <time.h>

struct stage {
    const char *name;
    int waits;
};

static const struct stage stages[] = {
#define STAGE(number, name, waits) {name, waits},
    ST_STAGE_LIST(STAGE)
#undef STAGE
};

static int64_t now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000LL + t.tv_nsec;
}

int64_t st_wall_ns(void)
{
    return now(CLOCK_MONOTONIC);
}

int64_t st_process_cpu_ns(void)
{
    return now(CLOCK_PROCESS_CPUTIME_ID);
}

void st_stopwatch_start(struct st_stopwatch *watch)
{
    if (!watch)
        return;
    watch->wall_ns = st_wall_ns();
    watch->cpu_ns = now(CLOCK_THREAD_CPUTIME_ID);
}

void st_stopwatch_lap(struct st_stopwatch *watch, enum st_stage ended)
{
    struct st_laps *laps = &watch->laps[ended];
    const int64_t wall_ns = st_wall_ns();
    const int64_t cpu_ns = now(CLOCK_THREAD_CPUTIME_ID);
    laps->times++;
    laps->wall_ns += wall_ns - watch->wall_ns;
    laps->cpu_ns += cpu_ns - watch->cpu_ns;
    watch->wall_ns = wall_ns;
    watch->cpu_ns = cpu_ns;
}

void st_stopwatch_add(struct st_stopwatch *sum, const struct st_stopwatch *watch)
{
    for (int i = 0; i < ST_STAGES; i++) {
        sum->laps[i].times += watch->laps[i].times;
        sum->laps[i].wall_ns += watch->laps[i].wall_ns;
        sum->laps[i].cpu_ns += watch->laps[i].cpu_ns;
    }
}

const char *st_stage_name(enum st_stage stage)
{
    return stages[stage].name;
}

int st_stage_waits(enum st_stage stage)
{
    return stages[stage].waits;
}
