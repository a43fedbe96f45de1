/* SPDX-License-Identifier: Apache-2.0 */
/* Easy to get wrong: packets go in under their number as timestamp, so that a picture names
 * its packet whatever the decoder does to the order; timestamps that lie let pictures come
 * out of rank, by `window` at most; a decoder's buffers hold old pictures, which a damaged
 * one would show through, so they are cleared.
 */
#include "media/video_decoder.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "media/libav.h"

#define MAX_THREADS 16
#define MAX_SLOTS 1024
#define WINDOW 16           /* pictures that H.264 and HEVC may hold back */
#define MAX_BACK 2          /* segments */
#define HOLD 8              /* pictures that come before one is given out, with threads */
#define MAX_DRAIN_ERRORS 64 /* while the last pictures are fetched */

static const char *name_of(const struct st_video_decoder *d)
{
    return d->packets.input.path;
}

static synctalk_status fail_memory(const struct st_video_decoder *d, synctalk_error *err)
{
    return st_fail_memory(err, name_of(d), sizeof *d);
}

static void empty_cache(struct st_video_cache *cache)
{
    for (uint32_t i = 0; i < cache->slots; i++)
        av_frame_free(&cache->frames[i]);
    free(cache->frames);
    free(cache->ranks);
    cache->frames = NULL;
    cache->ranks = NULL;
    cache->slots = 0;
    cache->bytes = 0;
}

static void clear_cache(struct st_video_cache *cache)
{
    for (uint32_t i = 0; i < cache->slots; i++) {
        av_frame_unref(cache->frames[i]);
        cache->ranks[i] = ST_VIDEO_HIDDEN;
    }
    cache->bytes = 0;
}

static size_t bytes_of(const AVFrame *frame)
{
    size_t bytes = 0;
    for (int i = 0; i < AV_NUM_DATA_POINTERS && frame->buf[i]; i++)
        bytes += (size_t)frame->buf[i]->size;
    return bytes ? bytes : 1;
}

/* As many slots as pictures of that size fit; one at least. */
static bool make_slots(struct st_video_cache *cache, size_t picture_bytes)
{
    size_t slots = cache->limit / picture_bytes;

    empty_cache(cache);
    slots = slots > MAX_SLOTS ? MAX_SLOTS : slots ? slots : 1;
    cache->slot_bytes = picture_bytes;
    cache->frames = calloc(slots, sizeof(AVFrame *));
    cache->ranks = malloc(slots * sizeof *cache->ranks);
    if (!cache->frames || !cache->ranks)
        return false;
    cache->slots = (uint32_t)slots;
    for (uint32_t i = 0; i < cache->slots; i++) {
        cache->ranks[i] = ST_VIDEO_HIDDEN;
        if (!(cache->frames[i] = av_frame_alloc()))
            return false;
    }
    return true;
}

/* Takes what `frame` refers to; false without memory. */
static bool cache_put(struct st_video_cache *cache, uint32_t rank, AVFrame *frame)
{
    size_t bytes = bytes_of(frame);
    if ((!cache->slots || bytes > cache->slot_bytes) && !make_slots(cache, bytes))
        return false;
    uint32_t slot = rank % cache->slots;
    if (cache->ranks[slot] != ST_VIDEO_HIDDEN)
        cache->bytes -= bytes_of(cache->frames[slot]);
    av_frame_unref(cache->frames[slot]);
    av_frame_move_ref(cache->frames[slot], frame);
    cache->ranks[slot] = rank;
    cache->bytes += bytes;
    if (cache->bytes > cache->most_bytes)
        cache->most_bytes = cache->bytes;
    return true;
}

static const AVFrame *cache_get(const struct st_video_cache *cache, uint32_t rank)
{
    if (!cache->slots || cache->ranks[rank % cache->slots] != rank)
        return NULL;
    return cache->frames[rank % cache->slots];
}

static bool is_missing(const struct st_video_decoder *d, uint32_t rank)
{
    return d->missing && d->missing[rank / 8] >> rank % 8 & 1;
}

