/* SPDX-License-Identifier: Apache-2.0 */
/* Where settings come from, weakest first: default, preset, SYNCTALK_* in the
 * environment, ROOT/synctalk.json, the command line. The preset may be named in any of
 * the last three; it is set before every single option, whichever named it.
 */
#include "args.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "console.h"
#include "progress.h"

#define CONFIG_NAME "synctalk.json"
#define CONFIG_MAX_BYTES (1 << 20)
#define PREFIX "SYNCTALK_"

extern char **environ;

/* SYNCTALK_START_FRAME for start-frame. */
static void environment_name(char *buf, size_t size, const char *option)
{
    snprintf(buf, size, PREFIX "%s", option);
    for (char *c = buf; *c; c++)
        *c = (char)(*c == '-' ? '_' : toupper((unsigned char)*c));
}

/* NULL where it is absent or empty. */
static const char *environment_value(const char *option)
{
    char name[64];
    environment_name(name, sizeof name, option);
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static const char *given_value(const struct args *args, const char *option)
{
    const char *value = NULL;
    for (size_t i = 0; i < args->given_count; i++)
        if (!args->given[i].own && strcmp(args->given[i].name, option) == 0)
            value = args->given[i].value;
    return value;
}

static void note_source(struct args *args, const char *option, const char *source)
{
    size_t count = 0;
    const struct settings_table *table = table_of(args->command);
    const synctalk_option *first = table->options(&count);
    args->sources[table->find(option) - first] = source;
}

static int set_from_environment(struct args *args, const char *option)
{
    synctalk_error err = {0};
    const char *value = environment_value(option);
    char name[64];
    if (!value)
        return EXIT_GOOD;
    note_source(args, option, "environment");
    if (!table_of(args->command)->set(args, option, value, &err))
        return EXIT_GOOD;
    environment_name(name, sizeof name, option);
    say(args->command->name, "%s in the environment: %s", name, err.message);
    return EXIT_USAGE;
}

static const char *type_name(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",    [JSON_STRING] = "a string",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a fraction", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };
    return names[json_typeof(value)];
}

/* What a row takes in JSON, for the sentence. */
static const char *type_wanted(const synctalk_option *row)
{
    switch (row->type) {
    case SYNCTALK_OPTION_TEXT:
    case SYNCTALK_OPTION_CHOICE:
        return "a string";
    case SYNCTALK_OPTION_INT:
        return row->word ? "a whole number or the word that stands for one" : "a whole number";
    case SYNCTALK_OPTION_NUMBER:
        return "a number";
    case SYNCTALK_OPTION_SWITCH:
        return "true or false";
    case SYNCTALK_OPTION_MASK:
        return "a whole number or a string";
    }
    return "something else";
}

static bool type_fits(const synctalk_option *row, const json_t *value)
{
    switch (row->type) {
    case SYNCTALK_OPTION_TEXT:
    case SYNCTALK_OPTION_CHOICE:
        return json_is_string(value);
    case SYNCTALK_OPTION_INT:
        return json_is_integer(value) || (json_is_string(value) && row->word);
    case SYNCTALK_OPTION_NUMBER:
        return json_is_number(value);
    case SYNCTALK_OPTION_SWITCH:
        return json_is_boolean(value);
    case SYNCTALK_OPTION_MASK:
        return json_is_integer(value) || json_is_string(value);
    }
    return false;
}

bool args_own(struct args *args, char *text)
{
    char **grown = realloc(args->owned, (args->owned_count + 1) * sizeof *grown);
    if (!grown)
        return false;
    args->owned = grown;
    args->owned[args->owned_count++] = text;
    return true;
}

/* A relative path in synctalk.json counts from the file's own folder. */
static const char *own_path(struct args *args, const char *path)
{
    char *joined = NULL;
    if (path[0] == '/' || path[0] == '\0')
        return path;
    if (asprintf(&joined, "%s/%s", root_of(args), path) < 0)
        return NULL;
    if (args_own(args, joined))
        return joined;
    free(joined);
    return NULL;
}

static bool is_path(const synctalk_option *row)
{
    return row->type == SYNCTALK_OPTION_TEXT &&
           (strcmp(row->unit, "DIR") == 0 || strcmp(row->unit, "FILE") == 0);
}

