/* SPDX-License-Identifier: Apache-2.0 */
/* What the stream of a window network needs of the network. Private to the two. */
#ifndef ST_MODELS_WINDOW_NETWORK_IMPL_H
#define ST_MODELS_WINDOW_NETWORK_IMPL_H

#include "models/window_network.h"

const struct st_window_form *st_window_network_form(const struct st_window_network *network);

/* Floats of one unit. */
size_t st_window_unit(enum st_window_input input);

/* window [form.window, unit] -> vectors [form.vectors, form.vector]. On any thread. */
synctalk_status st_window_network_run(const struct st_window_network *network, float *window,
                                      float *vectors, synctalk_error *err);

#endif /* ST_MODELS_WINDOW_NETWORK_IMPL_H */
