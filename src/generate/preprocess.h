/* SPDX-License-Identifier: Apache-2.0 */
/* From a video to dataset/NAME; see synctalk_preprocess(). */
#ifndef ST_GENERATE_PREPROCESS_H
#define ST_GENERATE_PREPROCESS_H

#include "synctalk/preprocess.h"

synctalk_status st_preprocess(const synctalk_settings *settings, const synctalk_preprocess_job *job,
                              const synctalk_callbacks *callbacks,
                              synctalk_preprocess_report *report, synctalk_error *err);

#endif /* ST_GENERATE_PREPROCESS_H */
