/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/clip_sources.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "face/dataset.h"

/* Those that `preprocess` takes out of a folder. */
static const char *const video_extensions[] = {"avi", "flv", "m4v",  "mkv", "mov", "mp4", "mpeg",
                                               "mpg", "ogv", "webm", "wmv", "3gp", "ts"};

static bool is_video(const char *folder, const char *name)
{
    char path[ST_PATH_MAX];
    const char *dot = strrchr(name, '.');
    if (!dot || name[0] == '.')
        return false;
    for (size_t i = 0; i < sizeof video_extensions / sizeof *video_extensions; i++)
        if (strcasecmp(dot + 1, video_extensions[i]) == 0)
            return !st_path_join(path, folder, name, NULL) && !st_path_is_dir(path);
    return false;
}

static synctalk_status check_name(const char *folder, const char *name, synctalk_error *err)
{
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            return st_fail(err, SYNCTALK_E_ARG,
                           "%s/%s: the name has a control character in it; rename the file", folder,
                           name);
    if (strlen(name) >= ST_CLIP_NAME_MAX)
        return st_fail(err, SYNCTALK_E_ARG, "%s/%s: the name is longer than %d bytes", folder, name,
                       ST_CLIP_NAME_MAX - 1);
    return SYNCTALK_OK;
}

/* Room for `more` beyond those that are there. */
static synctalk_status grow(struct st_clip_sources *s, size_t more, synctalk_error *err)
{
    if (s->count + more > ST_CLIPS_MAX)
        return st_fail(err, SYNCTALK_E_ARG, "%s: more than %zu clips; at most so many can be used",
                       s->videos, ST_CLIPS_MAX);
    const size_t size = (s->count + more) * sizeof *s->items;
    struct st_clip_source *items = realloc(s->items, size);
    if (!items)
        return st_fail_memory(err, "a list of clips", size);
    s->items = items;
    return SYNCTALK_OK;
}

static synctalk_status add_videos(struct st_clip_sources *s, const struct st_names *names,
                                  synctalk_error *err)
{
    synctalk_status st = grow(s, names->count + 1, err);
    for (size_t i = 0; i < names->count && !st; i++) {
        const char *file = names->names[i];
        struct st_clip_source *item = &s->items[s->count];
        if (!is_video(s->videos, file))
            continue;
        if ((st = check_name(s->videos, file, err)) ||
            (st = st_clip_kind_of(&item->kind, s->videos, file, err)))
            return st;
        snprintf(item->file, sizeof item->file, "%s", file);
        snprintf(item->name, sizeof item->name, "%s", file);
        *strrchr(item->name, '.') = '\0';
        s->count++;
    }
    return st;
}

/* Only the first `videos` items are looked through. */
static bool has_video(const struct st_clip_sources *s, size_t videos, const char *name)
{
    for (size_t i = 0; i < videos; i++)
        if (strcmp(s->items[i].name, name) == 0)
            return true;
    return false;
}

static synctalk_status add_orphans(struct st_clip_sources *s, const struct st_names *names,
                                   synctalk_error *err)
{
    const size_t videos = s->count;
    synctalk_status st = grow(s, names->count + 1, err);
    for (size_t i = 0; i < names->count && !st; i++) {
        char path[ST_PATH_MAX];
        const char *name = names->names[i];
        struct st_clip_source *item = &s->items[s->count];
        if (name[0] == '.' || check_name(s->clips, name, NULL) ||
            st_path_join(path, s->clips, name, NULL) || !st_path_is_dir(path) ||
            has_video(s, videos, name) || st_clip_kind_of(&item->kind, s->clips, name, NULL))
            continue;
        item->file[0] = '\0';
        snprintf(item->name, sizeof item->name, "%s", name);
        s->count++;
    }
    return st;
}

static int by_name(const void *a, const void *b)
{
    const struct st_clip_source *left = a;
    const struct st_clip_source *right = b;
    return strcmp(left->name, right->name);
}

static synctalk_status refuse_doubles(const struct st_clip_sources *s, synctalk_error *err)
{
    for (size_t i = 1; i < s->count; i++)
        if (strcmp(s->items[i - 1].name, s->items[i].name) == 0)
            return st_fail(err, SYNCTALK_E_ARG,
                           "%s: %s and %s would both become the clip \"%s\"; rename one", s->videos,
                           s->items[i - 1].file, s->items[i].file, s->items[i].name);
    return SYNCTALK_OK;
}

static synctalk_status add_folder(struct st_clip_sources *s, const char *folder,
                                  synctalk_status (*add)(struct st_clip_sources *,
                                                         const struct st_names *, synctalk_error *),
                                  synctalk_error *err)
{
    struct st_names names;
    if (!st_path_is_dir(folder))
        return SYNCTALK_OK;
    synctalk_status st = st_list_dir(&names, folder, err);
    if (st)
        return st;
    st = add(s, &names, err);
    st_names_free(&names);
    return st;
}

static synctalk_status list(struct st_clip_sources *s, const char *root, const char *name,
                            bool orphans, synctalk_error *err)
{
    synctalk_status st;
    if ((st = st_check_name(name, err)))
        return st;
    if (!st_path_is_dir(root))
        return st_fail(err, SYNCTALK_E_MISSING, "%s: no such folder; is --root right?", root);
    const char *slash = root[strlen(root) - 1] == '/' ? "" : "/";
    if ((st = st_path_format(s->videos, err, "%s%score_clips/%s", root, slash, name)) ||
        (st = st_path_format(s->clips, err, "%s%sdataset/%s/core_clips", root, slash, name)) ||
        (st = add_folder(s, s->videos, add_videos, err)) ||
        (orphans && (st = add_folder(s, s->clips, add_orphans, err))))
        return st;
    if (s->count == 0)
        return st_fail(err, SYNCTALK_E_MISSING,
                       "%s: no clip in this folder; put videos there whose names contain \"talk\", "
                       "or \"silence\" or \"idle\"",
                       s->videos);
    qsort(s->items, s->count, sizeof *s->items, by_name);
    return refuse_doubles(s, err);
}

synctalk_status st_clip_sources_list(struct st_clip_sources *out, const char *root,
                                     const char *name, bool orphans, synctalk_error *err)
{
    *out = (struct st_clip_sources){.count = 0};
    synctalk_status st = list(out, root, name, orphans, err);
    if (st)
        st_clip_sources_free(out);
    return st;
}

void st_clip_sources_free(struct st_clip_sources *sources)
{
    free(sources->items);
    sources->items = NULL;
    sources->count = 0;
}
