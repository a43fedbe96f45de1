/* SPDX-License-Identifier: Apache-2.0 */
#include "printers.h"

#include <ctype.h>
#include <string.h>

#define COLUMNS 80
#define OPTION_COLUMN 26

/* Words of `text` from column `column` on, broken before COLUMNS and begun at `indent`. */
static void wrap(FILE *file, const char *text, int column, int indent)
{
    while (*text) {
        int length = (int)strcspn(text, " ");
        if (column > indent && column + 1 + length > COLUMNS) {
            fprintf(file, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', file);
            column++;
        }
        fprintf(file, "%.*s", length, text);
        column += length;
        text += length;
        text += strspn(text, " ");
    }
    fputc('\n', file);
}

/* "-o, --output OUT.mp4" */
static void format_usage(char *buf, size_t size, const struct option_line *option)
{
    char letter[8] = "";
    if (option->letter)
        snprintf(letter, sizeof letter, "-%c, ", option->letter);
    snprintf(buf, size, "%s--%s%s%s%s", letter, option->negatable ? "[no-]" : "", option->name,
             *option->unit ? " " : "", option->unit);
}

/* "help (0 to 51; default 18)" */
static void format_help(char *buf, size_t size, const struct option_line *option)
{
    bool values = *option->values;
    bool fallback = *option->fallback;
    snprintf(buf, size, "%s%s%s%s%s%s%s", option->help, values || fallback ? " (" : "",
             option->values, values && fallback ? "; " : "", fallback ? "default " : "",
             option->fallback, values || fallback ? ")" : "");
}

static void text_title(FILE *file, const char *version)
{
    fprintf(file, "synctalk %s - make a video of one person speaking any sound\n", version);
}

static void text_section(FILE *file, const char *name)
{
    fprintf(file, "\n%s\n", name);
}

static void text_subsection(FILE *file, const char *name)
{
    fprintf(file, "\n%s:\n", name);
}

static void text_paragraph(FILE *file, const char *text)
{
    fputc('\n', file);
    wrap(file, text, 0, 0);
}

static void text_term(FILE *file, const char *term, const char *text)
{
    int column = 2 + (int)strlen(term);
    int indent = 14;
    fprintf(file, "  %s", term);
    if (column >= indent) {
        fprintf(file, "\n%*s", indent, "");
    } else {
        fprintf(file, "%*s", indent - column, "");
    }
    wrap(file, text, indent, indent);
}

static void nothing(FILE *file)
{
    (void)file;
}

static void text_code(FILE *file, const char *const *lines)
{
    fputc('\n', file);
    for (size_t i = 0; lines[i]; i++)
        fprintf(file, "  %s\n", lines[i]);
}

static void text_option(FILE *file, const struct option_line *option)
{
    char usage[128];
    char help[512];
    format_usage(usage, sizeof usage, option);
    format_help(help, sizeof help, option);
    int column = (option->letter ? 2 : 6) + (int)strlen(usage);
    fprintf(file, "%*s%s", option->letter ? 2 : 6, "", usage);
    if (column + 2 > OPTION_COLUMN)
        fprintf(file, "\n%*s", OPTION_COLUMN, "");
    else
        fprintf(file, "%*s", OPTION_COLUMN - column, "");
    wrap(file, help, OPTION_COLUMN, OPTION_COLUMN);
}

const struct printer text_printer = {
    .title = text_title,
    .section = text_section,
    .subsection = text_subsection,
    .paragraph = text_paragraph,
    .term = text_term,
    .terms_end = nothing,
    .code = text_code,
    .options_begin = nothing,
    .option = text_option,
    .options_end = nothing,
};

/* A dot or quote that begins a line is a request, '-' is a hyphen and '\' an escape. */
static void roff(FILE *file, const char *text)
{
    if (*text == '.' || *text == '\'')
        fputs("\\&", file);
    for (; *text; text++) {
        if (*text == '\\')
            fputs("\\e", file);
        else if (*text == '-')
            fputs("\\-", file);
        else
            fputc(*text, file);
    }
}

static void roff_line(FILE *file, const char *text)
{
    roff(file, text);
    fputc('\n', file);
}

static void man_title(FILE *file, const char *version)
{
    fprintf(file, ".TH SYNCTALK 1 \"\" \"synctalk %s\" \"User Commands\"\n", version);
    fputs(".SH NAME\nsynctalk \\- make a video of one person speaking any sound\n", file);
}

static void man_section(FILE *file, const char *name)
{
    fputs(".SH \"", file);
    for (; *name; name++)
        fputc(toupper((unsigned char)*name), file);
    fputs("\"\n", file);
}

static void man_subsection(FILE *file, const char *name)
{
    fputs(".SS \"", file);
    roff(file, name);
    fputs("\"\n", file);
}

static void man_paragraph(FILE *file, const char *text)
{
    fputs(".PP\n", file);
    roff_line(file, text);
}

static void man_term(FILE *file, const char *term, const char *text)
{
    fputs(".TP\n.B ", file);
    roff_line(file, term);
    roff_line(file, text);
}

static void man_code(FILE *file, const char *const *lines)
{
    fputs(".PP\n.nf\n.RS\n", file);
    for (size_t i = 0; lines[i]; i++)
        roff_line(file, lines[i]);
    fputs(".RE\n.fi\n", file);
}

static void man_option(FILE *file, const struct option_line *option)
{
    char usage[128];
    char help[512];
    format_usage(usage, sizeof usage, option);
    format_help(help, sizeof help, option);
    man_term(file, usage, help);
}

const struct printer man_printer = {
    .title = man_title,
    .section = man_section,
    .subsection = man_subsection,
    .paragraph = man_paragraph,
    .term = man_term,
    .terms_end = nothing,
    .code = man_code,
    .options_begin = nothing,
    .option = man_option,
    .options_end = nothing,
};

static void markdown_title(FILE *file, const char *version)
{
    (void)version; /* the file must not change with every release */
    fputs("# Commands and options\n\n"
          "Printed by `synctalk help --markdown` from the tables that the program itself reads.\n",
          file);
}

static void markdown_section(FILE *file, const char *name)
{
    fprintf(file, "\n## %s\n", name);
}

static void markdown_subsection(FILE *file, const char *name)
{
    fprintf(file, "\n### %s\n", name);
}

static void markdown_paragraph(FILE *file, const char *text)
{
    fprintf(file, "\n%s\n", text);
}

static void markdown_term(FILE *file, const char *term, const char *text)
{
    fprintf(file, "\n- `%s`: %s", term, text);
}

static void markdown_terms_end(FILE *file)
{
    fputc('\n', file);
}

static void markdown_code(FILE *file, const char *const *lines)
{
    fputs("\n```\n", file);
    for (size_t i = 0; lines[i]; i++)
        fprintf(file, "%s\n", lines[i]);
    fputs("```\n", file);
}

static void markdown_options_begin(FILE *file)
{
    fputs("\n| option | meaning | values | default |\n| --- | --- | --- | --- |\n", file);
}

static void markdown_option(FILE *file, const struct option_line *option)
{
    char usage[128];
    format_usage(usage, sizeof usage, option);
    fprintf(file, "| `%s` | %s | %s | %s |\n", usage, option->help, option->values,
            option->fallback);
}

const struct printer markdown_printer = {
    .title = markdown_title,
    .section = markdown_section,
    .subsection = markdown_subsection,
    .paragraph = markdown_paragraph,
    .term = markdown_term,
    .terms_end = markdown_terms_end,
    .code = markdown_code,
    .options_begin = markdown_options_begin,
    .option = markdown_option,
    .options_end = nothing,
};
