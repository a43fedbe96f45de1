/* SPDX-License-Identifier: Apache-2.0 */
#include "settings_json.h"

#include <stdio.h>
#include <string.h>

#include "fail.h"

/* Texts that are no paths. */
static const char *const open_texts[] = {"model", "face", NULL};

bool settings_are_open(const synctalk_option *row)
{
    if (row->type != SYNCTALK_OPTION_TEXT)
        return strcmp(row->name, "overwrite") != 0;
    for (size_t i = 0; open_texts[i]; i++) {
        if (strcmp(row->name, open_texts[i]) == 0)
            return true;
    }
    return false;
}

/* NULL: nothing is to be said. */
static json_t *value_of(const synctalk_settings *settings, const synctalk_option *row)
{
    const void *at = (const char *)settings + row->offset;
    const char *text = NULL;
    int number = 0;
    switch (row->type) {
    case SYNCTALK_OPTION_TEXT:
        text = *(const char *const *)at;
        return text ? json_string(text) : NULL;
    case SYNCTALK_OPTION_NUMBER:
        return json_sprintf("%.17g", *(const double *)at);
    case SYNCTALK_OPTION_MASK:
        return json_sprintf("%u", *(const unsigned *)at);
    case SYNCTALK_OPTION_CHOICE:
        text = row->choices[*(const int *)at];
        if (!text && row->other)
            text = *(const char *const *)(const void *)((const char *)settings + row->other);
        return text ? json_string(text) : NULL;
    case SYNCTALK_OPTION_SWITCH:
        number = *(const int *)at;
        return number < 0 ? NULL : json_string(number ? "1" : "0");
    case SYNCTALK_OPTION_INT:
        number = *(const int *)at;
        return row->word && number == row->min ? json_string(row->word)
                                               : json_sprintf("%d", number);
    }
    return NULL;
}

json_t *settings_to_json(const synctalk_settings *settings)
{
    size_t count = 0;
    const synctalk_option *rows = synctalk_settings_options(&count);
    json_t *object = json_object();
    for (size_t i = 0; i < count && object; i++) {
        json_t *value = value_of(settings, &rows[i]);
        if (value && json_object_set_new(object, rows[i].name, value) != 0) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}

synctalk_status settings_from_json(synctalk_settings *settings, const json_t *object,
                                   synctalk_error *err)
{
    const char *name;
    json_t *value;
    synctalk_status st = SYNCTALK_OK;
    const char *preset = json_string_value(json_object_get(object, "preset"));
    if (preset)
        st = synctalk_settings_set(settings, "preset", preset, err);
    json_object_foreach((json_t *)object, name, value)
    {
        if (!st && strcmp(name, "preset") != 0)
            st = synctalk_settings_set(settings, name, json_string_value(value), err);
    }
    return st;
}
