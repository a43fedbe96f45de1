/* SPDX-License-Identifier: Apache-2.0 */
/* How rough the joints of an edit list are, held against what two frames within a clip differ by,
 * and what a list has to keep to. */
#ifndef ST_TESTS_GENERATE_JOINTS_H
#define ST_TESTS_GENERATE_JOINTS_H

#include "audio/vad_rules.h"
#include "generate/edit_list.h"

#define JOINT_BOUND 1.5 /* of a joint's mean step, in steps within clips */

/* Steps are mean absolute differences of two frames in a row; those of a joint go from the last
 * frame before its fade to the first one after it. */
struct joint_report {
    size_t joints, rough; /* of them; whose mean is above the bound */
    double within;        /* median step within clips, in levels */
    double mean;          /* of the roughest joint, in steps within clips, as what follows */
    double middle;        /* median of the joints' means */
    double greatest;      /* single step in any joint */
    int longest;          /* fade, frames */
};

/* steps[i], 0 < i < frames, is that from frame i - 1 to frame i; NAN within clips: not measured.
 * Prints a line that begins with `what`, and one for each of the first joints above the bound. */
struct joint_report joints_report(const char *what, const struct st_edit_list *list,
                                  const double *steps);

/* The steps of a finished video of so many frames; malloc'ed. */
double *joints_steps_of_film(const char *path, int fps, int64_t frames);

/* Whether output frame i lies in a joint's steps, those into its first and out of its last frame
 * included. */
bool joints_include(const struct st_edit_list *list, int64_t i);

/* The list against the sound, frame by frame: as long as it, each frame hears its own window, all
 * speech is lip-synced, silences of at least `least` samples show silence clips and nothing else
 * but what fades out of speech. Returns how many such silences there are. */
size_t joints_check_sound(const struct st_edit_list *list, const struct st_vad_timeline *spans,
                          int64_t samples, int rate_hz, int64_t least);

#endif /* ST_TESTS_GENERATE_JOINTS_H */
