/* SPDX-License-Identifier: Apache-2.0 */
/* Fills the table: the references first, then each variant whose instruction set is both
 * present and allowed, low to high, so that the last one stays.
 */
#include "kernels/kernels.h"

#include "base/cpu.h"
#include "kernels/kernels_impl.h"
#include "synctalk/machine.h"

/* Entries in the order of st_kernels_entry(). */
enum entry { UPSAMPLE2X, CUBIC_ROW, CUBIC_COLUMN, BLEND_ROW, ENTRY_COUNT };

static const char *const entry_names[ENTRY_COUNT] = {
    [UPSAMPLE2X] = "upsample2x",
    [CUBIC_ROW] = "cubic_row",
    [CUBIC_COLUMN] = "cubic_column",
    [BLEND_ROW] = "blend_row",
};

void st_kernels_init(struct st_kernels *k, unsigned allowed)
{
    *k = (struct st_kernels){
        .flags = st_cpu_flags() & allowed,
        .upsample2x = st_upsample2x_ref,
        .cubic_row = st_cubic_row_ref,
        .cubic_column = st_cubic_column_ref,
        .blend_row = st_blend_row_ref,
    };
    /* AVX-512 code may use AVX2 instructions, and so may what is above it. */
    if ((k->flags & SYNCTALK_CPU_AVX2) == 0)
        k->flags = 0;
    if ((k->flags & SYNCTALK_CPU_AVX512) == 0)
        k->flags &= SYNCTALK_CPU_AVX2;
#if defined(__x86_64__)
    if (k->flags & SYNCTALK_CPU_AVX2) {
        k->upsample2x = st_upsample2x_avx2;
        k->cubic_row = st_cubic_row_avx2;
        k->cubic_column = st_cubic_column_avx2;
        k->blend_row = st_blend_row_avx2;
    }
    if (k->flags & SYNCTALK_CPU_AVX512)
        k->upsample2x = st_upsample2x_avx512;
#endif
}

const char *st_kernels_entry(size_t index)
{
    return index < ENTRY_COUNT ? entry_names[index] : NULL;
}

#if defined(__x86_64__)
#define IS_VARIANT(field, name) (k->field == st_##field##_##name)
#else
#define IS_VARIANT(field, name) 0
#endif

const char *st_kernels_variant(const struct st_kernels *k, size_t index)
{
    switch (index) {
    case UPSAMPLE2X:
        return IS_VARIANT(upsample2x, avx512) ? "avx512"
               : IS_VARIANT(upsample2x, avx2) ? "avx2"
                                              : "ref";
    case CUBIC_ROW:
        return IS_VARIANT(cubic_row, avx2) ? "avx2" : "ref";
    case CUBIC_COLUMN:
        return IS_VARIANT(cubic_column, avx2) ? "avx2" : "ref";
    case BLEND_ROW:
        return IS_VARIANT(blend_row, avx2) ? "avx2" : "ref";
    default:
        return NULL;
    }
}
