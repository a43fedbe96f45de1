/* SPDX-License-Identifier: Apache-2.0 */
/* A download is: lock and measure TARGET.part, ask for what it lacks, hash it all, rename.
 * Easy to get wrong: a server that ignores the range, or a file that has changed since the
 * first part came, must lead to one more try from the beginning and not to a damaged file.
 */
#include "net/download.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/log.h"

#define REDIRECTS_MAX 5L
#define CONNECT_SECONDS 30L
#define STALL_SECONDS 60L /* without a byte */
#define BLOCK_BYTES 65536

struct transfer {
    const struct st_download *download;
    const synctalk_callbacks *callbacks;
    char part[ST_PATH_MAX];
    int fd;          /* of the part */
    bool owned;      /* the part is locked and ours */
    int64_t have;    /* bytes in the part */
    int64_t first;   /* bytes that were there before this transfer */
    bool too_long;   /* more came than the limit allows */
    int write_error; /* errno of a write that failed */
    bool cancelled;  /* the caller said so */
    CURL *curl;      /* owned */
    char words[CURL_ERROR_SIZE];
};

static synctalk_status stopped(const struct transfer *transfer, synctalk_error *err)
{
    return st_fail(err, SYNCTALK_E_CANCELLED,
                   "stopped; %s holds what has come, and the same command goes on from there",
                   transfer->part);
}

static int64_t limit_of(const struct st_download *download)
{
    return download->bytes > 0 ? download->bytes : download->most_bytes;
}

static size_t on_data(char *data, size_t one, size_t count, void *user)
{
    struct transfer *transfer = user;
    size_t size = one * count;
    size_t done = 0;

    if ((uint64_t)transfer->have + size > (uint64_t)limit_of(transfer->download)) {
        transfer->too_long = true;
        return 0;
    }
    while (done < size) {
        ssize_t n = write(transfer->fd, data + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            transfer->write_error = errno;
            return 0;
        }
        done += (size_t)n;
        transfer->have += n;
    }
    return size;
}

/* libcurl calls this about once a second even where nothing comes. */
static int on_progress(void *user, curl_off_t total, curl_off_t now, curl_off_t up_total,
                       curl_off_t up_now)
{
    struct transfer *transfer = user;
    (void)now;
    (void)up_total;
    (void)up_now;
    int64_t all = transfer->download->bytes > 0 ? transfer->download->bytes
                  : total > 0                   ? transfer->first + total
                                                : 0;
    st_progress(transfer->callbacks, "download", transfer->have, all, 0);
    transfer->cancelled = transfer->cancelled || st_cancelled(transfer->callbacks);
    return transfer->cancelled;
}

static bool set_options(struct transfer *transfer)
{
    const struct st_download *d = transfer->download;
    CURL *curl = transfer->curl;
    CURLcode bad = CURLE_OK;
#define SET(option, value) bad = bad ? bad : curl_easy_setopt(curl, option, value)
    SET(CURLOPT_ERRORBUFFER, transfer->words);
    SET(CURLOPT_URL, d->address);
    SET(CURLOPT_PROTOCOLS_STR, "https");
    SET(CURLOPT_REDIR_PROTOCOLS_STR, "https");
    SET(CURLOPT_FOLLOWLOCATION, 1L);
    SET(CURLOPT_MAXREDIRS, REDIRECTS_MAX);
    SET(CURLOPT_FAILONERROR, 1L);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
    SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
    SET(CURLOPT_LOW_SPEED_TIME, STALL_SECONDS);
    SET(CURLOPT_WRITEFUNCTION, on_data);
    SET(CURLOPT_WRITEDATA, transfer);
    SET(CURLOPT_NOPROGRESS, 0L);
    SET(CURLOPT_XFERINFOFUNCTION, on_progress);
    SET(CURLOPT_XFERINFODATA, transfer);
    SET(CURLOPT_USERAGENT, "synctalk");
    /* Empty strings, since a NULL would make libcurl look into the environment. */
    SET(CURLOPT_PROXY, d->proxy ? d->proxy : "");
    SET(CURLOPT_NOPROXY, d->no_proxy ? d->no_proxy : "");
    if (d->ca_file) {
        SET(CURLOPT_CAINFO, d->ca_file);
        SET(CURLOPT_CAPATH, NULL);
    }
    SET(CURLOPT_RESUME_FROM_LARGE, (curl_off_t)transfer->have);
#undef SET
    return bad == CURLE_OK;
}

