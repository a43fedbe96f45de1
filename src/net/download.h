/* SPDX-License-Identifier: Apache-2.0 */
/* Files brought from the network, whole and of known content, or not at all.
 *
 * This folder knows libcurl, and nothing of what a file is for. HTTPS alone, also after a
 * redirect. What has come lies in TARGET.part, and a later call goes on from there; the name
 * TARGET is given to bytes of the wanted SHA-256 only. The environment (proxies, certificates)
 * is not read.
 */
#ifndef ST_NET_DOWNLOAD_H
#define ST_NET_DOWNLOAD_H

#include <stdint.h>

#include "synctalk/progress.h"
#include "synctalk/status.h"

struct st_download {
    const char *address;  /* https://... */
    const char *target;   /* its folder exists */
    const char *sha256;   /* of the file, 64 hexadecimal digits */
    int64_t bytes;        /* of the file where it is known, else 0 */
    int64_t most_bytes;   /* a longer file is refused; > 0 */
    const char *ca_file;  /* PEM of the authorities to trust, or NULL: the system's */
    const char *proxy;    /* or NULL: none */
    const char *no_proxy; /* hosts reached without it, as in the variable; or NULL */
};

/* Nothing is asked where TARGET is there already: E_EXISTS. E_IO for the network, with what
 * has come kept in TARGET.part; E_FORMAT for another size or content, with nothing kept.
 * Progress is in bytes, stage "download" and then "check". */
synctalk_status st_download(const struct st_download *download, const synctalk_callbacks *callbacks,
                            synctalk_error *err);

#endif /* ST_NET_DOWNLOAD_H */
