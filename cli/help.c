/* SPDX-License-Identifier: Apache-2.0 */
/* synctalk help, and what --help prints: a walk over the tables of commands and options.
 * Nothing about an option is written here.
 */
#include "help.h"

#include <string.h>

#include "console.h"
#include "printers.h"

#define OPEN_END 100000000 /* a limit from here on is there for the parser alone */

static const struct own_option own[] = {
    {"man", 0, OWN_FLAG, .help = "print the whole as a man page (roff)"},
    {"markdown", 0, OWN_FLAG, .help = "print the whole as Markdown"},
    {.name = NULL},
};

static const char *const text[] = {
    "Prints the help of a command or, without one, of the program.",
    NULL,
};

static const char *const examples[] = {
    "synctalk help generate",
    "synctalk help --man > synctalk.1",
    NULL,
};

static const char *const about[] = {
    "A small network, trained on some minutes of one person, redraws the lower face of each "
    "source frame so that the mouth follows the sound. Everything runs on the CPU.",
    NULL,
};

static const char *const exit_codes[][2] = {
    {"0", "all was done"},
    {"1", "something failed; a sentence on stderr names the file and the cause"},
    {"2", "the command line is wrong"},
    {"130", "interrupted by Ctrl-C or a signal; no partial output is left"},
};

static const char *const files[][2] = {
    {"ROOT/dataset/NAME/", "source frames, landmarks and sound of a person"},
    {"ROOT/checkpoint/NAME/N.pth", "the trained network; the highest number is the latest"},
    {"ROOT/model/", "shared networks, such as the audio encoder"},
    {"ROOT/synctalk.json",
     "settings of the project: an object with option names as keys, such as "
     "{\"preset\": \"fast\", \"start-frame\": 100, \"loop-back\": true}; relative paths in it "
     "count from ROOT"},
};

static const char *const strength[] = {
    "Any setting can also be given in ROOT/synctalk.json and in the environment, as SYNCTALK_ and "
    "the option's name in capitals with _ for -, such as SYNCTALK_START_FRAME=100 or "
    "SYNCTALK_LOOP_BACK=1. An option on the command line is stronger than synctalk.json, which is "
    "stronger than the environment, then the preset, then the default. An empty variable counts "
    "as not set.",
    NULL,
};

static const struct printer *printer_of(const struct args *args)
{
    return args_flag(args, "man")        ? &man_printer
           : args_flag(args, "markdown") ? &markdown_printer
                                         : &text_printer;
}

static void join_choices(char *buf, size_t size, const char *const *choices, const char *end)
{
    size_t used = 0;
    buf[0] = '\0';
    for (size_t i = 0; choices[i] && used < size; i++)
        used += (size_t)snprintf(buf + used, size - used, "%s%s", i ? ", " : "", choices[i]);
    if (used < size)
        snprintf(buf + used, size - used, "%s", end);
}

/* An open end is not worth its digits. */
static void format_range(char *buf, size_t size, int min, int max)
{
    if (max >= OPEN_END)
        snprintf(buf, size, "%d or more", min < 0 ? 0 : min);
    else
        snprintf(buf, size, "%d to %d", min, max);
}

static void print_setting(FILE *file, const struct printer *printer,
                          const struct settings_table *table, const synctalk_option *row)
{
    char values[160] = "";
    char fallback[64] = "";
    if (row->type == SYNCTALK_OPTION_CHOICE)
        join_choices(values, sizeof values, row->choices, row->other ? ", or a name" : "");
    else if (row->type == SYNCTALK_OPTION_INT)
        format_range(values, sizeof values, row->min, row->max);
    else if (row->type == SYNCTALK_OPTION_NUMBER)
        snprintf(values, sizeof values, "%g to %g", row->low, row->high);
    table->default_text(row, fallback, sizeof fallback);

    bool on_off = row->type == SYNCTALK_OPTION_SWITCH;
    printer->option(file, &(struct option_line){.letter = row->letter,
                                                .name = row->name,
                                                .unit = on_off ? "" : row->unit,
                                                .negatable = on_off,
                                                .help = row->help,
                                                .values = values,
                                                .fallback = fallback});
}

static void print_own(FILE *file, const struct printer *printer, const struct own_option *row)
{
    char values[160] = "";
    if (row->kind == OWN_CHOICE)
        join_choices(values, sizeof values, row->choices, "");
    else if (row->kind == OWN_INT)
        format_range(values, sizeof values, row->min, row->max);
    printer->option(file, &(struct option_line){.letter = row->letter,
                                                .name = row->name,
                                                .unit = row->kind == OWN_FLAG ? "" : row->unit,
                                                .help = row->help,
                                                .values = values,
                                                .fallback = row->fallback ? row->fallback : ""});
}

static void print_own_table(FILE *file, const struct printer *printer,
                            const struct own_option *rows)
{
    for (; rows && rows->name; rows++)
        print_own(file, printer, rows);
}

