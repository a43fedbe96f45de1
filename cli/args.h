/* SPDX-License-Identifier: Apache-2.0 */
/* Commands, their options, and a command line taken apart.
 *
 * A command takes rows of two tables: settings (those of generate, of train or of vad, by
 * name) and options of its own. Help, man page and parser read the same rows.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "synctalk/synctalk.h"

enum own_kind {
    OWN_FLAG,
    OWN_TEXT,
    OWN_LIST, /* may be given many times */
    OWN_INT,
    OWN_CHOICE,
};

/* An option that is no setting. Tables end with a row without a name. */
struct own_option {
    const char *name;
    char letter; /* or 0 */
    enum own_kind kind;
    int min, max;               /* of an INT */
    const char *const *choices; /* of a CHOICE, NULL-ended */
    const char *unit;
    const char *help;
    const char *fallback; /* what holds when it is not given, as text; or NULL */
};

struct args;

/* One of the library's structs of settings with its table. */
struct settings_table {
    const char *command; /* whose help names them all */
    /* NULL, or names that mean something else to other commands, NULL-ended: they come from
     * the command line alone. */
    const char *const *line_only;
    const synctalk_option *(*options)(size_t *count);
    const synctalk_option *(*find)(const char *name);
    void (*default_text)(const synctalk_option *option, char *buf, size_t size);
    void (*init)(struct args *args);
    synctalk_status (*set)(struct args *args, const char *name, const char *value,
                           synctalk_error *err);
    const void *(*settings)(const struct args *args); /* the struct */
};

extern const struct settings_table train_table, vad_table;

struct command {
    const char *name;
    const char *operands; /* as the usage line shows them; "" for none */
    size_t least_operands, most_operands;
    const char *summary;                /* one line, lower case, no full stop */
    const char *const *text;            /* paragraphs, NULL-ended */
    const char *const *examples;        /* command lines, NULL-ended */
    const struct own_option *own;       /* or NULL */
    const char *const *settings;        /* names, NULL-ended; or NULL for none */
    bool every_setting;                 /* instead of a list */
    const struct settings_table *table; /* NULL: that of generate */
    bool long_call;                     /* takes the options of progress; Ctrl-C is polled */
    int (*run)(struct args *args);      /* returns an exit code */
};

extern const struct command *const commands[]; /* NULL-ended */
extern const struct own_option common_options[];
extern const struct own_option progress_options[];

/* One option as it was given. */
struct given {
    const char *name;             /* borrowed from argv, without "--" */
    const char *value;            /* or NULL */
    const struct own_option *own; /* NULL for a setting */
    char *copy;                   /* owned storage of `name` where argv has "name=value" */
};

struct args {
    const struct command *command;
    struct given *given;
    size_t given_count;
    const char **operands; /* borrowed strings */
    size_t operand_count;
    synctalk_settings settings;    /* the one of these three that table_of() the command is */
    synctalk_train_settings train; /* about is filled by sources_resolve(); the first always */
    synctalk_vad_settings vad;     /* has its defaults */
    const char **sources;          /* for each row of the option table what set it, or NULL */
    json_t *config;                /* owns what settings borrow from synctalk.json */
    char **owned;                  /* texts that settings borrow */
    size_t owned_count;
};

const struct settings_table *table_of(const struct command *command);
/* The row called `name` of the command's table or, for files and variables that all
 * commands read, of the other. NULL: no command knows it. */
const synctalk_option *any_setting(const struct command *command, const char *name);
const char *root_of(const struct args *args);

/* Does `command` take the setting `row`, of its table? */
bool command_takes(const struct command *command, const synctalk_option *row);

/* Take apart argv[1...] of `command`. 0, or EXIT_USAGE after a sentence on stderr. */
int args_parse(struct args *args, const struct command *command, int argc, char **argv);
void args_free(struct args *args);

/* The last value given, or NULL / 0 / `fallback`. The name must be in a table. */
const char *args_text(const struct args *args, const char *name);
bool args_flag(const struct args *args, const char *name);
int args_int(const struct args *args, const char *name, int fallback);
/* Index of the choice; that of the row's fallback when it is not given. */
int args_choice(const struct args *args, const char *name);
/* The n-th value of a LIST, or NULL past the last. */
const char *args_item(const struct args *args, const char *name, size_t n);

/* Of `names` (NULL-ended) the one that was probably meant by `word`, or NULL. */
const char *nearest_name(const char *word, const char *const *names);

/* Fill args->settings from, weakest first: defaults, preset, environment, synctalk.json
 * of the root, command line. 0, or an exit code after a sentence on stderr. */
int sources_resolve(struct args *args);

/* Tell the settings where shared networks may lie besides: SYNCTALK_MODELS and the user's
 * data folder, looked in after the project's model/. 0, or an exit code after a sentence. */
int places_of_models(struct args *args);

/* Where no option names it, let args->settings keep what is seen in videos in the user's cache
 * folder, if there is one. 0, or an exit code after a sentence. */
int place_of_analyses(struct args *args);

/* Keep `text` until args_free(); false, with `text` still the caller's, without memory. */
bool args_own(struct args *args, char *text);

/* Print every setting that the command takes, its value, and what set it. */
void sources_show(const struct args *args, bool json);

#endif /* CLI_ARGS_H */
