/* SPDX-License-Identifier: Apache-2.0 */
/* Easy to get wrong: a demuxer seeks to where its own index says, by decoding times in some
 * containers and by presentation times in others, and some cannot seek at all.
 */
#include "media/video_packets.h"

#include <errno.h>
#include <libavutil/avutil.h>

#include "base/error.h"

#define NEAR 64               /* packets that are read past rather than sought */
#define LANDING 512           /* packets looked at after a seek before it counts as lost */
#define MAX_BAD_SEEKS 4       /* after these the file is read straight */
#define KEPT_BYTES (16 << 20) /* of one packet that is kept */

void st_video_packets_choose(struct st_video_packets *p, int stream)
{
    p->stream = stream;
    for (unsigned i = 0; i < p->input.format->nb_streams; i++)
        p->input.format->streams[i]->discard = (int)i == stream ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
}

static void forget_kept(struct st_video_packets *p)
{
    for (uint32_t i = 0; i < p->kept_count; i++)
        av_packet_free(&p->kept[i]);
    p->kept_count = 0;
}

static synctalk_status fail_read(const struct st_video_packets *p, int code, synctalk_error *err)
{
    if (code == AVERROR(ENOMEM))
        return st_fail_memory(err, p->input.path, sizeof *p);
    if (code < 0)
        return st_fail_errno(err, AVUNERROR(code), "read", p->input.path);
    return st_fail(err, SYNCTALK_E_IO, "%s: was changed while it was read", p->input.path);
}

/* The demuxer's next packet; 0 where it is not the one that the index has as `demuxed`. */
static int read_expected(struct st_video_packets *p)
{
    int code = st_video_packet_next(&p->input, p->stream, p->packet);
    if (code <= 0)
        return code;
    if (p->demuxed >= p->index->packets ||
        st_video_packet_check(p->packet) != p->index->check[p->demuxed])
        return 0;
    p->demuxed++;
    return 1;
}

/* The demuxer to packet `number`, from the file's begin. */
static synctalk_status read_straight(struct st_video_packets *p, uint32_t number,
                                     synctalk_error *err)
{
    synctalk_status st;
    if ((st = st_input_rewind(&p->input, err)))
        return st;
    if (p->stream >= (int)p->input.format->nb_streams)
        return fail_read(p, 0, err);
    st_video_packets_choose(p, p->stream);
    p->rewinds++;
    p->demuxed = 0;
    p->straight = true;
    while (p->demuxed < number) {
        int code = read_expected(p);
        av_packet_unref(p->packet);
        if (code <= 0)
            return fail_read(p, code, err);
    }
    return SYNCTALK_OK;
}

/* packet `demuxed` into p->packet, read straight where the demuxer has lost its way. */
static synctalk_status read_packet(struct st_video_packets *p, synctalk_error *err)
{
    synctalk_status st;
    uint32_t number = p->demuxed;
    int code = read_expected(p);

    if (code == 0 && !p->straight) {
        av_packet_unref(p->packet);
        p->bad_seeks++;
        if ((st = read_straight(p, number, err)))
            return st;
        code = read_expected(p);
    }
    return code > 0 ? SYNCTALK_OK : fail_read(p, code, err);
}

/* p->packet, which is number demuxed - 1, is remembered behind those before it, or alone;
 * false without memory. */
static bool keep(struct st_video_packets *p)
{
    uint32_t number = p->demuxed - 1;
    if (p->kept_count && p->kept_from + p->kept_count != number)
        forget_kept(p);
    if (p->kept_count == ST_VIDEO_KEPT_MAX)
        return true; /* the next goto seeks */
    if (p->kept_count == 0)
        p->kept_from = number;
    AVPacket *copy = av_packet_clone(p->packet);
    if (copy)
        p->kept[p->kept_count++] = copy;
    return copy != NULL;
}

/* The segment whose key packet has this check, the wanted one if it may be. */
static uint32_t recognise(const struct st_video_index *index, uint32_t check, uint32_t wanted)
{
    if (index->check[index->segments[wanted].packet] == check)
        return wanted;
    for (uint32_t s = wanted; s-- > 0;)
        if (index->check[index->segments[s].packet] == check)
            return s;
    for (uint32_t s = wanted + 1; s < index->segment_count; s++)
        if (index->check[index->segments[s].packet] == check)
            return s;
    return index->segment_count;
}

