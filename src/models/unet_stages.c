/* SPDX-License-Identifier: Apache-2.0 */
/* Where each unit's result lies: what is come back to, x1 ... x6 and the audio side, in
 * blocks of their own; the rest by turns in two that are as large as the largest of them.
 *
 * A result lies in the element that its readers multiply in, so that most stages read their
 * input in place: bytes where all multiply bytes, F32 where any multiplies F32, BF16 else.
 */
#include "models/unet_stages.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/error.h"
#include "base/memory.h"
#include "kernels/kernels.h"
#include "models/unet_wiring.h"
#include "nn/stage.h"

#define IMAGE_CHANNELS 6
#define HUGE_PAGE_BYTES ((size_t)2 << 20)

enum place { IN_IMAGE, IN_AUDIO, IN_IMAGE_SIDE, IN_AUDIO_SIDE, IN_FIRST, IN_SECOND, IN_OUT };

/* A unit's result, or an input of the network. */
struct result {
    struct st_value value;
    enum place place;
    size_t at; /* bytes into a side */
    struct st_levels levels;
    float *numbers; /* of levels; owned */
};

struct node {
    struct st_unet_unit unit;
    struct st_stage *stage; /* owned */
    size_t reads[2];        /* results */
    int read_count;
};

struct st_unet_stages {
    size_t count;
    struct node nodes[ST_UNET_UNITS];
    struct result results[ST_UNET_UNITS + 2]; /* the units', the image, the sound */
    size_t image, sound;                      /* those two */
    size_t image_first, rest_first;           /* units */
    size_t x2_at, image_bytes, audio_bytes, sound_bytes, other_bytes, scratch_bytes;
};

struct st_unet_stages_worker {
    const struct st_unet_stages *stages; /* borrowed */
    unsigned char *block;                /* owned; holds the others */
    unsigned char *image_side, *audio_side, *others[2], *scratch;
    float *sound;                      /* the network's input, channels innermost */
    const struct st_unet_watch *watch; /* borrowed; NULL: none */
    /* of the call that runs */
    const float *image;
    const void *given_audio_side;
    float *out;
};

static enum st_element head_element(enum st_element element, unsigned flags)
{
    if (element == ST_ELEMENT_F32 || st_pixel_kernels_have(flags, ST_ELEMENT_BF16))
        return element == ST_ELEMENT_F32 ? ST_ELEMENT_F32 : ST_ELEMENT_BF16;
    return ST_ELEMENT_F32;
}

/* Read off the wiring: who reads what, and how large it is. */
static void wire(struct st_unet_stages *s, const struct st_unet_form *form)
{
    size_t held[ST_HELD_COUNT] = {0};
    size_t last = 0;
    struct st_unet_unit unit;
    while (st_unet_unit_at(form, s->count, &unit))
        s->nodes[s->count++].unit = unit;
    s->image = s->count;
    s->sound = s->count + 1;
    s->results[s->image].value = (struct st_value){
        .C = IMAGE_CHANNELS, .H = ST_UNET_SIDE, .W = ST_UNET_SIDE, .planes = true};
    s->results[s->sound].value = (struct st_value){
        .C = form->audio_dims[0], .H = form->audio_dims[1], .W = form->audio_dims[2]};
    for (size_t i = 0; i < s->count; i++) {
        struct node *node = &s->nodes[i];
        const struct st_unet_unit *u = &node->unit;
        node->read_count = u->source == ST_READ_JOIN || u->source == ST_READ_RAISE ? 2 : 1;
        node->reads[0] = u->source == ST_READ_IMAGE   ? s->image
                         : u->source == ST_READ_AUDIO ? s->sound
                         : u->source == ST_READ_JOIN  ? held[u->with]
                                                      : last;
        node->reads[1] = u->source == ST_READ_JOIN ? held[ST_HELD_AUDIO] : held[u->with];
        if (u->source == ST_READ_IMAGE)
            s->image_first = i;
        if (u->source == ST_READ_JOIN)
            s->rest_first = i;
        const struct st_value *x = &s->results[node->reads[0]].value;
        const size_t twice = u->source == ST_READ_RAISE ? 2 : 1;
        const size_t reach = u->kind == ST_UNIT_DENSE ? 2 * (size_t)u->pad : 2;
        struct st_value *y = &s->results[i].value;
        if (u->kind == ST_UNIT_HEAD)
            node->unit.stride_h = node->unit.stride_w = 1;
        y->C = (size_t)u->cout;
        y->H = (twice * x->H + reach - 3) / (size_t)u->stride_h + 1;
        y->W = (twice * x->W + reach - 3) / (size_t)u->stride_w + 1;
        held[u->hold] = last = i;
    }
}

