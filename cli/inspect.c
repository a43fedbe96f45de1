/* SPDX-License-Identifier: Apache-2.0 */
/* synctalk inspect: the tensors of a weights file. Names come from a stranger's file and
 * are cleaned before they are printed.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "console.h"

static const struct own_option own[] = {
    {"ranges", 0, OWN_FLAG, .help = "print the least, greatest and mean element of each tensor"},
    {"json", 0, OWN_FLAG, .help = "print one JSON object"},
    {.name = NULL},
};

static const char *const text[] = {
    "Lists name, shape, type and size of every tensor in a PyTorch checkpoint (.pth, .pt, "
    ".bin), a safetensors file or a NumPy file, and says which network they make up. Nothing "
    "in the file is executed.",
    NULL,
};

static const char *const examples[] = {
    "synctalk inspect checkpoint/anna/99.pth",
    "synctalk inspect --ranges checkpoint/anna/99.pth",
    NULL,
};

struct range {
    double least, greatest, mean;
};

static void format_shape(char *buf, size_t size, const synctalk_tensor_info *tensor)
{
    size_t used = (size_t)snprintf(buf, size, "[");
    for (int i = 0; i < tensor->rank && used < size; i++)
        used +=
            (size_t)snprintf(buf + used, size - used, "%s%" PRId64, i ? ", " : "", tensor->dims[i]);
    if (used < size)
        snprintf(buf + used, size - used, "]");
}

static int name_width(const synctalk_weights *weights)
{
    size_t widest = 4;
    for (size_t i = 0; i < synctalk_weights_count(weights); i++) {
        size_t length = strlen(synctalk_weights_tensor(weights, i).name);
        if (length > widest)
            widest = length;
    }
    return widest < 60 ? (int)widest : 60;
}

static int read_range(const synctalk_weights *weights, size_t index, struct range *range)
{
    synctalk_error err = {0};
    if (!synctalk_weights_range(weights, index, &range->least, &range->greatest, &range->mean,
                                &err))
        return EXIT_GOOD;
    say("inspect", "%s", err.message);
    return EXIT_FAILED;
}

static int print_tensor(const synctalk_weights *weights, size_t index, int width, bool ranges)
{
    synctalk_tensor_info tensor = synctalk_weights_tensor(weights, index);
    char shape[SYNCTALK_MAX_RANK * 22 + 3];
    struct range range = {0};
    int code = EXIT_GOOD;

    format_shape(shape, sizeof shape, &tensor);
    print_clean(stdout, tensor.name);
    int pad = width - (int)strlen(tensor.name);
    printf("%*s  %-5s  %-20s %12" PRId64, pad > 0 ? pad : 0, "", tensor.dtype, shape, tensor.bytes);
    if (ranges && tensor.count > 0)
        code = read_range(weights, index, &range);
    if (ranges && tensor.count > 0 && !code)
        printf("  %12.5g %12.5g %12.5g", range.least, range.greatest, range.mean);
    putchar('\n');
    return code;
}

static int print_text(const synctalk_weights *weights, const char *path, bool ranges)
{
    char description[256] = "";
    char total[32];
    int64_t elements = 0;
    int64_t bytes = 0;
    int code = EXIT_GOOD;
    int width = name_width(weights);
    size_t count = synctalk_weights_count(weights);

    printf("%-*s  %-5s  %-20s %12s", width, "name", "type", "shape", "bytes");
    printf(ranges ? "  %12s %12s %12s\n" : "\n", "least", "greatest", "mean");
    for (size_t i = 0; i < count && !code; i++) {
        synctalk_tensor_info tensor = synctalk_weights_tensor(weights, i);
        elements += tensor.count;
        bytes += tensor.bytes;
        code = print_tensor(weights, i, width, ranges);
    }

    putchar('\n');
    print_clean(stdout, path);
    printf(": %s, %zu tensors, %" PRId64 " elements, %s\n", synctalk_weights_format(weights), count,
           elements, format_bytes(total, sizeof total, bytes));
    synctalk_weights_describe(weights, description, sizeof description);
    if (*description)
        printf("network: %s\n", description);
    const char *key = NULL;
    const char *value = NULL;
    for (size_t i = 0; synctalk_weights_metadata(weights, i, &key, &value); i++) {
        printf("metadata: ");
        print_clean(stdout, key);
        printf(" = ");
        print_clean(stdout, value);
        putchar('\n');
    }
    return code;
}

static json_t *json_finite(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *tensor_json(const synctalk_weights *weights, size_t index, bool ranges, int *code)
{
    synctalk_tensor_info tensor = synctalk_weights_tensor(weights, index);
    json_t *object = json_object();
    json_t *shape = json_array();
    struct range range = {0};

    for (int i = 0; i < tensor.rank; i++)
        json_array_append_new(shape, json_integer(tensor.dims[i]));
    json_object_set_new(object, "name", json_clean(tensor.name));
    json_object_set_new(object, "dtype", json_string(tensor.dtype));
    json_object_set_new(object, "shape", shape);
    json_object_set_new(object, "bytes", json_integer(tensor.bytes));
    if (ranges && tensor.count > 0)
        *code = read_range(weights, index, &range);
    if (ranges && tensor.count > 0 && !*code) {
        json_object_set_new(object, "least", json_finite(range.least));
        json_object_set_new(object, "greatest", json_finite(range.greatest));
        json_object_set_new(object, "mean", json_finite(range.mean));
    }
    return object;
}

static int print_json(const synctalk_weights *weights, const char *path, bool ranges)
{
    char description[256] = "";
    const char *key = NULL;
    const char *value = NULL;
    int code = EXIT_GOOD;
    json_t *object = json_object();
    json_t *tensors = json_array();
    json_t *metadata = json_object();

    for (size_t i = 0; i < synctalk_weights_count(weights) && !code; i++)
        json_array_append_new(tensors, tensor_json(weights, i, ranges, &code));
    for (size_t i = 0; synctalk_weights_metadata(weights, i, &key, &value); i++) {
        char *clean = clean_text(key);
        if (clean)
            json_object_set_new(metadata, clean, json_clean(value));
        free(clean);
    }
    synctalk_weights_describe(weights, description, sizeof description);
    json_object_set_new(object, "path", json_clean(path));
    json_object_set_new(object, "format", json_string(synctalk_weights_format(weights)));
    json_object_set_new(object, "network", json_clean(description));
    json_object_set_new(object, "metadata", metadata);
    json_object_set_new(object, "tensors", tensors);
    if (code)
        json_decref(object);
    else
        print_json_line(stdout, object);
    return code;
}

static int run(struct args *args)
{
    synctalk_weights *weights = NULL;
    synctalk_error err = {0};
    const char *path = args->operands[0];
    bool ranges = args_flag(args, "ranges");

    if (synctalk_weights_open(&weights, path, &err)) {
        say(args->command->name, "%s", err.message);
        return EXIT_FAILED;
    }
    int code = args_flag(args, "json") ? print_json(weights, path, ranges)
                                       : print_text(weights, path, ranges);
    synctalk_weights_close(&weights);
    return code;
}

const struct command command_inspect = {
    .name = "inspect",
    .operands = "FILE",
    .least_operands = 1,
    .most_operands = 1,
    .summary = "list the tensors of a weights file",
    .text = text,
    .examples = examples,
    .own = own,
    .run = run,
};
