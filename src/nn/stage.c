/* SPDX-License-Identifier: Apache-2.0 */
/* Stages: making them, and running them row by row. */
#include "nn/stage.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/stage_impl.h"

/* Pixels that one pass over a stage's weights should serve: fewer, and weights come from
 * far too often; more, and rows leave the second cache. */
#define PASS_PIXELS ((size_t)160)

size_t st_stage_padded(size_t channels)
{
    return (channels + 15) / 16 * 16;
}

size_t st_value_bytes(const struct st_value *value)
{
    return value->H * value->W * st_stage_padded(value->C) * st_element_bytes(value->element);
}

static size_t reserve(struct st_stage *stage, size_t elements, enum st_element element)
{
    size_t at = stage->scratch_bytes;
    /* a tile may read, and throw away, what lies behind the last pixel */
    stage->scratch_bytes += st_align_size(elements * st_element_bytes(element)) + ST_ALIGNMENT;
    return at;
}

static size_t rows_together(size_t W, size_t H)
{
    const size_t rows = (PASS_PIXELS + W - 1) / W;
    return rows < H ? rows : H;
}

/* Rows to keep: those that are made at once, and their neighbours of before. */
static size_t ring_of(size_t group, size_t H)
{
    const size_t rows = (group + 2 + group - 1) / group * group;
    return rows < H ? rows : H;
}

static void plan_input(struct st_stage *stage)
{
    const struct st_feed *feed = &stage->feed;
    const size_t W = feed->W;
    if (stage->late) {
        stage->low_group = rows_together(W / 2, feed->H / 2);
        stage->low_ring = ring_of(stage->low_group, feed->H / 2);
        stage->at_low = reserve(stage, stage->low_ring * W / 2 * stage->E, ST_ELEMENT_F32);
        stage->at_raised = reserve(stage, W / 2 * stage->E, ST_ELEMENT_F32);
        stage->at_rows = reserve(stage, stage->group * W * stage->E, ST_ELEMENT_F32);
        return;
    }
    const size_t read = stage->kind == ST_STAGE_DENSE ? feed->H : stage->group;
    stage->at_rows = feed->direct ? 0 : reserve(stage, read * W * feed->C, feed->element);
    if (feed->raised || feed->parts[0].planes)
        stage->at_raised = reserve(stage, W * feed->C, ST_ELEMENT_F32);
}

static void plan(struct st_stage *stage)
{
    const struct st_feed *feed = &stage->feed;
    const size_t H = feed->H, W = feed->W;
    stage->group = rows_together(W, H);
    stage->ring = ring_of(stage->group, H);
    plan_input(stage);
    if (stage->kind == ST_STAGE_INVERTED) {
        stage->at_ring = reserve(stage, stage->ring * W * stage->E, stage->expanded);
        stage->at_filtered =
            reserve(stage, (stage->group + 1) * stage->out.W * stage->E, stage->filtered);
    } else if (stage->kind == ST_STAGE_DENSE) {
        const size_t rows = rows_together(stage->out.W, stage->out.H);
        stage->at_filtered = reserve(stage, rows * stage->out.W * 9 * feed->C, feed->element);
    } else {
        stage->at_filtered = reserve(stage, stage->group * W * stage->K, ST_ELEMENT_F32);
    }
}

static void set_sizes(struct st_stage *stage, const struct st_stage_form *form, bool narrow)
{
    const enum st_element element = form->element;
    /* where a product costs more than what raising wide rows does */
    const bool pays = element == ST_ELEMENT_F32 || (element == ST_ELEMENT_U8 && narrow);
    stage->kind = form->kind;
    stage->out = form->out;
    stage->K = st_stage_padded(form->out.C);
    stage->stride_h = form->stride_h;
    stage->stride_w = form->stride_w;
    stage->pad = form->pad;
    size_t C = 0;
    for (int i = 0; i < form->part_count; i++)
        C += form->parts[i].C;
    stage->E = st_stage_padded(2 * C);
    /* BF16 keeps what is wide in F32: to filter it costs no conversions then. */
    stage->expanded = element == ST_ELEMENT_U8 ? ST_ELEMENT_U8 : ST_ELEMENT_F32;
    stage->filtered = element;
    stage->late = pays && form->kind == ST_STAGE_INVERTED && form->raised &&
                  form->part_count == 2 && form->parts[0].element == element &&
                  form->parts[1].element == element;
}