static int set_from_config(struct args *args, const synctalk_option *row)
{
    const json_t *value = json_object_get(args->config, row->name);
    const char *text = json_string_value(value);
    char number[32];
    synctalk_error err = {0};

    if (!value)
        return EXIT_GOOD;
    if (json_is_integer(value)) {
        snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        text = number;
    } else if (json_is_real(value)) {
        snprintf(number, sizeof number, "%.17g", json_real_value(value));
        text = number;
    } else if (json_is_boolean(value)) {
        text = json_is_true(value) ? "1" : "0";
    } else if (is_path(row)) {
        text = own_path(args, text);
    }
    if (!text) {
        say(args->command->name, "no memory for a path");
        return EXIT_FAILED;
    }
    note_source(args, row->name, CONFIG_NAME);
    if (!table_of(args->command)->set(args, row->name, text, &err))
        return EXIT_GOOD;
    say(args->command->name, "%s/" CONFIG_NAME ": %s", root_of(args), err.message);
    return EXIT_FAILED;
}

static int unknown_key(const struct args *args, const char *path, const char *key)
{
    const char *names[128];
    size_t count = 0;
    const synctalk_option *rows = table_of(args->command)->options(&count);
    size_t used = 0;
    for (; used < count && used + 1 < sizeof names / sizeof *names; used++)
        names[used] = rows[used].name;
    names[used] = NULL;

    const char *meant = nearest_name(key, names);
    if (meant)
        say(args->command->name, "%s: there is no setting \"%s\"; did you mean \"%s\"?", path, key,
            meant);
    else
        say(args->command->name, "%s: there is no setting \"%s\"; synctalk %s --help names them",
            path, key, table_of(args->command)->command);
    return EXIT_FAILED;
}

/* Every key known, every value of its type: also those that no command here uses. */
static int check_config(const struct args *args, const char *path)
{
    const char *key;
    json_t *value;
    json_object_foreach(args->config, key, value)
    {
        const synctalk_option *row = any_setting(args->command, key);
        if (!row || strcmp(row->name, key) != 0)
            return unknown_key(args, path, key);
        if (strcmp(key, "root") == 0) {
            say(args->command->name, "%s: root cannot be set in the file that it leads to", path);
            return EXIT_FAILED;
        }
        if (!type_fits(row, value)) {
            say(args->command->name, "%s: %s: found %s where %s is needed", path, key,
                type_name(value), type_wanted(row));
            return EXIT_FAILED;
        }
    }
    return EXIT_GOOD;
}

static int parse_config(struct args *args, const char *path)
{
    json_error_t fault;
    args->config = json_load_file(path, JSON_REJECT_DUPLICATES, &fault);
    if (!args->config) {
        say(args->command->name, "%s: line %d, column %d: %s", path, fault.line, fault.column,
            fault.text);
        return EXIT_FAILED;
    }
    if (!json_is_object(args->config)) {
        say(args->command->name, "%s: found %s where an object { } is needed", path,
            type_name(args->config));
        return EXIT_FAILED;
    }
    return check_config(args, path);
}

static int load_config(struct args *args)
{
    char *path = NULL;
    struct stat info;
    int code = EXIT_GOOD;

    if (asprintf(&path, "%s/" CONFIG_NAME, root_of(args)) < 0) {
        say(args->command->name, "no memory for a path");
        return EXIT_FAILED;
    }
    if (stat(path, &info) < 0) {
        if (errno != ENOENT && errno != ENOTDIR) {
            say(args->command->name, "%s: %s", path, strerror(errno));
            code = EXIT_FAILED;
        }
    } else if (!S_ISREG(info.st_mode) || info.st_size > CONFIG_MAX_BYTES) {
        say(args->command->name, "%s: found %lld bytes%s where a file of at most %d is needed",
            path, (long long)info.st_size, S_ISREG(info.st_mode) ? "" : " and no regular file",
            CONFIG_MAX_BYTES);
        code = EXIT_FAILED;
    } else {
        code = parse_config(args, path);
    }
    free(path);
    return code;
}

