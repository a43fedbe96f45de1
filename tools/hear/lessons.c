/* SPDX-License-Identifier: Apache-2.0 */
/* Easy to get wrong: a clip is read at the recipe's speed, so a place in the clip and the
 * one in the utterance differ by that factor.
 */
#include "hear/lessons.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/pool.h"
#include "hear/random.h"

#define BEFORE_S 0.6            /* a clip may begin that long before its utterance */
#define MARGIN_ROWS ((size_t)2) /* whose window of 50 ms would reach beyond the clip */
#define BABBLE_VOICES 4
#define LENGTH (AUGMENT_HISTORY + AUGMENT_COUNT)

struct desk {                    /* of one worker */
    struct augmenter *augmenter; /* owned */
    float sound[LENGTH], babble[AUGMENT_COUNT], clip[AUGMENT_COUNT];
};

struct lessons {
    struct lesson_settings settings;
    struct desk *desks; /* [workers] owned */
    int workers;
};

synctalk_status lessons_create(struct lessons **out, const struct lesson_settings *settings,
                               synctalk_error *err)
{
    *out = NULL;
    if (settings->corpus->count == 0)
        return st_fail(err, SYNCTALK_E_ARG, "a corpus without utterances teaches nothing");
    struct lessons *lessons = calloc(1, sizeof *lessons);
    if (!lessons)
        return st_fail_memory(err, "lessons", sizeof *lessons);
    lessons->settings = *settings;
    lessons->workers = st_pool_workers(settings->pool);
    lessons->desks = calloc((size_t)lessons->workers, sizeof *lessons->desks);
    synctalk_status st =
        lessons->desks ? SYNCTALK_OK : st_fail_memory(err, "lessons", sizeof *lessons->desks);
    for (int i = 0; !st && i < lessons->workers; i++)
        st = augmenter_create(&lessons->desks[i].augmenter, err);
    if (st)
        lessons_destroy(&lessons);
    *out = lessons;
    return st;
}

void lessons_destroy(struct lessons **lessons)
{
    if (!lessons || !*lessons)
        return;
    for (int i = 0; (*lessons)->desks && i < (*lessons)->workers; i++)
        augmenter_destroy(&(*lessons)->desks[i].augmenter);
    free((*lessons)->desks);
    free(*lessons);
    *lessons = NULL;
}

static float sample_at(const struct hear_utterance *utterance, int64_t i)
{
    return i < 0 || (uint64_t)i >= utterance->count ? 0.0f
                                                    : (float)utterance->samples[i] / INT16_MAX;
}

/* dst[i] = the utterance at sample begin + speed * i, by cubic Hermite interpolation; silence
 * beyond its ends. */
static void read_sound(float *dst, size_t count, const struct hear_utterance *utterance,
                       double begin, double speed)
{
    for (size_t i = 0; i < count; i++) {
        double place = begin + speed * (double)i, whole = floor(place);
        int64_t k = (int64_t)whole;
        float t = (float)(place - whole), p = sample_at(utterance, k - 1);
        float q = sample_at(utterance, k), r = sample_at(utterance, k + 1);
        float s = sample_at(utterance, k + 2);
        dst[i] =
            q + 0.5f * t * (r - p + t * (2 * p - 5 * q + 4 * r - s + t * (3 * (q - r) + s - p)));
    }
}

static const struct hear_utterance *any_utterance(const struct lessons *lessons,
                                                  struct st_random *random)
{
    const struct hear_corpus *corpus = lessons->settings.corpus;
    return &corpus->utterances[st_random_below(random, corpus->count)];
}

static void read_babble(const struct lessons *lessons, struct desk *desk, struct st_random *random)
{
    memset(desk->babble, 0, sizeof desk->babble);
    for (int voice = 0; voice < BABBLE_VOICES; voice++) {
        const struct hear_utterance *utterance = any_utterance(lessons, random);
        int64_t begin = (int64_t)st_random_below(random, utterance->count);
        for (size_t i = 0; i < AUGMENT_COUNT; i++)
            desk->babble[i] +=
                sample_at(utterance, (begin + (int64_t)i) % (int64_t)utterance->count);
    }
}

