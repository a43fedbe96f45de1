/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/preprocess_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define CACHE ".analysis"

synctalk_status st_folder_make(const char *path, synctalk_error *err)
{
    if (mkdir(path, 0777) == 0 || st_path_is_dir(path))
        return SYNCTALK_OK;
    return st_fail_errno(err, errno, "make folder", path);
}

synctalk_status st_frame_folder_name(struct st_frame_folder *folder, const char *path,
                                     synctalk_error *err)
{
    synctalk_status st;
    if ((st = st_path_format(folder->path, err, "%s", path)) ||
        (st = st_path_join(folder->files.images, path, "full_body_img", err)) ||
        (st = st_path_join(folder->files.landmarks, path, "landmarks", err)))
        return st;
    return st_path_join(folder->cache, path, CACHE, err);
}

static synctalk_status take_lock(struct st_frame_folder *folder, synctalk_error *err)
{
    folder->lock = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder->lock < 0)
        return st_fail_errno(err, errno, "open folder", folder->path);
    if (flock(folder->lock, LOCK_EX | LOCK_NB) < 0)
        return st_fail(err, SYNCTALK_E_EXISTS, "%s: another process is at work in it",
                       folder->path);
    return SYNCTALK_OK;
}

synctalk_status st_frame_folder_take(struct st_frame_folder *folder, synctalk_error *err)
{
    synctalk_status st;
    if ((st = st_folder_make(folder->path, err)) ||
        (st = st_folder_make(folder->files.images, err)) ||
        (st = st_folder_make(folder->files.landmarks, err)))
        return st;
    return take_lock(folder, err);
}

static bool any_name(const char *name)
{
    (void)name;
    return true;
}

/* ".NAME.part" or ".NAME.xxxxxxxx.part". */
bool st_is_leftover(const char *name)
{
    size_t length = strlen(name);
    return name[0] == '.' && length > 6 && strcmp(name + length - 5, ".part") == 0;
}

bool st_is_numbered(const char *name)
{
    size_t length = strspn(name, "0123456789");
    return st_is_leftover(name) || (length > 0 && (strcmp(name + length, ".jpg") == 0 ||
                                                   strcmp(name + length, ".lms") == 0));
}

bool st_folder_holds(const char *path, st_ours ours)
{
    struct st_names names;
    bool any = false;
    if (st_list_dir(&names, path, NULL))
        return false;
    for (size_t i = 0; i < names.count && !any; i++)
        any = ours(names.names[i]) && !st_is_leftover(names.names[i]);
    st_names_free(&names);
    return any;
}

bool st_frame_folder_holds_frames(const struct st_frame_folder *folder)
{
    return st_folder_holds(folder->files.images, st_is_numbered) ||
           st_folder_holds(folder->files.landmarks, st_is_numbered);
}

synctalk_status st_folder_sweep(const char *path, st_ours ours, synctalk_error *err)
{
    synctalk_status st;
    struct st_names names;
    char file[ST_PATH_MAX];

    if (!st_path_is_dir(path))
        return SYNCTALK_OK;
    if ((st = st_list_dir(&names, path, err)))
        return st;
    for (size_t i = 0; i < names.count && !st; i++)
        if (ours(names.names[i]) && !(st = st_path_join(file, path, names.names[i], err)) &&
            unlink(file) < 0 && errno != EISDIR && errno != ENOENT)
            st = st_fail_errno(err, errno, "remove", file);
    st_names_free(&names);
    return st;
}

synctalk_status st_frame_folder_sweep(const struct st_frame_folder *folder, synctalk_error *err)
{
    synctalk_status st;
    if ((st = st_folder_sweep(folder->path, st_is_leftover, err)) ||
        (st = st_folder_sweep(folder->files.images, st_is_leftover, err)))
        return st;
    return st_folder_sweep(folder->files.landmarks, st_is_leftover, err);
}

synctalk_status st_frame_folder_clear(const struct st_frame_folder *folder, synctalk_error *err)
{
    st_frame_folder_remove_cache(folder);
    synctalk_status st = st_folder_sweep(folder->files.images, st_is_numbered, err);
    return st ? st : st_folder_sweep(folder->files.landmarks, st_is_numbered, err);
}

void st_frame_folder_remove_cache(const struct st_frame_folder *folder)
{
    (void)st_folder_sweep(folder->cache, any_name, NULL);
    (void)rmdir(folder->cache);
}

void st_frame_folder_remove_empty(const struct st_frame_folder *folder)
{
    (void)rmdir(folder->files.images);
    (void)rmdir(folder->files.landmarks);
    (void)rmdir(folder->path);
}

void st_frame_folder_close(struct st_frame_folder *folder)
{
    st_frame_files_drop(&folder->files);
    if (folder->lock >= 0)
        close(folder->lock);
    folder->lock = -1;
}
