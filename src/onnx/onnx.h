/* SPDX-License-Identifier: Apache-2.0 */
/* Networks in ONNX files, run by ONNX Runtime, which is loaded when it is first wanted.
 *
 * This folder knows the C interface of ONNX Runtime, and nothing of what a network is for.
 * What needs no ONNX works without the library. No global state of ours: each session holds
 * the library.
 */
#ifndef ST_ONNX_ONNX_H
#define ST_ONNX_ONNX_H

#include <stddef.h>
#include <stdint.h>

#include "synctalk/status.h"

#define ST_ONNX_RANK_MAX 8

/* Element types, with ONNX Runtime's numbers. */
enum st_onnx_type { ST_ONNX_F32 = 1, ST_ONNX_I32 = 6, ST_ONNX_I64 = 7, ST_ONNX_BOOL = 9 };

/* An input or an output as the file declares it. */
struct st_onnx_port {
    const char *name; /* borrowed from the session */
    int type;         /* st_onnx_type, or another of ONNX's numbers */
    int rank;
    int64_t dims[ST_ONNX_RANK_MAX]; /* -1: free */
};

struct st_onnx_tensor {
    int type;
    int rank;
    int64_t dims[ST_ONNX_RANK_MAX];
    void *data; /* row-major; an input is borrowed for the call, an output until the next */
};

struct st_onnx_settings {
    const char *library; /* path of libonnxruntime, or NULL: the usual places */
    const char *purpose; /* for messages: "to find faces" */
    int threads;         /* inside one run; >= 1 */
};

struct st_onnx_session;

/* E_UNSUPPORTED where the library is absent: what for, where it looked, `make setup-onnx`.
 * E_MISSING, E_FORMAT for the file. */
synctalk_status st_onnx_open(struct st_onnx_session **out, const char *path,
                             const struct st_onnx_settings *settings, synctalk_error *err);
void st_onnx_close(struct st_onnx_session **session); /* NULL-safe */

size_t st_onnx_input_count(const struct st_onnx_session *session);
size_t st_onnx_output_count(const struct st_onnx_session *session);
const struct st_onnx_port *st_onnx_input_port(const struct st_onnx_session *session, size_t index);
const struct st_onnx_port *st_onnx_output_port(const struct st_onnx_session *session, size_t index);

/* All inputs in, all outputs out, in the file's order. One thread at a time. */
synctalk_status st_onnx_run(struct st_onnx_session *session, const struct st_onnx_tensor *inputs,
                            struct st_onnx_tensor *outputs, synctalk_error *err);

/* Version of the library that would be loaded, for doctor: "1.30.0 from PATH"; E_UNSUPPORTED
 * where there is none. */
synctalk_status st_onnx_version(char *buf, size_t size, const char *library, synctalk_error *err);

#endif /* ST_ONNX_ONNX_H */
