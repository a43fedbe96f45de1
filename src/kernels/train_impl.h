/* SPDX-License-Identifier: Apache-2.0 */
/* Each variant fills a table; what they compute is said in train.h. */
#ifndef ST_KERNELS_TRAIN_IMPL_H
#define ST_KERNELS_TRAIN_IMPL_H

#include "kernels/train.h"

void st_train_kernels_ref(struct st_train_kernels *k);         /* either element, any B */
void st_train_kernels_avx2(struct st_train_kernels *k);        /* f32, B = 8 */
void st_train_kernels_avx512(struct st_train_kernels *k);      /* f32, B = 16 */
void st_train_kernels_avx512_bf16(struct st_train_kernels *k); /* bf16, B = 16 */

#endif /* ST_KERNELS_TRAIN_IMPL_H */
