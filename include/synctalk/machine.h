/* SPDX-License-Identifier: Apache-2.0 */
/** @file machine.h  What this machine offers and how fast the parts run on it. */
#ifndef SYNCTALK_MACHINE_H
#define SYNCTALK_MACHINE_H

#include <stddef.h>

#include "synctalk/export.h"
#include "synctalk/progress.h"
#include "synctalk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Bits of settings.cpu_mask. */
#define SYNCTALK_CPU_AVX2 1u   /**< AVX2 and FMA */
#define SYNCTALK_CPU_AVX512 2u /**< AVX-512 F, BW, DQ, VL */
#define SYNCTALK_CPU_VNNI 4u   /**< AVX-512 VNNI */
#define SYNCTALK_CPU_BF16 8u   /**< AVX-512 BF16 */
#define SYNCTALK_CPU_AMX 16u   /**< AMX tiles, int8 and bf16 */

/** Features of this CPU, a union of the bits above. */
SYNCTALK_API unsigned synctalk_machine_cpu(void);

/** One fact; both strings are borrowed until the callback returns. */
typedef void (*synctalk_machine_fact)(void *user, const char *name, const char *value);

/** Report CPU, kernels chosen under `cpu_mask`, memory and library versions. */
SYNCTALK_API void synctalk_machine_describe(unsigned cpu_mask, synctalk_machine_fact fact,
                                            void *user);

/**
 * Load ONNX Runtime now, for the rest of the process, instead of when a network first wants it:
 * for a program that is about to give up reading files.
 *
 * @param library  its path, or NULL: the usual places
 * @param text     of `size` bytes, "1.30.0 from PATH"; or NULL
 * @retval SYNCTALK_E_UNSUPPORTED  it is not there, or not fit: says where it was looked for
 */
SYNCTALK_API synctalk_status synctalk_machine_load_onnxruntime(const char *library, char *text,
                                                               size_t size, synctalk_error *err);

/**
 * Time the parts of a frame's way on made-up data for about `seconds` altogether, and
 * report each as milliseconds and as a multiple of real time at 25 fps.
 */
SYNCTALK_API synctalk_status synctalk_machine_benchmark(double seconds, int threads,
                                                        unsigned cpu_mask,
                                                        synctalk_machine_fact fact,
                                                        const synctalk_callbacks *callbacks,
                                                        void *user, synctalk_error *err);

#ifdef __cplusplus
}
#endif

#endif /* SYNCTALK_MACHINE_H */
