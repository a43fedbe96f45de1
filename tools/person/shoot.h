/* SPDX-License-Identifier: Apache-2.0 */
/* Frames of a person who follows a script, as a dataset in the standard layout:
 *
 *     FOLDER/full_body_img/N.jpg   FOLDER/landmarks/N.lms   FOLDER/aud.wav
 *     FOLDER/opening.txt           true opening of the mouth, one number a frame
 */
#ifndef PERSON_SHOOT_H
#define PERSON_SHOOT_H

#include "person/motion.h"
#include "person/person.h"
#include "person/script.h"

struct shoot {
    const struct person *person;
    const struct script *script;
    struct motion motion;
    int frames, threads;
    /* Seconds in which the person comes out of one still pose at the begin and into it again at
     * the end, so that such films join in any order; 0: the person moves all the time. */
    float settle_s;
    /* Called after each frame, by any thread but never by two at once; NULL for none. */
    void (*progress)(void *context, int done, int frames);
    void *context;
};

/* The pose of frame `index`. */
void shoot_pose(const struct shoot *shoot, int index, struct pose *pose);

/* Pictures and landmarks alone. Creates the folder and those above it; files that are there are
 * replaced. */
synctalk_status shoot_frames(const struct shoot *shoot, const char *folder, synctalk_error *err);
/* The sound and opening.txt besides. */
synctalk_status shoot_dataset(const struct shoot *shoot, const char *folder, synctalk_error *err);

/* One picture to look at: the mouth at every viseme, and moments of the film. */
synctalk_status shoot_sheet(const struct shoot *shoot, const char *path, synctalk_error *err);

#endif /* PERSON_SHOOT_H */
