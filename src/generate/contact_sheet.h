/* SPDX-License-Identifier: Apache-2.0 */
/* A picture of a dataset at one glance: frames from end to end in a grid, each with its
 * number, its landmarks and the square that is redrawn. */
#ifndef ST_GENERATE_CONTACT_SHEET_H
#define ST_GENERATE_CONTACT_SHEET_H

#include <stdbool.h>

#include "face/dataset.h"

/* Whether a face was seen in a frame; a frame without one gets a red border. */
typedef bool (*st_contact_seen)(const void *context, int64_t frame);

/* Writes `path` as PNG, over what is there. `seen` may be NULL: in all. */
synctalk_status st_contact_sheet_write(const struct st_dataset *dataset, const char *path,
                                       st_contact_seen seen, const void *context,
                                       const synctalk_callbacks *callbacks, synctalk_error *err);

#endif /* ST_GENERATE_CONTACT_SHEET_H */
