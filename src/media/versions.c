/* SPDX-License-Identifier: Apache-2.0 */
#include "media/versions.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/avutil.h>
#include <libswresample/swresample.h>
#include <libswscale/swscale.h>
#include <stdio.h>

const char *st_media_version(size_t index, char *buf, size_t size)
{
    const struct {
        const char *name;
        unsigned running, built;
    } rows[] = {
        {"libavcodec", avcodec_version(), LIBAVCODEC_VERSION_INT},
        {"libavformat", avformat_version(), LIBAVFORMAT_VERSION_INT},
        {"libavutil", avutil_version(), LIBAVUTIL_VERSION_INT},
        {"libswscale", swscale_version(), LIBSWSCALE_VERSION_INT},
        {"libswresample", swresample_version(), LIBSWRESAMPLE_VERSION_INT},
    };
    if (index >= sizeof rows / sizeof *rows)
        return NULL;
    unsigned r = rows[index].running;
    unsigned b = rows[index].built;
    snprintf(buf, size, "%u.%u.%u, built against %u.%u.%u", AV_VERSION_MAJOR(r),
             AV_VERSION_MINOR(r), AV_VERSION_MICRO(r), AV_VERSION_MAJOR(b), AV_VERSION_MINOR(b),
             AV_VERSION_MICRO(b));
    return rows[index].name;
}

const char *st_media_licence(void)
{
    return avcodec_license();
}

int st_media_has_encoder(const char *name)
{
    return avcodec_find_encoder_by_name(name) != NULL;
}
