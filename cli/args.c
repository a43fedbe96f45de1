/* SPDX-License-Identifier: Apache-2.0 */
#include "args.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "console.h"

static const char *const progress_kinds[] = {"auto", "json", "none", NULL};

const struct own_option common_options[] = {
    {"help", 'h', OWN_FLAG, .help = "print this help"},
    {.name = NULL},
};

const struct own_option progress_options[] = {
    {"progress", 0, OWN_CHOICE, .choices = progress_kinds, .unit = "KIND", .fallback = "auto",
     .help = "on stderr: a line that moves or, off a terminal, one every 5 s; JSON lines; nothing"},
    {"quiet", 'q', OWN_FLAG, .help = "print errors only"},
    {"verbose", 'v', OWN_FLAG, .help = "print what was chosen in more detail"},
    {.name = NULL},
};

bool command_takes(const struct command *command, const synctalk_option *row)
{
    if (command->every_setting)
        return true;
    for (size_t i = 0; command->settings && command->settings[i]; i++)
        if (strcmp(command->settings[i], row->name) == 0)
            return true;
    return false;
}

/* The tables that `command` takes options of its own from; some may be NULL. */
#define OWN_TABLES 3

static void own_tables(const struct command *command, const struct own_option *tables[OWN_TABLES])
{
    tables[0] = command->own;
    tables[1] = command->long_call ? progress_options : NULL;
    tables[2] = common_options;
}

static const struct own_option *find_own(const struct command *command, const char *name,
                                         char letter)
{
    const struct own_option *tables[OWN_TABLES];
    own_tables(command, tables);
    for (size_t t = 0; t < OWN_TABLES; t++) {
        for (const struct own_option *row = tables[t]; row && row->name; row++)
            if (name ? strcmp(row->name, name) == 0 : row->letter == letter)
                return row;
    }
    return NULL;
}

static const synctalk_option *find_setting(const struct command *command, const char *name)
{
    const synctalk_option *row = table_of(command)->find(name);
    return row && command_takes(command, row) ? row : NULL;
}

static const synctalk_option *find_setting_letter(const struct command *command, char letter)
{
    size_t count = 0;
    const synctalk_option *rows = table_of(command)->options(&count);
    for (size_t i = 0; i < count; i++)
        if (rows[i].letter == letter && command_takes(command, &rows[i]))
            return &rows[i];
    return NULL;
}

/* Levenshtein's distance of two words of at most 31 letters; longer ones are far apart. */
static size_t distance(const char *a, const char *b)
{
    size_t row[32];
    size_t a_length = strlen(a);
    size_t b_length = strlen(b);
    if (a_length > 31 || b_length > 31)
        return 99;
    for (size_t j = 0; j <= b_length; j++)
        row[j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t shift = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < shift ? change : shift;
        }
    }
    return row[b_length];
}

/* Keep `name` in *best when it is nearer to `word`. Half a word or its beginning counts. */
static void consider(const char *word, const char *name, const char **best, size_t *least)
{
    size_t d = distance(word, name);
    size_t length = strlen(word);
    size_t limit = length < 3 ? 1 : length / 3 + 1;
    if (length >= 3 && strncmp(name, word, length) == 0)
        d = 1;
    if (d <= limit && d < *least) {
        *least = d;
        *best = name;
    }
}

const char *nearest_name(const char *word, const char *const *names)
{
    const char *best = NULL;
    size_t least = 99;
    for (size_t i = 0; names[i]; i++)
        consider(word, names[i], &best, &least);
    return best;
}

static const char *nearest_option(const struct command *command, const char *word)
{
    const struct own_option *tables[OWN_TABLES];
    const char *best = NULL;
    size_t least = 99;
    size_t count = 0;

    own_tables(command, tables);
    for (size_t t = 0; t < OWN_TABLES; t++)
        for (const struct own_option *row = tables[t]; row && row->name; row++)
            consider(word, row->name, &best, &least);
    const synctalk_option *rows = table_of(command)->options(&count);
    for (size_t i = 0; i < count; i++)
        if (command_takes(command, &rows[i]))
            consider(word, rows[i].name, &best, &least);
    return best;
}

static int unknown_option(const struct command *command, const char *name)
{
    const char *meant = nearest_option(command, name);
    if (any_setting(command, name))
        say(command->name, "--%s is not an option of this command; see synctalk %s --help", name,
            command->name);
    else if (meant)
        say(command->name, "there is no option --%s; did you mean --%s?", name, meant);
    else
        say(command->name, "there is no option --%s; see synctalk %s --help", name, command->name);
    return EXIT_USAGE;
}

