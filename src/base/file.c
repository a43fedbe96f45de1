/* SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

synctalk_status st_map_file(struct st_mapping *map, const char *path, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    struct stat info;

    *map = (struct st_mapping){0};
    /* O_NONBLOCK: a named pipe is refused below instead of hanging the open. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return st_fail_errno(err, errno, "open", path);
    if (fstat(fd, &info) < 0) {
        st = st_fail_errno(err, errno, "read", path);
        goto done;
    }
    if (!S_ISREG(info.st_mode)) {
        st = st_fail(err, SYNCTALK_E_IO, "%s: is %s, not a file", path,
                     S_ISDIR(info.st_mode) ? "a folder" : "a device or pipe");
        goto done;
    }
    if (info.st_size == 0)
        goto done;

    void *data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED) {
        st = st_fail_errno(err, errno, "map", path);
        goto done;
    }
    map->base = data;
    map->data = data;
    map->size = (size_t)info.st_size;

done:
    close(fd);
    return st;
}

void st_unmap_file(struct st_mapping *map)
{
    if (!map)
        return;
    if (map->base)
        munmap(map->base, map->size);
    *map = (struct st_mapping){0};
}

synctalk_status st_path_format(char *out, synctalk_error *err, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int need = vsnprintf(out, ST_PATH_MAX, format, args);
    va_end(args);
    if (need < 0 || need >= ST_PATH_MAX) {
        out[need < 0 ? 0 : 60] = '\0';
        return st_fail(err, SYNCTALK_E_ARG, "%s...: the path is longer than %d bytes", out,
                       ST_PATH_MAX - 1);
    }
    return SYNCTALK_OK;
}

synctalk_status st_path_join(char *out, const char *dir, const char *name, synctalk_error *err)
{
    size_t n = strlen(dir);
    const char *slash = n == 0 || dir[n - 1] == '/' ? "" : "/";
    return st_path_format(out, err, "%s%s%s", dir, slash, name);
}

const char *st_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool st_path_is_file(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

bool st_path_is_dir(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

bool st_path_is_newer(const char *path, const char *than)
{
    struct stat a, b;
    if (stat(path, &a) || stat(than, &b))
        return false;
    return a.st_mtim.tv_sec != b.st_mtim.tv_sec ? a.st_mtim.tv_sec > b.st_mtim.tv_sec
                                                : a.st_mtim.tv_nsec >= b.st_mtim.tv_nsec;
}

bool st_path_is_same(const char *path, const char *other)
{
    struct stat a, b;
    return !stat(path, &a) && !stat(other, &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

bool st_path_would_be_same(const char *path, const char *other)
{
    const char *const paths[] = {path, other};
    char folders[2][ST_PATH_MAX];
    if (st_path_is_same(path, other))
        return true;
    for (int i = 0; i < 2; i++) {
        const int length = (int)(st_path_base(paths[i]) - paths[i]);
        if (st_path_format(folders[i], NULL, "%.*s", length ? length : 1, length ? paths[i] : "."))
            return false;
    }
    return strcmp(st_path_base(path), st_path_base(other)) == 0 &&
           st_path_is_same(folders[0], folders[1]);
}

static synctalk_status refuse_existing(const char *target, bool overwrite, synctalk_error *err)
{
    struct stat info;
    if (stat(target, &info) != 0)
        return SYNCTALK_OK;
    if (S_ISDIR(info.st_mode))
        return st_fail(err, SYNCTALK_E_ARG, "%s: is a folder; give the name of a file in it",
                       target);
    if (!S_ISREG(info.st_mode))
        return st_fail(err, SYNCTALK_E_ARG, "%s: is a device or pipe; give the name of a file",
                       target);
    if (!overwrite)
        return st_fail(err, SYNCTALK_E_EXISTS,
                       "%s: exists already; choose another name or overwrite it with -y", target);
    return SYNCTALK_OK;
}

synctalk_status st_output_open(struct st_output *out, const char *target, bool overwrite,
                               synctalk_error *err)
{
    synctalk_status st;

    memset(out, 0, sizeof *out);
    out->fd = -1;
    if (*target == '\0')
        return st_fail(err, SYNCTALK_E_ARG, "the name of the output is empty");
    if ((st = st_path_format(out->target, err, "%s", target)))
        return st;
    if ((st = refuse_existing(target, overwrite, err)))
        return st;

    /* A new name in the same folder, so that the rename at the end is atomic. */
    int dir_length = (int)(st_path_base(target) - target);
    for (int attempt = 0; attempt < 100; attempt++) {
        uint32_t salt;
        if (getrandom(&salt, sizeof salt, 0) != sizeof salt)
            salt = (uint32_t)getpid() + (uint32_t)attempt;
        if ((st = st_path_format(out->temporary, err, "%.*s.%s.%08x.part", dir_length, target,
                                 st_path_base(target), salt)))
            break;
        out->fd = open(out->temporary, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (out->fd >= 0) {
            (void)flock(out->fd, LOCK_EX | LOCK_NB); /* alive: see st_output_sweep() */
            return SYNCTALK_OK;
        }
        if (errno != EEXIST) {
            st = st_fail_errno(err, errno, "create", target);
            break;
        }
        st = st_fail(err, SYNCTALK_E_IO, "%s: cannot find a free temporary name beside it", target);
    }
    out->temporary[0] = '\0';
    out->target[0] = '\0';
    return st;
}

