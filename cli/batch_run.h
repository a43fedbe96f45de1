/* SPDX-License-Identifier: Apache-2.0 */
/* Videos of a batch in work: one is told of; the next is begun on a thread of its own while the
 * last frames of that one are encoded, and waits in the library for its turn to draw.
 *
 * What the next one says before the one that is told of has ended waits here; its progress is
 * not told. Results come in the order of the items.
 */
#ifndef CLI_BATCH_RUN_H
#define CLI_BATCH_RUN_H

#include "args.h"
#include "batch.h"
#include "progress.h"

struct batch_run;

/* How an item ended. */
struct batch_result {
    const struct batch_item *item;
    synctalk_status status;
    synctalk_error error;
    synctalk_report report;
};

/* Borrows all until batch_run_close(). NULL: no memory. */
struct batch_run *batch_run_open(const struct args *args, synctalk_person *person,
                                 const struct batch *batch, struct progress *progress);

/* The next item, told of from its begin to its end. There is one left. */
void batch_run_next(struct batch_run *run, struct batch_result *result);

/* NULL-safe. Waits for an item that was begun and not asked for. */
void batch_run_close(struct batch_run **run);

#endif /* CLI_BATCH_RUN_H */