static int bad_choice(const struct command *command, const struct own_option *row,
                      const char *value)
{
    char allowed[160] = "";
    for (size_t i = 0; row->choices[i]; i++) {
        size_t used = strlen(allowed);
        snprintf(allowed + used, sizeof allowed - used, "%s%s", i ? ", " : "", row->choices[i]);
    }
    say(command->name, "--%s: \"%s\" is not one of %s", row->name, value, allowed);
    return EXIT_USAGE;
}

static bool parse_int(const char *text, int min, int max, int *out)
{
    char *end = NULL;
    if (text[0] < '0' || text[0] > '9' || strlen(text) > 9)
        return false;
    long number = strtol(text, &end, 10);
    if (*end != '\0' || number < min || number > max)
        return false;
    *out = (int)number;
    return true;
}

static int check_own(const struct command *command, const struct own_option *row, const char *value)
{
    int ignored = 0;
    switch (row->kind) {
    case OWN_FLAG:
        return EXIT_GOOD;
    case OWN_TEXT:
    case OWN_LIST:
        if (*value)
            return EXIT_GOOD;
        say(command->name, "--%s: the value is empty; it takes %s", row->name, row->unit);
        return EXIT_USAGE;
    case OWN_INT:
        if (parse_int(value, row->min, row->max, &ignored))
            return EXIT_GOOD;
        say(command->name, "--%s: \"%s\" is not a whole number from %d to %d", row->name, value,
            row->min, row->max);
        return EXIT_USAGE;
    case OWN_CHOICE:
        for (size_t i = 0; row->choices[i]; i++)
            if (strcmp(row->choices[i], value) == 0)
                return EXIT_GOOD;
        return bad_choice(command, row, value);
    }
    return EXIT_USAGE;
}

/* Where an option's value may come from, and what was taken. */
struct reader {
    int argc;
    char **argv;
    int next; /* index of the argument to read next */
};

/* The value of an option that needs one: `attached` (or NULL) or the next argument. One
 * that begins with "--" is taken for a forgotten value. */
static int take_value(struct reader *reader, const struct command *command, const char *name,
                      const char *unit, const char *attached, const char **value)
{
    *value = attached;
    if (attached)
        return EXIT_GOOD;
    const char *next = reader->next < reader->argc ? reader->argv[reader->next] : NULL;
    if (!next || strncmp(next, "--", 2) == 0) {
        say(command->name, "--%s needs a value: --%s %s%s", name, name, unit,
            next ? " (or --NAME=VALUE, if it begins with --)" : "");
        return EXIT_USAGE;
    }
    reader->next++;
    *value = next;
    return EXIT_GOOD;
}

/* There is room for all, see args_parse(). Takes given.copy. */
static void add_given(struct args *args, struct given given)
{
    args->given[args->given_count++] = given;
}

/* `given` has a name and what is attached as value; taken, also on failure. */
static int parse_setting(struct args *args, struct reader *reader, const synctalk_option *row,
                         struct given given)
{
    int code = EXIT_GOOD;
    if (row->type != SYNCTALK_OPTION_SWITCH)
        code = take_value(reader, args->command, given.name, row->unit, given.value, &given.value);
    add_given(args, given);
    return code;
}

static int parse_own(struct args *args, struct reader *reader, const struct own_option *row,
                     struct given given)
{
    int code = EXIT_GOOD;
    given.own = row;
    if (row->kind != OWN_FLAG) {
        code = take_value(reader, args->command, row->name, row->unit, given.value, &given.value);
        if (!code)
            code = check_own(args->command, row, given.value);
    } else if (given.value) {
        say(args->command->name, "--%s takes no value, found \"%s\"", row->name, given.value);
        code = EXIT_USAGE;
    }
    add_given(args, given);
    return code;
}

static int parse_long(struct args *args, struct reader *reader, const char *text)
{
    const char *equals = strchr(text, '=');
    char *copy = equals ? strndup(text, (size_t)(equals - text)) : NULL;
    const char *name = copy ? copy : text;
    struct given given = {.name = name, .value = equals ? equals + 1 : NULL, .copy = copy};
    if (equals && !copy) {
        say(args->command->name, "no memory for the command line");
        return EXIT_FAILED;
    }

    const struct own_option *own = find_own(args->command, name, 0);
    if (own)
        return parse_own(args, reader, own, given);
    const synctalk_option *row = find_setting(args->command, name);
    if (row)
        return parse_setting(args, reader, row, given);
    int code = unknown_option(args->command, name);
    free(copy);
    return code;
}

