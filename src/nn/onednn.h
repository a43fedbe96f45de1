/* SPDX-License-Identifier: Apache-2.0 */
/* What every use of oneDNN here needs: statuses as sentences, one OpenMP thread, a limit
 * on instruction sets.
 *
 * oneDNN splits a primitive over OpenMP's threads, both when it is created and when it
 * runs. Work is divided by frame instead, so each thread that enters oneDNN tells OpenMP
 * to use one thread, and gives the caller's number back on leaving. That also makes
 * results the same, bit for bit, for any number of workers.
 */
#ifndef ST_NN_ONEDNN_H
#define ST_NN_ONEDNN_H

#include <dnnl.h>

#include "synctalk/status.h"

/* OpenMP's own functions, found in the process: nothing here links OpenMP. Both NULL
 * where oneDNN does not use it. */
struct st_openmp {
    int (*get)(void);
    void (*set)(int);
};

void st_openmp_find(struct st_openmp *openmp);

/* Around every stretch of calls that create or execute primitives, on the same thread.
 * begin() returns what end() needs. */
int st_nn_single_thread_begin(const struct st_openmp *openmp);
void st_nn_single_thread_end(const struct st_openmp *openmp, int before);

/* `status` as ours; the sentence says that `what` failed inside oneDNN. */
synctalk_status st_onednn_status(dnnl_status_t status, const char *what, synctalk_error *err);

/* Channels in a block of the layout that suits both `flags` (SYNCTALK_CPU_* bits) and
 * oneDNN: 16 or 8. Asks oneDNN to stay within `flags`, too. That limit belongs to the
 * process and oneDNN takes it only before its first primitive, so the first call wins
 * (an application that wants less than the machine has must open that session first). */
int st_onednn_block(unsigned flags);

#endif /* ST_NN_ONEDNN_H */
