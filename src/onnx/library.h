/* SPDX-License-Identifier: Apache-2.0 */
/* Where ONNX Runtime's library is, and its loading. */
#ifndef ST_ONNX_LIBRARY_H
#define ST_ONNX_LIBRARY_H

#include "base/file.h"
#include "onnx/abi.h"

/* Zero it first. Borrows nothing; `version` lives as long as the process, see library.c. */
struct st_onnx_library {
    void *handle; /* of dlopen(), owned */
    const OrtApi *api;
    const char *version;
    char path[ST_PATH_MAX]; /* of the file that was loaded */
};

/* `given`: the one path to try, or NULL for the usual places. `purpose` may be NULL.
 * E_UNSUPPORTED, with what for, where it looked and how to get it. */
synctalk_status st_onnx_library_open(struct st_onnx_library *library, const char *given,
                                     const char *purpose, synctalk_error *err);

/* The first of `places` (paths, or names for the loader's own search; ended by NULL) that is
 * a usable ONNX Runtime. */
synctalk_status st_onnx_library_search(struct st_onnx_library *library, const char *const *places,
                                       const char *purpose, synctalk_error *err);

void st_onnx_library_close(struct st_onnx_library *library); /* safe on a zeroed one */

#endif /* ST_ONNX_LIBRARY_H */
