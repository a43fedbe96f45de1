/* SPDX-License-Identifier: Apache-2.0 */
/* fetch ADDRESS TARGET SHA256 BYTES MOST CA: one download, for test_download.py. Prints the
 * status, the sentence and the last progress; "-" stands for no CA. With a seventh argument
 * the call is cancelled once that many bytes are there. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/download.h"

struct watch {
    int64_t seen;
    int64_t cancel_at; /* -1: never */
};

static void on_progress(void *user, const synctalk_progress *progress)
{
    struct watch *watch = user;
    if (strcmp(progress->stage, "download") == 0)
        watch->seen = progress->done;
}

static int on_cancelled(void *user)
{
    const struct watch *watch = user;
    return watch->cancel_at >= 0 && watch->seen >= watch->cancel_at;
}

int main(int argc, char **argv)
{
    synctalk_error err = {0};
    if (argc < 7)
        return 2;
    struct watch watch = {.cancel_at = argc > 7 ? strtoll(argv[7], NULL, 10) : -1};
    const struct st_download download = {
        .address = argv[1],
        .target = argv[2],
        .sha256 = argv[3],
        .bytes = strtoll(argv[4], NULL, 10),
        .most_bytes = strtoll(argv[5], NULL, 10),
        .ca_file = strcmp(argv[6], "-") == 0 ? NULL : argv[6],
    };
    const synctalk_callbacks callbacks = {
        .user = &watch, .progress = on_progress, .cancelled = on_cancelled};
    synctalk_status st = st_download(&download, &callbacks, &err);
    printf("%d %" PRId64 "\n%s\n", st, watch.seen, err.message);
    return 0;
}
