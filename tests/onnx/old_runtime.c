/* SPDX-License-Identifier: Apache-2.0 */
/* A library that answers as an ONNX Runtime does that is older than what we ask for. */
#include <stddef.h>

#include "onnx/abi.h"

__attribute__((visibility("default"))) const OrtApiBase *OrtGetApiBase(void);

static const OrtApi *get_api(uint32_t version)
{
    (void)version;
    return NULL;
}

static const char *get_version(void)
{
    return "1.4.0";
}

const OrtApiBase *OrtGetApiBase(void)
{
    static const OrtApiBase base = {get_api, get_version};
    return &base;
}
