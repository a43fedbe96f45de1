/* SPDX-License-Identifier: Apache-2.0 */
/* Short films for tests, and what can be said of a finished one. */
#ifndef ST_TESTS_GENERATE_FILM_H
#define ST_TESTS_GENERATE_FILM_H

#include "face/analysis.h"
#include "generate/plan.h"

/* Frames first ... first + frames - 1 of `from` (NULL: flat grey of 128 x 96) at 25 fps into a
 * film of their size. The first `blank` of them are grey instead, without a face. */
void film_cut(const char *path, const char *from, int first, int frames, int blank);

/* JPEG files 0 ... frames - 1 of `folder`, likewise. */
void film_of_pictures(const char *path, const char *folder, int frames);

/* Holds the film to exactly plan->frames frames on the clock of `fps`, and its sound to the
 * length of `sound`. */
void film_check_clock(const char *path, const char *sound, const struct st_plan *plan, int fps);

struct film_likeness {
    double psnr;  /* dB over all frames, outside the squares that were redrawn */
    double worst; /* of a frame */
    double face;  /* dB over all frames, inside the squares */
};

/* The film against the frames of `source` that the plan names, which have its size but for an
 * odd row or column. `analysis` says where the squares are. */
void film_compare(struct film_likeness *likeness, const char *path, const char *source,
                  const struct st_plan *plan, const struct st_analysis *analysis, int fps);

#endif /* ST_TESTS_GENERATE_FILM_H */
