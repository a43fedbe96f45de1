/* SPDX-License-Identifier: Apache-2.0 */
/* Sound out of any file that libavformat can open, as f32 at a wanted rate.
 *
 * Only the named file is ever opened: playlists and references to other files or hosts
 * fail. Constant memory. One thread at a time.
 */
#ifndef ST_MEDIA_AUDIO_READER_H
#define ST_MEDIA_AUDIO_READER_H

#include <stddef.h>
#include <stdint.h>

#include "synctalk/status.h"

struct st_audio_reader;

struct st_audio_info {
    int rate_hz;   /* of what read() gives */
    int channels;  /* of what read() gives */
    int source_hz; /* of the file */
    int source_channels;
    double start; /* of the first sample, seconds on the file's clock; 0 where it has none */
    char codec[32];
};

/* rate_hz 0 keeps the file's rate; channels 1 = mean of all channels, 2 = at most two
 * (more are mixed down, one stays one). The first audio stream that is best by
 * libavformat's choice. E_FORMAT: not a media file, or no sound in it. */
synctalk_status st_audio_reader_open(struct st_audio_reader **out, const char *path, int rate_hz,
                                     int channels, synctalk_error *err);
void st_audio_reader_close(struct st_audio_reader **reader);
const struct st_audio_info *st_audio_reader_info(const struct st_audio_reader *reader);

/* Up to `capacity` sample frames, interleaved, into `dst`; *got = 0 at the end. Damaged
 * packets are skipped (counted below); a file whose every packet is damaged is E_FORMAT. */
synctalk_status st_audio_reader_read(struct st_audio_reader *reader, float *dst, size_t capacity,
                                     size_t *got, synctalk_error *err);
int64_t st_audio_reader_damaged(const struct st_audio_reader *reader);

#endif /* ST_MEDIA_AUDIO_READER_H */
