/* SPDX-License-Identifier: Apache-2.0 */
#include "face/analysis_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/log.h"
#include "image/picture.h"

/* Another one for every change of what is stored or of how faces are found. */
#define MAGIC 0x3130304543414653u
#define STATE_MAX ((size_t)1 << 20)
#define COORDINATE_MAX 1e6f
#define SIDE_MAX (ST_PICTURE_MAX_SIDE + 1)

struct header {
    uint64_t check; /* of what follows */
    uint64_t magic;
    char key[72];
    int64_t frames;
    int32_t width, height, fps;
    int32_t points;
    uint64_t state_size;
};

struct trailer {
    uint64_t check; /* of what follows and of the state after it */
    struct st_face_totals totals;
};

struct st_face_file {
    struct st_face_form form;
    int fd;
    bool named;    /* has a name in a folder, and so a lock */
    bool writable; /* locked for this process alone */
    int points;    /* 0: the header says nothing */
    size_t state_size;
    int64_t blocks; /* whole ones */
    struct st_face_totals totals;
    int filled;           /* records of the block in work */
    unsigned char *block; /* owns; the block in work, or the one that was read last */
    char path[ST_PATH_MAX];
};

static uint64_t check_sum(uint64_t sum, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ bytes[i]) * 0x100000001b3u; /* FNV-1a */
    return sum;
}

/* Of `size` bytes that begin with the sum itself. */
static uint64_t check_of(const struct st_face_file *file, int64_t place, const void *data,
                         size_t size)
{
    uint64_t sum = check_sum(0xcbf29ce484222325u, file->form.key, strlen(file->form.key));
    sum = check_sum(sum, &place, sizeof place);
    return check_sum(sum, (const char *)data + sizeof(uint64_t), size - sizeof(uint64_t));
}

static size_t record_size(const struct st_face_file *file)
{
    return offsetof(struct st_face_record, points) + (size_t)file->points * sizeof(struct st_point);
}

static size_t trailer_size(const struct st_face_file *file)
{
    return sizeof(struct trailer) + file->state_size;
}

/* Of a full one; the last may be shorter. */
static size_t block_size(const struct st_face_file *file)
{
    return ST_FACE_BLOCK * record_size(file) + trailer_size(file);
}

static off_t block_offset(const struct st_face_file *file, int64_t block)
{
    return (off_t)sizeof(struct header) + (off_t)block * (off_t)block_size(file);
}

static int records_in(const struct st_face_file *file, int64_t block)
{
    int64_t left = file->form.frames - block * ST_FACE_BLOCK;
    return left < ST_FACE_BLOCK ? (int)left : ST_FACE_BLOCK;
}

/* Where the trailer of a block begins in it. */
static size_t records_size(const struct st_face_file *file, int64_t block)
{
    return (size_t)records_in(file, block) * record_size(file);
}

/* A trailer's sum must not be a record's of the same place. */
static int64_t trailer_place(int64_t block)
{
    return -1 - block;
}

static bool read_all(int fd, void *data, size_t size, off_t offset)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pread(fd, (char *)data + done, size - done, offset + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        done += (size_t)n;
    }
    return true;
}

static synctalk_status write_all(const struct st_face_file *file, const void *data, size_t size,
                                 off_t offset, synctalk_error *err)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pwrite(file->fd, (const char *)data + done, size - done, offset + (off_t)done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return st_fail_errno(err, errno, "write", file->path);
        done += (size_t)n;
    }
    return SYNCTALK_OK;
}

static void forget(struct st_face_file *file)
{
    file->blocks = 0;
    file->filled = 0;
    file->totals = (struct st_face_totals){

        .first_found = -1,
        .last_found = -1,
        .first_missing = -1,
        .first_jump = -1,
        .smallest_at = -1};
}

static synctalk_status make_room(struct st_face_file *file, synctalk_error *err)
{
    free(file->block);
    file->block = calloc(1, block_size(file));
    return file->block ? SYNCTALK_OK
                       : st_fail_memory(err, "a block of an analysis", block_size(file));
}

