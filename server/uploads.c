/* SPDX-License-Identifier: Apache-2.0 */
#include "uploads.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fail.h"
#include "text.h"

struct upload {
    struct uploads *owner;
    struct upload_row row;
    struct upload *next; /* of those open */
    int fd;
    int64_t at;         /* bytes written, those of earlier requests included */
    EVP_MD_CTX *digest; /* of all of them, or NULL: to be read again at the end */
    bool ended;
};

struct uploads {
    const struct folders *folders;
    struct store *store;
    int64_t most_bytes;
    pthread_mutex_t lock; /* contents come and go, and `open` changes, under it */
    struct upload *open;
};

synctalk_status uploads_open(struct uploads **out, const struct folders *folders,
                             struct store *store, int64_t most_bytes, synctalk_error *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return server_fail_memory(err, "the uploads");
    (*out)->folders = folders;
    (*out)->store = store;
    (*out)->most_bytes = most_bytes;
    pthread_mutex_init(&(*out)->lock, NULL);
    return SYNCTALK_OK;
}

void uploads_close(struct uploads **uploads)
{
    if (!uploads || !*uploads)
        return;
    pthread_mutex_destroy(&(*uploads)->lock);
    free(*uploads);
    *uploads = NULL;
}

static synctalk_status refuse_size(const struct uploads *uploads, synctalk_error *err)
{
    return server_fail(err, SYNCTALK_E_ARG,
                       "the file is longer than the %lld MB that may be sent (--max-upload-mb)",
                       (long long)(uploads->most_bytes / 1000000));
}

static bool is_open(const struct uploads *uploads, const char *id)
{
    for (const struct upload *at = uploads->open; at; at = at->next) {
        if (strcmp(at->row.id, id) == 0)
            return true;
    }
    return false;
}

/* From now on no other request writes it. */
static synctalk_status claim(struct upload *upload, synctalk_error *err)
{
    struct uploads *uploads = upload->owner;
    synctalk_status st = SYNCTALK_OK;
    pthread_mutex_lock(&uploads->lock);
    if (is_open(uploads, upload->row.id)) {
        st = server_fail(err, SYNCTALK_E_EXISTS, "%s: another request is writing it",
                         upload->row.id);
    } else {
        upload->next = uploads->open;
        uploads->open = upload;
    }
    pthread_mutex_unlock(&uploads->lock);
    return st;
}

static void release(struct upload *upload)
{
    struct uploads *uploads = upload->owner;
    pthread_mutex_lock(&uploads->lock);
    for (struct upload **at = &uploads->open; *at; at = &(*at)->next) {
        if (*at == upload) {
            *at = upload->next;
            break;
        }
    }
    pthread_mutex_unlock(&uploads->lock);
}

static synctalk_status make(struct upload **out, struct uploads *uploads, synctalk_error *err)
{
    *out = calloc(1, sizeof **out);
    if (!*out)
        return server_fail_memory(err, "an upload");
    (*out)->owner = uploads;
    (*out)->fd = -1;
    return SYNCTALK_OK;
}

