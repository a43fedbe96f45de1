/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures out of any video that libavformat can open, at a fixed frame rate, upright.
 *
 * Output frame n is the picture that is on the screen at n / fps seconds after the video's
 * first picture: a constant or a variable rate is resampled by timestamps. Rotation in the
 * header is applied, mirroring too. Frames may be asked for in any order; forward is cheapest,
 * backward goes by whole groups of pictures. Memory is bounded, whatever the length, but for 16
 * bytes or less for each picture. A picture of another size than the first is scaled to the
 * first. Colours: see video_picture.h. One thread at a time.
 */
#ifndef ST_MEDIA_VIDEO_READER_H
#define ST_MEDIA_VIDEO_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "synctalk/progress.h"
#include "synctalk/status.h"

struct st_video_reader;

struct st_video_settings {
    int fps;            /* of the frames given out; 1 to 1000 */
    int threads;        /* of the decoder; 0 is its own choice */
    size_t cache_bytes; /* most that decoded pictures may take; 0: 128 MiB */
};

struct st_video_info {
    int width, height;             /* as given out: upright, pixels as they are stored */
    int pixel_width, pixel_height; /* shape of a pixel as given out; 1, 1 where it is not said */
    int64_t frames;     /* at the wanted rate, > 0: the time from the first picture to the
                           end of the last, rounded to the nearest frame */
    double start;       /* of the first picture, seconds on the file's clock */
    double source_fps;  /* mean */
    bool variable_rate; /* intervals differ by more than a tick */
    bool interlaced;
    int rotation; /* degrees clockwise by which stored pictures are turned: 0, 90, 180, 270 */
    int bits;     /* of a component */
    bool has_audio;
    int64_t damaged; /* pictures that could not be decoded, found so far; the one before stands
                        in, at the very begin the one after */
    char codec[32];
    char container[32];
};

/* Reads the whole file's packet times, without decoding, to know the frames there are.
 * E_FORMAT: not a video, no picture in it (says whether there is sound), cut off before the
 * first picture, more than 16384 pixels wide or high or 2^26 in all. `callbacks` (may be NULL)
 * are borrowed until close; `cancelled` is asked while reading and decoding. */
synctalk_status st_video_reader_open(struct st_video_reader **out, const char *path,
                                     const struct st_video_settings *settings,
                                     const synctalk_callbacks *callbacks, synctalk_error *err);
void st_video_reader_close(struct st_video_reader **reader); /* NULL-safe */
const struct st_video_info *st_video_reader_info(const struct st_video_reader *reader);

/* Frame n, 0 <= n < frames, as packed 8-bit BGR, full range, into `dst` of info.height rows.
 * The same n gives the same bytes, whatever was asked before. */
synctalk_status st_video_reader_frame(struct st_video_reader *reader, int64_t n, uint8_t *dst,
                                      size_t stride, synctalk_error *err);

#endif /* ST_MEDIA_VIDEO_READER_H */
