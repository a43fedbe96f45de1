/* SPDX-License-Identifier: Apache-2.0 */
#include "media/libav.h"

#include <libavutil/error.h>
#include <libavutil/log.h>

void st_av_quiet(void)
{
    if (av_log_get_level() == AV_LOG_INFO)
        av_log_set_level(AV_LOG_QUIET);
}

const char *st_av_text(int averror, char *buf, size_t size)
{
    av_strerror(averror, buf, size);
    return buf;
}