static bool read_header(struct st_face_file *file)
{
    struct header header;
    const struct st_face_form *form = &file->form;
    if (!read_all(file->fd, &header, sizeof header, 0) || header.magic != MAGIC ||
        header.check != check_of(file, 0, &header, sizeof header))
        return false;
    header.key[sizeof header.key - 1] = '\0';
    if (strcmp(header.key, form->key) != 0 || header.frames != form->frames ||
        header.width != form->width || header.height != form->height || header.fps != form->fps ||
        !st_landmark_layout(header.points) || header.state_size > STATE_MAX)
        return false;
    file->points = header.points;
    file->state_size = (size_t)header.state_size;
    return true;
}

/* The block just read, whole and in its place. */
static bool is_block(const struct st_face_file *file, int64_t block)
{
    const size_t size = record_size(file);
    const int count = records_in(file, block);
    struct trailer trailer;
    uint64_t sum;

    for (int i = 0; i < count; i++) {
        const unsigned char *record = file->block + (size_t)i * size;
        memcpy(&sum, record, sizeof sum);
        if (sum != check_of(file, block * ST_FACE_BLOCK + i, record, size))
            return false;
    }
    const unsigned char *end = file->block + records_size(file, block);
    memcpy(&trailer, end, sizeof trailer);
    return trailer.check == check_of(file, trailer_place(block), end, trailer_size(file)) &&
           trailer.totals.frames == block * ST_FACE_BLOCK + count &&
           trailer.totals.first_found >= -1 && trailer.totals.first_found < trailer.totals.frames &&
           trailer.totals.largest_side >= 0 && trailer.totals.largest_side <= SIDE_MAX;
}

static bool read_block(struct st_face_file *file, int64_t block)
{
    const size_t size = records_size(file, block) + trailer_size(file);
    return read_all(file->fd, file->block, size, block_offset(file, block)) &&
           is_block(file, block);
}

/* What is whole from the beginning on; the last such block stays in file->block. */
static synctalk_status scan(struct st_face_file *file, synctalk_error *err)
{
    const int64_t blocks = (file->form.frames + ST_FACE_BLOCK - 1) / ST_FACE_BLOCK;
    synctalk_status st;
    struct trailer trailer;

    forget(file);
    file->points = 0;
    file->state_size = 0;
    if (!read_header(file))
        return SYNCTALK_OK;
    if ((st = make_room(file, err)))
        return st;
    while (file->blocks < blocks && read_block(file, file->blocks))
        file->blocks++;
    if (file->blocks == 0)
        return SYNCTALK_OK;
    if (!read_block(file, file->blocks - 1)) {
        forget(file); /* another process shortens it at this moment */
        return SYNCTALK_OK;
    }
    memcpy(&trailer, file->block + records_size(file, file->blocks - 1), sizeof trailer);
    file->totals = trailer.totals;
    return SYNCTALK_OK;
}

/* With all folders above it. */
static synctalk_status make_folder(const char *path, synctalk_error *err)
{
    char part[ST_PATH_MAX];
    synctalk_status st = st_path_format(part, err, "%s", path);
    for (char *at = part; !st && *at; at++) {
        if (at == part || *at != '/')
            continue;
        *at = '\0';
        if (mkdir(part, 0777) < 0 && errno != EEXIST && !st_path_is_dir(part))
            st = st_fail_errno(err, errno, "make folder", part);
        *at = '/';
    }
    if (!st && mkdir(path, 0777) < 0 && !st_path_is_dir(path))
        st = st_fail_errno(err, errno, "make folder", path);
    return st;
}

