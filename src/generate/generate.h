/* SPDX-License-Identifier: Apache-2.0 */
/* One video: sound measured, plan made, pipeline run, file finished and renamed. */
#ifndef ST_GENERATE_GENERATE_H
#define ST_GENERATE_GENERATE_H

#include "generate/person.h"

/* See synctalk_generate(); the arguments have been checked. */
synctalk_status st_generate(const struct synctalk_person *person, const synctalk_settings *settings,
                            const char *audio, const char *output,
                            const synctalk_callbacks *callbacks, synctalk_report *report,
                            synctalk_error *err);

#endif /* ST_GENERATE_GENERATE_H */
