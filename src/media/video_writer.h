/* SPDX-License-Identifier: Apache-2.0 */
/* H.264 and AAC into MP4: yuv420p, BT.709 limited range and tagged so, faststart.
 *
 * Writes to a path that the caller owns (base/file.h's temporary name). Frames and sound
 * are to be handed over in step, within about a second: the muxer interleaves, and holds
 * back what comes early. One thread at a time.
 */
#ifndef ST_MEDIA_VIDEO_WRITER_H
#define ST_MEDIA_VIDEO_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include "base/stopwatch.h"
#include "synctalk/progress.h"
#include "synctalk/status.h"

struct st_video_writer;

struct st_video_writer_settings {
    const char *path;                /* written to; the MP4 muxer is used whatever its extension */
    const char *name;                /* the final name, for messages */
    int source_width, source_height; /* of the frames handed over */
    int width, height; /* of the video; even; scaled where they differ from the source */
    int pixel_width, pixel_height; /* shape of a pixel of the source; 0: square */
    int fps;                       /* frames per second */
    int crf;
    const char *x264_preset; /* "faster" ... */
    int threads;             /* x264's; the stream depends on it, so never the machine's load */
    int audio_hz;            /* of the samples handed over; 0 = no sound */
    int audio_channels;      /* 1 or 2 */
    int audio_kbps;
    const synctalk_callbacks *callbacks; /* may be NULL; `cancelled` is asked at every write */
    struct st_stopwatch *watch;          /* of the thread that writes; borrowed; or NULL */
};

/* E_UNSUPPORTED where libavcodec has no H.264 or AAC encoder: says what to install. */
synctalk_status st_video_writer_open(struct st_video_writer **out,
                                     const struct st_video_writer_settings *settings,
                                     synctalk_error *err);
/* The next frame: packed 8-bit BGR, origin top-left, `stride` in bytes. */
synctalk_status st_video_writer_frame(struct st_video_writer *writer, const uint8_t *bgr,
                                      size_t stride, synctalk_error *err);
/* Likewise as planes in the video's own colours: Y, Cb, Cr, 4:2:0, BT.709, limited range, of the
 * source's size without an odd last row or column. Rows may be read 16 bytes past their ends, and
 * the last one too. */
synctalk_status st_video_writer_planes(struct st_video_writer *writer, const uint8_t *const data[3],
                                       const size_t stride[3], synctalk_error *err);
/* The next `count` sample frames, interleaved. */
synctalk_status st_video_writer_audio(struct st_video_writer *writer, const float *samples,
                                      size_t count, synctalk_error *err);
/* Drain the encoders, write the index, move it to the front, flush. Disk full is E_IO
 * with the name and the reason. */
synctalk_status st_video_writer_finish(struct st_video_writer *writer, synctalk_error *err);
/* Ends it in every state; removes nothing. */
void st_video_writer_close(struct st_video_writer **writer);

#endif /* ST_MEDIA_VIDEO_WRITER_H */
