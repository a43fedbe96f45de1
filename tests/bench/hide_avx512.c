/* SPDX-License-Identifier: Apache-2.0 */
/* CPUID is made to fault (arch_prctl ARCH_SET_CPUID), and the handler answers in its place. */
#include "bench/hide_avx512.h"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012

static void answer(int signal_number, siginfo_t *info, void *context)
{
    ucontext_t *at = context;
    greg_t *r = at->uc_mcontext.gregs;
    const uint8_t *code = (const uint8_t *)r[REG_RIP];
    unsigned a = (unsigned)r[REG_RAX], b, c = (unsigned)r[REG_RCX], d;
    const unsigned leaf = a, subleaf = c;
    (void)info;
    if (code[0] != 0x0F || code[1] != 0xA2) {
        signal(signal_number, SIG_DFL);
        return; /* a fault of the program itself: it comes again */
    }
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1);
    __cpuid_count(leaf, subleaf, a, b, c, d);
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0);
    if (leaf == 7 && subleaf == 0) {
        b &= ~(1U << 16 | 1U << 17 | 1U << 21 | 1U << 26 | 1U << 27 | 1U << 28 | 1U << 30 |
               1U << 31);
        c &= ~(1U << 1 | 1U << 6 | 1U << 11 | 1U << 12 | 1U << 14);
        d &= ~(1U << 2 | 1U << 3 | 1U << 8 | 1U << 22 | 1U << 23 | 1U << 24 | 1U << 25);
    }
    if (leaf == 7 && subleaf == 1)
        a &= ~(1U << 4 | 1U << 5 | 1U << 21);
    r[REG_RAX] = a;
    r[REG_RBX] = b;
    r[REG_RCX] = c;
    r[REG_RDX] = d;
    r[REG_RIP] += 2;
}

bool hide_avx512(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = answer;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    return sigaction(SIGSEGV, &action, NULL) == 0 &&
           syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0) == 0;
}
#else
bool hide_avx512(void)
{
    return false;
}
#endif
