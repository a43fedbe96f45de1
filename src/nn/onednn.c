/* SPDX-License-Identifier: Apache-2.0 */
#include "nn/onednn.h"

#include <dlfcn.h>
#include <string.h>

#include "base/error.h"
#include "synctalk/machine.h"

void st_openmp_find(struct st_openmp *openmp)
{
    *openmp = (struct st_openmp){0};
    void *get = dlsym(RTLD_DEFAULT, "omp_get_max_threads");
    void *set = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    if (!get || !set)
        return;
    /* ISO C has no cast from an object pointer to a function pointer; POSIX has the
     * representation in common. */
    memcpy(&openmp->get, &get, sizeof get);
    memcpy(&openmp->set, &set, sizeof set);
}

int st_nn_single_thread_begin(const struct st_openmp *openmp)
{
    if (!openmp->set)
        return 1;
    int before = openmp->get();
    if (before != 1)
        openmp->set(1);
    return before;
}

void st_nn_single_thread_end(const struct st_openmp *openmp, int before)
{
    if (openmp->set && before != 1)
        openmp->set(before);
}

synctalk_status st_onednn_status(dnnl_status_t status, const char *what, synctalk_error *err)
{
    switch (status) {
    case dnnl_success:
        return SYNCTALK_OK;
    case dnnl_out_of_memory:
        return st_fail(err, SYNCTALK_E_MEMORY,
                       "no memory for %s: close other programs or use --preset low_memory", what);
    case dnnl_unimplemented:
        return st_fail(err, SYNCTALK_E_UNSUPPORTED,
                       "oneDNN has no implementation of %s on this machine", what);
    default:
        return st_fail(err, SYNCTALK_E_LIBRARY, "oneDNN failed at %s with status %d", what,
                       (int)status);
    }
}

int st_onednn_block(unsigned flags)
{
#if defined(__x86_64__)
    if ((flags & SYNCTALK_CPU_AVX2) == 0)
        (void)dnnl_set_max_cpu_isa(dnnl_cpu_isa_sse41);
    else if ((flags & SYNCTALK_CPU_AVX512) == 0)
        (void)dnnl_set_max_cpu_isa(dnnl_cpu_isa_avx2);

    const unsigned avx512 = (unsigned)dnnl_cpu_isa_avx512_core;
    unsigned isa = (unsigned)dnnl_get_effective_cpu_isa();
    if ((flags & SYNCTALK_CPU_AVX512) && (isa & avx512) == avx512)
        return 16;
#else
    (void)flags;
#endif
    return 8;
}
