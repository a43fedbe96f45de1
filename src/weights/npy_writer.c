/* SPDX-License-Identifier: Apache-2.0 */
/* The header is written twice: as 128 bytes of blanks at first, with the shape at the end. */
#include "weights/npy.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/memory.h"
#include "weights/bytes.h"

/* A multiple of 64, as the format asks; holds any shape of five 64-bit numbers. */
#define HEADER_BYTES 192
#define FIXED_BYTES 10

synctalk_status st_npy_writer_open(struct st_npy_writer *writer, const char *path, bool overwrite,
                                   int inner_rank, const size_t *inner, synctalk_error *err)
{
    const int most = (int)(sizeof writer->inner / sizeof *writer->inner);
    uint8_t blanks[HEADER_BYTES];
    synctalk_status st;

    *writer = (struct st_npy_writer){.inner_rank = inner_rank, .row_bytes = sizeof(float)};
    if (inner_rank < 0 || inner_rank > most)
        return st_fail(err, SYNCTALK_E_ARG, "%s: rows of %d dimensions, at most %d", path,
                       inner_rank, most);
    for (int axis = 0; axis < inner_rank; axis++) {
        writer->inner[axis] = inner[axis];
        if (!st_mul_size(writer->row_bytes, inner[axis], &writer->row_bytes))
            return st_fail(err, SYNCTALK_E_ARG, "%s: rows larger than memory can be", path);
    }
    if ((st = st_output_open(&writer->output, path, overwrite, err)))
        return st;
    memset(blanks, ' ', sizeof blanks);
    if ((st = st_output_write(&writer->output, blanks, sizeof blanks, err)))
        st_npy_writer_close(writer);
    return st;
}

synctalk_status st_npy_writer_rows(struct st_npy_writer *writer, const float *rows, size_t count,
                                   synctalk_error *err)
{
    synctalk_status st = st_output_write(&writer->output, rows, count * writer->row_bytes, err);
    if (!st)
        writer->rows += count;
    return st;
}

/* pwrite() across short writes and EINTR. */
static bool write_at_start(int fd, const uint8_t *data, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t n = pwrite(fd, data + done, size - done, (off_t)done);
        if (n < 0 && errno != EINTR)
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

synctalk_status st_npy_writer_commit(struct st_npy_writer *writer, bool overwrite,
                                     synctalk_error *err)
{
    static const uint8_t magic[] = {0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0};
    uint8_t header[HEADER_BYTES];
    char *text = (char *)header + FIXED_BYTES;
    size_t room = HEADER_BYTES - FIXED_BYTES;
    int at = snprintf(text, room, "{'descr': '<f4', 'fortran_order': False, 'shape': (%llu,",
                      (unsigned long long)writer->rows);
    for (int axis = 0; axis < writer->inner_rank; axis++)
        at += snprintf(text + at, room - (size_t)at, "%s%zu%s", axis ? "" : " ",
                       writer->inner[axis], axis + 1 < writer->inner_rank ? ", " : "");
    at += snprintf(text + at, room - (size_t)at, "), }");
    memset(text + at, ' ', room - (size_t)at);
    header[HEADER_BYTES - 1] = '\n';
    memcpy(header, magic, sizeof magic);
    st_put_u16(header + 8, HEADER_BYTES - FIXED_BYTES);

    if (!write_at_start(writer->output.fd, header, sizeof header)) {
        synctalk_status st = st_fail_errno(err, errno, "write", writer->output.target);
        st_npy_writer_close(writer);
        return st;
    }
    return st_output_commit(&writer->output, overwrite, err);
}

void st_npy_writer_close(struct st_npy_writer *writer)
{
    if (writer)
        st_output_close(&writer->output);
}
