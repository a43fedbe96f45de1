/* SPDX-License-Identifier: Apache-2.0 */
/* Two ways to an order. Where packets carry presentation times, those decide. Where many do
 * not (AVI; Matroska's tracks in AVI manner), codec headers tell the order (video_order.c)
 * and the sorted decoding times are shared out in it. Easy to get wrong: a key packet begins
 * a segment only if nothing decoded before it is shown after it.
 */
#include "media/video_index.h"

#include <errno.h>
#include <libavcodec/codec_desc.h>
#include <libavutil/avutil.h>
#include <libavutil/mathematics.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "media/video_order.h"

#define MAX_PACKETS (UINT32_C(1) << 28) /* 130 days at 25 a second */
#define MAX_HOURS 1000
#define MAX_LAST_SECONDS 60 /* that the last picture may stand */
#define MOST_WITH_PTS 20    /* one packet in so many may lack its time of showing */
#define MAX_READ_ERRORS 64  /* in a row, before the rest of the file is given up */
#define POLL_PACKETS 256

enum { KEY = 1, HIDDEN = 2, NO_PTS = 4, NO_DTS = 8 };

/* What is known of the packets while the order is being found. */
struct scan {
    struct st_video_index *index;
    const char *path;
    int64_t *pts, *dts; /* owns; [packets] */
    uint8_t *flags;     /* owns; [packets] */
    uint32_t count;     /* packets so far */
    size_t room;        /* packets that the arrays have place for */
    uint32_t without_pts;
    int64_t last_duration; /* of the packet shown last so far; 0: not said */
    int64_t last_time;
    int64_t stream_duration; /* as the header has it; <= 0: not said */
};

int st_video_packet_next(struct st_input *input, int stream, AVPacket *packet)
{
    int errors = 0;
    for (;;) {
        int code = av_read_frame(input->format, packet);
        if (code >= 0) {
            errors = 0;
            if (packet->stream_index == stream && packet->size > 0)
                return 1;
            av_packet_unref(packet);
            continue;
        }
        if (input->errno_of_read)
            return AVERROR(input->errno_of_read);
        if (code == AVERROR(ENOMEM))
            return code;
        if (code == AVERROR_EOF || ++errors >= MAX_READ_ERRORS)
            return 0;
    }
}

/* Mixing step: Steele, Lea, Flood, "Fast splittable pseudorandom number generators". */
uint32_t st_video_packet_check(const AVPacket *packet)
{
    uint64_t z = (uint64_t)packet->pos * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)packet->size;
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)(z >> 32);
}

/* realloc() of `count` items; NULL, with the old block untouched, without memory. */
static void *resized(void *block, size_t count, size_t size)
{
    size_t bytes;
    return st_mul_size(count, size, &bytes) ? realloc(block, bytes) : NULL;
}

/* Place for one more packet; false without memory. */
static bool make_room(struct scan *scan)
{
    struct st_video_index *index = scan->index;
    if (scan->count < scan->room)
        return true;
    size_t room = scan->room ? scan->room + scan->room / 2 : 1024;
    int64_t *pts = resized(scan->pts, room, sizeof *pts);
    int64_t *dts = resized(scan->dts, room, sizeof *dts);
    uint8_t *flags = resized(scan->flags, room, sizeof *flags);
    uint32_t *check = resized(index->check, room, sizeof *check);
    scan->pts = pts ? pts : scan->pts;
    scan->dts = dts ? dts : scan->dts;
    scan->flags = flags ? flags : scan->flags;
    index->check = check ? check : index->check;
    if (!pts || !dts || !flags || !check)
        return false;
    scan->room = room;
    return true;
}

/* A VP8 packet says in its first byte whether it is shown. Source: RFC 6386, 9.1. */
static bool is_hidden(const AVPacket *packet, enum AVCodecID codec)
{
    if (packet->flags & AV_PKT_FLAG_DISCARD)
        return true;
    return codec == AV_CODEC_ID_VP8 && !(packet->data[0] & 0x10);
}