/* Why the transfer ended early. */
static synctalk_status explain(const struct transfer *transfer, CURLcode code, synctalk_error *err)
{
    const struct st_download *d = transfer->download;
    long answer = 0;

    if (transfer->cancelled)
        return stopped(transfer, err);
    if (transfer->write_error)
        return st_fail_errno(err, transfer->write_error, "write", transfer->part);
    if (transfer->too_long)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: is longer than the %" PRId64 " bytes it may have", d->address,
                       limit_of(d));
    if (code == CURLE_UNSUPPORTED_PROTOCOL)
        return st_fail(err, SYNCTALK_E_ARG,
                       "%s: leads to an address that is not https://, which is refused",
                       d->address);
    if (code == CURLE_HTTP_RETURNED_ERROR) {
        (void)curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &answer);
        return st_fail(err, SYNCTALK_E_IO, "%s: the server answered %ld", d->address, answer);
    }
    const char *words = *transfer->words ? transfer->words : curl_easy_strerror(code);
    return st_fail(err, SYNCTALK_E_IO, "%s: cannot download: %s%s", d->address, words,
                   transfer->have > 0 ? "; what has come is kept, and the same command goes on"
                                      : "");
}

static synctalk_status start_again(struct transfer *transfer, synctalk_error *err)
{
    if (ftruncate(transfer->fd, 0) < 0 || lseek(transfer->fd, 0, SEEK_SET) < 0)
        return st_fail_errno(err, errno, "write", transfer->part);
    transfer->have = 0;
    return SYNCTALK_OK;
}

/* The server knows no ranges, or none behind what is there. */
static bool range_refused(const struct transfer *transfer, CURLcode code)
{
    long answer = 0;
    if (transfer->first == 0)
        return false;
    (void)curl_easy_getinfo(transfer->curl, CURLINFO_RESPONSE_CODE, &answer);
    return code == CURLE_RANGE_ERROR || (code == CURLE_HTTP_RETURNED_ERROR && answer == 416);
}

/* Ask for what the part lacks, or, where that is refused, for all of it. */
static synctalk_status fetch(struct transfer *transfer, synctalk_error *err)
{
    for (;;) {
        synctalk_status st;
        if (!(transfer->curl = curl_easy_init()))
            return st_fail_memory(err, "a download", sizeof *transfer);
        transfer->first = transfer->have;
        CURLcode code = CURLE_OUT_OF_MEMORY;
        if (set_options(transfer))
            code = curl_easy_perform(transfer->curl);
        bool again = range_refused(transfer, code);
        if (code != CURLE_OK && !again)
            st = explain(transfer, code, err);
        else
            st = again ? start_again(transfer, err) : SYNCTALK_OK;
        curl_easy_cleanup(transfer->curl);
        transfer->curl = NULL;
        if (st || !again)
            return st;
    }
}

static synctalk_status hash_part(struct transfer *transfer, char *text, synctalk_error *err)
{
    synctalk_status st;
    struct st_hash *hash = NULL;
    unsigned char block[BLOCK_BYTES];
    int64_t at = 0;

    if ((st = st_hash_create(&hash, err)))
        return st;
    while (at < transfer->have) {
        ssize_t n = pread(transfer->fd, block, sizeof block, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            st = st_fail_errno(err, n < 0 ? errno : EIO, "read", transfer->part);
            goto done;
        }
        st_hash_add(hash, block, (size_t)n);
        at += n;
        if (at % (INT64_C(64) * BLOCK_BYTES) == 0 || at == transfer->have)
            st_progress(transfer->callbacks, "check", at, transfer->have, 0);
        if (st_cancelled(transfer->callbacks)) {
            st = stopped(transfer, err);
            goto done;
        }
    }
    st_hash_end(&hash, text);

done:
    st_hash_destroy(&hash);
    return st;
}

