/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of this folder share about libav: silence, reasons in words.
 *
 * This folder is the only one that includes libav's headers. It knows containers and
 * codecs, and nothing of faces, networks or plans.
 */
#ifndef ST_MEDIA_LIBAV_H
#define ST_MEDIA_LIBAV_H

#include <stddef.h>

/* libav logs to stderr through one process-wide level, and a library must not print. If
 * the level is still libav's default, set it to quiet; an application that chose a level
 * of its own keeps it. Called whenever a reader or writer opens. */
void st_av_quiet(void);

/* Text of an AVERROR in `buf`; returns `buf`. */
const char *st_av_text(int averror, char *buf, size_t size);

#endif /* ST_MEDIA_LIBAV_H */
