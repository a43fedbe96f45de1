/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/colour.h"

#include "base/cpu.h"
#include "kernels/colour_impl.h"
#include "synctalk/machine.h"

void st_colour_kernels_init(struct st_colour_kernels *k, unsigned allowed)
{
    st_colour_kernels_ref(k);
#if defined(__x86_64__)
    if (st_cpu_flags() & allowed & SYNCTALK_CPU_AVX2)
        st_colour_kernels_avx2(k);
#else
    (void)allowed;
#endif
}
