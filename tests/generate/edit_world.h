/* SPDX-License-Identifier: Apache-2.0 */
/* Clips and sounds that were never recorded, for tests of the edit list. */
#ifndef ST_TESTS_EDIT_WORLD_H
#define ST_TESTS_EDIT_WORLD_H

#include "generate/edit_list.h"
#include "support/support.h"

#define EDIT_CLIPS 12
#define EDIT_SEGMENTS 24
#define EDIT_HZ 16000

struct edit_world {
    struct st_clip clips[EDIT_CLIPS];
    struct st_clips set; /* borrows the above */
    struct st_edit_settings settings;
    struct st_vad_segment speech[EDIT_SEGMENTS];
    size_t n_speech;
    int64_t samples, min_silence;
    struct st_vad_timeline spans; /* owned */
    struct st_timeline timeline;  /* owned */
};

/* A clip of that kind, named after its index, with a face of five points at either end, or
 * now and then with none. */
void edit_clip(struct st_clip *clip, int index, enum st_clip_kind kind, int64_t frames,
               uint64_t *seed);

/* Clips of both kinds of up to `longest` frames and a sound of up to `seconds`; do not copy
 * the world. */
void edit_world_make(struct edit_world *world, int64_t longest, double seconds, uint64_t *seed);
void edit_world_free(struct edit_world *world);

/* The kind of the stretch in which frame i lies. */
bool edit_world_speaks(const struct edit_world *world, int64_t i);

#endif /* ST_TESTS_EDIT_WORLD_H */
