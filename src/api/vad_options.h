/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of voice activity, for every struct of settings that has these fields under these
 * names: vad, vad_model, vad_threshold, min_silence_duration, min_speech_ms, min_silence_ms,
 * speech_pad_ms. `heading` is the group they stand under; `detectors` the names of
 * synctalk_vad_detector.
 */
#ifndef ST_API_VAD_OPTIONS_H
#define ST_API_VAD_OPTIONS_H

#include "api/options.h"
#include "synctalk/vad.h"

#define ST_VAD_DETECTORS                  \
    {                                     \
        "auto", "silero", "builtin", NULL \
    }

#define ST_VAD_OPTIONS(S, heading, detectors)                                                  \
    {"vad",                                                                                    \
     0,                                                                                        \
     ST_OPTION_CHOICE(S, vad, detectors),                                                      \
     .unit = "DETECTOR",                                                                       \
     .group = (heading),                                                                       \
     .help = "what finds speech: Silero VAD, or a built-in detector that needs no file; auto " \
             "takes Silero VAD where its file is found"},                                      \
        {"vad-model",                                                                          \
         0,                                                                                    \
         ST_OPTION_TEXT(S, vad_model),                                                         \
         .unit = "FILE",                                                                       \
         .group = (heading),                                                                   \
         .help = "Silero VAD v5 or v6 for 16 kHz (.safetensors or .onnx), instead of the one " \
                 "among the shared networks"},                                                 \
        {"vad-threshold",                                                                      \
         0,                                                                                    \
         ST_OPTION_NUMBER(S, vad_threshold, 0.1, 0.9),                                         \
         .unit = "P",                                                                          \
         .group = (heading),                                                                   \
         .help = "probability from which on it is speech"},                                    \
        {"min-silence-duration",                                                               \
         0,                                                                                    \
         ST_OPTION_NUMBER(S, min_silence_duration, 0, 3600),                                   \
         .unit = "SECONDS",                                                                    \
         .group = (heading),                                                                   \
         .help = "shorter silences become speech"},                                            \
        {"min-speech-ms",                                                                      \
         0,                                                                                    \
         ST_OPTION_INT(S, min_speech_ms, 0, 60000),                                            \
         .unit = "MS",                                                                         \
         .group = (heading),                                                                   \
         .help = "shorter speech is dropped"},                                                 \
        {"min-silence-ms",                                                                     \
         0,                                                                                    \
         ST_OPTION_INT(S, min_silence_ms, 0, 60000),                                           \
         .unit = "MS",                                                                         \
         .group = (heading),                                                                   \
         .help = "a shorter gap does not end speech in the first place"},                      \
    {                                                                                          \
        "speech-pad-ms", 0, ST_OPTION_INT(S, speech_pad_ms, 0, 60000),                         \
            .unit = "MS", .group = (heading),                                                  \
            .help = "speech is taken to be that much longer on either side"                    \
    }

#endif /* ST_API_VAD_OPTIONS_H */
