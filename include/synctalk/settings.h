/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file settings.h
 * What a video is made with: one struct, and one table that describes each field by
 * name. The command line, its help, the manual and the configuration file are all
 * read from that table, so that they cannot disagree.
 */
#ifndef SYNCTALK_SETTINGS_H
#define SYNCTALK_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

#include "synctalk/export.h"
#include "synctalk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum synctalk_mode {
    SYNCTALK_MODE_TRAINING = 0, /**< frames of the training video */
    SYNCTALK_MODE_VIDEO = 1,    /**< any video the user brings */
    SYNCTALK_MODE_CLIPS = 2,    /**< talk and idle clips picked by voice activity */
} synctalk_mode;

typedef enum synctalk_encoder {
    SYNCTALK_ENCODER_AUTO = 0, /**< what the checkpoint needs */
    SYNCTALK_ENCODER_AVE = 1,
    SYNCTALK_ENCODER_HUBERT = 2,
    SYNCTALK_ENCODER_WENET = 3,
    SYNCTALK_ENCODER_CUSTOM = 4, /**< one of the user's own, by its name */
} synctalk_encoder;

typedef enum synctalk_preset {
    SYNCTALK_PRESET_DEFAULT = 0,
    SYNCTALK_PRESET_HIGH_QUALITY = 1,
    SYNCTALK_PRESET_FAST = 2,
    SYNCTALK_PRESET_LOW_MEMORY = 3,
} synctalk_preset;

typedef enum synctalk_precision {
    SYNCTALK_PRECISION_AUTO = 0, /**< the fastest that is proven good enough */
    SYNCTALK_PRECISION_F32 = 1,
    SYNCTALK_PRECISION_BF16 = 2,  /**< where the CPU multiplies it; f32 elsewhere */
    SYNCTALK_PRECISION_INT8 = 3,  /**< bytes everywhere, whatever that costs */
    SYNCTALK_PRECISION_MIXED = 4, /**< bytes in the blocks that bear them, the rest as above */
} synctalk_precision;

typedef enum synctalk_at_end {
    SYNCTALK_AT_END_BOUNCE = 0, /**< play backwards from the last source frame */
    SYNCTALK_AT_END_WRAP = 1,   /**< start again at the first */
} synctalk_at_end;

/** What a clip shows when it has ended and its stretch has not. */
typedef enum synctalk_pad {
    SYNCTALK_PAD_BOUNCE = 0, /**< it plays backwards, and forwards again */
    SYNCTALK_PAD_HOLD = 1,   /**< its last frame stays */
} synctalk_pad;

/** Whether the two sides of a cross-fade are moved onto each other. */
typedef enum synctalk_align {
    SYNCTALK_ALIGN_AUTO = 0, /**< where that makes the joint smoother; each is measured */
    SYNCTALK_ALIGN_ALWAYS = 1,
    SYNCTALK_ALIGN_NEVER = 2,
} synctalk_align;

typedef enum synctalk_blend {
    SYNCTALK_BLEND_EDGE = 0, /**< the square's border is feathered */
    SYNCTALK_BLEND_FACE = 1, /**< only inside the feathered outline of the lower face */
    SYNCTALK_BLEND_NONE = 2, /**< the square is pasted as it is */
} synctalk_blend;

typedef enum synctalk_x264_preset {
    SYNCTALK_X264_ULTRAFAST = 0,
    SYNCTALK_X264_SUPERFAST = 1,
    SYNCTALK_X264_VERYFAST = 2,
    SYNCTALK_X264_FASTER = 3,
    SYNCTALK_X264_FAST = 4,
    SYNCTALK_X264_MEDIUM = 5,
    SYNCTALK_X264_SLOW = 6,
    SYNCTALK_X264_SLOWER = 7,
} synctalk_x264_preset;

typedef enum synctalk_no_face {
    SYNCTALK_NO_FACE_HOLD = 0, /**< the landmarks that were seen last stay */
    SYNCTALK_NO_FACE_PASS = 1, /**< the frame passes untouched */
    SYNCTALK_NO_FACE_FAIL = 2, /**< no video is made; the frame is named */
} synctalk_no_face;

/** 1 or 0 where the user said so; -1 lets the program look. */
typedef int synctalk_switch;

/**
 * All that a run can be told. Fill with synctalk_settings_init(), then change fields.
 * Strings are borrowed until the object or call that was given the struct ends.
 */
