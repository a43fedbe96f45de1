/* SPDX-License-Identifier: Apache-2.0 */
/* Image sides of the UNet, kept by source frame: what of a frame's way does not depend on the
 * sound, for source frames that come back.
 *
 * Exact: a side that is loaded has the bytes of one that is run. Bounded: `bytes` in all.
 * Whoever hands out the frames asks for each in the order of the plan, with the output frame in
 * which its source frame comes back; workers do what their tickets say, in any order. A side that
 * never comes back is never stored, and where there is no room, the one whose return is farthest
 * away goes (Belady, A study of replacement algorithms, 1966), or is not stored at all.
 * Of several who need a side at once, one runs it and the others wait: a ticket waits for tickets
 * that were handed out before it alone.
 *
 * Thread-safe, but _destroy(); a run has one thread that begins it, and one that ends it.
 */
#ifndef ST_GENERATE_IMAGE_CACHE_H
#define ST_GENERATE_IMAGE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synctalk/status.h"

struct st_image_cache;

enum st_image_what {
    ST_IMAGE_RUN,  /* run it, and let it go */
    ST_IMAGE_FILL, /* run it, and keep it in the ticket's block */
    ST_IMAGE_LOAD, /* it is there, or another worker is at it */
};

/* Zeroed: nothing to do with any cache. */
struct st_image_ticket {
    enum st_image_what what;
    bool pictured; /* the block has, or gets, the frame's picture behind its side */
    size_t entry;
};

/* What blocks hold: sides alone, or the frame's picture as well. */
struct st_image_sizes {
    size_t side, both; /* bytes; both 0: pictures are never kept */
    int64_t sources;   /* different frames of this run */
};

struct st_image_cache_counts {
    int64_t asked, loaded; /* sides; loaded of those that were asked for */
    size_t bytes;          /* held at the end, which is the most */
};

synctalk_status st_image_cache_create(struct st_image_cache **out, synctalk_error *err);
void st_image_cache_destroy(struct st_image_cache **cache); /* NULL-safe */

/* A run begins, with blocks of `sizes`; what was kept stays where it has that size and fits into
 * `bytes`. Blocks hold pictures where another run follows and all of this one's find room, and as
 * long as those that are held do. `keep`: another run follows, for which what is held at the end is
 * kept; while such a run is at it, the next one waits here, so that it may be started before it is
 * its turn. False: a run that keeps nothing is at it, and this one has to do without. */
bool st_image_cache_begin(struct st_image_cache *cache, size_t bytes,
                          const struct st_image_sizes *sizes, bool keep);

/* It ends, after all its tickets: of `frames` output frames. Unless it keeps, all memory is given
 * back; else frames are counted from there on. `counts` may be NULL. */
void st_image_cache_end(struct st_image_cache *cache, int64_t frames,
                        struct st_image_cache_counts *counts);

/* The side of `source`, which comes back in output frame `next_use`, or ST_PLAN_NEVER. */
struct st_image_ticket st_image_cache_ask(struct st_image_cache *cache, int64_t source,
                                          int64_t next_use);

/* Of a ticket to FILL that was just handed out: the picture is stored, too, so that whoever asks
 * for this source from now on need not read it. False: blocks hold none. */
bool st_image_cache_keep_picture(struct st_image_cache *cache, struct st_image_ticket *ticket);

/* The block of a ticket to FILL, or of one to LOAD once it is filled; NULL where it never was:
 * run the side. */
void *st_image_cache_block(struct st_image_cache *cache, const struct st_image_ticket *ticket);

/* Ends every ticket, also of frames that are never drawn, and zeroes it. `filled`: the block of a
 * ticket to FILL holds the side. */
void st_image_cache_done(struct st_image_cache *cache, struct st_image_ticket *ticket, bool filled);

#endif /* ST_GENERATE_IMAGE_CACHE_H */
