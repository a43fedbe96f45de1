/* SPDX-License-Identifier: Apache-2.0 */
#include "kernels/train.h"

#include <assert.h>

#include "kernels/train_impl.h"
#include "synctalk/machine.h"

static const char *const entry_names[] = {
    "sums",
    "norm",
    "norm_gradient",
    "norm_backward",
    "depthwise",
    "depthwise_backward",
    "add",
    "upsample",
    "upsample_backward",
    "activation",
    "activation_backward",
};
#define ENTRY_COUNT (sizeof entry_names / sizeof *entry_names)

_Static_assert(sizeof(struct st_train_kernels) ==
                   offsetof(struct st_train_kernels, sums) + ENTRY_COUNT * sizeof(void (*)(void)),
               "every entry has a name");

void st_train_kernels_init(struct st_train_kernels *k, unsigned flags,
                           enum st_train_element element, size_t B)
{
    assert(B == 8 || B == 16);
    *k = (struct st_train_kernels){
        .element = element,
        .B = B,
        .element_bytes = element == ST_TRAIN_ELEMENT_BF16 ? 2 : 4,
    };
    st_train_kernels_ref(k);
#if defined(__x86_64__)
    const bool f32 = element == ST_TRAIN_ELEMENT_F32;
    if (f32 && B == 8 && (flags & SYNCTALK_CPU_AVX2))
        st_train_kernels_avx2(k);
    if (f32 && B == 16 && (flags & SYNCTALK_CPU_AVX512))
        st_train_kernels_avx512(k);
    if (!f32 && B == 16 && (flags & SYNCTALK_CPU_AVX512) && (flags & SYNCTALK_CPU_BF16))
        st_train_kernels_avx512_bf16(k);
#else
    (void)flags;
#endif
}

const char *st_train_kernels_entry(size_t index)
{
    return index < ENTRY_COUNT ? entry_names[index] : NULL;
}