static synctalk_status open_named(struct st_face_file *file, const char *folder,
                                  synctalk_error *err)
{
    synctalk_status st;
    struct stat info;

    if ((st = make_folder(folder, err)) ||
        (st = st_path_format(file->path, err, "%s/%s.faces", folder, file->form.key)))
        return st;
    file->fd = open(file->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW, 0666);
    if (file->fd < 0 && (errno == EACCES || errno == EROFS))
        file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (file->fd < 0)
        return st_fail_errno(err, errno, "open", file->path);
    if (fstat(file->fd, &info) < 0 || !S_ISREG(info.st_mode))
        return st_fail(err, SYNCTALK_E_IO, "%s: is not a file", file->path);
    file->named = true;
    if (flock(file->fd, LOCK_SH | LOCK_NB) < 0)
        return st_fail(err, SYNCTALK_E_EXISTS, "%s: another process is writing it", file->path);
    if ((st = scan(file, err)) || st_face_file_complete(file))
        return st;
    /* From shared to exclusive is not one step: look again at what another one did between. */
    if (flock(file->fd, LOCK_EX | LOCK_NB) < 0)
        return st_fail(err, SYNCTALK_E_EXISTS, "%s: another process has it in use", file->path);
    if ((fcntl(file->fd, F_GETFL) & O_ACCMODE) != O_RDWR)
        return st_fail_errno(err, EACCES, "write", file->path);
    file->writable = true;
    return scan(file, err);
}

static synctalk_status open_unnamed(struct st_face_file *file, synctalk_error *err)
{
    FILE *temporary = tmpfile();
    snprintf(file->path, sizeof file->path, "a temporary file");
    file->named = false;
    file->writable = true;
    forget(file);
    file->points = 0;
    if (!temporary)
        return st_fail_errno(err, errno, "create", file->path);
    file->fd = fcntl(fileno(temporary), F_DUPFD_CLOEXEC, 0);
    int why = errno;
    fclose(temporary);
    return file->fd < 0 ? st_fail_errno(err, why, "create", file->path) : SYNCTALK_OK;
}

synctalk_status st_face_file_open(struct st_face_file **out, const char *folder,
                                  const struct st_face_form *form,
                                  const synctalk_callbacks *callbacks, synctalk_error *err)
{
    synctalk_error why = {0};
    synctalk_status st;
    *out = NULL;
    struct st_face_file *file = calloc(1, sizeof *file);
    if (!file)
        return st_fail_memory(err, "an analysis", sizeof *file);
    file->form = *form;
    file->fd = -1;
    st = folder ? open_named(file, folder, &why) : open_unnamed(file, err);
    if (folder && st && st != SYNCTALK_E_MEMORY) {
        st_log(callbacks, SYNCTALK_LOG_WARNING, "the analysis is not kept: %s", why.message);
        if (file->fd >= 0)
            close(file->fd);
        st = open_unnamed(file, err);
    } else if (folder && st) {
        st = st_fail(err, st, "%s", why.message);
    }
    if (st)
        st_face_file_close(&file);
    *out = file;
    return st;
}

void st_face_file_close(struct st_face_file **file)
{
    if (!file || !*file)
        return;
    if ((*file)->fd >= 0)
        close((*file)->fd);
    free((*file)->block);
    free(*file);
    *file = NULL;
}

bool st_face_file_complete(const struct st_face_file *file)
{
    return file->points > 0 && file->totals.frames == file->form.frames;
}

int st_face_file_points(const struct st_face_file *file)
{
    return file->points;
}

const struct st_face_totals *st_face_file_totals(const struct st_face_file *file)
{
    return &file->totals;
}

const void *st_face_file_state(const struct st_face_file *file)
{
    return file->blocks == 0 || file->filled > 0
               ? NULL
               : file->block + records_size(file, file->blocks - 1) + sizeof(struct trailer);
}

synctalk_status st_face_file_reset(struct st_face_file *file, synctalk_error *err)
{
    struct header header = {.magic = MAGIC,
                            .frames = file->form.frames,
                            .width = file->form.width,
                            .height = file->form.height,
                            .fps = file->form.fps,
                            .points = file->points,
                            .state_size = file->state_size};
    snprintf(header.key, sizeof header.key, "%s", file->form.key);
    header.check = check_of(file, 0, &header, sizeof header);
    forget(file);
    if (ftruncate(file->fd, 0) < 0)
        return st_fail_errno(err, errno, "shorten", file->path);
    return write_all(file, &header, sizeof header, 0, err);
}