/* The first element in the order F32, BF16, U8 that a reader multiplies in. */
static void choose_elements(struct st_unet_stages *s, const enum st_element *elements)
{
    for (size_t i = 0; i < s->count; i++) {
        enum st_element element = ST_ELEMENT_U8;
        for (size_t j = i + 1; j < s->count; j++)
            for (int k = 0; k < s->nodes[j].read_count; k++)
                if (s->nodes[j].reads[k] == i && elements[j] < element)
                    element = elements[j];
        s->results[i].value.element = i + 1 == s->count ? ST_ELEMENT_F32 : element;
    }
}

static void place_results(struct st_unet_stages *s)
{
    enum place next = IN_FIRST;
    s->results[s->image].place = IN_IMAGE;
    s->results[s->sound].place = IN_AUDIO;
    s->sound_bytes = st_align_size(st_value_bytes(&s->results[s->sound].value)) + ST_ALIGNMENT;
    for (size_t i = 0; i < s->count; i++) {
        struct result *r = &s->results[i];
        const enum st_unet_held hold = s->nodes[i].unit.hold;
        const size_t bytes = st_align_size(st_value_bytes(&r->value)) + ST_ALIGNMENT;
        if (hold == ST_HELD_AUDIO) {
            r->place = IN_AUDIO_SIDE;
            s->audio_bytes = bytes;
        } else if (hold != ST_HELD_NONE) {
            r->place = IN_IMAGE_SIDE;
            r->at = s->image_bytes;
            s->image_bytes += bytes;
            if (hold == ST_HELD_X1)
                s->x2_at = s->image_bytes;
        } else if (i + 1 == s->count) {
            r->place = IN_OUT;
        } else {
            r->place = next;
            next = next == IN_FIRST ? IN_SECOND : IN_FIRST;
            s->other_bytes = bytes > s->other_bytes ? bytes : s->other_bytes;
        }
    }
}

/* Levels from `low` to `high` of each channel, zero being one of them. */
static synctalk_status set_levels(struct result *r, const float *low, const float *high,
                                  synctalk_error *err)
{
    const size_t C = st_stage_padded(r->value.C);
    r->numbers = calloc(4 * C, sizeof *r->numbers);
    if (!r->numbers)
        return st_fail_memory(err, "a network's levels", 4 * C * sizeof *r->numbers);
    float *scale = r->numbers, *offset = scale + C, *inverse = offset + C, *zero = inverse + C;
    for (size_t c = 0; c < C; c++) {
        const float least = c < r->value.C && low ? low[c] : 0;
        const float most = c < r->value.C ? high[c] : 0;
        st_unet_levels(least, most, &scale[c], &offset[c], &inverse[c], &zero[c]);
    }
    r->levels = (struct st_levels){scale, offset, inverse, zero};
    r->value.levels = &r->levels;
    return SYNCTALK_OK;
}

/* Levels of all that any unit reads as bytes. */
static synctalk_status make_levels(struct st_unet_stages *s, const struct st_unet_recipe *recipe,
                                   const enum st_element *elements, synctalk_error *err)
{
    static const float ones[IMAGE_CHANNELS] = {1, 1, 1, 1, 1, 1};
    synctalk_status st = SYNCTALK_OK;
    for (size_t i = 0; !st && i < s->count; i++) {
        for (int k = 0; !st && elements[i] == ST_ELEMENT_U8 && k < s->nodes[i].read_count; k++) {
            const size_t at = s->nodes[i].reads[k];
            struct result *r = &s->results[at];
            const struct st_unit_ranges *ranges =
                at == s->sound ? &recipe->audio : &recipe->ranges[at < s->count ? at : 0];
            if (r->numbers)
                continue;
            st = at == s->image ? set_levels(r, NULL, ones, err)
                                : set_levels(r, ranges->low, ranges->high, err);
        }
    }
    return st;
}

