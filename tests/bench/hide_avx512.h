/* SPDX-License-Identifier: Apache-2.0 */
/* A CPU without AVX-512, AMX and the newer dot products, for libraries that ask CPUID and
 * have no switch of their own. */
#ifndef ST_TESTS_BENCH_HIDE_AVX512_H
#define ST_TESTS_BENCH_HIDE_AVX512_H

#include <stdbool.h>

/* For this thread and those that it starts from now on. False where the CPU or the system
 * cannot make CPUID fault. */
bool hide_avx512(void);

#endif /* ST_TESTS_BENCH_HIDE_AVX512_H */
