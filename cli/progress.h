/* SPDX-License-Identifier: Apache-2.0 */
/* Progress of a long call on stderr: a line that moves on a terminal, a line every five
 * seconds elsewhere, JSON lines for programs, or nothing. Log sentences take turns with it.
 */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "args.h"

enum progress_kind {
    PROGRESS_AUTO, /* the order of the choices of --progress */
    PROGRESS_JSON,
    PROGRESS_NONE,
    PROGRESS_TERMINAL,
    PROGRESS_PLAIN,
};

struct progress {
    const char *command;
    enum progress_kind kind;
    bool quiet, verbose;
    bool line_shown;     /* a line without its newline is on the terminal */
    size_t item, items;  /* of a batch: item is counted from 1; items 0 or 1: no batch */
    const char *stage;   /* static text of the library */
    double stage_began;  /* seconds */
    int64_t stage_first; /* units done when the stage was first seen */
    double last_printed; /* seconds */
    synctalk_callbacks callbacks;
};

/* Reads --progress, --quiet and --verbose, and begins to catch interruptions. The
 * callbacks borrow `progress`: it must not move. */
void progress_begin(struct progress *progress, const struct args *args);

/* From here on tell of each video where its time went. */
void progress_tell_stats(struct progress *progress);

/* A new item of a batch begins. */
void progress_item(struct progress *progress, size_t item, size_t items, const char *audio,
                   const char *output);

/* A sentence for which the call failed, in the form that --progress asks for. */
void progress_failure(struct progress *progress, const char *message);

/* Remove the moving line. Call before anything else is printed. */
void progress_end(struct progress *progress);

/* One line of at most `width` columns, for the terminal; what is measured is passed in. */
struct progress_view {
    const char *stage;
    size_t item, items;
    int64_t done, total;
    double rate;           /* units a second, 0 = not known */
    double fps;            /* of the video, 0 where units are no frames */
    double seconds;        /* since the stage began */
    int64_t epoch, epochs; /* of a training, counted from 1; else 0 */
    double loss;           /* of a training */
};
void progress_format(char *buf, size_t size, int width, const struct progress_view *view);

#endif /* CLI_PROGRESS_H */
