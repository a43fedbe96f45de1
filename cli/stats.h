/* SPDX-License-Identifier: Apache-2.0 */
/* --stats: where the time of a video went, for people and for programs. */
#ifndef CLI_STATS_H
#define CLI_STATS_H

#include <stdbool.h>

#include "synctalk/synctalk.h"

/* A table on stderr, or one line of JSON with an "event" of "stats". */
void stats_print(const synctalk_stats *stats, bool json);

#endif /* CLI_STATS_H */
