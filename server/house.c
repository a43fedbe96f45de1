/* SPDX-License-Identifier: Apache-2.0 */
#include "house.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"

struct analysis {
    struct timespec written;
    int64_t bytes;
    char name[256];
};

/* Those that are left, the oldest first from `next` on. */
struct analyses {
    const struct folders *folders;
    struct analysis *list; /* owns */
    size_t count, room, next;
    int64_t bytes;
    int64_t before; /* older ones go at once */
    bool full;      /* there was no memory for one */
};

static struct path path_of(const struct folders *folders, const char *analysis)
{
    char name[300];
    snprintf(name, sizeof name, "analysis/%s", analysis);
    return folders_below(folders, name);
}

/* A file that is removed while a process looks into it, or writes it, serves that on. */
static void see_analysis(void *user, const char *name, int64_t bytes)
{
    struct analyses *seen = user;
    struct stat info;
    struct path path = path_of(seen->folders, name);
    if (lstat(path.text, &info) != 0 ||
        (info.st_mtim.tv_sec < seen->before && unlink(path.text) == 0))
        return;
    if (seen->count == seen->room) {
        const size_t room = seen->room ? 2 * seen->room : 64;
        struct analysis *grown = realloc(seen->list, room * sizeof *grown);
        if (!grown) {
            seen->full = true;
            return;
        }
        seen->list = grown;
        seen->room = room;
    }
    struct analysis *one = &seen->list[seen->count++];
    *one = (struct analysis){.written = info.st_mtim, .bytes = bytes};
    snprintf(one->name, sizeof one->name, "%s", name);
    seen->bytes += bytes;
}

static int by_age(const void *a, const void *b)
{
    const struct timespec x = ((const struct analysis *)a)->written;
    const struct timespec y = ((const struct analysis *)b)->written;
    if (x.tv_sec != y.tv_sec)
        return x.tv_sec < y.tv_sec ? -1 : 1;
    return (x.tv_nsec > y.tv_nsec) - (x.tv_nsec < y.tv_nsec);
}

static synctalk_status see_analyses(struct analyses *seen, const struct house *house,
                                    synctalk_error *err)
{
    if (house->options->settings->analysis_cache)
        return SYNCTALK_OK;
    synctalk_status st = folders_list(house->folders, "analysis", see_analysis, seen, err);
    if (!st && seen->full)
        st = server_fail_memory(err, "a list of analyses");
    if (!st && seen->count > 0)
        qsort(seen->list, seen->count, sizeof *seen->list, by_age);
    return st;
}

/* The oldest of what videos are made from; *freed is -1 where none can go. */
static synctalk_status drop_source(const struct house *house, struct analyses *seen, int64_t *freed,
                                   synctalk_error *err)
{
    while (seen->next < seen->count) {
        const struct analysis *oldest = &seen->list[seen->next++];
        if (unlink(path_of(house->folders, oldest->name).text) == 0) {
            *freed = oldest->bytes;
            return SYNCTALK_OK;
        }
    }
    return uploads_drop_oldest(house->uploads, freed, err);
}

static synctalk_status make_room(const struct house *house, struct analyses *seen,
                                 synctalk_error *err)
{
    synctalk_status st;
    const int64_t most = (int64_t)house->options->limits.keep_mb * 1000000;
    int64_t sources = seen->bytes + uploads_bytes(house->uploads);
    int64_t videos = 0;
    bool can_drop_source = true;
    bool can_drop_video = true;
    while (!(st = store_jobs_bytes(jobs_store(house->jobs), &videos, err)) &&
           sources + videos > most && (can_drop_source || can_drop_video)) {
        int64_t freed = 0;
        if (can_drop_source && (sources > most / 2 || !can_drop_video)) {
            if ((st = drop_source(house, seen, &freed, err)))
                break;
            can_drop_source = freed >= 0;
            sources -= can_drop_source ? freed : 0;
        } else if ((st = jobs_remove_oldest(house->jobs, &can_drop_video, err))) {
            break;
        }
    }
    return st;
}

synctalk_status house_sweep(const struct house *house, synctalk_error *err)
{
    synctalk_status st;
    const int64_t before = time(NULL) - (int64_t)house->options->limits.keep_hours * 3600;
    struct analyses seen = {.folders = house->folders, .before = before};
    if (!(st = jobs_sweep(house->jobs, before, err)) &&
        !(st = uploads_sweep(house->uploads, before, err)) &&
        !(st = see_analyses(&seen, house, err)))
        st = make_room(house, &seen, err);
    free(seen.list);
    return st;
}
