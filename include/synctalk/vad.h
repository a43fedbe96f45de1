/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file vad.h
 * Voice activity: where a recording has speech, and where silence.
 *
 *     synctalk_vad_settings s;
 *     synctalk_vad_settings_init(&s);
 *     synctalk_vad *vad = NULL;
 *     if (synctalk_vad_run(&vad, &s, "talk.wav", NULL, NULL, &err) == SYNCTALK_OK)
 *         for (size_t i = 0; i < synctalk_vad_count(vad); i++) {
 *             synctalk_vad_segment part = synctalk_vad_at(vad, i);
 *             ...
 *         }
 *     synctalk_vad_close(&vad);
 */
#ifndef SYNCTALK_VAD_H
#define SYNCTALK_VAD_H

#include <stddef.h>

#include "synctalk/export.h"
#include "synctalk/progress.h"
#include "synctalk/settings.h"
#include "synctalk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum synctalk_vad_detector {
    SYNCTALK_VAD_AUTO = 0,    /**< Silero VAD where its file is found, else the built-in one */
    SYNCTALK_VAD_SILERO = 1,  /**< Silero VAD v5 or v6; its file must be there */
    SYNCTALK_VAD_BUILTIN = 2, /**< a statistical detector that needs no file */
} synctalk_vad_detector;

/**
 * Fill with synctalk_vad_settings_init(), then change. Strings are borrowed for the call.
 * synctalk_vad_settings_options() describes each field but `more_models` and `trace`.
 */
typedef struct synctalk_vad_settings {
    /* where things are; as in synctalk_settings */
    const char *root;        /**< folder that holds model/. Default "." */
    const char *models;      /**< folder of shared networks, looked in first. Default NULL */
    const char *more_models; /**< ':'-separated folders, looked in after ROOT/model. Default NULL */
    const char *onnxruntime; /**< library of ONNX Runtime. Default NULL: the usual places */
    int overwrite;           /**< 1 replaces a plot that exists. Default 0 */

    /* what counts as speech */
    int vad;                     /**< synctalk_vad_detector. Default auto */
    const char *vad_model;       /**< Silero VAD's file. Default NULL: among shared networks */
    double vad_threshold;        /**< probability from which on it is speech, 0.1...0.9.
                                      Default 0.5 */
    double min_silence_duration; /**< seconds, 0...3600: shorter silences become speech.
                                      Default 0.75 */
    int min_speech_ms;           /**< shorter speech is dropped. Default 250 */
    int min_silence_ms;          /**< a shorter gap does not end speech. Default 100 */
    int speech_pad_ms;           /**< speech is taken to be that much longer on either side.
                                      Default 30 */

    int trace; /**< 1 keeps what synctalk_vad_chunk_at() tells, 8 bytes for each 32 ms.
                    Default 0 */

    void *reserved[8]; /**< NULL */
} synctalk_vad_settings;

SYNCTALK_API void synctalk_vad_settings_init(synctalk_vad_settings *settings);

/** The table of options, as synctalk_settings_options() is that of synctalk_settings. */
SYNCTALK_API const synctalk_option *synctalk_vad_settings_options(size_t *count);
SYNCTALK_API const synctalk_option *synctalk_vad_settings_find(const char *name);
SYNCTALK_API synctalk_status synctalk_vad_settings_set(synctalk_vad_settings *settings,
                                                       const char *name, const char *value,
                                                       synctalk_error *err);
SYNCTALK_API void synctalk_vad_settings_default_text(const synctalk_option *option, char *buf,
                                                     size_t size);

/** The speech and silence of one recording. Immutable. */
typedef struct synctalk_vad synctalk_vad;

/** Seconds from the recording's beginning, [start, end). */
typedef struct synctalk_vad_segment {
    double start, end;
    int speech; /**< 1: speech, 0: silence */
} synctalk_vad_segment;

/**
 * Find the speech of `audio`, any file with sound. Streams: memory does not grow with the
 * length, but for the segments.
 *
 * @param plot  PNG to draw the waveform, the segments and the probability into, or NULL
 * @retval SYNCTALK_E_UNSUPPORTED  also: a plot is wanted, and the build has no cairo
 */
SYNCTALK_API synctalk_status synctalk_vad_run(synctalk_vad **out,
                                              const synctalk_vad_settings *settings,
                                              const char *audio, const char *plot,
                                              const synctalk_callbacks *callbacks,
                                              synctalk_error *err);
SYNCTALK_API void synctalk_vad_close(synctalk_vad **vad);

SYNCTALK_API double synctalk_vad_duration(const synctalk_vad *vad);  /**< seconds, > 0 */
SYNCTALK_API const char *synctalk_vad_name(const synctalk_vad *vad); /**< of the detector; static */

/** Segments cover the recording without gap or overlap, speech and silence in turn. */
SYNCTALK_API size_t synctalk_vad_count(const synctalk_vad *vad); /**< >= 1 */
SYNCTALK_API synctalk_vad_segment synctalk_vad_at(const synctalk_vad *vad, size_t index);

#define SYNCTALK_VAD_HZ 16000  /**< samples a second that are looked at */
#define SYNCTALK_VAD_CHUNK 512 /**< samples for which there is one probability */

/** What was heard in a chunk; the last one may be shorter than the others. */
typedef struct synctalk_vad_chunk {
    float probability; /**< of speech, 0...1: what the threshold is held against */
    float peak;        /**< largest |sample| */
} synctalk_vad_chunk;

/** Chunks of the recording, in order; 0 of them unless settings->trace was 1. */
SYNCTALK_API size_t synctalk_vad_chunks(const synctalk_vad *vad);
SYNCTALK_API synctalk_vad_chunk synctalk_vad_chunk_at(const synctalk_vad *vad, size_t index);

#ifdef __cplusplus
}
#endif

#endif /* SYNCTALK_VAD_H */
