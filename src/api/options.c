/* SPDX-License-Identifier: Apache-2.0 */
#include "api/options.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static const synctalk_option *find_exact(const struct st_option_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++)
        if (strcmp(table->rows[i].name, name) == 0)
            return &table->rows[i];
    return NULL;
}

const synctalk_option *st_option_find(const struct st_option_table *table, const char *name)
{
    const synctalk_option *row = find_exact(table, name);
    if (row || strncmp(name, "no-", 3) != 0)
        return row;
    row = find_exact(table, name + 3);
    return row && row->type == SYNCTALK_OPTION_SWITCH ? row : NULL;
}

static int *int_field(void *settings, const synctalk_option *row)
{
    return (int *)(void *)((char *)settings + row->offset);
}

static synctalk_status set_text(void *settings, const synctalk_option *row, const char *value,
                                synctalk_error *err)
{
    if (*value == '\0')
        return st_fail(err, SYNCTALK_E_ARG, "%s: the value is empty; it takes %s", row->name,
                       row->unit);
    *(const char **)(void *)((char *)settings + row->offset) = value;
    return SYNCTALK_OK;
}

/* All of `text` as a number in `base`, without the blanks and signs that strtoll lets
 * through: "-" is taken only before digits. */
static bool parse_number(const char *text, int base, long long *number)
{
    const char *digits = text + (*text == '-');
    if (!strchr("0123456789", *digits) || *digits == '\0')
        return false;
    char *end = NULL;
    errno = 0;
    *number = strtoll(text, &end, base);
    return errno == 0 && *end == '\0';
}

static synctalk_status set_int(void *settings, const synctalk_option *row, const char *value,
                               synctalk_error *err)
{
    long long number = 0;
    if (row->word && strcmp(value, row->word) == 0) {
        number = row->min;
    } else if (!parse_number(value, 10, &number) || number < row->min || number > row->max) {
        if (row->word)
            return st_fail(err, SYNCTALK_E_ARG, "%s: \"%s\" is neither a number from %d nor %s",
                           row->name, value, row->min < 0 ? 0 : row->min, row->word);
        return st_fail(err, SYNCTALK_E_ARG, "%s: \"%s\" is not a whole number from %d to %d",
                       row->name, value, row->min, row->max);
    }
    *int_field(settings, row) = (int)number;
    return SYNCTALK_OK;
}

/* Digits, a point and an exponent; not the blanks, words and hexadecimal of strtod. */
static bool parse_fraction(const char *text, double *number)
{
    char *end = NULL;
    if (*text == '\0' || strspn(text, "0123456789.eE+-") != strlen(text) ||
        !strchr("0123456789.", *text))
        return false;
    errno = 0;
    *number = strtod(text, &end);
    return *end == '\0' && end > text && (errno == 0 || *number == 0.0);
}

static synctalk_status set_number(void *settings, const synctalk_option *row, const char *value,
                                  synctalk_error *err)
{
    double number = 0;
    if (!parse_fraction(value, &number) || !(number >= row->low && number <= row->high))
        return st_fail(err, SYNCTALK_E_ARG, "%s: \"%s\" is not a number from %g to %g", row->name,
                       value, row->low, row->high);
    *(double *)(void *)((char *)settings + row->offset) = number;
    return SYNCTALK_OK;
}

static int count_choices(const synctalk_option *row)
{
    int count = 0;
    while (row->choices[count])
        count++;
    return count;
}

static void list_choices(char *buf, size_t size, const char *const *choices)
{
    size_t used = 0;
    for (size_t i = 0; choices[i] && used < size; i++) {
        int n = snprintf(buf + used, size - used, "%s%s", i ? ", " : "", choices[i]);
        used += n > 0 ? (size_t)n : 0;
    }
}

/* Letters, digits, '-' and '_': a name, and no path. */
static bool is_name(const char *value)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    const size_t length = strlen(value);
    return length > 0 && length < 64 && *value != '-' && strspn(value, letters) == length;
}

static const char **name_field(void *settings, const synctalk_option *row)
{
    return (const char **)(void *)((char *)settings + row->other);
}

static synctalk_status set_choice(void *settings, const synctalk_option *row, const char *value,
                                  synctalk_error *err)
{
    for (int i = 0; row->choices[i]; i++) {
        if (strcmp(row->choices[i], value) != 0)
            continue;
        *int_field(settings, row) = i;
        if (row->other)
            *name_field(settings, row) = NULL;
        return SYNCTALK_OK;
    }
    if (row->other && is_name(value)) {
        *int_field(settings, row) = count_choices(row);
        *name_field(settings, row) = value;
        return SYNCTALK_OK;
    }
    char allowed[160] = "";
    list_choices(allowed, sizeof allowed, row->choices);
    return st_fail(err, SYNCTALK_E_ARG, "%s: \"%s\" is not one of %s%s", row->name, value, allowed,
                   row->other ? ", nor a name of letters, digits, - and _" : "");
}

static synctalk_status set_switch(void *settings, const synctalk_option *row, const char *value,
                                  synctalk_error *err)
{
    static const char *const words[2][4] = {{"0", "false", "no", "off"},
                                            {"1", "true", "yes", "on"}};
    for (int truth = 0; truth < 2; truth++) {
        for (int i = 0; i < 4; i++) {
            if (strcmp(words[truth][i], value) != 0)
                continue;
            *int_field(settings, row) = truth;
            return SYNCTALK_OK;
        }
    }
    return st_fail(err, SYNCTALK_E_ARG,
                   "%s: \"%s\" is not one of 1, true, yes, on, 0, false, no, off", row->name,
                   value);
}

