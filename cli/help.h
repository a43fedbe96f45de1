/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CLI_HELP_H
#define CLI_HELP_H

#include <stdio.h>

#include "args.h"

void help_program(FILE *file);                                /* synctalk --help */
void help_command(FILE *file, const struct command *command); /* synctalk COMMAND --help */

/* NULL where there is none. */
const struct command *command_find(const char *name);
/* Says what was probably meant; returns EXIT_USAGE. */
int command_unknown(const char *name);

#endif /* CLI_HELP_H */
