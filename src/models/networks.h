/* SPDX-License-Identifier: Apache-2.0 */
/* The networks that all persons share, with the names their files are looked for under: the
 * only place that knows either.
 */
#ifndef ST_MODELS_NETWORKS_H
#define ST_MODELS_NETWORKS_H

#include "synctalk/models.h"

const synctalk_network *st_networks(size_t *count);
const synctalk_network *st_network_named(const char *name); /* NULL: no such network */

#endif /* ST_MODELS_NETWORKS_H */