typedef struct synctalk_settings {
    /* where things are */
    const char *root;        /**< folder that holds dataset/, checkpoint/, model/. Default "." */
    const char *models;      /**< folder of shared networks, looked in first. Default NULL */
    const char *more_models; /**< ':'-separated folders of shared networks, looked in after
                                  ROOT/model; no option names it. Default NULL */
    const char *model;       /**< the person's name. No default. */
    const char *features;    /**< .npy with ready features, instead of an encoder. Default NULL */
    const char *detector;    /**< face detector, ONNX. Default NULL: searched for by name */
    const char *landmarks;   /**< landmark network, 110 points (.pth.tar) or 106 or 98 (ONNX).
                                  Default NULL: searched for by name */
    const char *mean_face;   /**< text file, for 110 points. Default NULL: beside the network */
    const char *onnxruntime; /**< library of ONNX Runtime. Default NULL: the usual places */
    const char *analysis_cache; /**< folder that keeps what was seen in a video, made if absent.
                                     Default NULL: kept for the person's life alone */
    int checkpoint;             /**< number of the checkpoint; -1 = highest. Default -1 */
    int more_follow; /**< 1: another video of the same person follows, and what it can use is kept
                          within cache_mb. The next call may be made on another thread before this
                          one has returned: it gets ready, and waits until all frames of this one
                          are drawn. No option names it. Default 0 */
    int overwrite;   /**< 1 replaces an output that exists. Default 0 */

    /* what is made */
    int mode;                 /**< synctalk_mode. Default training */
    const char *video;        /**< source of frames in mode video, and in no other. Default NULL */
    int encoder;              /**< synctalk_encoder. Default auto */
    const char *encoder_name; /**< of a custom encoder: NAME.json among the shared networks says
                                   what it is. Default NULL */
    int start_frame;          /**< first source frame, 0-based; mode training only. Default 0 */
    int loop_back;            /**< 1 turns at the midpoint and ends where it began. Default 0 */
    int at_end;               /**< synctalk_at_end, when loop_back is 0. Default bounce */
    int parsing;              /**< synctalk_switch: obey dataset/NAME/parsing masks. Default -1 */
    int max_seconds;          /**< a longer sound is refused; 0 = none is. Default 0 */

    /* whose face, in a video */
    const char *face;      /**< "largest", "left", "right", an index from image-left, or "X,Y" in
                                pixels of the frame. Default "largest" */
    int no_face;           /**< synctalk_no_face: what a frame without one becomes. Default hold */
    double face_threshold; /**< score from which a face counts, 0.1 ... 1. Default 0.5 */
    int detect_every;      /**< frames after which the detector looks again, 1 ... 10000; the
                                landmarks lead from frame to frame meanwhile. Default 25 */
    int smooth_landmarks;  /**< 1 takes the trembling out of the landmarks. Default 1 */

    /* speech and pauses, in mode clips; the first seven as in synctalk_vad_settings */
    int vad;                     /**< synctalk_vad_detector. Default auto */
    const char *vad_model;       /**< Silero VAD's file. Default NULL: among shared networks */
    double vad_threshold;        /**< probability of speech, 0.1 ... 0.9. Default 0.5 */
    double min_silence_duration; /**< seconds; shorter silences become speech. Default 0.75 */
    int min_speech_ms;           /**< Default 250 */
    int min_silence_ms;          /**< Default 100 */
    int speech_pad_ms;           /**< Default 30 */
    int transition;              /**< frames of a cross-fade, 0 (hard cuts) ... 25. Default 4 */
    int transition_max;          /**< frames to which a cross-fade is lengthened where it would be
                                      seen, 0 ... 25; longer ones stay. Default 25 */
    int pad;                     /**< synctalk_pad. Default bounce */
    int align;                   /**< synctalk_align. Default auto */
    const char *edl;             /**< JSON file for the edit list, or NULL. Default NULL */
    const char *vad_plot;        /**< PNG file for a picture of the speech found, or NULL. Default
                                      NULL */
    const char *vad_plot_title;  /**< what that picture calls the sound; no option sets it. Default
                                      NULL: the last part of the sound's path */

    /* how; these are what a preset sets */
    int preset;          /**< synctalk_preset they were last set from. Default default */
    int precision;       /**< synctalk_precision. Default auto */
    int frames_per_core; /**< frames in flight for each worker, 1..16; 0 = one frame in
                              flight altogether. Default 2 */
    int cache_mb;        /**< memory for what was computed of source frames that come back, MB;
                              0 = nothing is kept. Default 512 */
    int max_lines;       /**< larger pictures are scaled down to this height; 0 = never.
                              Default 0 */
    int x264_preset;     /**< synctalk_x264_preset. Default faster */
    int crf;             /**< x264 quality, 0 (lossless) ... 51. Default 18 */
    int blend;           /**< synctalk_blend. Default edge */
    int feather_px;      /**< width of the blended border, 0..64. Default 8 */
    int colour_match;    /**< 1 shifts the redrawn face to its surroundings. Default 0 */

    /* the machine; threads never change a frame, cpu_mask changes rounding only */
    int threads;       /**< frame workers; 0 = one per core. Default 0 */
    unsigned cpu_mask; /**< instruction sets allowed, synctalk_machine.h. Default all */

    /* output */
    int encoder_threads; /**< x264 threads, 0 = fitted to the machine. Default 0 */
    int audio_kbps;      /**< AAC bit rate, 32..320. Default 160 */

    void *reserved[8]; /**< NULL */
} synctalk_settings;

