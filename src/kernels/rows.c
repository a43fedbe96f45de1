/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/rows.h"

#include "kernels/rows_impl.h"
#include "synctalk/machine.h"

void st_row_kernels_init(struct st_row_kernels *k, unsigned flags)
{
    st_row_kernels_ref(k);
#if defined(__x86_64__)
    if (flags & SYNCTALK_CPU_AVX2)
        st_row_kernels_avx2(k);
    if ((flags & SYNCTALK_CPU_AVX2) && (flags & SYNCTALK_CPU_AVX512))
        st_row_kernels_avx512(k);
#else
    (void)flags;
#endif
}
