/* SPDX-License-Identifier: Apache-2.0 */
#include "weights/write.h"

#define BLOCK 4096 /* elements */

enum st_dtype st_written_dtype(const struct st_tensor *tensor, enum st_dtype floats)
{
    return st_dtype_is_float(tensor->dtype) ? floats : tensor->dtype;
}

synctalk_status st_stream_tensor(const struct st_tensor *tensor, enum st_dtype written,
                                 st_sink sink, void *context, synctalk_error *err)
{
    struct st_tensor_cursor cursor;
    uint8_t raw[BLOCK * sizeof(double)];
    float floats[BLOCK];
    uint16_t halves[BLOCK];
    size_t element = st_dtype_size(written);
    synctalk_status st = SYNCTALK_OK;

    st_tensor_cursor_init(&cursor, tensor);
    for (size_t n; !st && (n = st_tensor_gather(&cursor, raw, BLOCK)) > 0;) {
        const void *out = raw;
        if (written != tensor->dtype) {
            st_elements_to_f32(tensor->dtype, raw, n, floats);
            out = floats;
        }
        if (written != tensor->dtype && written == ST_F16) {
            st_f32_to_f16(floats, n, halves);
            out = halves;
        }
        st = sink(context, out, n * element, err);
    }
    return st;
}
