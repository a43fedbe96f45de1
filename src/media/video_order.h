/* SPDX-License-Identifier: Apache-2.0 */
/* The order in which pictures are shown, from the codec's own headers, for files whose
 * packets carry no presentation times (AVI above all).
 */
#ifndef ST_MEDIA_VIDEO_ORDER_H
#define ST_MEDIA_VIDEO_ORDER_H

#include <stdint.h>

#include "media/input.h"
#include "synctalk/status.h"

/* keys[i] of the first `count` packets of `stream`: ascending in the order of showing.
 * Reads the file again from its begin. A codec without reordering keeps the file's order. */
synctalk_status st_video_order(int64_t *keys, uint32_t count, struct st_input *input, int stream,
                               synctalk_error *err);

#endif /* ST_MEDIA_VIDEO_ORDER_H */