static void scales_of(const float *high, size_t count, float *scales)
{
    for (size_t i = 0; i < count; i++)
        scales[i] = high[i] > 1e-20F ? high[i] / 255 : 1;
}

static synctalk_status make_stage(struct st_unet_stages *s, size_t index,
                                  const struct st_folded *folded, enum st_element element,
                                  const struct st_unit_ranges *ranges,
                                  const struct st_kernels *kernels, synctalk_error *err)
{
    static const enum st_stage_kind kinds[] = {
        [ST_UNIT_INVERTED] = ST_STAGE_INVERTED,
        [ST_UNIT_DENSE] = ST_STAGE_DENSE,
        [ST_UNIT_HEAD] = ST_STAGE_HEAD,
    };
    struct node *node = &s->nodes[index];
    const struct st_unet_unit *u = &node->unit;
    struct st_pixel_kernels pixels;
    struct st_stage_form form = {
        .kind = kinds[u->kind],
        .element = element,
        .part_count = node->read_count,
        .raised = u->source == ST_READ_RAISE,
        .residual = u->residual,
        .stride_h = (size_t)u->stride_h,
        .stride_w = (size_t)u->stride_w,
        .pad = (size_t)u->pad,
        .out = s->results[index].value,
    };
    for (int i = 0; i < node->read_count; i++)
        form.parts[i] = s->results[node->reads[i]].value;
    for (int i = 0; i < 3; i++)
        form.convs[i] = (struct st_stage_weights){folded[i].weights, folded[i].bias};
    float *scales = NULL;
    if (element == ST_ELEMENT_U8 && u->kind == ST_UNIT_INVERTED) {
        scales = malloc(2 * ranges->E * sizeof *scales);
        if (!scales)
            return st_fail_memory(err, "a network's levels", 2 * ranges->E * sizeof *scales);
        scales_of(ranges->expanded, ranges->E, scales);
        scales_of(ranges->filtered, ranges->E, scales + ranges->E);
        form.expanded_scale = scales;
        form.filtered_scale = scales + ranges->E;
    }
    st_pixel_kernels_init(&pixels, kernels->flags);
    synctalk_status st =
        st_stage_create(&node->stage, &form, &pixels, st_pixel_kernels_narrow(kernels->flags), err);
    free(scales);
    if (!st && st_stage_scratch_bytes(node->stage) > s->scratch_bytes)
        s->scratch_bytes = st_stage_scratch_bytes(node->stage);
    return st;
}

static synctalk_status build_unit(struct st_unet_stages *s, size_t index,
                                  const struct st_weights *weights, enum st_element element,
                                  const struct st_unit_ranges *ranges,
                                  const struct st_kernels *kernels, synctalk_error *err)
{
    struct st_part parts[ST_UNET_PARTS];
    struct st_folded folded[ST_UNET_PARTS] = {{0}};
    synctalk_status st = SYNCTALK_OK;
    const size_t count = st_unet_unit_parts(&s->nodes[index].unit, parts);
    for (size_t i = 0; !st && i < count; i++)
        st = st_part_load(&folded[i], &parts[i], weights, err);
    if (!st)
        st = make_stage(s, index, folded, element, ranges, kernels, err);
    for (size_t i = 0; i < count; i++)
        st_folded_free(&folded[i]);
    return st;
}

/* The head on the unit before it. */
static bool is_pair(const struct st_unet_stages *s, size_t first)
{
    return s->nodes[first].unit.kind == ST_UNIT_INVERTED && first + 1 < s->count &&
           s->nodes[first + 1].unit.kind == ST_UNIT_HEAD;
}