/* Pictures of this segment leave the cache. */
static void drop_segment(struct st_video_decoder *d)
{
    struct st_video_cache *cache = &d->cache;
    for (uint32_t i = 0; i < cache->slots; i++) {
        uint32_t rank = cache->ranks[i];
        if (rank == ST_VIDEO_HIDDEN || rank < d->first || rank >= d->end_rank)
            continue;
        cache->bytes -= bytes_of(cache->frames[i]);
        av_frame_unref(cache->frames[i]);
        cache->ranks[i] = ST_VIDEO_HIDDEN;
    }
}

/* Nothing will come for `rank`. Without the key the whole segment is tried from earlier. */
static synctalk_status lose(struct st_video_decoder *d, uint32_t rank, synctalk_error *err)
{
    struct st_video_segment *segment = &d->index.segments[d->segment];
    if (rank == d->first && segment->back < MAX_BACK && segment->back < d->segment) {
        segment->back++;
        d->retries++;
        d->active = false;
        drop_segment(d);
        return SYNCTALK_OK;
    }
    if (!d->missing && !(d->missing = calloc(d->index.pictures / 8 + 1, 1)))
        return st_fail_memory(err, name_of(d), d->index.pictures / 8 + 1);
    d->missing[rank / 8] |= (uint8_t)(1u << rank % 8);
    d->lost++;
    d->damaged += d->complaints > 0;
    return SYNCTALK_OK;
}

/* Ranks that have come, and those that no more can come once `latest` has, are done with. */
static synctalk_status settle(struct st_video_decoder *d, uint32_t latest, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    while (!st && d->active && d->floor < d->end_rank) {
        bool done = d->came & 1 || is_missing(d, d->floor);
        if (!done && (latest <= d->floor || latest - d->floor <= d->window))
            break;
        if (!done)
            st = lose(d, d->floor, err);
        d->came >>= 1;
        d->floor++;
    }
    return st;
}

static bool is_usable(const AVFrame *f)
{
    return f->width > 0 && f->height > 0 && f->width <= ST_VIDEO_MAX_SIDE &&
           f->height <= ST_VIDEO_MAX_SIDE && !(f->flags & AV_FRAME_FLAG_CORRUPT);
}

/* What the decoder gave, into the cache if it is of this segment. */
static synctalk_status take_picture(struct st_video_decoder *d, synctalk_error *err)
{
    synctalk_status st;
    int64_t number = d->frame->pts;
    uint32_t rank =
        number >= 0 && number < (int64_t)d->index.packets ? d->index.rank[number] : ST_VIDEO_HIDDEN;
    d->decoded++;
    if (rank == ST_VIDEO_HIDDEN || rank < d->floor)
        return SYNCTALK_OK;
    d->complaints += d->frame->decode_error_flags != 0;
    if (!is_usable(d->frame)) {
        d->complaints++;
        return SYNCTALK_OK;
    }
    d->latest = rank > d->latest ? rank : d->latest;
    if ((st = settle(d, rank, err)) || !d->active || rank >= d->end_rank || rank < d->floor)
        return st;
    if (d->came >> (rank - d->floor) & 1)
        return SYNCTALK_OK;
    bool first = !d->cache.slots;
    if (!cache_put(&d->cache, rank, d->frame))
        return fail_memory(d, err);
    if (first && d->cache.slots <= d->window)
        d->window = d->cache.slots - 1; /* what waits for others is kept meanwhile */
    d->came |= UINT64_C(1) << (rank - d->floor);
    return settle(d, rank, err);
}

static synctalk_status feed(struct st_video_decoder *d, synctalk_error *err)
{
    synctalk_status st;
    struct st_video_packets *p = &d->packets;
    uint32_t number = p->next;
    int code;

    if (st_cancelled(d->callbacks))
        return st_fail(err, SYNCTALK_E_CANCELLED, "%s: stopped while it was decoded", name_of(d));
    if (number >= d->end_packet) {
        d->draining = true;
        code = avcodec_send_packet(d->codec, NULL);
    } else {
        if ((st = st_video_packets_next(p, err)))
            return st;
        d->complaints += (p->packet->flags & AV_PKT_FLAG_CORRUPT) != 0;
        p->packet->pts = number;
        p->packet->dts = AV_NOPTS_VALUE;
        code = avcodec_send_packet(d->codec, p->packet);
    }
    if (code == AVERROR(ENOMEM))
        return fail_memory(d, err);
    d->complaints += code < 0;
    return SYNCTALK_OK;
}

