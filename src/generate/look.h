/* SPDX-License-Identifier: Apache-2.0 */
/* A look at a video without anything made of it. */
#ifndef ST_GENERATE_LOOK_H
#define ST_GENERATE_LOOK_H

#include "synctalk/look.h"

/* Settings are checked. */
synctalk_status st_look(const synctalk_settings *settings, const synctalk_callbacks *callbacks,
                        synctalk_look_report *report, synctalk_error *err);

#endif /* ST_GENERATE_LOOK_H */
