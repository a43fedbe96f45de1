/* SPDX-License-Identifier: Apache-2.0 */
/* The variants of each kernel, for kernels.c and the files that define them. What they
 * compute is said once, in kernels.h.
 */
#ifndef ST_KERNELS_KERNELS_IMPL_H
#define ST_KERNELS_KERNELS_IMPL_H

#include <stddef.h>
#include <stdint.h>

#define ST_UPSAMPLE2X_ARGS float *dst, const float *src, size_t planes, size_t H, size_t W, size_t B
void st_upsample2x_ref(ST_UPSAMPLE2X_ARGS);
void st_upsample2x_avx2(ST_UPSAMPLE2X_ARGS);
void st_upsample2x_avx512(ST_UPSAMPLE2X_ARGS);

#define ST_CUBIC_ROW_ARGS \
    int32_t *dst, const uint8_t *src, const int32_t *tap, const int16_t *weight, size_t width
void st_cubic_row_ref(ST_CUBIC_ROW_ARGS);
void st_cubic_row_avx2(ST_CUBIC_ROW_ARGS);

#define ST_CUBIC_COLUMN_ARGS \
    uint8_t *dst, const int32_t *const rows[4], const float b[4], size_t count
void st_cubic_column_ref(ST_CUBIC_COLUMN_ARGS);
void st_cubic_column_avx2(ST_CUBIC_COLUMN_ARGS);

#define ST_BLEND_ROW_ARGS \
    uint8_t *dst, const uint8_t *base, const uint8_t *src, const uint8_t *alpha, size_t count
void st_blend_row_ref(ST_BLEND_ROW_ARGS);
void st_blend_row_avx2(ST_BLEND_ROW_ARGS);

#endif /* ST_KERNELS_KERNELS_IMPL_H */
