/* SPDX-License-Identifier: Apache-2.0 */
/* The planning pass: when each buffer is alive, and so where it lies in the arena. */
#include <assert.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"
#include "nn/net_impl.h"

int st_net_root(const struct st_net *net, int buffer, size_t *offset_bytes)
{
    *offset_bytes = 0;
    while (net->buffers[buffer].parent != ST_NET_NONE) {
        *offset_bytes += net->buffers[buffer].offset_bytes;
        buffer = net->buffers[buffer].parent;
    }
    return buffer;
}

static void note_use(struct st_net *net, int value, int step)
{
    if (value == ST_NET_NONE || net->values[value].buffer == ST_NET_NONE)
        return;
    size_t offset_bytes;
    struct st_net_buffer *root =
        &net->buffers[st_net_root(net, net->values[value].buffer, &offset_bytes)];
    if (root->last < 0)
        root->first = step;
    root->last = step;
}

/* Largest first: what is placed late fills gaps. */
static int compare_bytes(const void *a, const void *b)
{
    const struct st_net_buffer *x = *(struct st_net_buffer *const *)a;
    const struct st_net_buffer *y = *(struct st_net_buffer *const *)b;
    if (x->bytes != y->bytes)
        return x->bytes < y->bytes ? 1 : -1;
    return x < y ? -1 : x > y;
}

/* The lowest place that no buffer alive at the same time overlaps. */
static size_t lowest_place(struct st_net_buffer *const *placed, size_t count,
                           const struct st_net_buffer *buffer)
{
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const struct st_net_buffer *other = placed[i];
        if (other->last < buffer->first || buffer->last < other->first)
            continue;
        size_t end = st_align_size(other->at_bytes + other->bytes);
        if (other->at_bytes < at + buffer->bytes && at < end) {
            at = end;
            i = (size_t)-1; /* moved up: those before may be in the way now */
        }
    }
    return at;
}

synctalk_status st_net_plan(struct st_net *net, synctalk_error *err)
{
    struct st_net_buffer **roots = calloc((size_t)net->buffer_count + 1, sizeof(void *));
    if (!roots)
        return st_fail_memory(err, "a network's plan", (size_t)net->buffer_count * sizeof(void *));

    size_t scratch_bytes = 0;
    for (int i = 0; i < net->step_count; i++) {
        const struct st_net_step *step = &net->steps[i];
        note_use(net, step->src, i);
        note_use(net, step->dst, i);
        size_t wanted =
            step->kind == ST_STEP_CONV ? dnnl_memory_desc_get_size(&step->scratch_md) : 0;
        scratch_bytes = wanted > scratch_bytes ? wanted : scratch_bytes;
    }

    size_t count = 0;
    for (int i = 0; i < net->buffer_count; i++)
        if (net->buffers[i].parent == ST_NET_NONE && net->buffers[i].last >= 0)
            roots[count++] = &net->buffers[i];
    qsort(roots, count, sizeof(void *), compare_bytes);

    size_t top = 0;
    for (size_t i = 0; i < count; i++) {
        roots[i]->at_bytes = lowest_place(roots, i, roots[i]);
        size_t end = st_align_size(roots[i]->at_bytes + roots[i]->bytes);
        top = end > top ? end : top;
    }
    net->scratch_at_bytes = top;
    net->arena_bytes = top + st_align_size(scratch_bytes);
    free(roots);
    return SYNCTALK_OK;
}
