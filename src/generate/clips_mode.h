/* SPDX-License-Identifier: Apache-2.0 */
/* Core clips mode around the render pipeline: speech found, clips chosen, both told and saved. */
#ifndef ST_GENERATE_CLIPS_MODE_H
#define ST_GENERATE_CLIPS_MODE_H

#include "generate/clip_plan.h"
#include "generate/voice.h"
#include "synctalk/settings.h"

/* Zero it first; free() ends it in every state. */
struct st_clips_mode {
    struct st_voice voice;    /* owned */
    struct st_clip_plan plan; /* owned */
};

/* Whether settings->edl and vad_plot can be written beside `output`, before any work. */
synctalk_status st_clips_mode_check(const synctalk_settings *settings, const char *audio,
                                    const char *output, synctalk_error *err);

/* Find the speech of `audio` and plan `frames` frames at `fps`. `frames_of` reads `source`,
 * which st_frame_source_open_clips() made. Tells the edit list through callbacks->log. */
synctalk_status st_clips_mode_plan(struct st_clips_mode *mode, const synctalk_settings *settings,
                                   const struct st_frame_source *source,
                                   struct st_frame_reader *frames_of, const char *audio, int fps,
                                   int64_t frames, const synctalk_callbacks *callbacks,
                                   synctalk_error *err);

/* What the settings want saved of it, once the video is there. */
synctalk_status st_clips_mode_save(const struct st_clips_mode *mode,
                                   const synctalk_settings *settings, const char *audio,
                                   synctalk_error *err);

void st_clips_mode_free(struct st_clips_mode *mode);

#endif /* ST_GENERATE_CLIPS_MODE_H */
