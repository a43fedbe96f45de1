/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20)

/* No object is larger than PTRDIFF_MAX: the difference of two pointers into it must have a value
 * (C17, 6.5.6). Allocators differ in how they refuse one. */

void *st_alloc_aligned(size_t size)
{
    if (size > (size_t)PTRDIFF_MAX - ST_ALIGNMENT)
        return NULL;
    size_t rounded = st_align_size(size ? size : 1);
    void *block = aligned_alloc(ST_ALIGNMENT, rounded);
    if (block)
        memset(block, 0, rounded);
    return block;
}

void *st_alloc_large(size_t size)
{
    if (size < HUGE_PAGE)
        return st_alloc_aligned(size);
    if (size > (size_t)PTRDIFF_MAX - HUGE_PAGE)
        return NULL;
    const size_t rounded = (size + (HUGE_PAGE - 1)) & ~(HUGE_PAGE - 1);
    void *block = aligned_alloc(HUGE_PAGE, rounded);
    if (!block)
        return NULL;
    (void)madvise(block, rounded, MADV_HUGEPAGE);
    return memset(block, 0, size);
}