struct turn {
    struct lessons *lessons;
    uint64_t seed, number;
    float *mel;
    struct hear_target *targets;
    synctalk_status *statuses; /* [clips] */
    synctalk_error *errors;    /* [clips] */
};

/* LESSON_WINDOWS windows from places spread over the clip, at random within their share. */
static void cut(const struct turn *turn, size_t index, const float *rows, size_t row_count,
                const struct hear_utterance *utterance, double begin, double speed,
                struct st_random *random)
{
    size_t places = row_count - ST_AVE_STEPS + 1 - 2 * MARGIN_ROWS, share = places / LESSON_WINDOWS;
    for (size_t k = 0; k < LESSON_WINDOWS; k++) {
        size_t start = MARGIN_ROWS + k * share + st_random_below(random, share);
        size_t window = index * LESSON_WINDOWS + k;
        double middle = begin + speed * (double)(start * ST_MEL_HOP + WINDOW_MIDDLE);
        hear_window(turn->mel + window * WINDOW_FLOATS, rows, start);
        hear_target_at(&turn->targets[window], utterance, middle / SPEECH_HZ, speed);
    }
}

static void make_clip(void *context, size_t index, int worker)
{
    struct turn *turn = context;
    struct lessons *lessons = turn->lessons;
    struct desk *desk = &lessons->desks[worker];
    struct st_random random = st_random_stream(turn->seed, turn->number, index);
    struct augment_recipe recipe;
    const struct hear_utterance *utterance = any_utterance(lessons, &random);
    float *rows = NULL;
    size_t row_count;

    augment_draw(&recipe, &random);
    if (lessons->settings.plain)
        recipe = augment_nothing;
    double end = (double)utterance->count - 0.5 * AUGMENT_COUNT;
    double begin = hear_between(&random, -BEFORE_S * SPEECH_HZ, fmax(end, 0));
    read_sound(desk->sound, LENGTH, utterance, begin - recipe.speed * AUGMENT_HISTORY,
               recipe.speed);
    if (recipe.noise == NOISE_BABBLE)
        read_babble(lessons, desk, &random);
    augment_sound(desk->augmenter, &recipe, desk->sound, desk->babble, utterance->rms, desk->clip);
    turn->statuses[index] =
        hear_mel(&rows, &row_count, desk->clip, AUGMENT_COUNT, &turn->errors[index]);
    if (!turn->statuses[index])
        cut(turn, index, rows, row_count, utterance, begin, recipe.speed, &random);
    free(rows);
}

synctalk_status lessons_fill(struct lessons *lessons, uint64_t number, size_t count, float *mel,
                             struct hear_target *targets, synctalk_error *err)
{
    size_t clips = count / LESSON_WINDOWS;
    synctalk_status st = SYNCTALK_OK;
    struct turn turn = {
        .lessons = lessons, .seed = lessons->settings.seed, .number = number, .targets = targets};

    turn.mel = mel;
    if (count == 0 || count % LESSON_WINDOWS != 0)
        return st_fail(err, SYNCTALK_E_ARG, "%zu windows: a mini-batch has a multiple of %d", count,
                       LESSON_WINDOWS);
    turn.statuses = calloc(clips, sizeof *turn.statuses);
    turn.errors = calloc(clips, sizeof *turn.errors);
    if (!turn.statuses || !turn.errors) {
        st = st_fail_memory(err, "a mini-batch", clips * sizeof *turn.errors);
        goto done;
    }
    st_pool_for(lessons->settings.pool, clips, make_clip, &turn);
    for (size_t i = 0; !st && i < clips; i++) {
        st = turn.statuses[i];
        if (st && err)
            *err = turn.errors[i];
    }

done:
    free(turn.statuses);
    free(turn.errors);
    return st;
}