synctalk_status upload_begin(struct upload **out, struct uploads *uploads, const char *name,
                             int64_t length, struct upload_row *row, synctalk_error *err)
{
    synctalk_status st;
    struct upload *upload = NULL;

    *out = NULL;
    if (length > uploads->most_bytes)
        return refuse_size(uploads, err);
    if ((st = make(&upload, uploads, err)))
        return st;
    id_make(upload->row.id, "upload");
    text_clean_name(upload->row.name, sizeof upload->row.name, name);
    upload->row.length = length;
    upload->row.created = time(NULL);
    struct path path = folders_incoming(uploads->folders, upload->row.id);
    if ((st = claim(upload, err)))
        goto done;
    upload->fd = open(path.text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (upload->fd < 0) {
        st = server_fail_errno(err, "open", "the new upload");
        goto done;
    }
    upload->digest = EVP_MD_CTX_new();
    if (!upload->digest || EVP_DigestInit_ex(upload->digest, EVP_sha256(), NULL) != 1) {
        st = server_fail_memory(err, "the hash of an upload");
        goto done;
    }
    if ((st = store_upload_add(uploads->store, &upload->row, err)))
        goto done;
    *row = upload->row;
    *out = upload;
    upload = NULL;

done:
    upload_close(&upload, false);
    return st;
}

static synctalk_status open_at(struct upload *upload, int64_t offset, synctalk_error *err)
{
    struct stat info;
    struct path path = folders_incoming(upload->owner->folders, upload->row.id);
    if (*upload->row.sha256)
        return server_fail(err, SYNCTALK_E_EXISTS, "%s: all of it is there already",
                           upload->row.id);
    /* A server that was killed as the whole content took its place, and before that was written
     * down, has left none: it is sent again. */
    upload->fd =
        open(path.text, O_WRONLY | O_APPEND | O_CLOEXEC | (offset == 0 ? O_CREAT : 0), 0600);
    if (upload->fd < 0 || fstat(upload->fd, &info) != 0)
        return server_fail_errno(err, "open", upload->row.id);
    if (info.st_size != offset)
        return server_fail(err, SYNCTALK_E_ARG,
                           "Upload-Offset is %lld, but %lld bytes of this upload are there: go on "
                           "from them",
                           (long long)offset, (long long)info.st_size);
    upload->at = offset;
    return SYNCTALK_OK;
}

synctalk_status upload_resume(struct upload **out, struct uploads *uploads, const char *id,
                              int64_t offset, synctalk_error *err)
{
    synctalk_status st;
    struct upload *upload = NULL;
    *out = NULL;
    if ((st = make(&upload, uploads, err)))
        return st;
    snprintf(upload->row.id, sizeof upload->row.id, "%s", id);
    /* Claimed first: what is read of it afterwards holds. */
    if ((st = claim(upload, err)) ||
        (st = store_upload_get(uploads->store, id, &upload->row, err)) ||
        (st = open_at(upload, offset, err))) {
        upload_close(&upload, true);
        return st;
    }
    *out = upload;
    return SYNCTALK_OK;
}

synctalk_status upload_write(struct upload *upload, const void *data, size_t size,
                             synctalk_error *err)
{
    const char *at = data;
    const int64_t length = upload->row.length;
    const int64_t most = length >= 0 ? length : upload->owner->most_bytes;
    if ((int64_t)size > most - upload->at) {
        return length >= 0 ? server_fail(err, SYNCTALK_E_ARG,
                                         "more came than the %lld bytes that were announced",
                                         (long long)length)
                           : refuse_size(upload->owner, err);
    }
    while (size > 0) {
        const ssize_t written = write(upload->fd, at, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return server_fail_errno(err, "write", "the upload");
        if (upload->digest && EVP_DigestUpdate(upload->digest, at, (size_t)written) != 1)
            return server_fail_memory(err, "the hash of an upload");
        at += written;
        size -= (size_t)written;
        upload->at += written;
    }
    return SYNCTALK_OK;
}

/* Of the whole file, for one that came in several requests. */
static synctalk_status digest_again(struct upload *upload, const char *path, synctalk_error *err)
{
    unsigned char block[65536];
    ssize_t got = -1;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    upload->digest = EVP_MD_CTX_new();
    bool good =
        fd >= 0 && upload->digest && EVP_DigestInit_ex(upload->digest, EVP_sha256(), NULL) == 1;
    while (good && (got = read(fd, block, sizeof block)) > 0)
        good = EVP_DigestUpdate(upload->digest, block, (size_t)got) == 1;
    if (fd >= 0)
        close(fd);
    return good && got == 0 ? SYNCTALK_OK
                            : server_fail(err, SYNCTALK_E_IO, "the upload cannot be read again");
}

/* The content takes its place; where it is there already, that one serves. */
static synctalk_status settle(struct upload *upload, const char *path, synctalk_error *err)
{
    struct uploads *uploads = upload->owner;
    synctalk_status st = SYNCTALK_OK;
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned count = 0;

    if (EVP_DigestFinal_ex(upload->digest, bytes, &count) != 1)
        return server_fail_memory(err, "the hash of an upload");
    hex_of(upload->row.sha256, bytes, count);
    upload->row.length = upload->at;
    struct path place = folders_content(uploads->folders, upload->row.sha256);
    pthread_mutex_lock(&uploads->lock);
    const bool known = access(place.text, F_OK) == 0;
    if (!known && rename(path, place.text) != 0)
        st = server_fail_errno(err, "put the upload in its place", "uploads");
    const bool moved = !known && !st;
    if (!st)
        st = store_upload_end(uploads->store, upload->row.id, upload->row.sha256, upload->at, err);
    if (st && moved)
        rename(place.text, path); /* it ends once more when there is room */
    else if (!st && known)
        unlink(path);
    pthread_mutex_unlock(&uploads->lock);
    return st;
}

synctalk_status upload_end(struct upload *upload, struct upload_row *row, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    struct path path = folders_incoming(upload->owner->folders, upload->row.id);
    *row = upload->row;
    if (fdatasync(upload->fd) != 0)
        return server_fail_errno(err, "write", "the upload");
    if (upload->row.length >= 0 && upload->at < upload->row.length)
        return SYNCTALK_OK;
    if (!upload->digest)
        st = digest_again(upload, path.text, err);
    if (!st)
        st = settle(upload, path.text, err);
    upload->ended = !st;
    *row = upload->row;
    return st;
}

void upload_close(struct upload **upload, bool keep)
{
    if (!upload || !*upload)
        return;
    struct upload *u = *upload;
    if (u->fd >= 0)
        close(u->fd);
    if (!u->ended && !keep) {
        unlink(folders_incoming(u->owner->folders, u->row.id).text);
        store_upload_remove(u->owner->store, u->row.id, NULL);
    }
    release(u);
    EVP_MD_CTX_free(u->digest);
    free(u);
    *upload = NULL;
}

int64_t uploads_offset(const struct uploads *uploads, const struct upload_row *row)
{
    return *row->sha256 ? row->length
                        : file_bytes(folders_incoming(uploads->folders, row->id).text);
}

/* Bytes that are free for it. */
static int64_t drop_file(struct path path)
{
    const int64_t bytes = file_bytes(path.text);
    return unlink(path.text) == 0 ? bytes : 0;
}

/* Under the lock; bytes that are free for it. */
static int64_t drop_unused(struct uploads *uploads, const char *sha256)
{
    bool used = true;
    if (store_content_is_used(uploads->store, sha256, &used, NULL) || used)
        return 0;
    return drop_file(folders_content(uploads->folders, sha256));
}

/* Under the lock, one that no request writes. */
static synctalk_status drop(struct uploads *uploads, const char *id, int64_t *freed,
                            synctalk_error *err)
{
    struct upload_row row;
    synctalk_status st;
    if ((st = store_upload_get(uploads->store, id, &row, err)) ||
        (st = store_upload_remove(uploads->store, id, err)))
        return st;
    *freed = drop_file(folders_incoming(uploads->folders, id));
    if (*row.sha256)
        *freed += drop_unused(uploads, row.sha256);
    return SYNCTALK_OK;
}

synctalk_status uploads_remove(struct uploads *uploads, const char *id, synctalk_error *err)
{
    int64_t freed;
    pthread_mutex_lock(&uploads->lock);
    synctalk_status st = is_open(uploads, id) ? server_fail(err, SYNCTALK_E_EXISTS,
                                                            "%s: a request is writing it", id)
                                              : drop(uploads, id, &freed, err);
    pthread_mutex_unlock(&uploads->lock);
    return st;
}

synctalk_status uploads_drop_oldest(struct uploads *uploads, int64_t *freed, synctalk_error *err)
{
    synctalk_status st;
    char id[ID_SIZE];
    int64_t skip = 0;
    *freed = -1;
    pthread_mutex_lock(&uploads->lock);
    while (!(st = store_upload_oldest_unused(uploads->store, skip, id, err)) && *id &&
           is_open(uploads, id))
        skip++;
    if (!st && *id)
        st = drop(uploads, id, freed, err);
    pthread_mutex_unlock(&uploads->lock);
    return st;
}

static void sweep_content(void *user, const char *name, int64_t bytes)
{
    (void)bytes;
    drop_unused(user, name);
}

static void sweep_incoming(void *user, const char *name, int64_t bytes)
{
    struct uploads *uploads = user;
    struct upload_row row;
    (void)bytes;
    if (is_open(uploads, name))
        return;
    const synctalk_status st = store_upload_get(uploads->store, name, &row, NULL);
    if (st == SYNCTALK_E_MISSING || (!st && *row.sha256))
        unlink(folders_incoming(uploads->folders, name).text);
}

synctalk_status uploads_sweep(struct uploads *uploads, int64_t before, synctalk_error *err)
{
    synctalk_status st;
    pthread_mutex_lock(&uploads->lock);
    if (!(st = store_uploads_expire(uploads->store, before, err)) &&
        !(st = folders_list(uploads->folders, "uploads", sweep_content, uploads, err)))
        st = folders_list(uploads->folders, "incoming", sweep_incoming, uploads, err);
    pthread_mutex_unlock(&uploads->lock);
    return st;
}

static void add_bytes(void *user, const char *name, int64_t bytes)
{
    (void)name;
    *(int64_t *)user += bytes;
}

int64_t uploads_bytes(const struct uploads *uploads)
{
    int64_t sum = 0;
    folders_list(uploads->folders, "uploads", add_bytes, &sum, NULL);
    folders_list(uploads->folders, "incoming", add_bytes, &sum, NULL);
    return sum;
}
