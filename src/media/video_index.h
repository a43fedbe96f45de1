/* SPDX-License-Identifier: Apache-2.0 */
/* Which pictures a video has and when each is shown, from its packets alone.
 *
 * Packets are numbered as the file holds them, pictures (ranks) as they are shown. A
 * segment is a run of ranks that can be decoded from one key packet on, with nothing of
 * what comes before it: pictures that follow a key packet in the file and are shown before
 * it (an open group) belong to the segment before. 12 bytes a packet, and 32 a segment of
 * at least ST_VIDEO_SEGMENT_PACKETS. Knows nothing of decoding.
 */
#ifndef ST_MEDIA_VIDEO_INDEX_H
#define ST_MEDIA_VIDEO_INDEX_H

#include <libavcodec/packet.h>
#include <stdbool.h>
#include <stdint.h>

#include "media/input.h"
#include "synctalk/progress.h"
#include "synctalk/status.h"

#define ST_VIDEO_HIDDEN UINT32_MAX /* rank of a packet whose picture is not shown */
#define ST_VIDEO_SEGMENT_PACKETS 8

struct st_video_segment {
    uint32_t packet;  /* the key packet */
    uint32_t first;   /* its rank: the first of the segment */
    uint32_t end;     /* one past the last packet that its pictures need */
    uint32_t back;    /* segments before it where its decoding begins; 0 unless its key alone
                         gives no picture */
    int64_t pts, dts; /* of the key packet, in stream ticks, to seek by; may be absent */
};

struct st_video_index {
    AVRational tick;      /* of the stream, in seconds */
    int64_t first_ticks;  /* time of rank 0 in the file */
    int64_t length_ticks; /* from the first picture's begin to the last one's end */
    uint32_t unit;        /* ticks that one step of `time` stands for; 1 below 2^32 ticks */
    uint32_t packets, pictures;
    uint32_t *check; /* [packets] of a packet's place and size: is it the same again? */
    uint32_t *rank;  /* [packets] */
    uint32_t *time;  /* [pictures] units after the first picture; ascending */
    struct st_video_segment *segments; /* owns; the first begins at packet 0 */
    uint32_t segment_count;
    bool variable; /* intervals differ by more than a tick */
};

/* The next packet of `stream`, damaged stretches stepped over: 1; 0 at the end; an AVERROR
 * where reading or memory failed. */
int st_video_packet_next(struct st_input *input, int stream, AVPacket *packet);
uint32_t st_video_packet_check(const AVPacket *packet);

/* Read all packets of `stream`; `input` is anywhere afterwards. Polls `cancelled`. */
synctalk_status st_video_index_build(struct st_video_index *index, struct st_input *input,
                                     int stream, const synctalk_callbacks *callbacks,
                                     synctalk_error *err);
void st_video_index_free(struct st_video_index *index); /* safe on a zeroed struct */

/* Frames at `fps`: the length to the nearest frame, at least 1. The length ends when the last
 * picture does: after its packet's duration, else the header's, else as long as the one before. */
int64_t st_video_index_frames(const struct st_video_index *index, int fps);
/* Rank of the picture on the screen at n / fps. Timestamps are taken to be right within
 * half a tick, and half a millisecond where ticks are longer. */
uint32_t st_video_index_at(const struct st_video_index *index, int64_t n, int fps);
/* The segment that `rank` is in. */
uint32_t st_video_index_segment(const struct st_video_index *index, uint32_t rank);
/* One past the last rank of a segment. */
uint32_t st_video_index_end(const struct st_video_index *index, uint32_t segment);

#endif /* ST_MEDIA_VIDEO_INDEX_H */
