/* SPDX-License-Identifier: Apache-2.0 */
/* What a client asks for: fields of a form or of a JSON object become a checked request.
 *
 * Kept as JSON: {"model", "settings": {option: text}, "audio": {"upload", "name"}, "video": ...}.
 */
#ifndef SERVER_REQUEST_H
#define SERVER_REQUEST_H

#include <jansson.h>

#include "store.h"
#include "synctalk/settings.h"

struct video_request {
    json_t *json;              /* owns */
    const char *audio, *video; /* ids, borrowed from json; the second or NULL */
};

/* `fields` holds texts, numbers and switches under the option names, and "audio" and "video"
 * as ids of uploads. They are laid over `base` and held to synctalk_settings_check(). E_ARG
 * with the sentence that the command line prints. */
synctalk_status video_request_check(struct video_request *request, const json_t *fields,
                                    const synctalk_settings *base, struct store *store,
                                    synctalk_error *err);
void video_request_free(struct video_request *request);

#endif /* SERVER_REQUEST_H */
