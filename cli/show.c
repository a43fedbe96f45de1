/* SPDX-License-Identifier: Apache-2.0 */
/* The settings in force, and what set each: the answer to "why is it so?". */
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "console.h"

/* The value as text that the option takes; "" where there is none. */
/* The choice, or the name that was given instead. */
static const char *choice_text(const void *settings, const synctalk_option *row)
{
    const char *bytes = settings;
    const char *choice = row->choices[*(const int *)(const void *)(bytes + row->offset)];
    return choice ? choice : *(const char *const *)(const void *)(bytes + row->other);
}

static void value_text(const struct args *args, const synctalk_option *row, char *buf, size_t size)
{
    const struct settings_table *table = table_of(args->command);
    const void *field = (const char *)table->settings(args) + row->offset;
    int number = 0;
    buf[0] = '\0';
    switch (row->type) {
    case SYNCTALK_OPTION_TEXT:
        if (*(const char *const *)field)
            snprintf(buf, size, "%s", *(const char *const *)field);
        return;
    case SYNCTALK_OPTION_MASK:
        snprintf(buf, size, "0x%x", *(const unsigned *)field);
        return;
    case SYNCTALK_OPTION_CHOICE:
        snprintf(buf, size, "%s", choice_text(table->settings(args), row));
        return;
    case SYNCTALK_OPTION_SWITCH:
        number = *(const int *)field;
        snprintf(buf, size, "%s", number < 0 ? "" : number ? "on" : "off");
        return;
    case SYNCTALK_OPTION_INT:
        number = *(const int *)field;
        if (row->word && number == row->min)
            snprintf(buf, size, "%s", row->word);
        else
            snprintf(buf, size, "%d", number);
        return;
    case SYNCTALK_OPTION_NUMBER:
        snprintf(buf, size, "%.10g", *(const double *)field);
        return;
    }
}

static const char *source_of(const struct args *args, size_t index, const synctalk_option *row,
                             const char *value)
{
    char fallback[64];
    if (args->sources[index])
        return args->sources[index];
    table_of(args->command)->default_text(row, fallback, sizeof fallback);
    return strcmp(fallback, value) == 0 ? "default" : "preset";
}

void sources_show(const struct args *args, bool json)
{
    size_t count = 0;
    const synctalk_option *rows = table_of(args->command)->options(&count);
    json_t *object = json ? json_object() : NULL;
    for (size_t i = 0; i < count; i++) {
        char value[4096];
        if (!command_takes(args->command, &rows[i]))
            continue;
        value_text(args, &rows[i], value, sizeof value);
        const char *source = source_of(args, i, &rows[i], value);
        if (json) {
            json_t *pair = json_object();
            json_object_set_new(pair, "value", *value ? json_clean(value) : json_null());
            json_object_set_new(pair, "source", json_string(source));
            json_object_set_new(object, rows[i].name, pair);
            continue;
        }
        printf("%-16s ", rows[i].name);
        print_clean(stdout, *value ? value : "-");
        printf("%*s(%s)\n", strlen(value) < 20 ? 20 - (int)strlen(value) : 1, "", source);
    }
    if (json)
        print_json_line(stdout, object);
}
