/* SPDX-License-Identifier: Apache-2.0 */
/* The file of an analysis: one record a frame, and every ST_FACE_BLOCK records the tracker's
 * state, from which an analysis that was stopped goes on.
 *
 * header | block 0 | block 1 | ...; a block is ST_FACE_BLOCK records, in the last one what is
 * left, and a trailer. Everything in it carries a check sum that knows its place and the
 * file's key; what does not add up is not there, nor is what follows it. Numbers are in the
 * machine's own order: a cache does not travel.
 */
#ifndef ST_FACE_ANALYSIS_FILE_H
#define ST_FACE_ANALYSIS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "face/landmarks.h"
#include "synctalk/progress.h"

#define ST_FACE_BLOCK 64 /* records */

enum st_face_flag {
    ST_FACE_FOUND = 1 << 0,
    ST_FACE_BEGINS = 1 << 1,
    ST_FACE_JUMPED = 1 << 2,
};

/* No padding. The file holds as many points as the layout has. */
struct st_face_record {
    uint64_t check;                 /* of what follows; the file's own */
    int64_t last;                   /* the last frame with a face up to this one; -1: none yet */
    uint32_t flags;                 /* st_face_flag */
    int32_t faces;                  /* accepted by the last detection */
    float score;                    /* the best of the last detection */
    float left, top, right, bottom; /* of the face */
    float unused;                   /* 0 */
    struct st_point points[ST_LANDMARKS_MAX];
};

/* Of the frames up to the end of a block; no padding. */
struct st_face_totals {
    int64_t frames;
    int64_t found;
    int64_t first_found;   /* -1: none */
    int64_t last_found;    /* -1: none */
    int64_t first_missing; /* -1: none */
    int64_t jumps;
    int64_t first_jump; /* -1: none */
    int64_t smallest_at;
    int32_t smallest_side; /* 0 while none was found */
    int32_t largest_side;  /* 0 while none was found */
    int32_t most_faces;    /* accepted in one frame */
    float worst_score, best_score;
    int32_t unused; /* 0 */
};

/* What the file must be of. */
struct st_face_form {
    char key[ST_HASH_TEXT];
    int64_t frames;
    int width, height; /* of the frames */
    int fps;
};

struct st_face_file;

/* What is kept under the key in `folder`, made if absent; what is not whole there is cut off
 * when st_face_file_begin() comes. Where nothing can be kept, or another process is at work on
 * the same, it is a file without a name, and `callbacks` are told why; with `folder` NULL
 * always. */
synctalk_status st_face_file_open(struct st_face_file **out, const char *folder,
                                  const struct st_face_form *form,
                                  const synctalk_callbacks *callbacks, synctalk_error *err);
void st_face_file_close(struct st_face_file **file); /* NULL-safe; keeps whole blocks */

bool st_face_file_complete(const struct st_face_file *file);
int st_face_file_points(const struct st_face_file *file); /* 0 while that is not known */
const struct st_face_totals *st_face_file_totals(const struct st_face_file *file);

/* Make it ready for appending records of `points` points and states of `state_size` bytes;
 * what was kept with other ones is gone. st_face_file_totals() then tells with which frame to
 * begin, and st_face_file_state() from which state; NULL: from none. */
synctalk_status st_face_file_begin(struct st_face_file *file, int points, size_t state_size,
                                   synctalk_error *err);
const void *st_face_file_state(const struct st_face_file *file);
/* Start over with no frames. */
synctalk_status st_face_file_reset(struct st_face_file *file, synctalk_error *err);

/* The next frame; `totals` include it. Where *block_ends is true, st_face_file_end_block() must
 * be next. */
void st_face_file_append(struct st_face_file *file, const struct st_face_record *record,
                         const struct st_face_totals *totals, bool *block_ends);
synctalk_status st_face_file_end_block(struct st_face_file *file, const void *state,
                                       synctalk_error *err);

/* Frame n of a complete file; any thread. E_FORMAT where the file was changed meanwhile. */
synctalk_status st_face_file_read(const struct st_face_file *file, int64_t n,
                                  struct st_face_record *record, synctalk_error *err);

#endif /* ST_FACE_ANALYSIS_FILE_H */
