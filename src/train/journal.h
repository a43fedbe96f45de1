/* SPDX-License-Identifier: Apache-2.0 */
/* train.jsonl: a line for each epoch, and one now and then between; and the lines of a run
 * that goes on, read back for its chart.
 *
 * The saved state says how long the file was then. What a killed process wrote after that
 * is cut off, since those steps are taken again. The open file is also the lock that keeps
 * a second training out of the folder.
 */
#ifndef ST_TRAIN_JOURNAL_H
#define ST_TRAIN_JOURNAL_H

#include <jansson.h>
#include <stdint.h>

#include "synctalk/status.h"
#include "train/task.h"

/* One epoch, for the chart. */
struct st_epoch {
    int64_t epoch; /* counted from 1 */
    double loss;   /* mean of training */
    double l1;     /* of training; NAN where it is all of the loss, or not in it */
    double held;   /* held-out L1; NAN likewise */
    double score;  /* first score; NAN likewise */
};

struct st_journal {
    int fd; /* owned; -1: none */
    char path[4096];
    int64_t size;            /* bytes */
    struct st_epoch *epochs; /* owns; of this run */
    size_t count, capacity;
};

/* Open or create `path` and lock it: E_EXISTS where another process has. */
synctalk_status st_journal_open(struct st_journal *journal, const char *path, synctalk_error *err);
void st_journal_close(struct st_journal *journal); /* safe on a zeroed struct after open() */

/* Go on with a run whose lines are in bytes [begin, end): cut what is behind, read them. */
synctalk_status st_journal_rewind(struct st_journal *journal, int64_t begin, int64_t end,
                                  synctalk_error *err);

/* Add a line. Takes the reference; NULL counts as no memory. */
synctalk_status st_journal_write(struct st_journal *journal, json_t *line, synctalk_error *err);
synctalk_status st_journal_add_epoch(struct st_journal *journal, const struct st_epoch *epoch,
                                     synctalk_error *err);

/* {"name": value, ...}; a value that is not finite is null. NULL without memory. */
json_t *st_terms_json(const struct st_terms *terms);

#endif /* ST_TRAIN_JOURNAL_H */