static synctalk_status open_part(struct transfer *transfer, synctalk_error *err)
{
    struct stat info;
    struct stat named;
    transfer->fd = open(transfer->part, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (transfer->fd < 0)
        return st_fail_errno(err, errno, "create", transfer->part);
    if (flock(transfer->fd, LOCK_EX | LOCK_NB) < 0)
        return st_fail(err, SYNCTALK_E_EXISTS, "%s: another process is downloading it",
                       transfer->part);
    if (fstat(transfer->fd, &info) < 0 || !S_ISREG(info.st_mode))
        return st_fail(err, SYNCTALK_E_IO, "%s: is no file", transfer->part);
    /* The process that held the lock may have given the file its final name. */
    if (lstat(transfer->part, &named) < 0 || named.st_ino != info.st_ino)
        return st_fail(err, SYNCTALK_E_EXISTS, "%s: another process has just downloaded it",
                       transfer->download->target);
    transfer->owned = true;
    transfer->have = info.st_size;
    if (transfer->have > limit_of(transfer->download))
        return start_again(transfer, err);
    if (lseek(transfer->fd, 0, SEEK_END) < 0)
        return st_fail_errno(err, errno, "read", transfer->part);
    return SYNCTALK_OK;
}

static synctalk_status refuse_content(const struct transfer *transfer, const char *found,
                                      synctalk_error *err)
{
    const struct st_download *d = transfer->download;
    if (d->bytes > 0 && transfer->have != d->bytes)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: came with %" PRId64 " bytes where %" PRId64
                       " are needed; nothing of it is kept",
                       d->address, transfer->have, d->bytes);
    return st_fail(err, SYNCTALK_E_FORMAT,
                   "%s: came with SHA-256 %s where %s is needed; nothing of it is kept", d->address,
                   found, d->sha256);
}

/* Bring the part to its full content. A part that began in an earlier call may be of another
 * file by now: it gets one more try from nothing. */
static synctalk_status complete(struct transfer *transfer, synctalk_error *err)
{
    const struct st_download *d = transfer->download;
    char found[ST_HASH_TEXT];
    synctalk_status st;

    for (;;) {
        bool resumed = transfer->have > 0;
        if (d->bytes == 0 || transfer->have < d->bytes)
            if ((st = fetch(transfer, err)))
                return st;
        if ((st = hash_part(transfer, found, err)))
            return st;
        if (strcasecmp(found, d->sha256) == 0)
            return SYNCTALK_OK;
        if (!resumed)
            return refuse_content(transfer, found, err);
        if ((st = start_again(transfer, err)))
            return st;
    }
}

static synctalk_status take_name(const struct transfer *transfer, synctalk_error *err)
{
    const char *target = transfer->download->target;
    if (fsync(transfer->fd) < 0)
        return st_fail_errno(err, errno, "write", transfer->part);
    if (rename(transfer->part, target) < 0)
        return st_fail_errno(err, errno, "write", target);
    return SYNCTALK_OK;
}

static synctalk_status check(const struct st_download *d, synctalk_error *err)
{
    struct stat info;
    if (strncasecmp(d->address, "https://", 8) != 0)
        return st_fail(err, SYNCTALK_E_ARG, "%s: only addresses that begin with https:// are taken",
                       d->address);
    if (strlen(d->sha256) != ST_HASH_TEXT - 1 || d->most_bytes <= 0 || d->bytes < 0 ||
        d->bytes > d->most_bytes)
        return st_fail(err, SYNCTALK_E_ARG, "%s: its SHA-256 and its largest size must be known",
                       d->target);
    if (lstat(d->target, &info) == 0)
        return st_fail(err, SYNCTALK_E_EXISTS, "%s: is there already", d->target);
    return SYNCTALK_OK;
}

synctalk_status st_download(const struct st_download *download, const synctalk_callbacks *callbacks,
                            synctalk_error *err)
{
    struct transfer transfer = {.download = download, .callbacks = callbacks, .fd = -1};
    synctalk_status st = check(download, err);

    if (st || (st = st_path_format(transfer.part, err, "%s.part", download->target)))
        return st;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return st_fail(err, SYNCTALK_E_LIBRARY, "libcurl cannot be started");
    if (!(st = open_part(&transfer, err)) && !(st = complete(&transfer, err)))
        st = take_name(&transfer, err);
    if (transfer.owned && (st == SYNCTALK_E_FORMAT || (st && transfer.have == 0)))
        (void)unlink(transfer.part);
    if (transfer.fd >= 0)
        close(transfer.fd);
    curl_global_cleanup();
    return st;
}
