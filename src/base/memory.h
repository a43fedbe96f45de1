/* SPDX-License-Identifier: Apache-2.0 */
/* Memory: checked sizes, aligned blocks.
 *
 * Sizes that come from outside are multiplied through st_mul_size(), so that a product
 * that does not fit is an error and never a small allocation.
 */
#ifndef ST_BASE_MEMORY_H
#define ST_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#define ST_ALIGNMENT 64 /* one cache line, and one AVX-512 register */

/* *out = a * b or a + b; false, with *out untouched, where it does not fit a size_t. */
static inline bool st_mul_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}

static inline bool st_add_size(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/* Smallest multiple of ST_ALIGNMENT >= size; size must be below SIZE_MAX - 63. */
static inline size_t st_align_size(size_t size)
{
    return (size + (ST_ALIGNMENT - 1)) & ~(size_t)(ST_ALIGNMENT - 1);
}

/* A zeroed block on an ST_ALIGNMENT boundary, or NULL. Ended by free(). */
void *st_alloc_aligned(size_t size);

/* The same for what is large and often read: on huge pages, where the system has any. */
void *st_alloc_large(size_t size);

#endif /* ST_BASE_MEMORY_H */
