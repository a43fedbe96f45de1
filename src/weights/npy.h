/* SPDX-License-Identifier: Apache-2.0 */
/* NumPy arrays in files. Source: numpy.lib.format, versions 1.0, 2.0 and 3.0.
 *
 * Reading goes through st_weights_open(), which gives a .npy as one tensor named "".
 * This is the writer, which does not know the number of rows until the end.
 */
#ifndef ST_WEIGHTS_NPY_H
#define ST_WEIGHTS_NPY_H

#include <stddef.h>
#include <stdint.h>

#include "base/file.h"
#include "synctalk/status.h"

/* A row-major f32 array [rows, inner...] written row by row, version 1.0. */
struct st_npy_writer {
    struct st_output output;
    int inner_rank;
    size_t inner[4];
    size_t row_bytes;
    uint64_t rows;
};

synctalk_status st_npy_writer_open(struct st_npy_writer *writer, const char *path, bool overwrite,
                                   int inner_rank, const size_t *inner, synctalk_error *err);
synctalk_status st_npy_writer_rows(struct st_npy_writer *writer, const float *rows, size_t count,
                                   synctalk_error *err);
/* Write the final shape into the header (whose size was reserved) and rename. */
synctalk_status st_npy_writer_commit(struct st_npy_writer *writer, bool overwrite,
                                     synctalk_error *err);
void st_npy_writer_close(struct st_npy_writer *writer); /* safe on a zeroed struct */

#endif /* ST_WEIGHTS_NPY_H */