synctalk_status st_stage_create(struct st_stage **out, const struct st_stage_form *form,
                                const struct st_pixel_kernels *kernels, bool narrow,
                                synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    *out = NULL;
    assert(form->part_count == 1 || form->part_count == 2);
    assert(form->kind != ST_STAGE_INVERTED || form->stride_h == form->stride_w);
    struct st_stage *stage = calloc(1, sizeof *stage);
    if (!stage)
        return st_fail_memory(err, "a network's stage", sizeof *stage);
    stage->kernels = *kernels;
    set_sizes(stage, form, narrow);
    if ((st = st_feed_create(&stage->feed, form, err)) ||
        (st = st_stage_pack(stage, form, narrow, err)))
        goto done;
    plan(stage);
    *out = stage;
    stage = NULL;
done:
    st_stage_destroy(&stage);
    return st;
}

void st_stage_destroy(struct st_stage **stage)
{
    if (!stage || !*stage)
        return;
    struct st_stage *s = *stage;
    for (size_t i = 0; i < sizeof s->convs / sizeof *s->convs; i++) {
        free(s->convs[i].weights);
        free(s->convs[i].scale);
        free(s->convs[i].bias);
        free(s->convs[i].add_scale);
    }
    free(s->border);
    st_feed_end(&s->feed);
    free(s);
    *stage = NULL;
}

size_t st_stage_weight_bytes(const struct st_stage *stage)
{
    return stage->weight_bytes;
}

size_t st_stage_scratch_bytes(const struct st_stage *stage)
{
    return stage->scratch_bytes;
}

static void see(const struct st_stage_watch *watch, enum st_seen what, const void *rows, size_t P,
                size_t C, size_t stride)
{
    if (watch)
        watch->see(watch->context, what, rows, P, C, stride);
}

/* One run of a stage. */
struct pass {
    const struct st_stage *stage;
    const void *const *parts;
    unsigned char *out, *scratch;
    const struct st_stage_watch *watch;
    const struct pass
        *head;       /* reads each row as soon as it is in `out`, which has room for a few */
    size_t low_done; /* rows that were expanded before they are raised */
};

static void head_rows(const struct pass *pass, const void *rows, size_t first, size_t count);

static unsigned char *ring_row(const struct pass *pass, size_t y)
{
    const struct st_stage *stage = pass->stage;
    const size_t bytes = stage->feed.W * stage->E * st_element_bytes(stage->expanded);
    return pass->scratch + stage->at_ring + y % stage->ring * bytes;
}

static float *low_row(const struct pass *pass, size_t y)
{
    const struct st_stage *stage = pass->stage;
    const size_t row = stage->feed.W / 2 * stage->E;
    return (float *)(void *)(pass->scratch + stage->at_low) + y % stage->low_ring * row;
}

/* Expand rows that are not raised yet, up to `until`. */
static void expand_low(struct pass *pass, size_t until)
{
    const struct st_stage *stage = pass->stage;
    const struct st_pointwise *low = &stage->expand_low;
    const size_t H = stage->feed.H / 2, W = stage->feed.W / 2;
    while (pass->low_done < until) {
        const size_t left = H - pass->low_done;
        const size_t count = left < stage->low_group ? left : stage->low_group;
        const unsigned char *src = (const unsigned char *)pass->parts[0] +
                                   pass->low_done * W * low->C * st_element_bytes(low->in);
        stage->kernels.pointwise[low->in](low, low_row(pass, pass->low_done), low->K, src, low->C,
                                          NULL, 0, count * W);
        pass->low_done += count;
    }
}

static void expand_late(struct pass *pass, size_t first, size_t count)
{
    const struct st_stage *stage = pass->stage;
    const struct st_feed *feed = &stage->feed;
    const struct st_pointwise *expand = &stage->expand;
    const size_t E = stage->E, W = feed->W, H = feed->H / 2;
    float *raised = (float *)(void *)(pass->scratch + stage->at_rows);
    float *between = (float *)(void *)(pass->scratch + stage->at_raised);
    for (size_t y = first; y < first + count; y++) {
        const size_t above = feed->above[y], below = above + 1 < H ? above + 1 : above;
        expand_low(pass, below + 1);
        st_feed_raise(feed, &stage->kernels, low_row(pass, above), low_row(pass, below), y, E,
                      raised + (y - first) * W * E, between);
    }
    const unsigned char *src = (const unsigned char *)pass->parts[1] +
                               first * W * expand->C * st_element_bytes(expand->in);
    void *dst = ring_row(pass, first);
    stage->kernels.pointwise[expand->in](expand, dst, E, src, expand->C, raised, E, count * W);
    see(pass->watch, ST_SEEN_EXPANDED, dst, count * W, E, E);
}

