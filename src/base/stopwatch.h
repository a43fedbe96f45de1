/* SPDX-License-Identifier: Apache-2.0 */
/* Where the time of a thread goes.
 *
 * A watch belongs to one thread. Each lap gives the time since the lap before it to the stage
 * that has just ended, so that a thread's stages, waiting included, add up to its life. NULL
 * stands for a watch that is off: a lap is then one test.
 */
#ifndef ST_BASE_STOPWATCH_H
#define ST_BASE_STOPWATCH_H

#include <stdint.h>

/* Stages of a frame's way, in its order: name, 1 where it is waiting. */
#define ST_STAGE_LIST(X)                                     \
    X(ST_STAGE_OPEN, "open", 0) /* before frames */          \
    X(ST_STAGE_WAIT_WORK, "wait for work", 1)                \
    X(ST_STAGE_READ, "read", 0)     /* a source file */      \
    X(ST_STAGE_DECODE, "decode", 0) /* a source frame */     \
    X(ST_STAGE_HEAR, "hear", 0)     /* audio features */     \
    X(ST_STAGE_CROP, "crop", 0)     /* to network input */   \
    X(ST_STAGE_WAIT_CACHE, "wait for another worker's", 1)   \
    X(ST_STAGE_NET_IMAGE, "network, image", 0)               \
    X(ST_STAGE_NET_LOAD, "network, image loaded", 0)         \
    X(ST_STAGE_NET_AUDIO, "network, audio", 0)               \
    X(ST_STAGE_NET_REST, "network, rest", 0)                 \
    X(ST_STAGE_PASTE, "paste", 0)                            \
    X(ST_STAGE_FADE, "fade", 0)                              \
    X(ST_STAGE_CONVERT, "convert", 0) /* to yuv420p */       \
    X(ST_STAGE_ENCODE, "encode", 0)   /* H.264, AAC */       \
    X(ST_STAGE_MUX, "mux", 0)         /* into the file */    \
    X(ST_STAGE_SOUND, "sound", 0)     /* decode, resample */ \
    X(ST_STAGE_TELL, "tell", 0)       /* callbacks */        \
    X(ST_STAGE_WAIT_ROOM, "wait for room", 1)

enum st_stage {
#define ST_STAGE_NUMBER(number, name, waits) number,
    ST_STAGE_LIST(ST_STAGE_NUMBER)
#undef ST_STAGE_NUMBER
        ST_STAGES
};

struct st_laps {
    int64_t times, wall_ns, cpu_ns;
};

struct st_stopwatch {
    int64_t wall_ns, cpu_ns; /* of the last lap */
    struct st_laps laps[ST_STAGES];
};

int64_t st_wall_ns(void);        /* monotonic */
int64_t st_process_cpu_ns(void); /* of all threads */

/* On the thread that is to be watched, before its first lap. */
void st_stopwatch_start(struct st_stopwatch *watch); /* NULL-safe */
void st_stopwatch_lap(struct st_stopwatch *watch, enum st_stage ended);

/* `sum` has gone through the stages of `watch` too. */
void st_stopwatch_add(struct st_stopwatch *sum, const struct st_stopwatch *watch);

static inline void st_lap(struct st_stopwatch *watch, enum st_stage ended)
{
    if (watch)
        st_stopwatch_lap(watch, ended);
}

const char *st_stage_name(enum st_stage stage);
int st_stage_waits(enum st_stage stage);

#endif /* ST_BASE_STOPWATCH_H */
