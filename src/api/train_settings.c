/* SPDX-License-Identifier: Apache-2.0 */
/* The options of training: one row for each field of synctalk_train_settings. */
#include <limits.h>

#include "api/options.h"
#include "synctalk/train.h"

#define TEXT(field) ST_OPTION_TEXT(synctalk_train_settings, field)
#define INTEGER(field, least, most) ST_OPTION_INT(synctalk_train_settings, field, least, most)
#define NUMBER(field, least, most) ST_OPTION_NUMBER(synctalk_train_settings, field, least, most)
#define CHOICE(field, names) ST_OPTION_CHOICE(synctalk_train_settings, field, names)
#define SWITCH(field) ST_OPTION_SWITCH(synctalk_train_settings, field)
#define MASK(field) ST_OPTION_MASK(synctalk_train_settings, field)

/* In the order of the enums of settings.h and train.h. */
static const char *const encoders[] = {"auto", "ave", "hubert", "wenet", NULL};
static const char *const widths[] = {"full", "narrow", NULL};
static const char *const schedules[] = {"constant", "cosine", "step", NULL};
static const char *const precisions[] = {"auto", "f32", "bf16", NULL};

static const char where[] = "Where things are";
static const char what[] = "What is trained";
static const char how[] = "How it learns";
static const char machine[] = "The machine and the run";