static void expand_rows(const struct pass *pass, size_t first, size_t count)
{
    const struct st_stage *stage = pass->stage;
    const struct st_feed *feed = &stage->feed;
    const size_t P = count * feed->W;
    const void *src = st_feed_read(feed, &stage->kernels, pass->parts, first, count,
                                   pass->scratch + stage->at_rows,
                                   (float *)(void *)(pass->scratch + stage->at_raised));
    void *dst = ring_row(pass, first);
    see(pass->watch, ST_SEEN_INPUT, src, P, feed->C, feed->C);
    stage->kernels.pointwise[feed->element](&stage->expand, dst, stage->E, src, feed->C, NULL, 0,
                                            P);
    see(pass->watch, ST_SEEN_EXPANDED, dst, P, stage->E, stage->E);
}

/* Output rows [first, end), at most group + 1. */
static void finish_rows(const struct pass *pass, size_t first, size_t end)
{
    const struct st_stage *stage = pass->stage;
    const size_t H = stage->feed.H, W = stage->feed.W, out_W = stage->out.W;
    const size_t bytes = out_W * stage->E * st_element_bytes(stage->filtered);
    const size_t row = out_W * stage->K, P = (end - first) * out_W;
    unsigned char *filtered = pass->scratch + stage->at_filtered;
    for (size_t y = first; y < end; y++) {
        const size_t middle = y * stage->stride_h;
        const void *rows[3] = {
            middle > 0 ? ring_row(pass, middle - 1) : NULL,
            ring_row(pass, middle),
            middle + 1 < H ? ring_row(pass, middle + 1) : NULL,
        };
        stage->kernels.depthwise[stage->expanded](&stage->filter, filtered + (y - first) * bytes,
                                                  rows, W, out_W);
    }
    see(pass->watch, ST_SEEN_FILTERED, filtered, P, stage->E, stage->E);
    unsigned char *dst = pass->out;
    if (!pass->head)
        dst += first * row * st_element_bytes(stage->out.element);
    const unsigned char *add = pass->parts[0];
    if (stage->project.adds)
        add += first * row * st_element_bytes(stage->project.add);
    stage->kernels.pointwise[stage->filtered](&stage->project, dst, stage->K, filtered, stage->E,
                                              add, stage->K, P);
    see(pass->watch, ST_SEEN_OUTPUT, dst, P, stage->K, stage->K);
    if (pass->head)
        head_rows(pass->head, dst, first, end - first);
}

static void run_inverted(struct pass *pass)
{
    const struct st_stage *stage = pass->stage;
    const size_t H = stage->feed.H;
    size_t done = 0;
    for (size_t first = 0; first < H; first += stage->group) {
        const size_t count = H - first < stage->group ? H - first : stage->group;
        const size_t last = first + count - 1;
        if (stage->late)
            expand_late(pass, first, count);
        else
            expand_rows(pass, first, count);
        size_t end = stage->out.H;
        if (last + 1 < H)
            end = last >= 1 ? (last - 1) / stage->stride_h + 1 : 0;
        if (end > done)
            finish_rows(pass, done, end);
        done = end;
    }
}

/* The nine pixels under a 3x3 kernel, side by side, for each pixel of output row `y`. */
static void gather(const struct st_stage *stage, const unsigned char *rows, size_t y,
                   unsigned char *dst)
{
    const struct st_feed *feed = &stage->feed;
    const size_t pixel = feed->C * st_element_bytes(feed->element);
    for (size_t x = 0; x < stage->out.W; x++) {
        for (size_t i = 0; i < 9; i++, dst += pixel) {
            const size_t r = y * stage->stride_h + i / 3, c = x * stage->stride_w + i % 3;
            const bool inside = r >= stage->pad && r < feed->H + stage->pad && c >= stage->pad &&
                                c < feed->W + stage->pad;
            memcpy(dst,
                   inside ? rows + ((r - stage->pad) * feed->W + c - stage->pad) * pixel
                          : stage->border,
                   pixel);
        }
    }
}

