/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/clip_info.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"

#define MADE_BY "made_by: synctalk preprocess-clips\n"
#define INFO_MAX_BYTES ((size_t)1 << 16)
#define TEXT_BYTES 1024 /* more than all lines together can have */

/* The value of `key` in `text`, which ends in NUL, into `size` bytes; "" where it does not fit. */
static void take_text(char *to, size_t size, const char *text, const char *key)
{
    const size_t length = strlen(key);
    to[0] = '\0';
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, key, length) != 0 || strncmp(line + length, ": ", 2) != 0)
            continue;
        const char *value = line + length + 2;
        const size_t bytes = strcspn(value, "\n");
        if (bytes < size)
            snprintf(to, size, "%.*s", (int)bytes, value);
        return;
    }
}

/* 0 where it is no number from 0 to `most`. */
static int64_t take_number(const char *text, const char *key, int64_t most)
{
    char digits[16];
    take_text(digits, sizeof digits, text, key);
    if (strspn(digits, "0123456789") != strlen(digits))
        return 0;
    const int64_t value = strtoll(digits, NULL, 10);
    return value <= most ? value : 0;
}

static void parse(struct st_clip_info *info, const char *text)
{
    char word[16];

    info->any = true;
    take_text(word, sizeof word, text, "complete");
    info->complete = strcmp(word, "yes") == 0;
    take_text(word, sizeof word, text, "type");
    info->kind =
        strcmp(word, st_clip_kind_name(ST_CLIP_TALK)) == 0 ? ST_CLIP_TALK : ST_CLIP_SILENCE;
    take_text(info->source, sizeof info->source, text, "source");
    take_text(info->sha256, sizeof info->sha256, text, "sha256");
    take_text(info->identity, sizeof info->identity, text, "identity");
    info->fps = (int)take_number(text, "fps", INT32_MAX);
    info->frames = take_number(text, "frames", ST_CLIP_FRAMES_MAX);
    info->faces = take_number(text, "faces", ST_CLIP_FRAMES_MAX);
    info->width = (int)take_number(text, "width", INT32_MAX);
    info->height = (int)take_number(text, "height", INT32_MAX);
}

synctalk_status st_clip_info_read(struct st_clip_info *info, const char *folder,
                                  synctalk_error *err)
{
    synctalk_status st;
    char path[ST_PATH_MAX];
    struct st_mapping map;

    *info = (struct st_clip_info){.any = false};
    if ((st = st_path_join(path, folder, ST_CLIP_INFO, err)))
        return st;
    if (access(path, F_OK) != 0)
        return SYNCTALK_OK;
    if ((st = st_map_file(&map, path, err)))
        return st;
    if (map.size >= strlen(MADE_BY) && map.size <= INFO_MAX_BYTES &&
        memcmp(map.data, MADE_BY, strlen(MADE_BY)) == 0) {
        char *text = strndup((const char *)map.data, map.size);
        if (text)
            parse(info, text);
        else
            st = st_fail_memory(err, ST_CLIP_INFO, map.size);
        free(text);
    }
    st_unmap_file(&map);
    return st;
}

synctalk_status st_clip_info_write(const struct st_clip_info *info, const char *folder,
                                   synctalk_error *err)
{
    synctalk_status st;
    char path[ST_PATH_MAX];
    char text[TEXT_BYTES];
    struct st_output output = {.fd = -1};
    int length = snprintf(text, sizeof text,
                          MADE_BY "complete: %s\nsource: %s\nsha256: %s\ntype: %s\nfps: %d\n",
                          info->complete ? "yes" : "no", info->source, info->sha256,
                          st_clip_kind_name(info->kind), info->fps);
    if (info->complete)
        length += snprintf(text + length, sizeof text - (size_t)length,
                           "frames: %" PRId64 "\nfaces: %" PRId64 "\nwidth: %d\nheight: %d\n",
                           info->frames, info->faces, info->width, info->height);
    length +=
        snprintf(text + length, sizeof text - (size_t)length, "identity: %s\n", info->identity);

    if ((st = st_path_join(path, folder, ST_CLIP_INFO, err)) ||
        (st = st_output_open(&output, path, true, err)) ||
        (st = st_output_write(&output, text, (size_t)length, err)))
        goto done;
    st = st_output_commit(&output, true, err);

done:
    st_output_close(&output);
    return st;
}
