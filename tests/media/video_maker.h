/* SPDX-License-Identifier: Apache-2.0 */
/* Small videos for the reader's tests, by whatever encoders libavcodec has. */
#ifndef ST_TESTS_VIDEO_MAKER_H
#define ST_TESTS_VIDEO_MAKER_H

#include <libavutil/frame.h>
#include <stdbool.h>
#include <stdint.h>

struct made_video {
    const char *path;          /* its extension chooses the muxer */
    const char *encoder;       /* libavcodec's name */
    const char *options;       /* of the encoder: "key=value:key=value", or NULL */
    enum AVPixelFormat format; /* 0 is YUV 4:2:0 */
    int width, height;
    AVRational tick; /* seconds; {0, 0}: 1/25 */
    int frames;
    const int64_t *times; /* [frames] ticks; NULL: 0, 1, 2 ... */
    int64_t last_ticks;   /* duration of the last packet; 0: not said */
    bool muxed_times;     /* `times` go to the muxer past the encoder, which must not reorder */
    int gop, b_frames;
    int matrix[4]; /* a, b, c, d of the display matrix, -1 to 1; all 0: none */
    enum AVColorSpace space;
    enum AVColorRange range;
    bool interlaced;
    int resize_at, resize_width, resize_height; /* from that picture on; 0: never */
    void (*paint)(AVFrame *frame, int number);  /* NULL: paint_level() */
};

/* False, said aloud, where this libavcodec lacks the encoder. */
bool make_video(const struct made_video *video);

/* Luma of picture `number`: 26 levels in turn, 8 apart, and no colour. */
void paint_level(AVFrame *frame, int number);
/* Which of the 26 a grey full-range value is; -1: none of them. */
int level_of(int grey);
/* One value for a plane, in 8-bit terms. */
void paint_plane(AVFrame *frame, int plane, int value);

#endif /* ST_TESTS_VIDEO_MAKER_H */