static const synctalk_option table[] = {
    {"root", 0, TEXT(root), .unit = "DIR", .group = where,
     .help = "project folder, the one that holds dataset/ and checkpoint/"},
    {"models", 0, TEXT(models), .unit = "DIR", .group = where,
     .help = "folder of shared networks, looked in before model/ of the project"},
    {"onnxruntime", 0, TEXT(onnxruntime), .unit = "FILE", .group = where,
     .help = "library of ONNX Runtime, instead of the one in the usual places"},
    {"model", 'm', TEXT(model), .unit = "NAME", .group = where,
     .help = "the person: a folder name below dataset/; checkpoint/NAME is written"},
    {"features", 0, TEXT(features), .unit = "FILE", .group = where,
     .help = "audio features (.npy) to use instead of those in the dataset, which are made from "
             "its aud.wav where they are absent or older"},
    {"warm-start", 0, TEXT(warm_start), .unit = "FILE", .group = where,
     .help = "checkpoint to begin from, published .pth files included"},
    {"vgg", 0, TEXT(vgg), .unit = "FILE", .group = where,
     .help = "torchvision's VGG-19 weights, for the perceptual term"},
    {"syncnet", 0, TEXT(syncnet), .unit = "FILE", .group = where,
     .help = "SyncNet for the sync term; auto takes the latest of syncnet_ckpt/NAME, if any"},

    {"encoder", 0,
     ST_OPTION_CHOICE_OR_NAME(synctalk_train_settings, encoder, encoders, encoder_name),
     .unit = "NAME", .group = what,
     .help = "audio encoder whose features are learnt from; auto looks at the files of the "
             "dataset, and without any takes ave"},
    {"width", 0, CHOICE(width, widths), .unit = "WIDTH", .group = what,
     .help = "size of the network; narrow is a quarter of the work"},
    {"epochs", 0, INTEGER(epochs, 1, 1000000), .unit = "N", .group = what,
     .help = "passes over the frames, in all"},
    {"samples-per-epoch", 0, INTEGER(samples_per_epoch, 0, INT_MAX), .word = "all", .unit = "N",
     .group = what, .help = "samples in an epoch, or all training frames"},
    {"holdout", 0, NUMBER(holdout, 0, 0.5), .unit = "FRACTION", .group = what,
     .help = "part of the frames, at the end, kept out of training to measure on"},
    {"seed", 0, INTEGER(seed, 0, INT_MAX), .unit = "N", .group = what,
     .help = "of everything random: the same seed gives the same bytes"},

    {"batch", 0, INTEGER(batch, 1, 256), .unit = "N", .group = how, .help = "samples of a step"},
    {"lr", 0, NUMBER(lr, 1e-9, 1), .unit = "RATE", .group = how,
     .help = "learning rate of the optimiser, Adam"},
    {"schedule", 0, CHOICE(schedule, schedules), .unit = "KIND", .group = how,
     .help = "course of the learning rate: kept, down a cosine to 1/100, or 1/10 at 1/2 and 3/4"},
    {"warm-up", 0, INTEGER(warm_up, 0, 1000000), .unit = "STEPS", .group = how,
     .help = "first steps, in which the learning rate rises from 0"},
    {"average", 0, NUMBER(average, 0, 0.99999), .unit = "DECAY", .group = how,
     .help = "what is saved is a running mean over the steps; this much of it is left by each"},
    {"mouth-weight", 0, NUMBER(mouth_weight, 0, 1000), .unit = "W", .group = how,
     .help = "weight of an L1 term on the mouth region alone"},
    {"lips-weight", 0, NUMBER(lips_weight, 0, 1000), .unit = "W", .group = how,
     .help = "weight of an L1 term on the lips and a quarter of their width around them"},
    {"mouth-temporal", 0, NUMBER(mouth_temporal, 0, 1000), .unit = "W", .group = how,
     .help = "weight of L1 on how the mouth changes from one frame to the next"},
    {"vgg-weight", 0, NUMBER(vgg_weight, 0, 1000), .unit = "W", .group = how,
     .help = "weight of the perceptual term"},
    {"sync-weight", 0, NUMBER(sync_weight, 0, 1000), .unit = "W", .group = how,
     .help = "weight of the sync term"},

    {"quantize", 0, SWITCH(quantize), .group = how,
     .help = "fine-tune the person's highest checkpoint, or --warm-start, so that it bears int8; a "
             "few minutes, and of these options batch, quantize-samples and quantize-lr count"},
    {"quantize-samples", 0, INTEGER(quantize_samples, 1, 1000000), .unit = "N", .group = how,
     .help = "samples of that fine-tune, in all"},
    {"quantize-lr", 0, NUMBER(quantize_lr, 1e-9, 1), .unit = "RATE", .group = how,
     .help = "its learning rate at the beginning"},

    {"threads", 't', INTEGER(threads, 0, 256), .unit = "N", .group = machine,
     .help = "workers; 0 is one for each core; never changes a bit of the result"},
    {"cpu-mask", 0, MASK(cpu_mask), .unit = "BITS", .group = machine,
     .help = "instruction sets that may be used, a sum: AVX2 1, AVX-512 2, VNNI 4, BF16 8, AMX 16"},
    {"precision", 0, CHOICE(precision, precisions), .unit = "TYPE", .group = machine,
     .help = "arithmetic of activations; auto is the fastest that is proven good enough"},
    {"resume", 0, SWITCH(resume), .group = machine,
     .help = "insist on going on: an error where no state is; going on is the rule anyway"},
    {"restart", 0, SWITCH(restart), .group = machine,
     .help = "begin anew although a state is there; its checkpoints stay"},
    {"time-limit", 0, INTEGER(time_limit, 0, 10000000), .word = "none", .unit = "MINUTES",
     .group = machine, .help = "save and stop after this time"},
    {"save-every", 0, INTEGER(save_every, 1, 100000), .unit = "MINUTES", .group = machine,
     .help = "time between two saves of the state within an epoch"},
};

static const struct st_option_table options = {table, sizeof table / sizeof *table};

void synctalk_train_settings_init(synctalk_train_settings *settings)
{
    *settings = (synctalk_train_settings){
        .root = ".",
        .epochs = 100,
        .seed = 1,
        .batch = 8,
        .lr = 1e-3,
        .average = 0.999,
        .vgg_weight = 0.01,
        .sync_weight = 10,
        .quantize_samples = 512,
        .quantize_lr = 2e-5,
        .cpu_mask = ~0u,
        .save_every = 10,
    };
}

const synctalk_option *synctalk_train_settings_options(size_t *count)
{
    *count = options.count;
    return options.rows;
}

const synctalk_option *synctalk_train_settings_find(const char *name)
{
    return st_option_find(&options, name);
}

synctalk_status synctalk_train_settings_set(synctalk_train_settings *settings, const char *name,
                                            const char *value, synctalk_error *err)
{
    return st_option_set(&options, settings, name, value, err);
}

void synctalk_train_settings_default_text(const synctalk_option *option, char *buf, size_t size)
{
    synctalk_train_settings defaults;
    synctalk_train_settings_init(&defaults);
    st_option_text(option, &defaults, buf, size);
}
