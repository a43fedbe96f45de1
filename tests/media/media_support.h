/* SPDX-License-Identifier: Apache-2.0 */
/* Sound files synthesised for the media tests. */
#ifndef ST_TESTS_MEDIA_SUPPORT_H
#define ST_TESTS_MEDIA_SUPPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct st_video_writer_settings;

enum wav_kind { WAV_U8 = 8, WAV_S16 = 16, WAV_S24 = 24, WAV_F32 = 32 };

/* `count` sample frames, interleaved, as a RIFF file. */
void wav_write(const char *path, enum wav_kind kind, int hz, int channels, const float *samples,
               size_t count);

/* "DIR/NAME" in one of eight static buffers that rotate. */
const char *in_dir(const char *dir, const char *name);

/* The sine that all tests use: 440 Hz, amplitude 0.5, channel c ahead by 0.2 c radians. */
float tone(int64_t n, int hz, int channel);

/* Encode `seconds` of the tone with a libavcodec encoder by name into a file whose muxer
 * follows its extension. False where this libavcodec lacks the encoder. */
bool encode_tone(const char *path, const char *encoder, int hz, int channels, double seconds);

/* Defaults for a small video with sound; path and name are the caller's. */
struct st_video_writer_settings small_video(const char *path);

/* Write a video of `frames` moving frames, with its sound where the settings have any. */
void video_write(const struct st_video_writer_settings *settings, int frames);

/* One BGR frame of the moving picture. */
void draw(uint8_t *bgr, int width, int height, int index);

#endif /* ST_TESTS_MEDIA_SUPPORT_H */
