/* SPDX-License-Identifier: Apache-2.0 */
/* synctalk convert: weights from one format into another. */
#include <string.h>
#include <strings.h>

#include "args.h"
#include "console.h"

/* In the order of synctalk_weights_format_kind. */
static const char *const kinds[] = {"safetensors", "safetensors-f16", "pth", "onnx", NULL};

static const struct own_option own[] = {
    {"to", 0, OWN_CHOICE, .choices = kinds, .unit = "FORMAT",
     .help = "format to write; not given, the extension of OUT decides"},
    {.name = NULL},
};

static const char *const settings[] = {"encoder", "overwrite", NULL};

static const char *const text[] = {
    "Writes every tensor of IN (PyTorch, safetensors or NumPy) to OUT. safetensors files "
    "load by mapping and need no unpacking; safetensors-f16 halves the size; pth is what "
    "torch.load() reads.",
    "onnx is for a UNet alone: its graph with inputs image [N, 6, 320, 320] and audio and the "
    "output out [N, 3, 320, 320], batch norms folded, operator set 13, for ONNX Runtime and "
    "its like.",
    "With --encoder the file remembers which audio encoder the network was trained with; "
    "the shapes do not tell ave from hubert.",
    NULL,
};

static const char *const examples[] = {
    "synctalk convert checkpoint/anna/99.pth 99.safetensors --encoder ave",
    "synctalk convert 99.safetensors small.safetensors --to safetensors-f16",
    NULL,
};

/* -1 where the extension says nothing. */
static int kind_of_name(const char *path)
{
    const char *dot = strrchr(path, '.');
    if (!dot || strchr(dot, '/'))
        return -1;
    if (strcasecmp(dot, ".safetensors") == 0)
        return SYNCTALK_WEIGHTS_SAFETENSORS_F32;
    if (strcasecmp(dot, ".pth") == 0 || strcasecmp(dot, ".pt") == 0)
        return SYNCTALK_WEIGHTS_PTH;
    if (strcasecmp(dot, ".onnx") == 0)
        return SYNCTALK_WEIGHTS_ONNX;
    return -1;
}

static int run(struct args *args)
{
    synctalk_weights *weights = NULL;
    synctalk_error err = {0};
    const char *input = args->operands[0];
    const char *output = args->operands[1];
    int kind = args_text(args, "to") ? args_choice(args, "to") : kind_of_name(output);
    if (kind < 0) {
        say(args->command->name,
            "%s: the name ends in none of .safetensors, .pth and .onnx; say --to FORMAT", output);
        return EXIT_USAGE;
    }

    interruption_catch(); /* the file under work is finished, which takes a moment */
    synctalk_status status = synctalk_weights_open(&weights, input, &err);
    if (!status && !interruption_seen())
        status = synctalk_weights_convert(weights, output, (synctalk_weights_format_kind)kind,
                                          (synctalk_encoder)args->settings.encoder,
                                          args->settings.overwrite, &err);
    if (status) {
        say(args->command->name, "%s", err.message);
    } else if (!interruption_seen()) {
        print_clean(stdout, output);
        printf(": %zu tensors, %s\n", synctalk_weights_count(weights), kinds[kind]);
    }
    synctalk_weights_close(&weights);
    return interruption_seen() ? EXIT_INTERRUPTED : status ? EXIT_FAILED : EXIT_GOOD;
}

const struct command command_convert = {
    .name = "convert",
    .operands = "IN OUT",
    .least_operands = 2,
    .most_operands = 2,
    .summary = "write weights in another format",
    .text = text,
    .examples = examples,
    .own = own,
    .settings = settings,
    .run = run,
};
