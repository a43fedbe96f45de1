/* SPDX-License-Identifier: Apache-2.0 */
/* What synctalk train and synctalk train-syncnet share. */
#ifndef CLI_TRAINING_H
#define CLI_TRAINING_H

#include "args.h"

typedef synctalk_status (*training)(const synctalk_train_settings *settings,
                                    const synctalk_callbacks *callbacks,
                                    synctalk_train_report *report, synctalk_error *err);

/* Run it with progress, and print what came of it: `folder` is where checkpoints go, and
 * `unit` that of the score. */
int training_run(struct args *args, training train, const char *folder, const char *unit);

#endif /* CLI_TRAINING_H */