synctalk_status st_face_file_begin(struct st_face_file *file, int points, size_t state_size,
                                   synctalk_error *err)
{
    synctalk_status st;
    if (file->points == points && file->state_size == state_size && file->blocks > 0) {
        if (ftruncate(file->fd, block_offset(file, file->blocks)) < 0)
            return st_fail_errno(err, errno, "shorten", file->path);
        return SYNCTALK_OK;
    }
    file->points = points;
    file->state_size = state_size;
    st = make_room(file, err);
    return st ? st : st_face_file_reset(file, err);
}

void st_face_file_append(struct st_face_file *file, const struct st_face_record *record,
                         const struct st_face_totals *totals, bool *block_ends)
{
    const size_t size = record_size(file);
    unsigned char *at = file->block + (size_t)file->filled * size;
    memcpy(at, record, size);
    uint64_t sum = check_of(file, totals->frames - 1, at, size);
    memcpy(at, &sum, sizeof sum);
    file->totals = *totals;
    file->filled++;
    *block_ends = file->filled == records_in(file, file->blocks);
}

synctalk_status st_face_file_end_block(struct st_face_file *file, const void *state,
                                       synctalk_error *err)
{
    struct trailer trailer = {.totals = file->totals};
    const size_t size = records_size(file, file->blocks);
    unsigned char *end = file->block + size;
    memcpy(end, &trailer, sizeof trailer);
    memcpy(end + sizeof trailer, state, file->state_size);
    trailer.check = check_of(file, trailer_place(file->blocks), end, trailer_size(file));
    memcpy(end, &trailer.check, sizeof trailer.check);
    synctalk_status st = write_all(file, file->block, size + trailer_size(file),
                                   block_offset(file, file->blocks), err);
    if (st)
        return st;
    file->blocks++;
    file->filled = 0;
    if (!st_face_file_complete(file))
        return SYNCTALK_OK;
    file->writable = false;
    if (file->named && fsync(file->fd) < 0)
        return st_fail_errno(err, errno, "write", file->path);
    if (file->named)
        (void)flock(file->fd, LOCK_SH);
    return SYNCTALK_OK;
}

static bool is_near(float value)
{
    return fabsf(value) <= COORDINATE_MAX;
}

/* A right sum says that the bytes are those that were written, not that they were right. */
static bool is_record(const struct st_face_file *file, int64_t n,
                      const struct st_face_record *record)
{
    if (record->last < -1 || record->last > n ||
        ((record->flags & ST_FACE_FOUND) && record->last != n))
        return false;
    if (!is_near(record->left) || !is_near(record->top) || !is_near(record->right) ||
        !is_near(record->bottom))
        return false;
    for (int i = 0; i < file->points; i++)
        if (!is_near(record->points[i].x) || !is_near(record->points[i].y))
            return false;
    return true;
}

synctalk_status st_face_file_read(const struct st_face_file *file, int64_t n,
                                  struct st_face_record *record, synctalk_error *err)
{
    const size_t size = record_size(file);
    if (n < 0 || n >= file->totals.frames)
        return st_fail(err, SYNCTALK_E_ARG,
                       "frame %" PRId64 " of an analysis of %" PRId64 " frames", n,
                       file->totals.frames);
    off_t offset = block_offset(file, n / ST_FACE_BLOCK) + (off_t)(n % ST_FACE_BLOCK) * (off_t)size;
    if (!read_all(file->fd, record, size, offset) ||
        record->check != check_of(file, n, record, size) || !is_record(file, n, record))
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: frame %" PRId64 " is damaged; it was changed while in use", file->path,
                       n);
    return SYNCTALK_OK;
}
