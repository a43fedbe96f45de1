/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/preprocess_frames.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"

#define QUALITY 95
#define LINE_BYTES 32 /* of a landmark as text, at most */

/* The two files of a frame, hidden or by name. */
struct pair {
    char image[ST_PATH_MAX];
    char landmarks[ST_PATH_MAX];
};

static synctalk_status name_pair(struct pair *pair, const struct st_frame_files *files,
                                 int64_t frame, bool hidden, synctalk_error *err)
{
    const char *dot = hidden ? "." : "";
    const char *part = hidden ? ".part" : "";
    synctalk_status st =
        st_path_format(pair->image, err, "%s/%s%" PRId64 ".jpg%s", files->images, dot, frame, part);
    return st ? st
              : st_path_format(pair->landmarks, err, "%s/%s%" PRId64 ".lms%s", files->landmarks,
                               dot, frame, part);
}

bool st_frame_files_have(const struct st_frame_files *files, int64_t frame)
{
    struct pair pair;
    return !name_pair(&pair, files, frame, false, NULL) && st_path_is_file(pair.landmarks) &&
           st_path_is_file(pair.image);
}

static synctalk_status write_all(const char *path, const void *data, size_t size,
                                 synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    const char *at = data;
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);

    if (fd < 0)
        return st_fail_errno(err, errno, "create", path);
    while (size > 0) {
        ssize_t n = write(fd, at, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            st = st_fail_errno(err, errno, "write", path);
            break;
        }
        at += n;
        size -= (size_t)n;
    }
    /* Some file systems tell of a full disk only here. */
    if (close(fd) < 0 && !st)
        st = st_fail_errno(err, errno, "write", path);
    return st;
}

/* Truncated, as the published tools write them. */
static size_t print_landmarks(char *text, size_t size, const struct st_landmarks *landmarks)
{
    size_t used = 0;
    for (int i = 0; i < landmarks->count; i++)
        used += (size_t)snprintf(text + used, size - used, "%d %d\n", (int)landmarks->points[i].x,
                                 (int)landmarks->points[i].y);
    return used;
}

synctalk_status st_frame_files_add(struct st_frame_files *files, int64_t frame,
                                   const struct st_picture *picture,
                                   const struct st_landmarks *landmarks, synctalk_error *err)
{
    synctalk_status st;
    struct pair pair;
    char text[ST_LANDMARKS_MAX * LINE_BYTES];
    unsigned char *bytes = NULL;
    size_t size = 0;

    if ((st = name_pair(&pair, files, frame, true, err)) ||
        (st = st_jpeg_encode(picture, QUALITY, pair.image, &bytes, &size, err)))
        return st;
    files->pending[files->count++] = frame; /* from here on drop() removes its files */
    if ((st = write_all(pair.image, bytes, size, err)))
        goto done;
    size = print_landmarks(text, sizeof text, landmarks);
    if ((st = write_all(pair.landmarks, text, size, err)))
        goto done;
    if (files->count == ST_PREPROCESS_BATCH)
        st = st_frame_files_flush(files, err);

done:
    st_jpeg_free(bytes);
    return st;
}

static synctalk_status sync_disk(const char *folder, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return st_fail_errno(err, errno, "open folder", folder);
    if (syncfs(fd) < 0)
        st = st_fail_errno(err, errno, "write", folder);
    close(fd);
    return st;
}

static synctalk_status take_names(const struct st_frame_files *files, int64_t frame,
                                  synctalk_error *err)
{
    synctalk_status st;
    struct pair hidden;
    struct pair named;
    if ((st = name_pair(&hidden, files, frame, true, err)) ||
        (st = name_pair(&named, files, frame, false, err)))
        return st;
    if (rename(hidden.image, named.image) < 0)
        return st_fail_errno(err, errno, "write", named.image);
    if (rename(hidden.landmarks, named.landmarks) < 0)
        return st_fail_errno(err, errno, "write", named.landmarks);
    return SYNCTALK_OK;
}

synctalk_status st_frame_files_flush(struct st_frame_files *files, synctalk_error *err)
{
    synctalk_status st;
    if (files->count == 0)
        return SYNCTALK_OK;
    if ((st = sync_disk(files->images, err)))
        return st;
    for (int i = 0; i < files->count; i++)
        if ((st = take_names(files, files->pending[i], err)))
            return st;
    files->count = 0;
    return SYNCTALK_OK;
}

void st_frame_files_drop(struct st_frame_files *files)
{
    struct pair pair;
    for (int i = 0; i < files->count; i++) {
        if (name_pair(&pair, files, files->pending[i], true, NULL))
            continue;
        (void)unlink(pair.image);
        (void)unlink(pair.landmarks);
    }
    files->count = 0;
}
