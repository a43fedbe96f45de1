/* SPDX-License-Identifier: Apache-2.0 */
/* Absent keys have the defaults of Hugging Face's HubertConfig, which are those of the base
 * size. Source: transformers, models/hubert/configuration_hubert.py.
 */
#include "models/hubert_config.h"

#include <math.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "base/file.h"

#define MAX_BYTES ((size_t)1 << 20)

struct reader {
    const char *path;
    const json_t *root;
    synctalk_error *err;
    synctalk_status status;
};

static void refuse(struct reader *r, const char *key, const char *needed)
{
    const json_t *value = json_object_get(r->root, key);
    char *found = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    if (!r->status)
        r->status = st_fail(r->err, SYNCTALK_E_MODEL, "%s: %s is %.60s, needed is %s", r->path, key,
                            found ? found : "not there", needed);
    free(found);
}

static size_t read_size(struct reader *r, const char *key, size_t otherwise, size_t most)
{
    char needed[64];
    const json_t *value = json_object_get(r->root, key);
    if (!value)
        return otherwise;
    if (json_is_integer(value) && json_integer_value(value) >= 1 &&
        (unsigned long long)json_integer_value(value) <= most)
        return (size_t)json_integer_value(value);
    snprintf(needed, sizeof needed, "a whole number from 1 to %zu", most);
    refuse(r, key, needed);
    return otherwise;
}

static bool read_bool(struct reader *r, const char *key, bool otherwise)
{
    const json_t *value = json_object_get(r->root, key);
    if (!value)
        return otherwise;
    if (!json_is_boolean(value))
        refuse(r, key, "true or false");
    return json_is_true(value);
}

static void read_sizes(struct reader *r, const char *key, size_t *sizes, size_t *count, size_t most)
{
    char needed[96];
    const json_t *value = json_object_get(r->root, key);
    const size_t length = json_array_size(value);
    if (!value)
        return;
    bool good = json_is_array(value) && length >= 1 && length <= ST_HUBERT_CONVS_MAX;
    for (size_t i = 0; good && i < length; i++) {
        const json_t *item = json_array_get(value, i);
        const json_int_t size = json_integer_value(item);
        good = json_is_integer(item) && size >= 1 && (unsigned long long)size <= most;
        if (good)
            sizes[i] = (size_t)size;
    }
    if (good) {
        *count = length;
        return;
    }
    snprintf(needed, sizeof needed, "1 to %d whole numbers from 1 to %zu", ST_HUBERT_CONVS_MAX,
             most);
    refuse(r, key, needed);
}

/* True for `yes`, false for `no` (which may be NULL), as the default is. */
static bool read_choice(struct reader *r, const char *key, const char *yes, const char *no,
                        bool otherwise)
{
    char needed[64];
    const json_t *value = json_object_get(r->root, key);
    if (!value)
        return otherwise;
    const char *text = json_string_value(value);
    if (text && strcmp(text, yes) == 0)
        return true;
    if (!text || !no || strcmp(text, no) != 0) {
        snprintf(needed, sizeof needed, "\"%s\"%s%s%s", yes, no ? " or \"" : "", no ? no : "",
                 no ? "\"" : "");
        refuse(r, key, needed);
    }
    return false;
}

static void read_convolutions(struct reader *r, struct st_hubert_config *c)
{
    static const size_t kernels[] = {10, 3, 3, 3, 3, 2, 2}, strides[] = {5, 2, 2, 2, 2, 2, 2};
    size_t kernel_count = 7;
    size_t stride_count = 7;
    size_t hop = 1;

    c->convs = 7;
    for (size_t i = 0; i < c->convs; i++) {
        c->conv_dim[i] = 512;
        c->conv_kernel[i] = kernels[i];
        c->conv_stride[i] = strides[i];
    }
    read_sizes(r, "conv_dim", c->conv_dim, &c->convs, 4096);
    read_sizes(r, "conv_kernel", c->conv_kernel, &kernel_count, 64);
    read_sizes(r, "conv_stride", c->conv_stride, &stride_count, ST_HUBERT_HOP);
    if (!r->status && (kernel_count != c->convs || stride_count != c->convs))
        r->status = st_fail(r->err, SYNCTALK_E_MODEL,
                            "%s: conv_dim has %zu numbers, conv_kernel %zu, conv_stride %zu; each "
                            "convolution needs one of each",
                            r->path, c->convs, kernel_count, stride_count);
    if (r->status)
        return;
    c->field = 1;
    for (size_t i = 0; i < c->convs; i++) {
        c->field += (c->conv_kernel[i] - 1) * hop;
        hop *= c->conv_stride[i];
        if (hop > ST_HUBERT_HOP)
            break;
    }
    if (hop != ST_HUBERT_HOP)
        refuse(r, "conv_stride", "strides that multiply to 320, for 50 rows a second");
    else if (c->field < ST_HUBERT_HOP || c->field > (size_t)2 * ST_HUBERT_HOP)
        refuse(r, "conv_kernel", "kernels with which a row hears 320 to 640 samples");
}