static void take_packet(struct scan *scan, const AVPacket *packet, enum AVCodecID codec,
                        bool all_keys)
{
    struct st_video_index *index = scan->index;
    uint32_t i = scan->count++;
    int64_t time = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;

    scan->pts[i] = packet->pts;
    scan->dts[i] = packet->dts;
    scan->flags[i] = (uint8_t)((packet->flags & AV_PKT_FLAG_KEY || all_keys ? KEY : 0) |
                               (is_hidden(packet, codec) ? HIDDEN : 0) |
                               (packet->pts == AV_NOPTS_VALUE ? NO_PTS : 0) |
                               (packet->dts == AV_NOPTS_VALUE ? NO_DTS : 0));
    scan->without_pts += packet->pts == AV_NOPTS_VALUE;
    index->check[i] = st_video_packet_check(packet);
    if (!(scan->flags[i] & HIDDEN)) {
        index->pictures++;
        if (time != AV_NOPTS_VALUE && time >= scan->last_time) {
            scan->last_time = time;
            scan->last_duration = packet->duration;
        }
    }
}

static synctalk_status read_all(struct scan *scan, struct st_input *input, int stream,
                                const synctalk_callbacks *callbacks, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    enum AVCodecID codec = input->format->streams[stream]->codecpar->codec_id;
    const AVCodecDescriptor *about = avcodec_descriptor_get(codec);
    bool all_keys = about && about->props & AV_CODEC_PROP_INTRA_ONLY;
    int code = 0;

    AVPacket *packet = av_packet_alloc();
    if (!packet)
        return st_fail_memory(err, scan->path, sizeof *packet);
    while (!st && (code = st_video_packet_next(input, stream, packet)) > 0) {
        if (scan->count >= MAX_PACKETS)
            st = st_fail(err, SYNCTALK_E_FORMAT, "%s: has more than %u pictures; cut it into parts",
                         scan->path, MAX_PACKETS);
        else if (make_room(scan))
            take_packet(scan, packet, codec, all_keys);
        else
            st = st_fail_memory(err, scan->path, scan->room * 32);
        av_packet_unref(packet);
        if (!st && scan->count % POLL_PACKETS == 0 && st_cancelled(callbacks))
            st = st_fail(err, SYNCTALK_E_CANCELLED, "%s: stopped while it was read", scan->path);
    }
    av_packet_free(&packet);
    if (!st && code < 0)
        st = code == AVERROR(ENOMEM) ? st_fail_memory(err, scan->path, sizeof *packet)
                                     : st_fail_errno(err, AVUNERROR(code), "read", scan->path);
    return st;
}

/* Ranks by key, packets of one key in the file's order. `keys` is [packets]; `order` gets
 * the shown packets in the order of their ranks. */
static int compare_keys(const void *a, const void *b, void *context)
{
    const int64_t *keys = context;
    uint32_t i = *(const uint32_t *)a;
    uint32_t j = *(const uint32_t *)b;
    if (keys[i] != keys[j])
        return keys[i] < keys[j] ? -1 : 1;
    return (i > j) - (i < j);
}

static void sort_shown(const struct scan *scan, int64_t *keys, uint32_t *order)
{
    uint32_t shown = 0;
    for (uint32_t i = 0; i < scan->count; i++)
        if (!(scan->flags[i] & HIDDEN))
            order[shown++] = i;
    qsort_r(order, shown, sizeof *order, compare_keys, keys);
}

/* Times that are absent: the decoding time, else one step after the packet before. */
static void fill_times(struct scan *scan, int64_t *times, int64_t step)
{
    int64_t before = 0;
    for (uint32_t i = 0; i < scan->count; i++) {
        bool known = !(scan->flags[i] & (times == scan->pts ? NO_PTS : NO_DTS));
        if (!known && times == scan->pts && !(scan->flags[i] & NO_DTS))
            times[i] = scan->dts[i];
        else if (!known && __builtin_add_overflow(before, i ? step : 0, &times[i]))
            times[i] = before;
        before = times[i];
    }
}

