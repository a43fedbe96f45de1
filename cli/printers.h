/* SPDX-License-Identifier: Apache-2.0 */
/* The forms that help is printed in. help.c walks the tables once; a printer turns each
 * part into plain text, roff or Markdown.
 */
#ifndef CLI_PRINTERS_H
#define CLI_PRINTERS_H

#include <stdbool.h>
#include <stdio.h>

/* One option, whichever table it is from. Empty strings where there is nothing to say. */
struct option_line {
    char letter;
    const char *name;
    const char *unit;   /* "" for a flag or switch */
    bool negatable;     /* --no-NAME exists */
    const char *help;   /* one sentence, lower case, no full stop */
    const char *values; /* "0 to 51", "edge, face, none" */
    const char *fallback;
};

struct printer {
    void (*title)(FILE *file, const char *version);
    void (*section)(FILE *file, const char *name);    /* of the whole document */
    void (*subsection)(FILE *file, const char *name); /* a command, a group of options */
    void (*paragraph)(FILE *file, const char *text);
    void (*term)(FILE *file, const char *term, const char *text);
    void (*terms_end)(FILE *file);
    void (*code)(FILE *file, const char *const *lines); /* NULL-ended */
    void (*options_begin)(FILE *file);
    void (*option)(FILE *file, const struct option_line *option);
    void (*options_end)(FILE *file);
};

extern const struct printer text_printer, man_printer, markdown_printer;

#endif /* CLI_PRINTERS_H */
