/* SPDX-License-Identifier: Apache-2.0 */
/* Decoded pictures of one video by rank, the last ones kept.
 *
 * A picture is what its segment decodes to in a decoder that has seen nothing else; so it does
 * not depend on what was asked before, in damaged files either. A segment whose key gives no
 * picture (damaged, or a picture that only begins to recover) is decoded from a segment
 * earlier on, for good.
 */
#ifndef ST_MEDIA_VIDEO_DECODER_H
#define ST_MEDIA_VIDEO_DECODER_H

#include <libavcodec/avcodec.h>

#include "media/video_packets.h"

#define ST_VIDEO_MAX_SIDE 16384
#define ST_VIDEO_MAX_PIXELS (1 << 26) /* 8192 x 8192; what decoders are allowed to allocate */

/* Pictures by rank modulo their number: always those decoded last, if ranks are neighbours. */
struct st_video_cache {
    AVFrame **frames;  /* owns; [slots] */
    uint32_t *ranks;   /* [slots]; ST_VIDEO_HIDDEN: empty */
    uint32_t slots;    /* 0 before the first picture */
    size_t slot_bytes; /* of the largest picture so far */
    size_t limit, bytes, most_bytes;
};

struct st_video_decoder {
    struct st_video_packets packets;
    struct st_video_index index;
    AVCodecParameters *parameters; /* owns */
    int threads;                   /* 1 for good once the decoder has complained */
    AVCodecContext *codec;         /* owns; of this segment alone */
    AVFrame *frame;
    const synctalk_callbacks *callbacks; /* borrows */
    struct st_video_cache cache;
    uint8_t *missing; /* owns; a bit a rank: nothing was decoded; NULL: none so far */
    uint32_t window;  /* ranks by which a picture may come late */

    bool active, draining;
    uint32_t segment, first, end_rank, end_packet;
    uint32_t floor;  /* ranks from `first` to here have come or are missing */
    uint32_t latest; /* the highest rank that has come, of the next segment too */
    uint64_t came;   /* bit k: rank floor + k has come */
    int complaints;  /* of the decoder, in this segment */
    int retries;     /* of segments from one earlier, in all */

    int64_t decoded; /* pictures that the decoder gave, those thrown away counted too */
    int64_t lost;    /* missing */
    int64_t damaged; /* missing, and the decoder had complained: see st_video_info */
};

/* `decoder` is zeroed but for `packets.input` (open), packets.stream and callbacks, and stays
 * where it is. Builds the index. On failure close() is still due. */
synctalk_status st_video_decoder_open(struct st_video_decoder *decoder, int threads,
                                      size_t cache_bytes, synctalk_error *err);
void st_video_decoder_close(struct st_video_decoder *decoder);

/* The picture of `rank`; where that is missing, of the nearest one before it, or, at the
 * begin, after it. Borrowed until the next call. E_FORMAT where no picture decodes at all. */
synctalk_status st_video_decoder_picture(struct st_video_decoder *decoder, uint32_t rank,
                                         const AVFrame **picture, synctalk_error *err);

#endif /* ST_MEDIA_VIDEO_DECODER_H */