static void run_dense(const struct pass *pass)
{
    const struct st_stage *stage = pass->stage;
    const struct st_feed *feed = &stage->feed;
    const size_t row = stage->out.W * stage->K;
    const unsigned char *rows =
        st_feed_read(feed, &stage->kernels, pass->parts, 0, feed->H, pass->scratch + stage->at_rows,
                     (float *)(void *)(pass->scratch + stage->at_raised));
    unsigned char *gathered = pass->scratch + stage->at_filtered;
    const size_t gathered_bytes = stage->out.W * 9 * feed->C * st_element_bytes(feed->element);
    see(pass->watch, ST_SEEN_INPUT, rows, feed->H * feed->W, feed->C, feed->C);
    const size_t some = rows_together(stage->out.W, stage->out.H);
    for (size_t first = 0; first < stage->out.H; first += some) {
        const size_t end = first + some < stage->out.H ? first + some : stage->out.H;
        const size_t P = (end - first) * stage->out.W;
        unsigned char *dst = pass->out + first * row * st_element_bytes(stage->out.element);
        for (size_t y = first; y < end; y++)
            gather(stage, rows, y, gathered + (y - first) * gathered_bytes);
        stage->kernels.pointwise[feed->element](&stage->project, dst, stage->K, gathered,
                                                9 * feed->C, NULL, 0, P);
        see(pass->watch, ST_SEEN_OUTPUT, dst, P, stage->K, stage->K);
    }
}

/* Rows [first, first + count) of the picture, which lie at `rows`: at most the head's `group`. */
static void some_head_rows(const struct pass *pass, const void *rows, size_t first, size_t count)
{
    const struct st_stage *stage = pass->stage;
    const struct st_feed *feed = &stage->feed;
    const size_t P = count * feed->W;
    const void *const parts[2] = {rows, NULL};
    float *sums = (float *)(void *)(pass->scratch + stage->at_filtered);
    const void *src =
        st_feed_read(feed, &stage->kernels, parts, 0, count, pass->scratch + stage->at_rows,
                     (float *)(void *)(pass->scratch + stage->at_raised));
    see(pass->watch, ST_SEEN_INPUT, src, P, feed->C, feed->C);
    stage->kernels.pointwise[feed->element](&stage->project, sums, stage->K, src, feed->C, NULL, 0,
                                            P);
    stage->kernels.sigmoid((float *)(void *)pass->out + first * feed->W, feed->H * feed->W,
                           stage->out.C, sums, stage->K, P);
}

static void head_rows(const struct pass *pass, const void *rows, size_t first, size_t count)
{
    const struct st_value *read = &pass->stage->feed.parts[0];
    const size_t row = st_value_bytes(read) / read->H, group = pass->stage->group;
    for (size_t y = 0; y < count; y += group)
        some_head_rows(pass, (const unsigned char *)rows + y * row, first + y,
                       count - y < group ? count - y : group);
}

void st_stage_run(const struct st_stage *stage, const void *const parts[2], void *out,
                  void *scratch, const struct st_stage_watch *watch)
{
    struct pass pass = {stage, parts, out, scratch, watch, NULL, 0};
    assert(!watch || stage->feed.element == ST_ELEMENT_F32);
    switch (stage->kind) {
    case ST_STAGE_INVERTED:
        run_inverted(&pass);
        break;
    case ST_STAGE_DENSE:
        run_dense(&pass);
        break;
    case ST_STAGE_HEAD:
        head_rows(&pass, parts[0], 0, stage->feed.H);
        break;
    }
}

/* Of what the pair's first writes: as many rows as it finishes at once. */
static size_t between_bytes(const struct st_stage *stage)
{
    const struct st_value *out = &stage->out;
    const size_t row = st_value_bytes(out) / out->H;
    return st_align_size((stage->group + 1) * row) + ST_ALIGNMENT;
}

size_t st_stage_pair_scratch_bytes(const struct st_stage *stage, const struct st_stage *head)
{
    return stage->scratch_bytes + head->scratch_bytes + between_bytes(stage);
}

void st_stage_run_pair(const struct st_stage *stage, const struct st_stage *head,
                       const void *const parts[2], void *planes, void *scratch,
                       const struct st_stage_watch *const watches[2])
{
    unsigned char *between = (unsigned char *)scratch + stage->scratch_bytes;
    const struct pass then = {head,       NULL, planes, between + between_bytes(stage),
                              watches[1], NULL, 0};
    struct pass pass = {stage, parts, between, scratch, watches[0], &then, 0};
    assert(stage->kind == ST_STAGE_INVERTED && head->kind == ST_STAGE_HEAD);
    assert(head->feed.part_count == 1 && head->feed.H == stage->out.H);
    assert(!watches[0] || stage->feed.element == ST_ELEMENT_F32);
    run_inverted(&pass);
}