static synctalk_status set_mask(void *settings, const synctalk_option *row, const char *value,
                                synctalk_error *err)
{
    bool hex = value[0] == '0' && (value[1] == 'x' || value[1] == 'X');
    long long number = 0;
    if (!parse_number(value, hex ? 16 : 10, &number) || number < 0 || number > UINT_MAX)
        return st_fail(err, SYNCTALK_E_ARG,
                       "%s: \"%s\" is not a number from 0 to 0xffffffff, decimal or 0x hexadecimal",
                       row->name, value);
    *(unsigned *)(void *)((char *)settings + row->offset) = (unsigned)number;
    return SYNCTALK_OK;
}

static synctalk_status set_row(void *settings, const synctalk_option *row, const char *value,
                               synctalk_error *err)
{
    switch (row->type) {
    case SYNCTALK_OPTION_TEXT:
        return set_text(settings, row, value, err);
    case SYNCTALK_OPTION_INT:
        return set_int(settings, row, value, err);
    case SYNCTALK_OPTION_NUMBER:
        return set_number(settings, row, value, err);
    case SYNCTALK_OPTION_CHOICE:
        return set_choice(settings, row, value, err);
    case SYNCTALK_OPTION_SWITCH:
        return set_switch(settings, row, value, err);
    case SYNCTALK_OPTION_MASK:
        return set_mask(settings, row, value, err);
    }
    return st_fail(err, SYNCTALK_E_ARG, "%s: not an option that can be set", row->name);
}

synctalk_status st_option_set(const struct st_option_table *table, void *settings, const char *name,
                              const char *value, synctalk_error *err)
{
    if (!settings || !name)
        return st_fail(err, SYNCTALK_E_ARG, "no settings or no option name given");
    const synctalk_option *row = st_option_find(table, name);
    if (!row)
        return st_fail(err, SYNCTALK_E_ARG, "%s: there is no such option", name);

    bool negated = strcmp(row->name, name) != 0;
    if (negated && value)
        return st_fail(err, SYNCTALK_E_ARG, "%s: takes no value, found \"%s\"", name, value);
    if (negated)
        return set_row(settings, row, "0", err);
    if (!value && row->type == SYNCTALK_OPTION_SWITCH)
        return set_row(settings, row, "1", err);
    if (!value)
        return st_fail(err, SYNCTALK_E_ARG, "%s: needs a value (%s)", name, row->unit);
    return set_row(settings, row, value, err);
}

void st_option_text(const synctalk_option *row, const void *settings, char *buf, size_t size)
{
    const void *field = (const char *)settings + row->offset;
    const char *text = NULL;
    int number = 0;

    if (size == 0)
        return;
    buf[0] = '\0';
    switch (row->type) {
    case SYNCTALK_OPTION_TEXT:
        text = *(const char *const *)field;
        snprintf(buf, size, "%s", text ? text : "");
        return;
    case SYNCTALK_OPTION_MASK:
        snprintf(buf, size, "0x%x", *(const unsigned *)field);
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
    case SYNCTALK_OPTION_CHOICE:
        number = *(const int *)field;
        text = row->other && number == count_choices(row)
                   ? *(const char *const *)(const void *)((const char *)settings + row->other)
                   : row->choices[number];
        snprintf(buf, size, "%s", text ? text : "");
        return;
    case SYNCTALK_OPTION_SWITCH:
        number = *(const int *)field;
        snprintf(buf, size, "%s", number < 0 ? "" : number ? "on" : "off");
        return;
    }
}

static synctalk_status check_int(const synctalk_option *row, int value, int least, int most,
                                 synctalk_error *err)
{
    if (value >= least && value <= most)
        return SYNCTALK_OK;
    return st_fail(err, SYNCTALK_E_ARG, "%s is %d; %d to %d is allowed", row->name, value, least,
                   most);
}

static synctalk_status check_choice(const synctalk_option *row, const void *settings,
                                    synctalk_error *err)
{
    const int value = *(const int *)(const void *)((const char *)settings + row->offset);
    const int count = count_choices(row);
    if (!row->other || value != count)
        return check_int(row, value, 0, count - 1, err);
    const char *name = *(const char *const *)(const void *)((const char *)settings + row->other);
    if (name && is_name(name))
        return SYNCTALK_OK;
    return st_fail(err, SYNCTALK_E_ARG,
                   "%s is %d, which stands for a name, but \"%.80s\" is no name of letters, "
                   "digits, - and _",
                   row->name, value, name ? name : "");
}

synctalk_status st_option_check(const struct st_option_table *table, const void *settings,
                                synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    for (size_t i = 0; i < table->count && !st; i++) {
        const synctalk_option *row = &table->rows[i];
        const void *field = (const char *)settings + row->offset;
        double number;
        switch (row->type) {
        case SYNCTALK_OPTION_INT:
            st = check_int(row, *(const int *)field, row->min, row->max, err);
            break;
        case SYNCTALK_OPTION_SWITCH:
            st = check_int(row, *(const int *)field, -1, 1, err);
            break;
        case SYNCTALK_OPTION_CHOICE:
            st = check_choice(row, settings, err);
            break;
        case SYNCTALK_OPTION_NUMBER:
            number = *(const double *)field;
            if (!(number >= row->low && number <= row->high)) /* negated so that NaN fails */
                st = st_fail(err, SYNCTALK_E_ARG, "%s is %g; %g to %g is allowed", row->name,
                             number, row->low, row->high);
            break;
        case SYNCTALK_OPTION_TEXT:
        case SYNCTALK_OPTION_MASK:
            break;
        }
    }
    return st;
}