/* Seek to `time`: *led says whether the demuxer now is at or before the segment's key. */
static synctalk_status try_seek(struct st_video_packets *p, int64_t time, uint32_t segment,
                                bool *led, synctalk_error *err)
{
    const struct st_video_index *index = p->index;
    *led = false;
    if (time == AV_NOPTS_VALUE)
        return SYNCTALK_OK;
    p->seeks++;
    p->straight = false;
    if (av_seek_frame(p->input.format, p->stream, time, AVSEEK_FLAG_BACKWARD) < 0)
        return SYNCTALK_OK;
    for (int looked = 0; looked < LANDING; looked++) {
        int code = st_video_packet_next(&p->input, p->stream, p->packet);
        if (code < 0)
            return fail_read(p, code, err);
        if (code == 0)
            return SYNCTALK_OK;
        uint32_t found = recognise(index, st_video_packet_check(p->packet), segment);
        if (found < index->segment_count) {
            p->demuxed = index->segments[found].packet + 1;
            *led = found <= segment;
            bool room = found != segment || keep(p);
            av_packet_unref(p->packet);
            return room ? SYNCTALK_OK : fail_read(p, AVERROR(ENOMEM), err);
        }
        av_packet_unref(p->packet);
    }
    return SYNCTALK_OK;
}

/* The demuxer, wherever it is, to just before packet `number`, the key of `segment`; or past
 * it, with the packet kept. */
static synctalk_status seek(struct st_video_packets *p, uint32_t segment, synctalk_error *err)
{
    synctalk_status st;
    const struct st_video_segment *to = &p->index->segments[segment];
    const struct st_video_segment *back = segment > 4 ? to - 4 : p->index->segments;
    const int64_t times[] = {to->pts, to->dts, back->dts};
    bool led = false;

    int *bad = segment ? &p->bad_seeks : &p->bad_begins; /* many a file begins without a key */
    for (size_t i = 0; i < 3 && !led && *bad < MAX_BAD_SEEKS; i++)
        if ((st = try_seek(p, times[i], segment, &led, err)))
            return st;
    if (led)
        return SYNCTALK_OK;
    ++*bad;
    return read_straight(p, to->packet, err);
}

synctalk_status st_video_packets_goto(struct st_video_packets *p, uint32_t segment,
                                      uint32_t keep_from, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    uint32_t number = p->index->segments[segment].packet;
    bool kept = p->kept_count && number >= p->kept_from && number < p->kept_from + p->kept_count &&
                p->kept_from + p->kept_count == p->demuxed;

    av_packet_unref(p->packet);
    p->keep_from = keep_from;
    p->next = number;
    if (kept && !p->lost)
        return SYNCTALK_OK;
    forget_kept(p);
    if (p->lost || number < p->demuxed || number - p->demuxed > NEAR) {
        p->lost = true;
        if ((st = p->input.format ? seek(p, segment, err) : read_straight(p, number, err)))
            return st;
    }
    p->lost = true;
    while (p->demuxed < number && !st) {
        st = read_packet(p, err);
        av_packet_unref(p->packet);
    }
    p->lost = st != SYNCTALK_OK;
    return st;
}

synctalk_status st_video_packets_next(struct st_video_packets *p, synctalk_error *err)
{
    synctalk_status st;
    uint32_t number = p->next;

    av_packet_unref(p->packet);
    if (p->kept_count && number >= p->kept_from && number < p->kept_from + p->kept_count) {
        if (av_packet_ref(p->packet, p->kept[number - p->kept_from]) < 0)
            return fail_read(p, AVERROR(ENOMEM), err);
        p->next++;
        return SYNCTALK_OK;
    }
    p->lost = true;
    if ((st = read_packet(p, err)))
        return st;
    p->lost = false;
    p->next++;
    if (number >= p->keep_from && p->packet->size <= KEPT_BYTES && !keep(p))
        return fail_read(p, AVERROR(ENOMEM), err);
    return SYNCTALK_OK;
}

void st_video_packets_close(struct st_video_packets *p)
{
    forget_kept(p);
    av_packet_free(&p->packet);
    st_input_close(&p->input);
}