synctalk_status st_unet_stages_open(struct st_unet_stages **out, const struct st_weights *weights,
                                    const struct st_unet_form *form,
                                    const struct st_unet_recipe *recipe,
                                    const struct st_kernels *kernels, synctalk_error *err)
{
    enum st_element elements[ST_UNET_UNITS];
    synctalk_status st = SYNCTALK_OK;
    *out = NULL;
    struct st_unet_stages *s = calloc(1, sizeof *s);
    if (!s)
        return st_fail_memory(err, "the UNet", sizeof *s);
    wire(s, form);
    assert(s->count == recipe->count);
    for (size_t i = 0; i < s->count; i++)
        elements[i] = s->nodes[i].unit.kind == ST_UNIT_HEAD
                          ? head_element(recipe->elements[i], kernels->flags)
                          : recipe->elements[i];
    choose_elements(s, elements);
    place_results(s);
    if ((st = make_levels(s, recipe, elements, err)))
        goto done;
    for (size_t i = 0; i < s->count; i++)
        if ((st = build_unit(s, i, weights, elements[i], &recipe->ranges[i], kernels, err)))
            goto done;
    for (size_t i = 0; i < s->count; i++) {
        const size_t bytes =
            is_pair(s, i) ? st_stage_pair_scratch_bytes(s->nodes[i].stage, s->nodes[i + 1].stage)
                          : 0;
        s->scratch_bytes = bytes > s->scratch_bytes ? bytes : s->scratch_bytes;
    }
    *out = s;
    s = NULL;
done:
    st_unet_stages_close(&s);
    return st;
}

void st_unet_stages_close(struct st_unet_stages **stages)
{
    if (!stages || !*stages)
        return;
    for (size_t i = 0; i < ST_UNET_UNITS; i++)
        st_stage_destroy(&(*stages)->nodes[i].stage);
    for (size_t i = 0; i < ST_UNET_UNITS + 2; i++)
        free((*stages)->results[i].numbers);
    free(*stages);
    *stages = NULL;
}

size_t st_unet_stages_image_bytes(const struct st_unet_stages *stages)
{
    return stages->image_bytes - stages->x2_at;
}

size_t st_unet_stages_audio_bytes(const struct st_unet_stages *stages)
{
    return stages->audio_bytes;
}

size_t st_unet_stages_weight_bytes(const struct st_unet_stages *stages)
{
    size_t bytes = 0;
    for (size_t i = 0; i < stages->count; i++)
        bytes += st_stage_weight_bytes(stages->nodes[i].stage);
    return bytes;
}

size_t st_unet_stages_worker_bytes(const struct st_unet_stages *stages)
{
    return stages->image_bytes + stages->audio_bytes + stages->sound_bytes +
           2 * stages->other_bytes + stages->scratch_bytes;
}

synctalk_status st_unet_stages_worker_open(struct st_unet_stages_worker **out,
                                           const struct st_unet_stages *stages, synctalk_error *err)
{
    const size_t bytes = st_unet_stages_worker_bytes(stages);
    const size_t rounded = (bytes + HUGE_PAGE_BYTES - 1) / HUGE_PAGE_BYTES * HUGE_PAGE_BYTES;
    *out = NULL;
    struct st_unet_stages_worker *worker = calloc(1, sizeof *worker);
    unsigned char *block = aligned_alloc(HUGE_PAGE_BYTES, rounded);
    if (!worker || !block) {
        free(worker);
        free(block);
        return st_fail_memory(err, "a UNet worker", bytes);
    }
    /* The first touch of each huge page costs a five-hundredth. */
    (void)madvise(block, rounded, MADV_HUGEPAGE);
    worker->stages = stages;
    worker->block = worker->image_side = block;
    worker->audio_side = worker->image_side + stages->image_bytes;
    worker->sound = (float *)(void *)(worker->audio_side + stages->audio_bytes);
    worker->others[0] = worker->audio_side + stages->audio_bytes + stages->sound_bytes;
    worker->others[1] = worker->others[0] + stages->other_bytes;
    worker->scratch = worker->others[1] + stages->other_bytes;
    *out = worker;
    return SYNCTALK_OK;
}

void st_unet_stages_worker_close(struct st_unet_stages_worker **worker)
{
    if (!worker || !*worker)
        return;
    free((*worker)->block);
    free(*worker);
    *worker = NULL;
}

void st_unet_stages_set_watch(struct st_unet_stages_worker *worker,
                              const struct st_unet_watch *watch)
{
    worker->watch = watch;
}

/* Of a result that is read. */
static const void *where(const struct st_unet_stages_worker *worker, const struct result *r)
{
    switch (r->place) {
    case IN_IMAGE:
        return worker->image;
    case IN_AUDIO:
        return worker->sound;
    case IN_IMAGE_SIDE:
        return worker->image_side + r->at;
    case IN_AUDIO_SIDE:
        return worker->given_audio_side ? worker->given_audio_side : worker->audio_side;
    case IN_OUT:
        return worker->out;
    default:
        return worker->others[r->place - IN_FIRST];
    }
}

