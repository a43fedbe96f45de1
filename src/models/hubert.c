/* SPDX-License-Identifier: Apache-2.0 */
#include "models/hubert.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "kernels/kernels.h"
#include "models/hubert_impl.h"
#include "synctalk/machine.h"

/* The weights and the config that `path` stands for. */
static synctalk_status find_files(const char *path, char *weights, char *config,
                                  synctalk_error *err)
{
    static const char *const names[] = {"model.safetensors", "pytorch_model.bin"};
    synctalk_status st;
    char folder[ST_PATH_MAX];

    if (st_path_is_dir(path)) {
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            if ((st = st_path_join(weights, path, names[i], err)))
                return st;
            if (st_path_is_file(weights))
                return st_path_join(config, path, "config.json", err);
        }
        return st_fail(err, SYNCTALK_E_MISSING,
                       "%s: holds neither model.safetensors nor pytorch_model.bin", path);
    }
    if ((st = st_path_format(weights, err, "%s", path)) ||
        (st = st_path_format(folder, err, "%.*s", (int)(st_path_base(path) - path), path)))
        return st;
    return st_path_format(config, err, "%sconfig.json", folder);
}

/* From the last convolution back: what each must write for a tile. */
static void size_tiles(struct st_hubert *h)
{
    const struct st_hubert_config *c = &h->config;
    const bool bf16 = h->element == ST_ROW_BF16;
    /* AMX wants multiples of 16; a full piece is exactly 1000 rows. */
    h->rows_room = bf16 ? 1024 : 1000;
    h->block = h->rows_room / (h->threads > 2 ? ST_HUBERT_BLOCKS_MAX : 2);
    h->attending = bf16 ? 128 : 50;
    h->tile = bf16 ? 32 : 25;
    size_t rows = h->tile;
    for (size_t i = c->convs; i-- > 0;) {
        h->tile_rows[i] = rows;
        rows = (rows - 1) * c->conv_stride[i] + c->conv_kernel[i];
    }
    h->tile_samples = rows;
}

synctalk_status st_hubert_open(struct st_hubert **out, const char *path,
                               const struct st_encoder_options *options, synctalk_error *err)
{
    synctalk_status st;
    char weights[ST_PATH_MAX];
    char config[ST_PATH_MAX];
    struct st_hubert *hubert = calloc(1, sizeof *hubert);
    const unsigned flags = options->kernels->flags;

    *out = NULL;
    if (!hubert)
        return st_fail_memory(err, "an audio encoder", sizeof *hubert);
    hubert->threads = options->threads > 0 ? options->threads : 1;
    if (hubert->threads > ST_HUBERT_BLOCKS_MAX)
        hubert->threads = ST_HUBERT_BLOCKS_MAX;
    hubert->element = !options->exact && (flags & SYNCTALK_CPU_BF16) ? ST_ROW_BF16 : ST_ROW_F32;
    st_row_kernels_init(&hubert->rows, flags);
    if ((st = find_files(path, weights, config, err)) ||
        (st = st_hubert_config_read(&hubert->config, config, err)))
        goto done;
    size_tiles(hubert);
    if ((st = st_dense_create(&hubert->dense, flags, err)) ||
        (st = st_hubert_load(hubert, weights, err)))
        goto done;
    *out = hubert;
    hubert = NULL;

done:
    st_hubert_close(&hubert);
    return st;
}

static void end_norm(struct st_hubert_norm *norm)
{
    free(norm->scale);
    free(norm->shift);
}

void st_hubert_close(struct st_hubert **hubert)
{
    if (!hubert || !*hubert)
        return;
    struct st_hubert *h = *hubert;
    for (size_t i = 0; i < ST_HUBERT_CONVS_MAX; i++)
        end_norm(&h->convolutions[i].norm);
    end_norm(&h->projection_norm);
    end_norm(&h->encoder_norm);
    for (size_t i = 0; h->layers && i < h->config.layers; i++) {
        end_norm(&h->layers[i].attention_norm);
        end_norm(&h->layers[i].final_norm);
        free(h->layers[i].query);
        free(h->layers[i].key);
        free(h->layers[i].value);
        free(h->layers[i].widen);
        free(h->layers[i].narrow);
    }
    free(h->layers);
    free(h->positions);
    st_dense_destroy(&h->dense);
    free(h);
    *hubert = NULL;
}

const struct st_hubert_config *st_hubert_config(const struct st_hubert *hubert)
{
    return &hubert->config;
}

size_t st_hubert_weight_bytes(const struct st_hubert *hubert)
{
    return st_dense_weight_bytes(hubert->dense);
}

const char *st_hubert_element(const struct st_hubert *hubert)
{
    return hubert->element == ST_ROW_BF16 ? "bf16" : "f32";
}
