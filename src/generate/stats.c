/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/stats.h"

#include "base/cpu.h"

#define THREADS 3
#define ROOM (THREADS * ST_STAGES + 1)

struct thread {
    const char *name;
    const struct st_stopwatch *watch;
    int count;
};

/* What a thread did and how long it waited, nanoseconds. */
struct share {
    int64_t busy, waited;
    enum st_stage longest;
};

void st_stats_begin(struct st_stats *stats)
{
    st_stopwatch_start(&stats->writer);
    stats->began_ns = stats->writer.wall_ns;
    stats->process_cpu_ns = st_process_cpu_ns();
}

static double seconds(int64_t ns)
{
    return 1e-9 * (double)ns;
}

/* Without what came before the frames, which no thread could wait for. */
static struct share share_of(const struct st_stopwatch *watch)
{
    struct share share = {.longest = ST_STAGE_OPEN};
    for (int i = ST_STAGE_OPEN + 1; i < ST_STAGES; i++) {
        if (st_stage_waits(i)) {
            share.waited += watch->laps[i].wall_ns;
            continue;
        }
        share.busy += watch->laps[i].wall_ns;
        if (share.longest == ST_STAGE_OPEN ||
            watch->laps[i].wall_ns > watch->laps[share.longest].wall_ns)
            share.longest = i;
    }
    return share;
}

static void find_busiest(synctalk_stats *told, const struct thread *threads)
{
    for (int t = 0; t < THREADS; t++) {
        const struct share share = share_of(threads[t].watch);
        const int64_t all = share.busy + share.waited;
        const double busy = all > 0 ? (double)share.busy / (double)all : 0;
        if (told->busiest && busy <= told->busy)
            continue;
        told->busiest = threads[t].name;
        told->busy = busy;
        told->longest = st_stage_name(share.longest);
    }
}

/* All stages that were met; *cpu_ns is what they took of the processor. */
static size_t list_stages(synctalk_stage stages[ROOM], const struct thread *threads,
                          int64_t *cpu_ns)
{
    size_t count = 0;
    for (int t = 0; t < THREADS; t++) {
        for (int i = 0; i < ST_STAGES; i++) {
            const struct st_laps *laps = &threads[t].watch->laps[i];
            if (laps->times == 0)
                continue;
            *cpu_ns += laps->cpu_ns;
            stages[count++] = (synctalk_stage){
                .name = st_stage_name(i),
                .thread = threads[t].name,
                .waits = st_stage_waits(i),
                .threads = threads[t].count,
                .times = laps->times,
                .seconds = seconds(laps->wall_ns),
                .cpu_seconds = seconds(laps->cpu_ns),
            };
        }
    }
    return count;
}

void st_stats_tell(const struct st_stats *stats, const struct st_run_facts *facts,
                   const synctalk_callbacks *callbacks)
{
    const struct thread threads[THREADS] = {
        {"reader", &stats->reader, 1},
        {"worker", &stats->worker, facts->workers},
        {"writer", &stats->writer, 1},
    };
    synctalk_stage stages[ROOM];
    int64_t cpu_ns = 0;
    const int64_t process_ns = st_process_cpu_ns() - stats->process_cpu_ns;
    size_t count = list_stages(stages, threads, &cpu_ns);
    stages[count++] = (synctalk_stage){
        .name = st_stage_name(ST_STAGE_ENCODE),
        .thread = "encoder",
        .threads = facts->encoder_threads,
        .times = facts->frames,
        .cpu_seconds = seconds(process_ns > cpu_ns ? process_ns - cpu_ns : 0),
    };
    synctalk_stats told = {
        .stages = stages,
        .stage_count = count,
        .frames = facts->frames,
        .fps = facts->fps,
        .audio_seconds = facts->audio_seconds,
        .seconds = seconds(st_wall_ns() - stats->began_ns),
        .first_frame = seconds(stats->first_frame_ns - stats->began_ns),
        .cpu_seconds = seconds(process_ns),
        .cores = st_cpu_cores(),
        .images = facts->cache.asked,
        .images_loaded = facts->cache.loaded,
        .cache_bytes = (int64_t)facts->cache.bytes,
    };
    find_busiest(&told, threads);
    callbacks->stats(callbacks->user, &told);
}
