/* SPDX-License-Identifier: Apache-2.0 */
/* Which libav* and libsw* run in this process, for the doctor command. */
#ifndef ST_MEDIA_VERSIONS_H
#define ST_MEDIA_VERSIONS_H

#include <stddef.h>

/* Library `index` and "59.27.100, built against 59.27.100"; its name, or NULL past the
 * last. */
const char *st_media_version(size_t index, char *buf, size_t size);

/* Licence under which this build of libavcodec may be used, "GPL version 2 or later". */
const char *st_media_licence(void);

/* Whether an encoder of this name is there, such as "libx264". */
int st_media_has_encoder(const char *name);

#endif /* ST_MEDIA_VERSIONS_H */