/* One picture taken, or one packet given; `active` ends with the segment. */
static synctalk_status step(struct st_video_decoder *d, synctalk_error *err)
{
    synctalk_status st;
    int code = 0;

    for (int errors = 0; errors < MAX_DRAIN_ERRORS; errors++) {
        code = avcodec_receive_frame(d->codec, d->frame);
        if (code >= 0 || code == AVERROR(EAGAIN) || code == AVERROR_EOF || !d->draining)
            break;
        d->complaints++;
    }
    if (code >= 0) {
        st = take_picture(d, err);
        av_frame_unref(d->frame);
        return st;
    }
    if (code == AVERROR(ENOMEM))
        return fail_memory(d, err);
    if (!d->draining) {
        d->complaints += code != AVERROR(EAGAIN) && code != AVERROR_EOF;
        return feed(d, err);
    }
    st = settle(d, ST_VIDEO_HIDDEN, err);
    d->active = false;
    return st;
}

/* May be called by the decoder's threads. */
static int clean_buffer(AVCodecContext *codec, AVFrame *frame, int flags)
{
    int code = avcodec_default_get_buffer2(codec, frame, flags);
    for (int i = 0; code >= 0 && i < AV_NUM_DATA_POINTERS && frame->buf[i]; i++)
        memset(frame->buf[i]->data, 0, (size_t)frame->buf[i]->size);
    return code;
}

/* A decoder that has seen nothing. Flushing the old one would not do: what it has learnt from
 * damaged packets stays in it. Costs a millisecond at most. */
static synctalk_status open_codec(struct st_video_decoder *d, synctalk_error *err)
{
    const AVCodec *codec = avcodec_find_decoder(d->parameters->codec_id);
    char text[AV_ERROR_MAX_STRING_SIZE];
    int code;

    avcodec_free_context(&d->codec);
    if (!codec)
        return st_fail(err, SYNCTALK_E_UNSUPPORTED,
                       "%s: its pictures are %s, which this libavcodec cannot decode", name_of(d),
                       avcodec_get_name(d->parameters->codec_id));
    if (!(d->codec = avcodec_alloc_context3(codec)))
        return fail_memory(d, err);
    if ((code = avcodec_parameters_to_context(d->codec, d->parameters)) >= 0) {
        d->codec->thread_count = d->threads < MAX_THREADS ? d->threads : MAX_THREADS;
        d->codec->max_pixels = ST_VIDEO_MAX_PIXELS;
        d->codec->flags |= AV_CODEC_FLAG_UNALIGNED; /* crop to the pixel */
        d->codec->get_buffer2 = clean_buffer;
#if LIBAVCODEC_VERSION_MAJOR < 60
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
        d->codec->thread_safe_callbacks = 1;
#pragma GCC diagnostic pop
#endif
        code = avcodec_open2(d->codec, codec, NULL);
    }
    if (code == AVERROR(ENOMEM))
        return fail_memory(d, err);
    return code >= 0 ? SYNCTALK_OK
                     : st_fail(err, SYNCTALK_E_FORMAT, "%s: cannot begin to decode %s: %s",
                               name_of(d), codec->name, st_av_text(code, text, sizeof text));
}

static synctalk_status start(struct st_video_decoder *d, uint32_t segment, synctalk_error *err)
{
    synctalk_status st;
    const struct st_video_index *index = &d->index;
    const struct st_video_segment *this = &index->segments[segment];
    uint32_t keep_from = ST_VIDEO_HIDDEN;

    /* An open group: the next segment's key is read before this one is done. */
    if (segment + 1 < index->segment_count && this[1].back == 0 && this[1].packet < this->end)
        keep_from = this[1].packet;
    d->active = false;
    if ((st = open_codec(d, err)) ||
        (st = st_video_packets_goto(&d->packets, segment - this->back, keep_from, err)))
        return st;
    d->end_packet = this->end;
    d->end_rank = st_video_index_end(index, segment);
    d->segment = segment;
    d->first = d->floor = this->first;
    d->came = 0;
    d->latest = 0;
    d->complaints = 0;
    d->draining = false;
    d->active = true;
    return SYNCTALK_OK;
}

/* Whether a kept picture may be given out: its key has come, without which the segment is
 * tried anew; and, with several threads, enough after it that damage in what it refers to
 * would have shown. */
