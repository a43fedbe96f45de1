/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "args.h"

static void init_generate(struct args *args)
{
    synctalk_settings_init(&args->settings);
}

static synctalk_status set_generate(struct args *args, const char *name, const char *value,
                                    synctalk_error *err)
{
    return synctalk_settings_set(&args->settings, name, value, err);
}

static const void *generate_settings(const struct args *args)
{
    return &args->settings;
}

static void init_train(struct args *args)
{
    synctalk_train_settings_init(&args->train);
}

static synctalk_status set_train(struct args *args, const char *name, const char *value,
                                 synctalk_error *err)
{
    return synctalk_train_settings_set(&args->train, name, value, err);
}

static const void *train_settings(const struct args *args)
{
    return &args->train;
}

static void init_vad(struct args *args)
{
    synctalk_vad_settings_init(&args->vad);
}

static synctalk_status set_vad(struct args *args, const char *name, const char *value,
                               synctalk_error *err)
{
    return synctalk_vad_settings_set(&args->vad, name, value, err);
}

static const void *vad_settings(const struct args *args)
{
    return &args->vad;
}

static const struct settings_table generate_table = {
    .command = "generate",
    .options = synctalk_settings_options,
    .find = synctalk_settings_find,
    .default_text = synctalk_settings_default_text,
    .init = init_generate,
    .set = set_generate,
    .settings = generate_settings,
};

/* The features of generate are another sound's, and its precision has other choices. */
static const char *const train_line_only[] = {"features", "precision", NULL};

const struct settings_table train_table = {
    .command = "train",
    .line_only = train_line_only,
    .options = synctalk_train_settings_options,
    .find = synctalk_train_settings_find,
    .default_text = synctalk_train_settings_default_text,
    .init = init_train,
    .set = set_train,
    .settings = train_settings,
};

const struct settings_table vad_table = {
    .command = "vad",
    .options = synctalk_vad_settings_options,
    .find = synctalk_vad_settings_find,
    .default_text = synctalk_vad_settings_default_text,
    .init = init_vad,
    .set = set_vad,
    .settings = vad_settings,
};

const struct settings_table *table_of(const struct command *command)
{
    return command->table ? command->table : &generate_table;
}

const synctalk_option *any_setting(const struct command *command, const char *name)
{
    const synctalk_option *row = table_of(command)->find(name);
    if (!row)
        row = generate_table.find(name);
    if (!row)
        row = train_table.find(name);
    return row ? row : vad_table.find(name);
}

const char *root_of(const struct args *args)
{
    const struct settings_table *table = table_of(args->command);
    const char *base = table->settings(args);
    return *(const char *const *)(const void *)(base + table->find("root")->offset);
}
