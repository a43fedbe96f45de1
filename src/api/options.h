/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of options: finding a row, setting its field from text, printing its default. One
 * table for each struct of settings; all that differs between them is in their rows.
 */
#ifndef ST_API_OPTIONS_H
#define ST_API_OPTIONS_H

#include "synctalk/settings.h"

/* Offset of a field, refused by the compiler unless the field has type T. */
#define ST_OPTION_AT(S, field, T) \
    (offsetof(S, field) + 0 * sizeof(_Generic(&((S *)0)->field, T * : (char)0)))

#define ST_OPTION_TEXT(S, field) \
    .type = SYNCTALK_OPTION_TEXT, .offset = ST_OPTION_AT(S, field, const char *)
#define ST_OPTION_INT(S, field, least, most)                                            \
    .type = SYNCTALK_OPTION_INT, .offset = ST_OPTION_AT(S, field, int), .min = (least), \
    .max = (most)
#define ST_OPTION_NUMBER(S, field, least, most)                                               \
    .type = SYNCTALK_OPTION_NUMBER, .offset = ST_OPTION_AT(S, field, double), .low = (least), \
    .high = (most)
#define ST_OPTION_CHOICE(S, field, names) \
    .type = SYNCTALK_OPTION_CHOICE, .offset = ST_OPTION_AT(S, field, int), .choices = (names)
/* A choice that takes names too: they go to the field `text`. */
#define ST_OPTION_CHOICE_OR_NAME(S, field, names, text) \
    ST_OPTION_CHOICE(S, field, names), .other = ST_OPTION_AT(S, text, const char *)
#define ST_OPTION_SWITCH(S, field) \
    .type = SYNCTALK_OPTION_SWITCH, .offset = ST_OPTION_AT(S, field, int), .min = 0, .max = 1
#define ST_OPTION_MASK(S, field) \
    .type = SYNCTALK_OPTION_MASK, .offset = ST_OPTION_AT(S, field, unsigned)

struct st_option_table {
    const synctalk_option *rows;
    size_t count;
};

/* "no-X" finds switch X. NULL: no such row. */
const synctalk_option *st_option_find(const struct st_option_table *table, const char *name);

/* See synctalk_settings_set(). `settings` is the struct that the table describes. */
synctalk_status st_option_set(const struct st_option_table *table, void *settings, const char *name,
                              const char *value, synctalk_error *err);

/* The field's value in `settings` as text that the option takes; "" where it has none. */
void st_option_text(const synctalk_option *row, const void *settings, char *buf, size_t size);

/* Every INT, NUMBER, CHOICE and SWITCH within its row's range, whoever filled the struct. */
synctalk_status st_option_check(const struct st_option_table *table, const void *settings,
                                synctalk_error *err);

/* The fields of synctalk_settings by themselves; synctalk_settings_check() also holds them to
 * the mode. */
synctalk_status st_settings_ranges(const synctalk_settings *settings, synctalk_error *err);

#endif /* ST_API_OPTIONS_H */
