/* SPDX-License-Identifier: Apache-2.0 */
#include "train/windows.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "weights/weights.h"

/* Refuses what is not finite, and makes the key of the rest. */
static synctalk_status look_through(struct st_windows *windows, const char *path,
                                    synctalk_error *err)
{
    uint64_t key = 0xcbf29ce484222325u; /* FNV-1a, a number at a time */
    for (size_t i = 0; i < (size_t)windows->count * windows->vector; i++) {
        uint32_t bits;
        if (!isfinite(windows->vectors[i]))
            return st_fail(err, SYNCTALK_E_FORMAT,
                           "%s: number %zu of vector %zu is not finite; make the features again",
                           path, i % windows->vector, i / windows->vector);
        memcpy(&bits, &windows->vectors[i], sizeof bits);
        key = (key ^ bits) * 0x100000001b3u;
    }
    windows->key = key;
    return SYNCTALK_OK;
}

synctalk_status st_windows_open(struct st_windows *windows, const char *path, size_t vector,
                                int window, synctalk_error *err)
{
    synctalk_status st;
    struct st_weights *file = NULL;
    size_t bytes;

    *windows = (struct st_windows){.vector = vector, .window = window};
    if ((st = st_weights_open(&file, path, err)))
        return st;
    const struct st_tensor *table = st_weights_at(file, 0);
    if (!table || st_weights_count(file) != 1 || table->rank < 2 || table->dims[0] == 0 ||
        table->count / table->dims[0] != vector) {
        st = st_fail(err, SYNCTALK_E_FORMAT,
                     "%s: holds vectors of %zu numbers, %zu are needed; were they made by another "
                     "audio encoder?",
                     path,
                     table && table->rank ? table->count / (table->dims[0] + !table->dims[0])
                                          : (size_t)0,
                     vector);
        goto done;
    }
    windows->count = (int64_t)table->dims[0];
    if (!st_mul_size(table->count, sizeof *windows->vectors, &bytes) ||
        !(windows->vectors = malloc(bytes))) {
        st = st_fail_memory(err, "audio features", table->count * sizeof *windows->vectors);
        goto done;
    }
    st_tensor_to_f32(table, windows->vectors);
    st = look_through(windows, path, err);

done:
    st_weights_close(&file);
    if (st)
        st_windows_close(windows);
    return st;
}

void st_windows_close(struct st_windows *windows)
{
    free(windows->vectors);
    *windows = (struct st_windows){0};
}

void st_windows_copy(const struct st_windows *windows, int64_t frame, bool repeat, float *dst)
{
    const size_t bytes = windows->vector * sizeof *dst;
    for (int k = 0; k < windows->window; k++, dst += windows->vector) {
        int64_t at = frame - windows->window / 2 + k;
        if (repeat)
            at = at < 0 ? 0 : at >= windows->count ? windows->count - 1 : at;
        if (at < 0 || at >= windows->count)
            memset(dst, 0, bytes);
        else
            memcpy(dst, windows->vectors + (size_t)at * windows->vector, bytes);
    }
}