/* Times of the ranks as steps after the first, in units that let the whole fit 32 bits. */
static synctalk_status set_times(struct scan *scan, const int64_t *times, const uint32_t *order,
                                 int64_t step, synctalk_error *err)
{
    struct st_video_index *index = scan->index;
    int64_t first = times[order[0]];
    int64_t span;
    int64_t most = (int64_t)MAX_HOURS * 3600 * index->tick.den / index->tick.num;

    if (__builtin_sub_overflow(times[order[index->pictures - 1]], first, &span) || span > most)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: the times of its pictures lie more than %d hours apart; write it anew "
                       "with whole timestamps",
                       scan->path, MAX_HOURS);
    index->first_ticks = first;
    index->unit = (uint32_t)(span / UINT32_MAX + 1);
    for (uint32_t r = 0; r < index->pictures; r++)
        index->time[r] = (uint32_t)((times[order[r]] - first) / index->unit);

    int64_t least_step = INT64_MAX;
    int64_t most_step = 0;
    for (uint32_t r = 1; r < index->pictures; r++) {
        int64_t gap = times[order[r]] - times[order[r - 1]];
        least_step = gap < least_step ? gap : least_step;
        most_step = gap > most_step ? gap : most_step;
    }
    index->variable = index->pictures > 2 && most_step - least_step > 1;

    int64_t last = scan->last_duration;
    if (last <= 0 && scan->stream_duration > span && scan->stream_duration - span <= most_step)
        last = scan->stream_duration - span;
    if (last <= 0 || last > (int64_t)MAX_LAST_SECONDS * index->tick.den / index->tick.num)
        last = index->pictures > 1
                   ? times[order[index->pictures - 1]] - times[order[index->pictures - 2]]
                   : step;
    index->length_ticks = span + (last > 0 ? last : step);
    return SYNCTALK_OK;
}

/* Whether packet i, of key flag, may begin a segment at rank `first`, `most` being the highest
 * rank of the packets before it. */
static bool begins_segment(const struct st_video_index *index, uint32_t i, uint32_t most)
{
    const struct st_video_segment *before = &index->segments[index->segment_count - 1];
    return index->rank[i] != ST_VIDEO_HIDDEN && index->rank[i] > most &&
           index->rank[i] > before->first && i - before->packet >= ST_VIDEO_SEGMENT_PACKETS;
}

static synctalk_status add_segment(struct scan *scan, uint32_t i, uint32_t first, size_t *room,
                                   synctalk_error *err)
{
    struct st_video_index *index = scan->index;
    if (index->segment_count == *room) {
        size_t more = *room ? *room * 2 : 16;
        struct st_video_segment *grown = resized(index->segments, more, sizeof *grown);
        if (!grown)
            return st_fail_memory(err, scan->path, more * sizeof *grown);
        index->segments = grown;
        *room = more;
    }
    index->segments[index->segment_count++] = (struct st_video_segment){
        .packet = i,
        .first = first,
        .pts = scan->flags[i] & NO_PTS ? AV_NOPTS_VALUE : scan->pts[i],
        .dts = scan->flags[i] & NO_DTS ? AV_NOPTS_VALUE : scan->dts[i],
    };
    return SYNCTALK_OK;
}

static synctalk_status set_segments(struct scan *scan, synctalk_error *err)
{
    synctalk_status st;
    struct st_video_index *index = scan->index;
    size_t room = 0;
    uint32_t most = 0;

    if ((st = add_segment(scan, 0, 0, &room, err)))
        return st;
    for (uint32_t i = 0; i < index->packets; i++) {
        if (i && scan->flags[i] & KEY && begins_segment(index, i, most) &&
            (st = add_segment(scan, i, index->rank[i], &room, err)))
            return st;
        if (index->rank[i] != ST_VIDEO_HIDDEN && index->rank[i] > most)
            most = index->rank[i];
    }

    for (uint32_t i = 0; i < index->packets; i++)
        if (index->rank[i] != ST_VIDEO_HIDDEN)
            index->segments[st_video_index_segment(index, index->rank[i])].end = i + 1;
    return SYNCTALK_OK;
}

/* How long a picture stands where nothing says so. */
static int64_t usual_step(const AVStream *stream)
{
    AVRational rate = stream->avg_frame_rate;
    if (rate.num <= 0 || rate.den <= 0 || av_q2d(rate) * MAX_LAST_SECONDS < 1)
        rate = (AVRational){25, 1};
    int64_t step = av_rescale_q(1, av_inv_q(rate), stream->time_base);
    return step > 0 ? step : 1;
}

