/* SPDX-License-Identifier: Apache-2.0 */
/* What tests that run a network in ONNX share. Include support/support.h first. */
#ifndef ST_TESTS_ONNX_SUPPORT_H
#define ST_TESTS_ONNX_SUPPORT_H

#include "onnx/onnx.h"

/* Begin a test that runs a network: skip() with a line that says so where ONNX Runtime is
 * not there. */
#define ST_NEED_ONNX_RUNTIME()                                            \
    do {                                                                  \
        char version_[256];                                               \
        synctalk_error absent_ = {0};                                     \
        if (st_onnx_version(version_, sizeof version_, NULL, &absent_)) { \
            fprintf(stderr, "skipped: %s\n", absent_.message);            \
            skip();                                                       \
        }                                                                 \
    } while (0)

#endif /* ST_TESTS_ONNX_SUPPORT_H */
