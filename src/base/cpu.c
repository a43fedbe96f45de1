/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cpu.h"

#include <sched.h>
#include <stdbool.h>

#include "synctalk/machine.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned long long xgetbv0(void)
{
    unsigned lo;
    unsigned hi;
    __asm__("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (unsigned long long)hi << 32 | lo;
}

/* Linux gives a process the tile registers of AMX (XSAVE state 18) when it asks for them;
 * its threads inherit them. Source: Documentation/arch/x86/xstate.rst. */
static bool tiles_allowed(void)
{
    const long ask_for_state = 0x1023, tile_data = 18; /* ARCH_REQ_XCOMP_PERM */
    return syscall(SYS_arch_prctl, ask_for_state, tile_data) == 0;
}

/* Bit numbers: Intel SDM vol. 2A, CPUID, leaves 1 and 7; vol. 1, 13.3 for XCR0. */
unsigned st_cpu_flags(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return 0;
    const unsigned osxsave = 1u << 27, avx = 1u << 28, fma = 1u << 12;
    if ((c & osxsave) == 0 || (c & avx) == 0)
        return 0;
    unsigned leaf1_c = c;
    unsigned long long xcr0 = xgetbv0();
    if ((xcr0 & 0x6) != 0x6)
        return 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
        return 0;

    unsigned flags = 0;
    if ((leaf1_c & fma) && (b & 1u << 5))
        flags |= SYNCTALK_CPU_AVX2;
    const unsigned f_dq_bw_vl = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;
    if ((flags & SYNCTALK_CPU_AVX2) && (xcr0 & 0xE6) == 0xE6 && (b & f_dq_bw_vl) == f_dq_bw_vl)
        flags |= SYNCTALK_CPU_AVX512;
    if ((flags & SYNCTALK_CPU_AVX512) && (c & 1u << 11))
        flags |= SYNCTALK_CPU_VNNI;
    const unsigned amx_int8 = 1u << 25, amx_tile = 1u << 24, amx_bf16 = 1u << 22;
    const unsigned amx = amx_int8 | amx_tile | amx_bf16;
    if ((flags & SYNCTALK_CPU_AVX512) && (d & amx) == amx && (xcr0 & 0x60000) == 0x60000 &&
        tiles_allowed())
        flags |= SYNCTALK_CPU_AMX;
    if ((flags & SYNCTALK_CPU_AVX512) && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 5))
        flags |= SYNCTALK_CPU_BF16;
    return flags;
}
#else
unsigned st_cpu_flags(void)
{
    return 0;
}
#endif

int st_cpu_cores(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? n : 1;
}
