/* SPDX-License-Identifier: Apache-2.0 */
/* HuBERTs with random weights of any form, and a plain restatement of the network. */
#ifndef ST_TESTS_HUBERT_MAKER_H
#define ST_TESTS_HUBERT_MAKER_H

#include <stdint.h>

#include "models/hubert_config.h"
#include "weights/weights.h"

struct hubert_naming {
    const char *prefix; /* "hubert." or "" */
    bool parametrized;  /* parametrizations.weight.original0, 1 and not weight_g, weight_v */
};

/* The published large one; a small one with all that the base size does otherwise; a small
 * one like the large. */
struct st_hubert_config hubert_large(void);
struct st_hubert_config hubert_small_base(void);
struct st_hubert_config hubert_small_large(void);

/* config.json of it; malloc'ed. */
char *hubert_json(const struct st_hubert_config *config);

/* Random weights of it. Ends the process where there is no memory. */
struct st_weights *hubert_weights(const struct st_hubert_config *config, uint64_t seed,
                                  const struct hubert_naming *naming);

/* `folder`/model.safetensors and config.json. */
void hubert_write(const char *folder, const struct st_hubert_config *config,
                  const struct st_weights *weights);

/* The last hidden state, [rows, hidden], from the definition, in double. malloc'ed. */
float *hubert_plain(const struct st_hubert_config *config, const struct st_weights *weights,
                    const struct hubert_naming *naming, const float *samples, size_t count,
                    size_t *rows);

#endif /* ST_TESTS_HUBERT_MAKER_H */
