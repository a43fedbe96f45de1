/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of networks share: edited copies of weights, published key lists. */
#ifndef ST_TESTS_MODEL_SUPPORT_H
#define ST_TESTS_MODEL_SUPPORT_H

#include "kernels/kernels.h"
#include "support/support.h"

/* SYNCTALK_CPU_* bits from a test's first argument, else all. */
unsigned st_test_cpu_mask(int argc, char **argv);

enum st_test_edit { ST_EDIT_NONE, ST_EDIT_DROP, ST_EDIT_RESHAPE, ST_EDIT_NAN };

/* A copy of `weights`, every name after `prefix`; the tensor `name` edited: left out, one
 * element longer in its first dimension, or with a NaN as its first element. */
struct st_weights *st_test_edited(const struct st_weights *weights, const char *prefix,
                                  enum st_test_edit edit, const char *name);

/* Every tensor in the list of names and shapes at `path` is in `weights` with that shape,
 * and none more; BatchNorm's counters are left aside. */
void st_test_same_keys(const struct st_weights *weights, const char *path);

#endif /* ST_TESTS_MODEL_SUPPORT_H */
