/* SPDX-License-Identifier: Apache-2.0 */
#include "base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

struct st_hash {
    EVP_MD_CTX *context;
    bool broken; /* libcrypto refused to add; the text is then all zeros */
};

#define BLOCK_BYTES ((size_t)1 << 18)

synctalk_status st_hash_create(struct st_hash **out, synctalk_error *err)
{
    *out = NULL;
    struct st_hash *hash = calloc(1, sizeof *hash);
    if (!hash) {
        st_fail_memory(err, "a hash", sizeof *hash);
        return SYNCTALK_E_MEMORY;
    }
    hash->context = EVP_MD_CTX_new();
    if (!hash->context || EVP_DigestInit_ex(hash->context, EVP_sha256(), NULL) != 1) {
        st_hash_destroy(&hash);
        st_fail(err, SYNCTALK_E_LIBRARY, "libcrypto cannot start a SHA-256");
        return SYNCTALK_E_LIBRARY;
    }
    *out = hash;
    return SYNCTALK_OK;
}

void st_hash_add(struct st_hash *hash, const void *data, size_t size)
{
    if (size > 0 && EVP_DigestUpdate(hash->context, data, size) != 1)
        hash->broken = true;
}

void st_hash_end(struct st_hash **hash, char *text)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char digest[EVP_MAX_MD_SIZE] = {0};
    unsigned length = 0;

    if (EVP_DigestFinal_ex((*hash)->context, digest, &length) != 1 || (*hash)->broken)
        memset(digest, 0, sizeof digest);
    for (size_t i = 0; i < (ST_HASH_TEXT - 1) / 2; i++) {
        text[2 * i] = digits[digest[i] >> 4];
        text[2 * i + 1] = digits[digest[i] & 15];
    }
    text[ST_HASH_TEXT - 1] = '\0';
    st_hash_destroy(hash);
}

void st_hash_destroy(struct st_hash **hash)
{
    if (!hash || !*hash)
        return;
    EVP_MD_CTX_free((*hash)->context);
    free(*hash);
    *hash = NULL;
}

static synctalk_status add_all(struct st_hash *hash, int fd, unsigned char *block, const char *path,
                               synctalk_error *err)
{
    for (;;) {
        ssize_t n = read(fd, block, BLOCK_BYTES);
        if (n == 0)
            return SYNCTALK_OK;
        if (n > 0)
            st_hash_add(hash, block, (size_t)n);
        else if (errno != EINTR)
            return st_fail_errno(err, errno, "read", path);
    }
}

synctalk_status st_hash_file(char *text, const char *path, synctalk_error *err)
{
    synctalk_status st;
    struct st_hash *hash = NULL;
    unsigned char *block = NULL;
    struct stat info;

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
    if (!(block = malloc(BLOCK_BYTES))) {
        st = st_fail_memory(err, "a hash", BLOCK_BYTES);
        goto done;
    }
    if ((st = st_hash_create(&hash, err)) || (st = add_all(hash, fd, block, path, err)))
        goto done;
    st_hash_end(&hash, text);

done:
    st_hash_destroy(&hash);
    free(block);
    close(fd);
    return st;
}