/* The strongest preset named anywhere, set before single options. */
static int resolve_preset(struct args *args)
{
    const char *given = given_value(args, "preset");
    const synctalk_option *row = table_of(args->command)->find("preset");
    if (given || !row)
        return EXIT_GOOD; /* checked and set below */
    const json_t *configured = json_object_get(args->config, "preset");
    if (configured)
        return set_from_config(args, row);
    return set_from_environment(args, "preset");
}

static int apply_given(struct args *args, bool preset_only)
{
    for (size_t i = 0; i < args->given_count; i++) {
        const struct given *given = &args->given[i];
        synctalk_error err = {0};
        if (given->own || preset_only != (strcmp(given->name, "preset") == 0))
            continue;
        note_source(args, given->name, "option");
        if (table_of(args->command)->set(args, given->name, given->value, &err)) {
            say(args->command->name, "--%s", err.message);
            return EXIT_USAGE;
        }
    }
    return EXIT_GOOD;
}

static int resolve_root(struct args *args)
{
    const synctalk_option *row = table_of(args->command)->find("root");
    if (!command_takes(args->command, row))
        return EXIT_GOOD;
    int code = set_from_environment(args, "root");
    const char *given = given_value(args, "root");
    if (!code && given) {
        synctalk_error err = {0};
        if (table_of(args->command)->set(args, "root", given, &err)) {
            say(args->command->name, "--%s", err.message);
            return EXIT_USAGE;
        }
    }
    return code ? code : load_config(args);
}

/* Whether "SYNCTALK_START_FRAME=..." sets an option of `rows`. */
static bool sets_one_of(const synctalk_option *rows, size_t count, const char *entry, size_t length)
{
    for (size_t i = 0; i < count; i++) {
        char name[64];
        environment_name(name, sizeof name, rows[i].name);
        if (strlen(name) == length && strncmp(name, entry, length) == 0)
            return true;
    }
    return false;
}

static bool is_known_variable(const char *entry, size_t length)
{
    size_t count = 0;
    const synctalk_option *rows = synctalk_settings_options(&count);
    if (sets_one_of(rows, count, entry, length))
        return true;
    rows = synctalk_train_settings_options(&count);
    if (sets_one_of(rows, count, entry, length))
        return true;
    rows = synctalk_vad_settings_options(&count);
    return sets_one_of(rows, count, entry, length);
}

/* A name that is spelt wrong would otherwise be without effect, and nobody would know. */
static void warn_of_unknown_variables(const struct args *args)
{
    for (char **entry = environ; *entry; entry++) {
        size_t length = strcspn(*entry, "=");
        if (strncmp(*entry, PREFIX, strlen(PREFIX)) == 0 && !is_known_variable(*entry, length))
            say(args->command->name, "warning: %.*s in the environment is no setting", (int)length,
                *entry);
    }
}

static bool is_line_only(const struct args *args, const char *name)
{
    const char *const *names = table_of(args->command)->line_only;
    for (; names && *names; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

int sources_resolve(struct args *args)
{
    size_t count = 0;
    const synctalk_option *rows = table_of(args->command)->options(&count);
    bool quiet = args->command->long_call &&
                 (args_flag(args, "quiet") || args_choice(args, "progress") == PROGRESS_JSON);

    synctalk_settings_init(&args->settings);
    table_of(args->command)->init(args);
    if (!args->command->every_setting && !args->command->settings)
        return EXIT_GOOD;
    args->sources = calloc(count, sizeof *args->sources);
    if (!args->sources) {
        say(args->command->name, "no memory for settings");
        return EXIT_FAILED;
    }
    if (!quiet)
        warn_of_unknown_variables(args);

    int code = resolve_root(args);
    if (!code)
        code = resolve_preset(args);
    if (!code)
        code = apply_given(args, true);
    for (size_t i = 0; i < count && !code; i++) {
        if (strcmp(rows[i].name, "preset") == 0 || strcmp(rows[i].name, "root") == 0 ||
            is_line_only(args, rows[i].name))
            continue;
        code = set_from_environment(args, rows[i].name);
        if (!code)
            code = set_from_config(args, &rows[i]);
    }
    return code ? code : apply_given(args, false);
}
