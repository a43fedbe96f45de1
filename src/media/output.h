/* SPDX-License-Identifier: Apache-2.0 */
/* A file that libavformat writes through our descriptor, so that the reason of a failed
 * write ("No space left on device") is known.
 */
#ifndef ST_MEDIA_OUTPUT_H
#define ST_MEDIA_OUTPUT_H

#include <libavformat/avformat.h>
#include <stdbool.h>

#include "synctalk/progress.h"
#include "synctalk/status.h"

/* Zero it first; close() ends it in every state. Not to be moved while open. */
struct st_media_output {
    const char *name; /* borrows until close, for messages */
    AVIOContext *io;
    int fd;
    bool open;                           /* fd is ours */
    int errno_of_write;                  /* 0, or why the first write that failed did */
    const synctalk_callbacks *callbacks; /* borrows; asked at every access, since moving the
                                            index of an hour to the front takes seconds */
    bool cancelled;
};

/* Open `path`, emptied or created. */
synctalk_status st_media_output_open(struct st_media_output *output, const char *path,
                                     const char *name, const synctalk_callbacks *callbacks,
                                     synctalk_error *err);
/* Let `format` write to it and, for moving the index to the front, read it again. */
void st_media_output_attach(struct st_media_output *output, AVFormatContext *format);
/* Write what is buffered and close the descriptor; the first failure of all is told. */
synctalk_status st_media_output_finish(struct st_media_output *output, synctalk_error *err);
/* SYNCTALK_OK, E_CANCELLED, or E_IO where a write has failed. */
synctalk_status st_media_output_check(const struct st_media_output *output, synctalk_error *err);
void st_media_output_close(struct st_media_output *output);

#endif /* ST_MEDIA_OUTPUT_H */
