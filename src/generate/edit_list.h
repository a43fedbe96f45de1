/* SPDX-License-Identifier: Apache-2.0 */
/* The plan of core clips mode: which clip is seen when, and how one goes over into the next.
 *
 * Pure: a function of numbers and landmarks. Entries cover the timeline without gap or
 * overlap; each lies in one stretch of speech or silence and shows one clip. Padding is the
 * end of a stretch's last entry, which goes on after its clip has ended: backwards and
 * forwards again, or still on its last frame. A clip that must follow itself is played the
 * other way round, so that this joint is none (with hold it starts again). Any clip is played
 * backwards where its last frame fits better; and one that is longer than its stretch turns in
 * the middle of that, so that it ends with the face that it began with (with hold never).
 *
 * Fades take nothing from the lengths. During one the two entries run at once, each on its
 * own clock: the old one goes on as padding would, the new one has come in as if padded before
 * its first frame. In a list that was looked at (clip_plan.h) the old one's clock may slow down
 * in the fade, or stand, and the new one's likewise before it runs on. Between speech and silence a
 * fade lies in the silence, where both mouths are closed, so that all speech is seen at full
 * strength and the pictures of the talk clip are lip-synced while they fade; between clips of one
 * kind it lies around the joint. No entry gives more than half of its frames to fades, so that two
 * fades never meet.
 */
#ifndef ST_GENERATE_EDIT_LIST_H
#define ST_GENERATE_EDIT_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "generate/clip.h"
#include "generate/timeline.h"

#define ST_EDIT_TRANSITION 4       /* frames, the default */
#define ST_EDIT_TRANSITION_MAX 250 /* frames */

enum st_edit_pad { ST_EDIT_BOUNCE, ST_EDIT_HOLD };

/* What the clocks of a fade's two sides do in it. */
enum st_edit_pace {
    ST_EDIT_RUNS,  /* both run on */
    ST_EDIT_STOPS, /* the old one stands where its entry has ended, the new one until its own begins
                    */
    ST_EDIT_SLOWS, /* the old one comes to rest evenly, the new one starts likewise */
    ST_EDIT_RESTS, /* the old one stands from the start, the new one to the end */
    ST_EDIT_PACES
};

struct st_edit_settings {
    int fps;        /* 1.. */
    int transition; /* frames of a fade, 0..ST_EDIT_TRANSITION_MAX; 0: hard cuts */
    enum st_edit_pad pad;
};

struct st_edit_entry {
    int64_t from, frames; /* of the timeline; frames > 0 */
    int64_t first;        /* frame of the clip that is seen at `from` */
    int64_t fade_from;    /* the fade from the entry before is [fade_from, + fade_frames) */
    int fade_frames;      /* 0: a hard cut */
    enum st_edit_pace pace;
    int clip;      /* index */
    bool backward; /* plays from `first` down */
    int64_t turn;  /* frame at which it turns round: the clip's end, or one before */
    bool speech;   /* of a stretch of speech: lip-synced wherever it is seen */
    double joint;  /* landmark distance to the entry before, in sizes of the face; 0 where
                      the clip only turns round; INFINITY: none, or not known */
    double rough;  /* mean step from frame to frame over the joint, in median steps within
                      clips; NAN: not measured */
};

struct st_edit_list {
    int64_t frames; /* of the timeline, > 0 */
    struct st_edit_settings settings;
    const struct st_clips *clips;  /* borrows until free */
    struct st_edit_entry *entries; /* owned */
    size_t count;                  /* > 0 */
};

/* E_MISSING, naming the folder, where there is speech and no talk clip, or silence and no
 * silence clip; E_FORMAT, E_ARG for clips that cannot be planned with and settings out of
 * range. */
synctalk_status st_edit_list_make(struct st_edit_list *out, const struct st_clips *clips,
                                  const struct st_timeline *timeline,
                                  const struct st_edit_settings *settings, synctalk_error *err);
void st_edit_list_free(struct st_edit_list *list); /* safe on a zeroed struct */

struct st_edit_picture {
    int clip;
    int64_t frame; /* of the clip */
    bool sync;     /* false: as it is */
};

struct st_edit_frame {
    int64_t window; /* the audio window's index: output frame i hears window i */
    size_t entry;
    struct st_edit_picture picture; /* of the entry in which the frame lies */
    bool fades;
    struct st_edit_picture other; /* where it fades: of the neighbour; else as picture */
    double weight;                /* of `other`; > 0 and < 1 where it fades, else 0 */
};

/* The time on its own entry's clock at which a side of the fade into `e` is seen in output frame
 * i, which lies in the fade; `comes`: of the new one. */
int64_t st_edit_fade_time(const struct st_edit_entry *e, bool comes, int64_t i);

/* A clip that only turns round needs no fade. k > 0. */
bool st_edit_list_turns_round(const struct st_edit_list *list, size_t k);

/* All fades as the settings want them, as far as there is room. */
void st_edit_list_lay_fades(struct st_edit_list *list);

/* The longest fade into entry k that leaves half of each entry alone, the other fades being as
 * they are; `fair`: and a quarter to the entries' other ends. 0 where a clip only turns round and
 * in a list of hard cuts. */
int st_edit_list_fade_room(const struct st_edit_list *list, size_t k, bool fair);
/* Of 0 to st_edit_list_fade_room() frames; it lies as other fades do, and between clips of one
 * kind as evenly around the joint as there is room. k > 0. */
void st_edit_list_set_fade(struct st_edit_list *list, size_t k, int frames);
/* Let the fade into entry k lie in entry `from`, k - 1 or k, as little as the other one has room
 * for. Returns the frames that it gave; none but between clips of one kind. k > 0. */
int st_edit_list_yield_fade(struct st_edit_list *list, size_t k, size_t from);

/* Output frame i, 0 <= i < frames. */
struct st_edit_frame st_edit_list_at(const struct st_edit_list *list, int64_t i);

/* Frames of entry k after its clip has ended. */
int64_t st_edit_list_padding(const struct st_edit_list *list, size_t k);

/* The decision on entry k as one line of a table, without newline, and the table's head. */
void st_edit_list_row(const struct st_edit_list *list, size_t k, char *text, size_t size);
const char *st_edit_list_head(void);

/* The list as JSON, one entry a line. */
synctalk_status st_edit_list_write(const struct st_edit_list *list, const char *path,
                                   bool overwrite, synctalk_error *err);

/* A list that was written for these `clips`, which are found by name. E_FORMAT says what is
 * wrong: the file is not trusted. */
synctalk_status st_edit_list_read(struct st_edit_list *out, const struct st_clips *clips,
                                  const char *path, synctalk_error *err);

#endif /* ST_GENERATE_EDIT_LIST_H */