/* "-y", "-qy", "-o FILE", "-oFILE". */
static int parse_letters(struct args *args, struct reader *reader, const char *letters)
{
    int code = EXIT_GOOD;
    while (*letters && !code) {
        char letter = *letters++;
        const struct own_option *own = find_own(args->command, NULL, letter);
        const synctalk_option *row = own ? NULL : find_setting_letter(args->command, letter);
        bool flag = own ? own->kind == OWN_FLAG : row && row->type == SYNCTALK_OPTION_SWITCH;
        struct given given = {.value = !flag && *letters ? letters : NULL};
        if (own) {
            code = parse_own(args, reader, own, given);
        } else if (row) {
            given.name = row->name;
            code = parse_setting(args, reader, row, given);
        } else {
            say(args->command->name, "there is no option -%c; see synctalk %s --help", letter,
                args->command->name);
            return EXIT_USAGE;
        }
        if (!flag)
            return code;
    }
    return code;
}

static int check_operands(const struct args *args)
{
    const struct command *command = args->command;
    if (args->operand_count > command->most_operands) {
        say(command->name, "unexpected argument \"%s\"; usage: synctalk %s%s%s [options]",
            args->operands[command->most_operands], command->name, *command->operands ? " " : "",
            command->operands);
        return EXIT_USAGE;
    }
    if (args->operand_count < command->least_operands && !args_flag(args, "help")) {
        say(command->name, "too few arguments; usage: synctalk %s %s [options]", command->name,
            command->operands);
        return EXIT_USAGE;
    }
    return EXIT_GOOD;
}

int args_parse(struct args *args, const struct command *command, int argc, char **argv)
{
    *args = (struct args){.command = command};
    size_t letters = 0; /* each argument gives at most as many options as it has letters */
    for (int i = 0; i < argc; i++)
        letters += strlen(argv[i]) + 1;
    args->given = calloc(letters + 1, sizeof *args->given);
    args->operands = calloc((size_t)argc + 1, sizeof *args->operands);
    if (!args->given || !args->operands) {
        say(command->name, "no memory for the command line");
        return EXIT_FAILED;
    }

    struct reader reader = {.argc = argc, .argv = argv, .next = 1};
    bool options_ended = false;
    while (reader.next < argc) {
        const char *text = argv[reader.next++];
        int code = EXIT_GOOD;
        if (options_ended || text[0] != '-' || text[1] == '\0')
            args->operands[args->operand_count++] = text;
        else if (strcmp(text, "--") == 0)
            options_ended = true;
        else if (text[1] == '-')
            code = parse_long(args, &reader, text + 2);
        else
            code = parse_letters(args, &reader, text + 1);
        if (code)
            return code;
    }
    return check_operands(args);
}

void args_free(struct args *args)
{
    for (size_t i = 0; i < args->given_count; i++)
        free(args->given[i].copy);
    for (size_t i = 0; i < args->owned_count; i++)
        free(args->owned[i]);
    free(args->owned);
    free(args->sources);
    free(args->given);
    free(args->operands);
    json_decref(args->config);
    *args = (struct args){.command = NULL};
}

static const struct given *last_given(const struct args *args, const char *name)
{
    assert(find_own(args->command, name, 0));
    for (size_t i = args->given_count; i > 0; i--)
        if (args->given[i - 1].own && strcmp(args->given[i - 1].own->name, name) == 0)
            return &args->given[i - 1];
    return NULL;
}

const char *args_text(const struct args *args, const char *name)
{
    const struct given *given = last_given(args, name);
    return given ? given->value : NULL;
}

bool args_flag(const struct args *args, const char *name)
{
    return last_given(args, name) != NULL;
}

int args_int(const struct args *args, const char *name, int fallback)
{
    const struct given *given = last_given(args, name);
    int number = fallback;
    if (given && parse_int(given->value, given->own->min, given->own->max, &number))
        return number;
    return fallback;
}

int args_choice(const struct args *args, const char *name)
{
    const struct given *given = last_given(args, name);
    const struct own_option *row = find_own(args->command, name, 0);
    const char *value = given ? given->value : row->fallback;
    for (int i = 0; value && row->choices[i]; i++)
        if (strcmp(row->choices[i], value) == 0)
            return i;
    return -1;
}

const char *args_item(const struct args *args, const char *name, size_t n)
{
    for (size_t i = 0; i < args->given_count; i++) {
        const struct given *given = &args->given[i];
        if (given->own && strcmp(given->own->name, name) == 0 && n-- == 0)
            return given->value;
    }
    return NULL;
}
