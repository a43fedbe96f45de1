/* SPDX-License-Identifier: Apache-2.0 */
/* The packets of one video by their number, from any segment on.
 *
 * A demuxer's seek is taken as a suggestion: where it led is known by comparing packets with
 * the index, and what does not agree is read again from the file's begin. So packet i is the
 * same bytes, however it was reached.
 */
#ifndef ST_MEDIA_VIDEO_PACKETS_H
#define ST_MEDIA_VIDEO_PACKETS_H

#include "media/video_index.h"

#define ST_VIDEO_KEPT_MAX 32 /* packets, of which an open group has fewer */

struct st_video_packets {
    struct st_input input;
    int stream;
    const struct st_video_index *index; /* borrows */
    AVPacket *packet;                   /* owns; the one that next() gave */
    uint32_t demuxed;                   /* number of the packet that the demuxer gives next */
    uint32_t next;                      /* number of the packet that next() gives */
    bool lost;                          /* demuxed is not to be relied on */
    bool straight;                      /* read from the begin without a seek */
    int bad_seeks, bad_begins;          /* that led nowhere: to a segment, to the file's begin */
    uint32_t keep_from;                 /* packets from here on are kept as they pass */
    AVPacket *kept[ST_VIDEO_KEPT_MAX];  /* owns; [kept_from, kept_from + kept_count) */
    uint32_t kept_from, kept_count;
    int64_t seeks, rewinds;
};

/* Only packets of `stream` are read from now on. */
void st_video_packets_choose(struct st_video_packets *packets, int stream);
/* After `segment` was read on to, next() gives its key packet; packets from `keep_from` on
 * are remembered so that a goto to them needs no seek. */
synctalk_status st_video_packets_goto(struct st_video_packets *packets, uint32_t segment,
                                      uint32_t keep_from, synctalk_error *err);
/* packets->packet becomes number packets->next, which then grows by one. */
synctalk_status st_video_packets_next(struct st_video_packets *packets, synctalk_error *err);
void st_video_packets_close(struct st_video_packets *packets); /* safe on a zeroed struct */

#endif /* ST_MEDIA_VIDEO_PACKETS_H */
