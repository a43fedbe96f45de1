/* SPDX-License-Identifier: Apache-2.0 */
/* A recording's speech and silence: file decoded, detector chosen and run, rules applied. */
#ifndef ST_GENERATE_VOICE_H
#define ST_GENERATE_VOICE_H

#include <stdbool.h>

#include "audio/vad_rules.h"
#include "generate/lane.h"
#include "synctalk/vad.h"

#define ST_VOICE_SOUND_ITEM 64 /* samples in an item of the sound's lane */

/* Zero it first; free() ends it in every state. */
struct st_voice {
    int64_t samples;                 /* at ST_VAD_HZ; > 0 */
    const char *detector;            /* "silero" or "built-in"; static */
    struct st_vad_segment *segments; /* owned; of speech, padded, in order */
    size_t count, capacity;
    struct st_vad_timeline timeline;   /* owned; after the least silence */
    float peak;                        /* largest |sample| */
    struct st_lane *sound;             /* owned; NULL unless asked for. Sum: of squares */
    struct st_lane *probability;       /* owned; likewise; an item for each chunk */
    struct synctalk_vad_chunk *chunks; /* owned; all of them where settings->trace, else NULL */
    size_t chunk_count, chunk_capacity;
};

/* `trace` fills the lanes. Memory grows by the segments, and by
 * the chunks where settings->trace, alone. E_FORMAT where the file has no
 * samples. Says through callbacks->log which detector was taken and why. */
synctalk_status st_voice_find(struct st_voice *out, const synctalk_vad_settings *settings,
                              const char *audio, bool trace, const synctalk_callbacks *callbacks,
                              synctalk_error *err);
void st_voice_free(struct st_voice *voice);

/* Draw a traced voice as PNG, 1200 x 400: waveform, speech and silence shaded, probability and
 * threshold. Whole or not at all. */
synctalk_status st_voice_plot(const struct st_voice *voice, const char *title, double threshold,
                              const char *path, int overwrite, synctalk_error *err);

/* Whether a plot can be drawn and written, before the work is done. E_UNSUPPORTED in a build
 * that draws no charts. */
synctalk_status st_voice_plot_check(const char *path, int overwrite, synctalk_error *err);

#endif /* ST_GENERATE_VOICE_H */