typedef enum synctalk_option_type {
    SYNCTALK_OPTION_TEXT,   /**< const char * */
    SYNCTALK_OPTION_INT,    /**< int in [min, max] */
    SYNCTALK_OPTION_CHOICE, /**< int, index into choices */
    SYNCTALK_OPTION_SWITCH, /**< int 0/1; `--name` sets it, `--no-name` clears it */
    SYNCTALK_OPTION_MASK,   /**< unsigned, decimal or 0x hexadecimal */
    SYNCTALK_OPTION_NUMBER, /**< double in [low, high] */
} synctalk_option_type;

/** One row of the option table. All static. */
typedef struct synctalk_option {
    const char *name; /**< long name with '-', as after "--" */
    char letter;      /**< short form, or 0 */
    synctalk_option_type type;
    size_t offset;              /**< of the field in the struct of settings */
    int min, max;               /**< of an INT */
    const char *word;           /**< of an INT: stands for `min`, e.g. "latest"; or NULL */
    double low, high;           /**< of a NUMBER */
    const char *const *choices; /**< of a CHOICE: NULL-terminated, index = value */
    size_t other;      /**< of a CHOICE that takes names too: offset of the const char * that a name
                            goes to, the value then being one past the last index; else 0 */
    const char *unit;  /**< what stands for the value in the help: "FILE", "N", "px" */
    const char *help;  /**< one sentence, lower case, no full stop */
    const char *group; /**< heading it stands under */
} synctalk_option;

SYNCTALK_API void synctalk_settings_init(synctalk_settings *settings);

/** Set the fields that a preset governs to its values; the others stay. */
SYNCTALK_API void synctalk_settings_use_preset(synctalk_settings *settings, synctalk_preset preset);

/** The table. `*count` rows, static. */
SYNCTALK_API const synctalk_option *synctalk_settings_options(size_t *count);

/** The row called `name` (without "--"; "no-X" finds switch X), or NULL. */
SYNCTALK_API const synctalk_option *synctalk_settings_find(const char *name);

/**
 * Set one field from text. "preset" also sets what the preset governs, so set it first.
 * A switch takes 1, 0, true, false, yes, no, on, off; "no-X" with NULL clears switch X.
 *
 * @retval SYNCTALK_E_ARG  no such option, or the value is not one it takes: the sentence
 *                         names both and what is allowed
 */
SYNCTALK_API synctalk_status synctalk_settings_set(synctalk_settings *settings, const char *name,
                                                   const char *value, synctalk_error *err);

/**
 * Whether the fields fit their ranges and each other, as far as can be told without a file.
 * synctalk_person_open() and synctalk_generate() check as much themselves.
 *
 * @retval SYNCTALK_E_ARG  a value out of its range, mode video without a video, an option of
 *                         another mode: names it and what is needed
 */
SYNCTALK_API synctalk_status synctalk_settings_check(const synctalk_settings *settings,
                                                     synctalk_error *err);

/** The default of an option as text into `buf`, "" where there is none. */
SYNCTALK_API void synctalk_settings_default_text(const synctalk_option *option, char *buf,
                                                 size_t size);

#ifdef __cplusplus
}
#endif

#endif /* SYNCTALK_SETTINGS_H */
