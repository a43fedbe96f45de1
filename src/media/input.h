/* SPDX-License-Identifier: Apache-2.0 */
/* A media file opened by us and demuxed by libavformat, which can open nothing else.
 *
 * libavformat reads through our descriptor; playlists, external references and protocols
 * are refused. Constant memory. One thread at a time.
 */
#ifndef ST_MEDIA_INPUT_H
#define ST_MEDIA_INPUT_H

#include <libavformat/avformat.h>
#include <stdbool.h>

#include "synctalk/status.h"

/* Zero it first; close() ends it in every state. Not to be moved while open. */
struct st_input {
    const char *path; /* borrows until close, for messages */
    AVFormatContext *format;
    AVIOContext *io;
    int fd;
    bool open;         /* fd is ours */
    bool refused;      /* the file asked for another one */
    int width, height; /* of the largest picture that the header tells of; 0: none */
    int errno_of_read; /* 0, or why the last read failed */
};

/* Open and find the streams. E_MISSING, E_IO; E_FORMAT with what the file seems to be. */
synctalk_status st_input_open(struct st_input *input, const char *path, synctalk_error *err);
/* Begin anew at the first byte of the same open file: what `format` was is gone, the streams
 * come back under the same numbers. On failure only close() may follow. */
synctalk_status st_input_rewind(struct st_input *input, synctalk_error *err);
void st_input_close(struct st_input *input);

#endif /* ST_MEDIA_INPUT_H */