static void *place_of(struct st_unet_stages_worker *worker, const struct result *r)
{
    switch (r->place) {
    case IN_IMAGE_SIDE:
        return worker->image_side + r->at;
    case IN_AUDIO_SIDE:
        return worker->audio_side;
    case IN_OUT:
        return worker->out;
    default:
        return worker->others[r->place - IN_FIRST];
    }
}

struct seen_unit {
    const struct st_unet_watch *watch;
    size_t unit;
};

static void pass_on(void *context, enum st_seen what, const float *rows, size_t P, size_t C,
                    size_t stride)
{
    const struct seen_unit *seen = context;
    seen->watch->see(seen->watch->context, seen->unit, (int)what, rows, P, C, stride);
}

/* One unit, or it and the head after it. */
static void run_nodes(struct st_unet_stages_worker *worker, size_t first, bool pair)
{
    const struct st_unet_stages *s = worker->stages;
    const struct node *node = &s->nodes[first];
    const void *parts[2] = {NULL, NULL};
    const struct seen_unit seen[2] = {{worker->watch, first}, {worker->watch, first + 1}};
    const struct st_stage_watch watches[2] = {{pass_on, (void *)&seen[0]},
                                              {pass_on, (void *)&seen[1]}};
    const struct st_stage_watch *const both[2] = {worker->watch ? &watches[0] : NULL,
                                                  worker->watch ? &watches[1] : NULL};
    for (int k = 0; k < node->read_count; k++)
        parts[k] = where(worker, &s->results[node->reads[k]]);
    if (pair)
        st_stage_run_pair(node->stage, s->nodes[first + 1].stage, parts, worker->out,
                          worker->scratch, both);
    else
        st_stage_run(node->stage, parts, place_of(worker, &s->results[first]), worker->scratch,
                     both[0]);
}

static void run_units(struct st_unet_stages_worker *worker, size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        const bool pair = i + 1 < end && is_pair(worker->stages, i);
        run_nodes(worker, i, pair);
        i += pair;
    }
}

/* [C, H, W] to [H, W, padded C]. */
static void take_sound(struct st_unet_stages_worker *worker, const float *audio)
{
    const struct st_value *v = &worker->stages->results[worker->stages->sound].value;
    const size_t C = st_stage_padded(v->C), area = v->H * v->W;
    for (size_t i = 0; i < area; i++)
        for (size_t c = 0; c < C; c++)
            worker->sound[i * C + c] = c < v->C ? audio[c * area + i] : 0;
}

void st_unet_stages_run_unit(struct st_unet_stages_worker *worker, const float *image, float *out,
                             size_t unit)
{
    worker->image = image;
    worker->out = out;
    worker->given_audio_side = NULL;
    run_units(worker, unit, unit + 1);
}

void st_unet_stages_run_audio(struct st_unet_stages_worker *worker, const float *audio,
                              void *audio_side)
{
    take_sound(worker, audio);
    run_units(worker, 0, worker->stages->image_first);
    if (audio_side)
        memcpy(audio_side, worker->audio_side, worker->stages->audio_bytes);
}

void st_unet_stages_run_image(struct st_unet_stages_worker *worker, const float *image,
                              void *image_side)
{
    const struct st_unet_stages *s = worker->stages;
    worker->image = image;
    run_units(worker, s->image_first, s->rest_first);
    if (image_side)
        memcpy(image_side, worker->image_side + s->x2_at, s->image_bytes - s->x2_at);
}

void st_unet_stages_load_image(struct st_unet_stages_worker *worker, const float *image,
                               const void *image_side)
{
    const struct st_unet_stages *s = worker->stages;
    worker->image = image;
    run_units(worker, s->image_first, s->image_first + 1);
    memcpy(worker->image_side + s->x2_at, image_side, s->image_bytes - s->x2_at);
}

void st_unet_stages_run_rest(struct st_unet_stages_worker *worker, const void *audio_side,
                             float *out)
{
    worker->out = out;
    worker->given_audio_side = audio_side;
    run_units(worker, worker->stages->rest_first, worker->stages->count);
    worker->given_audio_side = NULL;
}
