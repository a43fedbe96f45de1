/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/version.h"

#include <dnnl.h>
#include <stdio.h>

const char *st_nn_version(char *buf, size_t size)
{
    const dnnl_version_t *version = dnnl_version();
    snprintf(buf, size, "%d.%d.%d", version->major, version->minor, version->patch);
    return buf;
}
