/* SPDX-License-Identifier: Apache-2.0 */
/* loss.png: the course of a training as two charts, losses above, scores below. */
#ifndef ST_TRAIN_CHART_H
#define ST_TRAIN_CHART_H

#include "train/journal.h"

/* `score` and `unit` say what the scores are. Whole or not at all. */
synctalk_status st_chart_write(const char *path, const char *title, const struct st_epoch *epochs,
                               size_t count, const char *score, const char *unit,
                               synctalk_error *err);

#endif /* ST_TRAIN_CHART_H */
