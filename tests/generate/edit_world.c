/* SPDX-License-Identifier: Apache-2.0 */
#include "edit_world.h"

#include <stdio.h>
#include <string.h>

#include "generate/plan.h"

static int64_t below(uint64_t *seed, int64_t count)
{
    return (int64_t)(st_random_next(seed) % (uint64_t)count);
}

static void random_face(struct st_landmarks *face, uint64_t *seed)
{
    const float x = 100 * st_random_unit(seed), y = 100 * st_random_unit(seed);
    *face = (struct st_landmarks){.count = below(seed, 20) ? 5 : 0};
    for (int i = 0; i < face->count; i++)
        face->points[i] = (struct st_point){x + 200 * (float)(i % 2) + st_random_unit(seed),
                                            y + 100 * (float)i + st_random_unit(seed)};
}

void edit_clip(struct st_clip *clip, int index, enum st_clip_kind kind, int64_t frames,
               uint64_t *seed)
{
    memset(clip, 0, sizeof *clip);
    snprintf(clip->name, sizeof clip->name, "%02d %s \"%d\"", index, st_clip_kind_name(kind),
             (int)frames);
    clip->kind = kind;
    clip->frames = frames;
    random_face(&clip->first, seed);
    random_face(&clip->last, seed);
}

static void random_clips(struct edit_world *world, int64_t longest, uint64_t *seed)
{
    const size_t talk = 1 + (size_t)below(seed, EDIT_CLIPS / 2);
    const size_t silence = 1 + (size_t)below(seed, EDIT_CLIPS / 2);
    for (size_t i = 0; i < talk + silence; i++)
        edit_clip(&world->clips[i], (int)i, i < talk ? ST_CLIP_TALK : ST_CLIP_SILENCE,
                  1 + below(seed, longest), seed);
    world->set = (struct st_clips){"core_clips/NAME", world->clips, talk + silence};
}

/* Segments in order; now and then touching, at the ends, or none. */
static void random_speech(struct edit_world *world, uint64_t *seed)
{
    int64_t at = below(seed, 2) ? 0 : below(seed, 2 * EDIT_HZ);
    const int64_t most = below(seed, EDIT_SEGMENTS + 1);

    world->n_speech = 0;
    for (int64_t k = 0; k < most && at < world->samples; k++) {
        int64_t end = at + 1 + below(seed, below(seed, 4) ? 5 * EDIT_HZ : 400);
        end = end < world->samples ? end : world->samples;
        world->speech[world->n_speech++] = (struct st_vad_segment){at, end};
        at = end + (below(seed, 4) ? below(seed, 3 * EDIT_HZ) : below(seed, 800));
    }
}

void edit_world_make(struct edit_world *world, int64_t longest, double seconds, uint64_t *seed)
{
    memset(world, 0, sizeof *world);
    random_clips(world, longest, seed);
    world->settings = (struct st_edit_settings){
        .fps = below(seed, 4) ? 25 : 20,
        .transition = (int)(below(seed, 2) ? ST_EDIT_TRANSITION : below(seed, 12)),
        .pad = below(seed, 3) ? ST_EDIT_BOUNCE : ST_EDIT_HOLD,
    };
    world->samples = EDIT_HZ / 10 + below(seed, (int64_t)(seconds * EDIT_HZ));
    world->min_silence = below(seed, 3) ? EDIT_HZ * 3 / 4 : below(seed, EDIT_HZ);
    random_speech(world, seed);

    const int fps = world->settings.fps;
    const int64_t frames = st_plan_frame_count(world->samples, EDIT_HZ, fps);
    ST_OK(st_vad_timeline_make(&world->spans, world->speech, world->n_speech, world->samples,
                               world->min_silence, err));
    ST_OK(st_timeline_make(&world->timeline, &world->spans, EDIT_HZ, fps, frames, err));
}

void edit_world_free(struct edit_world *world)
{
    st_vad_timeline_free(&world->spans);
    st_timeline_free(&world->timeline);
}

bool edit_world_speaks(const struct edit_world *world, int64_t i)
{
    const struct st_timeline *line = &world->timeline;
    for (size_t k = 0; k < line->count; k++) {
        const struct st_stretch *stretch = &line->stretches[k];
        if (i >= stretch->from && i < stretch->from + stretch->frames)
            return stretch->speech;
    }
    fail_msg("frame %d lies in no stretch", (int)i);
    return false;
}
