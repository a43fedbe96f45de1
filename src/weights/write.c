/* SPDX-License-Identifier: Apache-2.0 */
#include "weights/write.h"

#include <math.h>

#include "base/error.h"

#define BLOCK 4096           /* elements */
#define MOST_HALF 0x1.ffcp15 /* 65504 */

enum st_dtype st_written_dtype(const struct st_tensor *tensor, enum st_dtype floats)
{
    return st_dtype_is_float(tensor->dtype) ? floats : tensor->dtype;
}

/* Elements on their way: as they are, and as they will be written. */
struct block {
    uint8_t raw[BLOCK * sizeof(double)];
    float floats[BLOCK];
    uint16_t halves[BLOCK];
};

static bool is_infinite_half(uint16_t half)
{
    return (half & 0x7fffU) == 0x7c00U;
}

/* Refuse a block in which a finite number has become infinite. */
static synctalk_status check_range(const char *file, const struct st_tensor *tensor,
                                   enum st_dtype written, const struct block *block, size_t n,
                                   synctalk_error *err)
{
    const size_t element = st_dtype_size(tensor->dtype);
    for (size_t i = 0; i < n; i++) {
        double was;
        if (written == ST_F16 ? !is_infinite_half(block->halves[i]) : !isinf(block->floats[i]))
            continue;
        st_elements_to_f64(tensor->dtype, block->raw + i * element, 1, &was);
        if (!isfinite(was))
            continue;
        return st_fail(err, SYNCTALK_E_ARG,
                       "%s: tensor %.200s holds %.9g, which %s would make infinite: it ends at "
                       "%.6g%s",
                       file, tensor->name, was, st_dtype_name(written),
                       written == ST_F16 ? MOST_HALF : 0x1.fffffep127,
                       written == ST_F16 && fabs(was) < 0x1.ffffffp127 ? "; write it as f32" : "");
    }
    return SYNCTALK_OK;
}

synctalk_status st_stream_tensor(const char *file, const struct st_tensor *tensor,
                                 enum st_dtype written, st_sink sink, void *context,
                                 synctalk_error *err)
{
    struct st_tensor_cursor cursor;
    struct block block;
    const size_t element = st_dtype_size(written);
    synctalk_status st = SYNCTALK_OK;

    st_tensor_cursor_init(&cursor, tensor);
    for (size_t n; !st && (n = st_tensor_gather(&cursor, block.raw, BLOCK)) > 0;) {
        const void *out = block.raw;
        if (written != tensor->dtype) {
            st_elements_to_f32(tensor->dtype, block.raw, n, block.floats);
            out = block.floats;
        }
        if (written != tensor->dtype && written == ST_F16) {
            st_f32_to_f16(block.floats, n, block.halves);
            out = block.halves;
        }
        if (written != tensor->dtype && (st = check_range(file, tensor, written, &block, n, err)))
            return st;
        st = sink(context, out, n * element, err);
    }
    return st;
}
