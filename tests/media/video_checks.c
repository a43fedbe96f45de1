/* SPDX-License-Identifier: Apache-2.0 */
#include "media/video_checks.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "support/support.h"

struct st_video_reader *open_video(const char *path, int fps, int threads, size_t cache_bytes)
{
    struct st_video_reader *reader;
    struct st_video_settings settings = {
        .fps = fps, .threads = threads, .cache_bytes = cache_bytes};
    ST_OK(st_video_reader_open(&reader, path, &settings, NULL, err));
    return reader;
}

uint8_t *frame_of(struct st_video_reader *reader, int64_t n)
{
    const struct st_video_info *info = st_video_reader_info(reader);
    size_t row = 3 * (size_t)info->width;
    uint8_t *bgr = malloc(row * (size_t)info->height);
    assert_non_null(bgr);
    ST_OK(st_video_reader_frame(reader, n, bgr, row, err));
    return bgr;
}

uint64_t hash_of(struct st_video_reader *reader, int64_t n)
{
    const struct st_video_info *info = st_video_reader_info(reader);
    uint8_t *bgr = frame_of(reader, n);
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < 3 * (size_t)info->width * (size_t)info->height; i++)
        hash = (hash ^ bgr[i]) * UINT64_C(1099511628211);
    free(bgr);
    return hash;
}

void check_any_order(struct st_video_reader *reader)
{
    int64_t frames = st_video_reader_info(reader)->frames;
    uint64_t *hashes = malloc((size_t)frames * sizeof *hashes);
    uint64_t random = 7;

    assert_non_null(hashes);
    for (int64_t n = 0; n < frames; n++)
        hashes[n] = hash_of(reader, n);
    for (int64_t n = frames; n-- > 0;)
        if (hash_of(reader, n) != hashes[n])
            fail_msg("frame %lld differs when read backward", (long long)n);
    for (int i = 0; i < 30; i++) {
        int64_t n = (int64_t)(st_random_next(&random) % (uint64_t)frames);
        if (hash_of(reader, n) != hashes[n])
            fail_msg("frame %lld differs when read at random", (long long)n);
    }
    free(hashes);
}

void check_refused(const char *path, synctalk_status status, const char *word)
{
    struct st_video_reader *reader;
    struct st_video_settings settings = {.fps = 25, .threads = 1};
    synctalk_error err = {0};
    synctalk_status st = st_video_reader_open(&reader, path, &settings, NULL, &err);

    assert_null(reader);
    if (st != status || !strstr(err.message, word) || !strstr(err.message, st_path_base(path)))
        fail_msg("%s: status %d, want %d; \"%s\" should hold \"%s\"", path, st, status, err.message,
                 word);
}