static bool is_ready(const struct st_video_decoder *d, uint32_t rank)
{
    if (!d->active || rank < d->first || rank >= d->end_rank)
        return true;
    uint32_t hold = d->threads == 1 ? 0 : d->window < HOLD ? d->window : HOLD;
    return d->floor > d->first && (hold == 0 || d->latest >= rank + hold);
}

/* Decode until `rank` may be given out or is known not to come. */
static synctalk_status decode_to(struct st_video_decoder *d, uint32_t rank, synctalk_error *err)
{
    synctalk_status st;
    uint32_t segment = st_video_index_segment(&d->index, rank);
    bool kept = cache_get(&d->cache, rank) != NULL;
    bool came = rank < d->floor || (rank - d->floor < 64 && d->came >> (rank - d->floor) & 1);

    if ((!d->active || d->segment != segment || (came && !kept)) && (st = start(d, segment, err)))
        return st;
    do {
        if ((st = step(d, err))) {
            d->active = false;
            clear_cache(&d->cache);
            return st;
        }
        if (d->complaints && d->threads != 1) {
            /* What threads see of a damaged picture that they refer to depends on their pace. */
            d->threads = 1;
            d->retries++;
            d->active = false;
            drop_segment(d);
        }
        kept = cache_get(&d->cache, rank) != NULL;
    } while (d->active && !(kept ? is_ready(d, rank) : d->floor > rank));
    return SYNCTALK_OK;
}

/* The rank that is shown where `rank` is missing, as far as is known. */
static synctalk_status stand_in(const struct st_video_decoder *d, uint32_t *rank,
                                synctalk_error *err)
{
    while (*rank > 0 && is_missing(d, *rank))
        (*rank)--;
    while (*rank < d->index.pictures && is_missing(d, *rank))
        (*rank)++;
    if (*rank == d->index.pictures)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: not one of its %u pictures can be decoded (%s)",
                       name_of(d), d->index.pictures, avcodec_get_name(d->parameters->codec_id));
    return SYNCTALK_OK;
}

synctalk_status st_video_decoder_picture(struct st_video_decoder *d, uint32_t rank,
                                         const AVFrame **picture, synctalk_error *err)
{
    synctalk_status st;
    int idle = 0;

    *picture = NULL;
    while (idle < 3) {
        uint32_t shown = rank;
        int retries = d->retries;
        if ((st = stand_in(d, &shown, err)))
            return st;
        *picture = cache_get(&d->cache, shown);
        if (*picture && is_ready(d, shown))
            return SYNCTALK_OK;
        if ((st = decode_to(d, shown, err)))
            return st;
        idle += retries == d->retries && !is_missing(d, shown);
    }
    *picture = NULL;
    return st_fail(err, SYNCTALK_E_LIBRARY, "%s: its pictures do not decode the same twice",
                   name_of(d));
}

synctalk_status st_video_decoder_open(struct st_video_decoder *d, int threads, size_t cache_bytes,
                                      synctalk_error *err)
{
    synctalk_status st;
    const AVFrame *first;

    const AVStream *stream = d->packets.input.format->streams[d->packets.stream];
    d->threads = threads;
    d->frame = av_frame_alloc();
    d->packets.packet = av_packet_alloc();
    d->parameters = avcodec_parameters_alloc();
    if (!d->frame || !d->packets.packet || !d->parameters ||
        avcodec_parameters_copy(d->parameters, stream->codecpar) < 0)
        return fail_memory(d, err);
    if ((st = open_codec(d, err))) /* before the whole file is read in vain */
        return st;
    st_video_packets_choose(&d->packets, d->packets.stream);
    if ((st = st_video_index_build(&d->index, &d->packets.input, d->packets.stream, d->callbacks,
                                   err)))
        return st;
    d->packets.index = &d->index;
    d->packets.lost = true;
    d->cache.limit = cache_bytes;
    d->window = WINDOW;
    return st_video_decoder_picture(d, 0, &first, err);
}

void st_video_decoder_close(struct st_video_decoder *d)
{
    empty_cache(&d->cache);
    free(d->missing);
    av_frame_free(&d->frame);
    avcodec_free_context(&d->codec);
    avcodec_parameters_free(&d->parameters);
    st_video_index_free(&d->index);
    st_video_packets_close(&d->packets);
}
