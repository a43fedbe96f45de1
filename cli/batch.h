/* SPDX-License-Identifier: Apache-2.0 */
/* Which sounds become which videos: operands, folders and -o turned into a list. */
#ifndef CLI_BATCH_H
#define CLI_BATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "args.h"

struct batch_item {
    char *audio, *output; /* owned */
};

struct batch {
    struct batch_item *items; /* owned */
    size_t count, capacity;
    bool many; /* several were asked for, be it that one was found */
};

/* 0, or an exit code after a sentence on stderr. No two items share an output, none has
 * its own sound, or the video, as output. Makes the folder of -o for a batch. */
int batch_build(struct batch *batch, const struct args *args);
void batch_free(struct batch *batch);

/* NAME of a path: what follows the last '/', without its extension. malloc'ed. */
char *base_name(const char *path);

#endif /* CLI_BATCH_H */