static void read_encoder(struct reader *r, struct st_hubert_config *c)
{
    c->hidden = read_size(r, "hidden_size", 768, 8192);
    c->heads = read_size(r, "num_attention_heads", 12, 256);
    c->intermediate = read_size(r, "intermediate_size", 3072, 32768);
    c->layers = read_size(r, "num_hidden_layers", 12, 128);
    c->position_kernel = read_size(r, "num_conv_pos_embeddings", 128, 1024);
    c->position_groups = read_size(r, "num_conv_pos_embedding_groups", 16, 256);
    if (!r->status && c->hidden % c->heads != 0)
        refuse(r, "num_attention_heads", "a divisor of hidden_size");
    if (!r->status && c->hidden % c->position_groups != 0)
        refuse(r, "num_conv_pos_embedding_groups", "a divisor of hidden_size");

    const json_t *epsilon = json_object_get(r->root, "layer_norm_eps");
    const double value = epsilon ? json_number_value(epsilon) : 1e-5;
    if (!(value > 0 && value <= 1))
        refuse(r, "layer_norm_eps", "a number above 0 and up to 1");
    c->epsilon = (float)value;
}

static void read_all(struct reader *r, struct st_hubert_config *c)
{
    (void)read_choice(r, "model_type", "hubert", NULL, true);
    (void)read_choice(r, "hidden_act", "gelu", NULL, true);
    (void)read_choice(r, "feat_extract_activation", "gelu", NULL, true);
    c->group_norm = read_choice(r, "feat_extract_norm", "group", "layer", true);
    c->conv_bias = read_bool(r, "conv_bias", false);
    c->projection_norm = read_bool(r, "feat_proj_layer_norm", true);
    c->pre_norm = read_bool(r, "do_stable_layer_norm", false);
    if (read_bool(r, "conv_pos_batch_norm", false))
        refuse(r, "conv_pos_batch_norm", "false: positions through a batch norm are not read");
    read_convolutions(r, c);
    read_encoder(r, c);
}

synctalk_status st_hubert_config_parse(struct st_hubert_config *config, const char *label,
                                       const char *text, size_t size, synctalk_error *err)
{
    json_error_t why;
    struct reader r = {.path = label, .err = err};

    memset(config, 0, sizeof *config);
    if (size > MAX_BYTES)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: has %zu bytes; the description of a network has at most %zu", label,
                       size, MAX_BYTES);
    json_t *root = json_loadb(text ? text : "", size, JSON_REJECT_DUPLICATES, &why);
    if (!root && json_error_code(&why) == json_error_out_of_memory)
        return st_fail_memory(err, "the description of a network", size);
    if (!root)
        return st_fail(err, SYNCTALK_E_FORMAT, "%s: is no JSON: line %d: %s", label, why.line,
                       why.text);
    r.root = root;
    if (json_is_object(root))
        read_all(&r, config);
    else
        r.status = st_fail(err, SYNCTALK_E_FORMAT,
                           "%s: is JSON, but no object with the sizes of a network", label);
    json_decref(root);
    return r.status;
}

synctalk_status st_hubert_config_read(struct st_hubert_config *config, const char *path,
                                      synctalk_error *err)
{
    struct st_mapping map;
    synctalk_status st = st_map_file(&map, path, err);
    if (st)
        return st;
    st = st_hubert_config_parse(config, path, (const char *)map.data, map.size, err);
    st_unmap_file(&map);
    return st;
}

size_t st_hubert_config_rows(const struct st_hubert_config *config, size_t samples)
{
    return samples < config->field ? 0 : (samples - config->field) / ST_HUBERT_HOP + 1;
}
