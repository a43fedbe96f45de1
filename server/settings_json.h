/* SPDX-License-Identifier: Apache-2.0 */
/* Settings as a JSON object of texts under the names of the command line. */
#ifndef SERVER_SETTINGS_JSON_H
#define SERVER_SETTINGS_JSON_H

#include <jansson.h>
#include <stdbool.h>

#include "synctalk/settings.h"

/* Every field that an option names and that is not NULL. NULL without memory. */
json_t *settings_to_json(const synctalk_settings *settings);

/* Set what `object` (of texts) names; "preset" first, whatever the order. The settings borrow
 * its texts. */
synctalk_status settings_from_json(synctalk_settings *settings, const json_t *object,
                                   synctalk_error *err);

/* Whether a request may set this: not what names a file, or an output, of this machine. */
bool settings_are_open(const synctalk_option *row);

#endif /* SERVER_SETTINGS_JSON_H */