/* The rows stand in the table group by group. */
static void print_settings(FILE *file, const struct printer *printer, const struct command *command)
{
    size_t count = 0;
    const struct settings_table *table = table_of(command);
    const synctalk_option *rows = table->options(&count);
    const char *group = NULL;
    for (size_t i = 0; i < count; i++) {
        if (!command_takes(command, &rows[i]))
            continue;
        if (!group || strcmp(group, rows[i].group) != 0) {
            if (group)
                printer->options_end(file);
            group = rows[i].group;
            printer->subsection(file, group);
            printer->options_begin(file);
        }
        print_setting(file, printer, table, &rows[i]);
    }
    if (group)
        printer->options_end(file);
}

static void print_command(FILE *file, const struct printer *printer, const struct command *command)
{
    char usage[160];
    snprintf(usage, sizeof usage, "synctalk %s%s%s [options]", command->name,
             *command->operands ? " " : "", command->operands);
    printer->code(file, (const char *const[]){usage, NULL});
    for (size_t i = 0; command->text[i]; i++)
        printer->paragraph(file, command->text[i]);
    printer->subsection(file, "Options");
    printer->options_begin(file);
    print_own_table(file, printer, command->own);
    if (command->long_call)
        print_own_table(file, printer, progress_options);
    print_own_table(file, printer, common_options);
    printer->options_end(file);
    print_settings(file, printer, command);
    printer->subsection(file, "Examples");
    printer->code(file, command->examples);
}

static void print_pairs(FILE *file, const struct printer *printer, const char *const (*pairs)[2],
                        size_t count)
{
    for (size_t i = 0; i < count; i++)
        printer->term(file, pairs[i][0], pairs[i][1]);
    printer->terms_end(file);
}

static void print_paragraphs(FILE *file, const struct printer *printer, const char *const *lines)
{
    for (size_t i = 0; lines[i]; i++)
        printer->paragraph(file, lines[i]);
}

static void print_command_list(FILE *file, const struct printer *printer)
{
    for (size_t i = 0; commands[i]; i++)
        printer->term(file, commands[i]->name, commands[i]->summary);
    printer->terms_end(file);
}

static void print_synopsis(FILE *file, const struct printer *printer)
{
    printer->section(file, "Synopsis");
    printer->code(file,
                  (const char *const[]){"synctalk COMMAND [options]", "synctalk COMMAND --help",
                                        "synctalk --version", NULL});
}

static void print_everything(FILE *file, const struct printer *printer)
{
    printer->title(file, synctalk_version());
    print_synopsis(file, printer);
    printer->section(file, "Description");
    print_paragraphs(file, printer, about);
    print_command_list(file, printer);
    for (size_t i = 0; commands[i]; i++) {
        char name[64];
        snprintf(name, sizeof name, "synctalk %s", commands[i]->name);
        printer->section(file, name);
        print_command(file, printer, commands[i]);
    }
    printer->section(file, "Where settings come from");
    print_paragraphs(file, printer, strength);
    printer->section(file, "Files");
    print_pairs(file, printer, files, sizeof files / sizeof *files);
    printer->section(file, "Exit codes");
    print_pairs(file, printer, exit_codes, sizeof exit_codes / sizeof *exit_codes);
}

void help_program(FILE *file)
{
    const struct printer *printer = &text_printer;
    printer->title(file, synctalk_version());
    print_synopsis(file, printer);
    printer->section(file, "Commands");
    print_command_list(file, printer);
    printer->section(file, "Where settings come from");
    print_paragraphs(file, printer, strength);
    printer->section(file, "Exit codes");
    print_pairs(file, printer, exit_codes, sizeof exit_codes / sizeof *exit_codes);
}

void help_command(FILE *file, const struct command *command)
{
    fprintf(file, "synctalk %s - %s\n", command->name, command->summary);
    print_command(file, &text_printer, command);
}

const struct command *command_find(const char *name)
{
    for (size_t i = 0; commands[i]; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

int command_unknown(const char *name)
{
    const char *names[32];
    size_t count = 0;
    for (; commands[count] && count + 1 < sizeof names / sizeof *names; count++)
        names[count] = commands[count]->name;
    names[count] = NULL;

    const char *meant = nearest_name(name, names);
    if (meant)
        say(NULL, "there is no command \"%s\"; did you mean %s?", name, meant);
    else
        say(NULL, "there is no command \"%s\"; synctalk --help lists them", name);
    return EXIT_USAGE;
}

static int run(struct args *args)
{
    const char *topic = args->operand_count ? args->operands[0] : NULL;
    const struct printer *printer = printer_of(args);
    if (printer != &text_printer && topic) {
        say(args->command->name, "--man and --markdown print the whole; leave out \"%s\"", topic);
        return EXIT_USAGE;
    }
    if (printer != &text_printer) {
        print_everything(stdout, printer);
        return EXIT_GOOD;
    }
    if (!topic) {
        help_program(stdout);
        return EXIT_GOOD;
    }
    const struct command *command = command_find(topic);
    if (!command)
        return command_unknown(topic);
    help_command(stdout, command);
    return EXIT_GOOD;
}

const struct command command_help = {
    .name = "help",
    .operands = "[COMMAND]",
    .least_operands = 0,
    .most_operands = 1,
    .summary = "print help, the man page or the option tables",
    .text = text,
    .examples = examples,
    .own = own,
    .run = run,
};
