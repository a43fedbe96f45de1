/* SPDX-License-Identifier: Apache-2.0 */
/* What the reader's tests share. */
#ifndef ST_TESTS_VIDEO_CHECKS_H
#define ST_TESTS_VIDEO_CHECKS_H

#include <stdint.h>

#include "media/video_reader.h"

/* Open, or fail the test with the sentence. */
struct st_video_reader *open_video(const char *path, int fps, int threads, size_t cache_bytes);

/* Frame n, packed; free() it. Fails the test with the sentence. */
uint8_t *frame_of(struct st_video_reader *reader, int64_t n);

/* FNV-1a of frame n. */
uint64_t hash_of(struct st_video_reader *reader, int64_t n);

/* Every frame forward, all backward, then some at random: the same bytes each time. */
void check_any_order(struct st_video_reader *reader);

/* Opening must fail with that status and a sentence that holds `word` and the file's name. */
void check_refused(const char *path, synctalk_status status, const char *word);

#endif /* ST_TESTS_VIDEO_CHECKS_H */
