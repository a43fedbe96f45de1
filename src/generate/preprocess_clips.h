/* SPDX-License-Identifier: Apache-2.0 */
/* From core_clips/NAME to dataset/NAME/core_clips; see synctalk_preprocess_clips(). */
#ifndef ST_GENERATE_PREPROCESS_CLIPS_H
#define ST_GENERATE_PREPROCESS_CLIPS_H

#include "synctalk/preprocess.h"

synctalk_status st_preprocess_clips(const synctalk_settings *settings,
                                    const synctalk_clips_job *job,
                                    const synctalk_callbacks *callbacks,
                                    synctalk_clips_report *report, synctalk_error *err);

#endif /* ST_GENERATE_PREPROCESS_CLIPS_H */
