/* SPDX-License-Identifier: Apache-2.0 */
/* What this CPU and its operating system allow; SYNCTALK_CPU_* bits. */
#ifndef ST_BASE_CPU_H
#define ST_BASE_CPU_H

/* CPUID and XGETBV are both asked: a feature counts only where the system saves its
 * registers, and AMX only where it lets this process have them (it is asked to). 0 on anything but
 * x86-64. */
unsigned st_cpu_flags(void);

/* Cores this process may use (its affinity mask), at least 1. */
int st_cpu_cores(void);

#endif /* ST_BASE_CPU_H */
