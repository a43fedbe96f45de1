/* SPDX-License-Identifier: Apache-2.0 */
/* synctalk train-syncnet: a judge of whether a mouth fits a sound. */
#include "args.h"
#include "training.h"

static const struct own_option own[] = {
    {"json", 0, OWN_FLAG, .help = "print the result as one line of JSON"},
    {"show-settings", 0, OWN_FLAG,
     .help = "print the settings in force and what set each; nothing is trained"},
    {.name = NULL},
};

static const char *const settings[] = {
    "root",     "models",     "onnxruntime", "model",
    "features", "warm-start", "encoder",     "width",
    "epochs",   "batch",      "holdout",     "seed",
    "lr",       "schedule",   "warm-up",     "samples-per-epoch",
    "average",  "threads",    "cpu-mask",    "precision",
    "resume",   "restart",    "time-limit",  "save-every",
    NULL,
};

static const char *const text[] = {
    "Trains a SyncNet on dataset/NAME and writes syncnet_ckpt/NAME/N.pth, for the sync term "
    "of synctalk train (--syncnet). Frames are compared with their own window of sound and "
    "with windows that are shifted by up to a second; --width must be that of the network "
    "which it is to judge, since it decides how much sound a window holds.",
    "With --holdout it reports how often a frame that it never saw fits its own window "
    "better than a shifted one; a guess is right in 50 %.",
    NULL,
};

static const char *const examples[] = {
    "synctalk train-syncnet --model anna --holdout 0.1 --epochs 30",
    "synctalk train --model anna --syncnet auto",
    NULL,
};

static int run(struct args *args)
{
    return training_run(args, synctalk_train_syncnet, "syncnet_ckpt", "%");
}

const struct command command_train_syncnet = {
    .name = "train-syncnet",
    .operands = "",
    .summary = "train a judge of whether a mouth fits a sound",
    .text = text,
    .examples = examples,
    .own = own,
    .table = &train_table,
    .settings = settings,
    .long_call = true,
    .run = run,
};