/* From what the packets say to ranks, times and segments. */
static synctalk_status arrange(struct scan *scan, struct st_input *input, int stream,
                               synctalk_error *err)
{
    synctalk_status st;
    struct st_video_index *index = scan->index;
    int64_t step = usual_step(input->format->streams[stream]);
    bool by_order = scan->without_pts > index->packets / MOST_WITH_PTS;
    size_t bytes = (size_t)index->packets * sizeof(uint32_t);
    uint32_t *order = malloc(bytes);
    int64_t *times = scan->pts;

    index->rank = malloc(bytes);
    index->time = malloc(bytes);
    if (!order || !index->rank || !index->time) {
        st = st_fail_memory(err, scan->path, 3 * bytes);
        goto done;
    }
    if (by_order) {
        times = scan->dts;
        fill_times(scan, times, step);
        if ((st = st_video_order(scan->pts, index->packets, input, stream, err)))
            goto done;
        for (uint32_t i = 0; i < index->packets; i++)
            scan->flags[i] |= NO_PTS;
        sort_shown(scan, scan->pts, order);
    } else {
        fill_times(scan, times, step);
        sort_shown(scan, times, order);
    }
    for (uint32_t i = 0; i < index->packets; i++)
        index->rank[i] = ST_VIDEO_HIDDEN;
    for (uint32_t r = 0; r < index->pictures; r++)
        index->rank[order[r]] = r;
    if (by_order)
        sort_shown(scan, times, order);
    if ((st = set_times(scan, times, order, step, err)))
        goto done;
    st = set_segments(scan, err);

done:
    free(order);
    return st;
}

synctalk_status st_video_index_build(struct st_video_index *index, struct st_input *input,
                                     int stream, const synctalk_callbacks *callbacks,
                                     synctalk_error *err)
{
    synctalk_status st;
    struct scan scan = {.index = index,
                        .path = input->path,
                        .last_time = INT64_MIN,
                        .stream_duration = input->format->streams[stream]->duration};

    *index = (struct st_video_index){.tick = input->format->streams[stream]->time_base};
    if (index->tick.num <= 0 || index->tick.den <= 0)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: its pictures have no time base", input->path);
    if ((st = read_all(&scan, input, stream, callbacks, err)))
        goto done;
    if (scan.count == 0 || index->pictures == 0) {
        st = st_fail(err, SYNCTALK_E_FORMAT,
                     "%s: its header promises a video, but there is no picture in it; it is "
                     "damaged or cut off before the first one",
                     input->path);
        goto done;
    }
    index->packets = scan.count;
    st = arrange(&scan, input, stream, err);

done:
    free(scan.pts);
    free(scan.dts);
    free(scan.flags);
    return st;
}

void st_video_index_free(struct st_video_index *index)
{
    free(index->check);
    free(index->rank);
    free(index->time);
    free(index->segments);
    *index = (struct st_video_index){0};
}

__extension__ typedef __int128 wide;

int64_t st_video_index_frames(const struct st_video_index *index, int fps)
{
    wide length = (wide)index->length_ticks * index->tick.num * fps;
    wide frames = (2 * length + index->tick.den) / (2 * (wide)index->tick.den);
    return frames < 1 ? 1 : (int64_t)frames;
}

uint32_t st_video_index_at(const struct st_video_index *index, int64_t n, int fps)
{
    wide num = index->tick.num;
    wide den = index->tick.den;
    wide ticks = den >= 1000 * num ? (2 * den * n + num * fps) / (2 * num * fps)
                                   : den * (2000 * (wide)n + fps) / ((wide)2000 * num * fps);
    wide units = ticks / index->unit;
    uint32_t low = 0; /* time[low] <= units < time[high], high one past the end at first */
    uint32_t high = index->pictures;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (index->time[middle] <= units)
            low = middle;
        else
            high = middle;
    }
    return low;
}

uint32_t st_video_index_segment(const struct st_video_index *index, uint32_t rank)
{
    uint32_t low = 0;
    uint32_t high = index->segment_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (index->segments[middle].first <= rank)
            low = middle;
        else
            high = middle;
    }
    return low;
}

uint32_t st_video_index_end(const struct st_video_index *index, uint32_t segment)
{
    return segment + 1 < index->segment_count ? index->segments[segment + 1].first
                                              : index->pictures;
}