synctalk_status st_output_write(struct st_output *out, const void *data, size_t size,
                                synctalk_error *err)
{
    const uint8_t *at = data;
    while (size > 0) {
        ssize_t n = write(out->fd, at, size);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            return st_fail_errno(err, errno, "write", out->target);
        }
        at += n;
        size -= (size_t)n;
    }
    return SYNCTALK_OK;
}

/* A rename is on disk only once its folder is. Best effort: some file systems refuse. */
static void sync_folder(const char *target)
{
    char dir[ST_PATH_MAX];
    int length = (int)(st_path_base(target) - target);
    snprintf(dir, sizeof dir, "%.*s", length ? length : 1, length ? target : ".");
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        (void)fsync(fd);
        close(fd);
    }
}

/* Give the temporary file the target's name. */
static synctalk_status take_name(struct st_output *out, bool overwrite, synctalk_error *err)
{
    synctalk_status st;
    if (!overwrite) {
        if (renameat2(AT_FDCWD, out->temporary, AT_FDCWD, out->target, RENAME_NOREPLACE) == 0)
            return SYNCTALK_OK;
        if (errno != EINVAL && errno != ENOSYS)
            return st_fail_errno(err, errno, "write", out->target);
        /* A file system without RENAME_NOREPLACE: this check leaves a small gap. */
        if ((st = refuse_existing(out->target, false, err)))
            return st;
    }
    if (rename(out->temporary, out->target) < 0)
        return st_fail_errno(err, errno, "write", out->target);
    return SYNCTALK_OK;
}

synctalk_status st_output_commit(struct st_output *out, bool overwrite, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    if (fsync(out->fd) < 0)
        st = st_fail_errno(err, errno, "write", out->target);
    if (!st && !(st = take_name(out, overwrite, err))) {
        out->temporary[0] = '\0';
        sync_folder(out->target);
    }
    st_output_close(out);
    return st;
}

void st_output_close(struct st_output *out)
{
    if (!out)
        return;
    if (out->temporary[0]) {
        if (out->fd >= 0)
            close(out->fd);
        unlink(out->temporary);
    } else if (out->target[0] && out->fd >= 0) {
        close(out->fd);
    }
    out->temporary[0] = '\0';
    out->target[0] = '\0';
    out->fd = -1;
}

/* Is `name` "." `target` ".xxxxxxxx.part"? */
static bool is_temporary_of(const char *name, const char *target)
{
    const size_t length = strlen(target);
    return name[0] == '.' && strncmp(name + 1, target, length) == 0 && name[1 + length] == '.' &&
           strspn(name + 2 + length, "0123456789abcdef") == 8 &&
           strcmp(name + 10 + length, ".part") == 0;
}

synctalk_status st_output_sweep(const char *target, synctalk_error *err)
{
    char dir[ST_PATH_MAX];
    char path[ST_PATH_MAX];
    struct st_names names;
    const int length = (int)(st_path_base(target) - target);
    synctalk_status st =
        st_path_format(dir, err, "%.*s", length ? length : 1, length ? target : ".");
    if (st || (st = st_list_dir(&names, dir, err)))
        return st;
    for (size_t i = 0; i < names.count && !st; i++) {
        if (!is_temporary_of(names.names[i], st_path_base(target)) ||
            (st = st_path_join(path, dir, names.names[i], err)))
            continue;
        const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
            continue;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            (void)unlink(path);
        close(fd);
    }
    st_names_free(&names);
    return st;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

synctalk_status st_list_dir(struct st_names *names, const char *path, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    size_t capacity = 0;

    *names = (struct st_names){0};
    DIR *dir = opendir(path);
    if (!dir)
        return st_fail_errno(err, errno, "open folder", path);

    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry) {
            if (errno)
                st = st_fail_errno(err, errno, "read folder", path);
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (names->count == capacity) {
            capacity = capacity ? capacity * 2 : 64;
            char **grown = realloc(names->names, capacity * sizeof *grown);
            if (!grown) {
                st = st_fail_memory(err, "a folder's names", capacity * sizeof *grown);
                break;
            }
            names->names = grown;
        }
        char *copy = strdup(entry->d_name);
        if (!copy) {
            st = st_fail_memory(err, "a file name", strlen(entry->d_name));
            break;
        }
        names->names[names->count++] = copy;
    }
    closedir(dir);
    if (st)
        st_names_free(names);
    else if (names->count)
        qsort(names->names, names->count, sizeof *names->names, compare_names);
    return st;
}

void st_names_free(struct st_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
    *names = (struct st_names){0};
}
