/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader has done so far: how tests and benchmarks see its cost without a clock. */
#ifndef ST_MEDIA_VIDEO_READER_COUNTS_H
#define ST_MEDIA_VIDEO_READER_COUNTS_H

#include <stddef.h>
#include <stdint.h>

struct st_video_reader;

struct st_video_counts {
    int64_t pictures;        /* of the source */
    int64_t segments;        /* that can be decoded on their own */
    int64_t decoded;         /* pictures that came out of the decoder */
    int64_t missing;         /* pictures that never came, left out by the encoder or damaged */
    int64_t seeks, rewinds;  /* of the demuxer; back to the file's begin */
    int threads;             /* as asked for; 1 once the decoder has complained */
    size_t cache_most_bytes; /* that decoded pictures ever took */
    size_t index_bytes;
};

struct st_video_counts st_video_reader_counts(const struct st_video_reader *reader);

#endif /* ST_MEDIA_VIDEO_READER_COUNTS_H */
