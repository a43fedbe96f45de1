/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

void *st_alloc_aligned(size_t size)
{
    if (size > SIZE_MAX - ST_ALIGNMENT)
        return NULL;
    size_t rounded = st_align_size(size ? size : 1);
    void *block = aligned_alloc(ST_ALIGNMENT, rounded);
    if (block)
        memset(block, 0, rounded);
    return block;
}
