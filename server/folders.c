/* SPDX-License-Identifier: Apache-2.0 */
#include "folders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fail.h"

static const char *const below[] = {"incoming", "uploads", "videos", "analysis"};
static const char *const endings[VIDEO_FILES] = {"mp4", "edl.json", "vad.png"};

static struct path join(const struct folders *folders, const char *folder, const char *name)
{
    struct path path;
    snprintf(path.text, sizeof path.text, "%s/%s/%s", folders->state, folder, name);
    return path;
}

struct path folders_below(const struct folders *folders, const char *name)
{
    struct path path;
    snprintf(path.text, sizeof path.text, "%s/%s", folders->state, name);
    return path;
}

struct path folders_incoming(const struct folders *folders, const char *upload)
{
    return join(folders, "incoming", upload);
}

struct path folders_content(const struct folders *folders, const char *sha256)
{
    return join(folders, "uploads", sha256);
}

struct path folders_video(const struct folders *folders, const char *job, enum video_file file)
{
    char name[ID_SIZE + 16];
    snprintf(name, sizeof name, "%s.%s", job, endings[file]);
    return join(folders, "videos", name);
}

/* Only the user that runs the server may look inside: recordings are private. */
static synctalk_status make_folder(const char *path, synctalk_error *err)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        return SYNCTALK_OK;
    return server_fail_errno(err, "make this folder", path);
}

synctalk_status folders_open(struct folders *folders, const char *state, synctalk_error *err)
{
    synctalk_status st;
    folders->lock = -1;
    if ((st = make_folder(state, err)))
        return st;
    char *whole = realpath(state, NULL);
    if (!whole)
        return server_fail_errno(err, "find this folder", state);
    const int length = snprintf(folders->state, sizeof folders->state, "%s", whole);
    free(whole);
    if (length < 0 || (size_t)length >= sizeof folders->state)
        return server_fail(err, SYNCTALK_E_ARG, "--state %s: the path is too long", state);
    for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
        if ((st = make_folder(folders_below(folders, below[i]).text, err)))
            return st;
    }
    struct path lock = folders_below(folders, "lock");
    folders->lock = open(lock.text, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (folders->lock < 0)
        return server_fail_errno(err, "open", lock.text);
    if (flock(folders->lock, LOCK_EX | LOCK_NB) != 0)
        return server_fail(err, SYNCTALK_E_EXISTS,
                           "%s: another server is at work in this folder; name another with "
                           "--state",
                           folders->state);
    return SYNCTALK_OK;
}

void folders_close(struct folders *folders)
{
    if (folders->lock >= 0)
        close(folders->lock);
    folders->lock = -1;
}

int64_t file_bytes(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 ? (int64_t)info.st_size : 0;
}

void folders_remove_video(const struct folders *folders, const char *job)
{
    for (int i = 0; i < VIDEO_FILES; i++)
        unlink(folders_video(folders, job, (enum video_file)i).text);
}

synctalk_status folders_list(const struct folders *folders, const char *name, name_visitor *visit,
                             void *user, synctalk_error *err)
{
    struct path folder = folders_below(folders, name);
    DIR *dir = opendir(folder.text);
    const struct dirent *entry;
    if (!dir)
        return server_fail_errno(err, "list", folder.text);
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            struct stat info;
            const bool there = fstatat(dirfd(dir), entry->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0;
            visit(user, entry->d_name, there ? (int64_t)info.st_size : 0);
        }
    }
    closedir(dir);
    return SYNCTALK_OK;
}
