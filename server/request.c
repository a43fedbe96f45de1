/* SPDX-License-Identifier: Apache-2.0 */
#include "request.h"

#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "settings_json.h"
#include "text.h"

/* As the option parser reads it. NULL: no text stands for this. */
static json_t *text_of(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_STRING:
        return json_string(json_string_value(value));
    case JSON_INTEGER:
        return json_sprintf("%lld", (long long)json_integer_value(value));
    case JSON_REAL:
        return json_sprintf("%.17g", json_real_value(value));
    case JSON_TRUE:
        return json_string("1");
    case JSON_FALSE:
        return json_string("0");
    default:
        return NULL;
    }
}

static synctalk_status add_setting(json_t *settings, const char *name, const json_t *value,
                                   synctalk_error *err)
{
    const synctalk_option *row = synctalk_settings_find(name);
    if (!row)
        return server_fail(err, SYNCTALK_E_ARG, "%s: no option of generate has this name", name);
    if (!settings_are_open(row))
        return server_fail(err, SYNCTALK_E_ARG,
                           "%s: is set where the server is started, not in a request", name);
    json_t *text = text_of(value);
    if (!text)
        return server_fail(err, SYNCTALK_E_ARG, "%s: a text, a number or a switch is needed", name);
    return json_object_set_new(settings, name, text) == 0
               ? SYNCTALK_OK
               : server_fail_memory(err, "the settings of a video");
}

/* {"upload": ID, "name": ...}; the upload is whole. */
static synctalk_status add_upload(json_t *json, const char *field, const json_t *value,
                                  struct store *store, synctalk_error *err)
{
    struct upload_row row;
    synctalk_status st;
    const char *id = json_string_value(value);
    if (!id || !id_is_well_formed(id, strlen(id)))
        return server_fail(err, SYNCTALK_E_ARG, "%s: a file, or the id of an upload, is needed",
                           field);
    if ((st = store_upload_get(store, id, &row, err)))
        return st;
    if (!*row.sha256)
        return server_fail(err, SYNCTALK_E_ARG, "%s: not all of this upload is there yet", id);
    json_t *upload =
        json_pack("{s:s, s:s, s:s}", "upload", row.id, "name", row.name, "sha256", row.sha256);
    return upload && json_object_set_new(json, field, upload) == 0
               ? SYNCTALK_OK
               : server_fail_memory(err, "a request");
}

static synctalk_status check_settings(const json_t *json, const synctalk_settings *base,
                                      synctalk_error *err)
{
    synctalk_settings settings = *base;
    synctalk_status st = settings_from_json(&settings, json_object_get(json, "settings"), err);
    if (st)
        return st;
    settings.video = json_object_get(json, "video") ? "the video" : NULL;
    if (!settings.model || !*settings.model)
        return server_fail(err, SYNCTALK_E_ARG, "no person given: model");
    if (!json_object_get(json, "audio"))
        return server_fail(err, SYNCTALK_E_ARG, "no sound given: audio");
    if (base->max_seconds > 0 &&
        (settings.max_seconds == 0 || settings.max_seconds > base->max_seconds))
        return server_fail(err, SYNCTALK_E_ARG,
                           "max-seconds: this server makes videos of at most %d seconds",
                           base->max_seconds);
    return synctalk_settings_check(&settings, err);
}

synctalk_status video_request_check(struct video_request *request, const json_t *fields,
                                    const synctalk_settings *base, struct store *store,
                                    synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    const char *name;
    json_t *value;

    request->json = json_pack("{s:{}}", "settings");
    if (!request->json)
        return server_fail_memory(err, "a request");
    json_t *settings = json_object_get(request->json, "settings");
    json_object_foreach((json_t *)fields, name, value)
    {
        const bool file = strcmp(name, "audio") == 0 || strcmp(name, "video") == 0;
        if (!st)
            st = file ? add_upload(request->json, name, value, store, err)
                      : add_setting(settings, name, value, err);
    }
    if (!st)
        st = check_settings(request->json, base, err);
    if (st) {
        video_request_free(request);
        return st;
    }
    const json_t *audio = json_object_get(request->json, "audio");
    const json_t *video = json_object_get(request->json, "video");
    request->audio = json_string_value(json_object_get(audio, "upload"));
    request->video = json_string_value(json_object_get(video, "upload"));
    return SYNCTALK_OK;
}

void video_request_free(struct video_request *request)
{
    json_decref(request->json);
    *request = (struct video_request){0};
}
