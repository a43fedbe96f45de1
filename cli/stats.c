/* SPDX-License-Identifier: Apache-2.0 */
#include "stats.h"

#include <string.h>

#include "console.h"

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

/* Of the time of all its threads, waiting included. */
static double thread_seconds(const synctalk_stats *stats, const char *thread)
{
    double seconds = 0;
    for (size_t i = 0; i < stats->stage_count; i++)
        if (strcmp(stats->stages[i].thread, thread) == 0)
            seconds += stats->stages[i].seconds;
    return seconds;
}

static void print_stage(const synctalk_stats *stats, const synctalk_stage *stage)
{
    const double per_frame = 1e3 / (double)(stats->frames > 0 ? stats->frames : 1);
    char label[48];
    snprintf(label, sizeof label, "%s%s", stage->waits ? "  " : "", stage->name);
    if (stage->seconds > 0)
        fprintf(stderr, "%-8s %3d  %-28s %8lld %9.2f %9.2f %6.1f %%\n", stage->thread,
                stage->threads, label, (long long)stage->times, per_frame * stage->seconds,
                per_frame * stage->cpu_seconds,
                100 * ratio(stage->seconds, thread_seconds(stats, stage->thread)));
    else
        fprintf(stderr, "%-8s %3d  %-28s %8s %9s %9.2f\n", stage->thread, stage->threads, label, "",
                "", per_frame * stage->cpu_seconds);
}

static void print_table(const synctalk_stats *stats)
{
    const double length = ratio((double)stats->frames, stats->fps);
    fprintf(stderr, "%-8s %3s  %-28s %8s %9s %9s %8s\n", "thread", "n", "stage", "times",
            "ms/frame", "CPU ms", "of it");
    for (size_t i = 0; i < stats->stage_count; i++)
        print_stage(stats, &stats->stages[i]);
    fprintf(stderr,
            "%lld frames, %.2f s, made in %.2f s: %.1f fps, %.2f x real time, %.1f CPU ms a frame\n"
            "first frame after %.3f s; %.2f of %d cores busy\n"
            "cache: %lld of %lld image sides loaded, %.0f MB\n"
            "bottleneck: %s, busy for %.0f %% of its time, most of it with: %s\n",
            (long long)stats->frames, length, stats->seconds,
            ratio((double)stats->frames, stats->seconds), ratio(length, stats->seconds),
            1e3 * ratio(stats->cpu_seconds, (double)stats->frames), stats->first_frame,
            ratio(stats->cpu_seconds, stats->seconds), stats->cores,
            (long long)stats->images_loaded, (long long)stats->images,
            1e-6 * (double)stats->cache_bytes, stats->busiest, 100 * stats->busy, stats->longest);
}

static json_t *stage_json(const synctalk_stage *stage)
{
    json_t *object = json_object();
    json_object_set_new(object, "thread", json_string(stage->thread));
    json_object_set_new(object, "threads", json_integer(stage->threads));
    json_object_set_new(object, "stage", json_string(stage->name));
    json_object_set_new(object, "waits", json_boolean(stage->waits));
    json_object_set_new(object, "times", json_integer(stage->times));
    json_object_set_new(object, "seconds",
                        stage->seconds > 0 ? json_real(stage->seconds) : json_null());
    json_object_set_new(object, "cpu_seconds", json_real(stage->cpu_seconds));
    return object;
}

static void print_json(const synctalk_stats *stats)
{
    const double length = ratio((double)stats->frames, stats->fps);
    json_t *object = json_object();
    json_t *stages = json_array();
    for (size_t i = 0; i < stats->stage_count; i++)
        json_array_append_new(stages, stage_json(&stats->stages[i]));
    json_object_set_new(object, "event", json_string("stats"));
    json_object_set_new(object, "frames", json_integer(stats->frames));
    json_object_set_new(object, "fps", json_real(stats->fps));
    json_object_set_new(object, "wall_seconds", json_real(stats->seconds));
    json_object_set_new(object, "cpu_seconds", json_real(stats->cpu_seconds));
    json_object_set_new(object, "first_frame", json_real(stats->first_frame));
    json_object_set_new(object, "realtime", json_real(ratio(length, stats->seconds)));
    json_object_set_new(object, "cores", json_integer(stats->cores));
    json_object_set_new(object, "bottleneck", json_string(stats->busiest));
    json_object_set_new(object, "busy", json_real(stats->busy));
    json_object_set_new(object, "longest", json_string(stats->longest));
    json_object_set_new(object, "images", json_integer(stats->images));
    json_object_set_new(object, "images_loaded", json_integer(stats->images_loaded));
    json_object_set_new(object, "cache_bytes", json_integer(stats->cache_bytes));
    json_object_set_new(object, "stages", stages);
    print_json_line(stderr, object);
}

void stats_print(const synctalk_stats *stats, bool json)
{
    if (json)
        print_json(stats);
    else
        print_table(stats);
}
