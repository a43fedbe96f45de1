/* SPDX-License-Identifier: Apache-2.0 */
#include "openapi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "reply.h"
#include "settings_json.h"

#define ANYWHERE "400 401 403 429 431 500 503 507" /* refusals of every route */

/* The schemas that have no table of their own. */
static json_t *read_schemas(void)
{
    return json_loadb((const char *)openapi_schemas, openapi_schemas_size, 0, NULL);
}

static json_t *schema_of_option(const synctalk_option *row)
{
    json_t *schema = json_pack("{s:s}", "description", row->help);
    char fallback[64];
    json_t *choices = NULL;
    const char *type = "string";
    switch (row->type) {
    case SYNCTALK_OPTION_INT:
        type = row->word ? NULL : "integer";
        json_object_set_new(schema, "minimum", json_integer(row->min));
        json_object_set_new(schema, "maximum", json_integer(row->max));
        break;
    case SYNCTALK_OPTION_NUMBER:
        type = "number";
        json_object_set_new(schema, "minimum", json_real(row->low));
        json_object_set_new(schema, "maximum", json_real(row->high));
        break;
    case SYNCTALK_OPTION_SWITCH:
        type = "boolean";
        break;
    case SYNCTALK_OPTION_CHOICE:
        choices = json_array();
        for (size_t i = 0; row->choices[i]; i++)
            json_array_append_new(choices, json_string(row->choices[i]));
        /* One that takes names besides only has examples. */
        json_object_set_new(schema, row->other ? "examples" : "enum", choices);
        break;
    case SYNCTALK_OPTION_MASK:
    case SYNCTALK_OPTION_TEXT:
        break;
    }
    if (type)
        json_object_set_new(schema, "type", json_string(type));
    synctalk_settings_default_text(row, fallback, sizeof fallback);
    json_object_set_new(schema, "x-default", json_string(fallback));
    return schema;
}

/* A request for a video; as a form, audio and video may be files. */
static json_t *request_schema(void)
{
    size_t count = 0;
    const synctalk_option *rows = synctalk_settings_options(&count);
    json_t *properties = json_object();
    for (size_t i = 0; i < count; i++) {
        if (settings_are_open(&rows[i]))
            json_object_set_new(properties, rows[i].name, schema_of_option(&rows[i]));
    }
    json_object_set_new(properties, "audio",
                        json_pack("{s:s, s:s}", "type", "string", "description",
                                  "id of an upload; in a form also a file"));
    json_object_set_new(properties, "video",
                        json_pack("{s:s, s:s}", "type", "string", "description",
                                  "likewise, of the video of mode video"));
    json_object_set_new(properties, "webhook",
                        json_pack("{s:s, s:s, s:s}", "type", "string", "format", "uri",
                                  "description", "address to which the end is posted, signed"));
    return json_pack("{s:s, s:[s, s], s:b, s:o}", "type", "object", "required", "model", "audio",
                     "additionalProperties", 0, "properties", properties);
}

static json_t *content(const char *type, const char *schema)
{
    return json_pack("{s:{s:o}}", type, "schema",
                     json_pack("{s:o}", "$ref", json_sprintf("#/components/schemas/%s", schema)));
}

static void add_refusals(json_t *responses, const char *statuses)
{
    for (const char *at = statuses; *at;) {
        char status[4];
        snprintf(status, sizeof status, "%.3s", at);
        const bool error = status[0] >= '4';
        json_t *response = json_pack("{s:s}", "description", error ? "refused" : "see RFC 9110");
        if (error)
            json_object_set_new(response, "content", content("application/json", "Error"));
        json_object_set_new(responses, status, response);
        at += strcspn(at, " ");
        at += strspn(at, " ");
    }
}

static json_t *responses_of(const struct route *route)
{
    char status[8];
    char type[64];
    char schema[32];
    json_t *responses = json_object();
    if (sscanf(route->success, "%7s %63s %31s", status, type, schema) != 3)
        return responses;
    json_t *good = json_pack("{s:s}", "description", route->summary);
    if (strcmp(type, "-") != 0)
        json_object_set_new(good, "content", content(type, schema));
    json_object_set_new(responses, status, good);
    add_refusals(responses, ANYWHERE);
    add_refusals(responses, route->refusals);
    return responses;
}

/* "in:name:type", with '!' where it is required. */
static json_t *parameters_of(const struct route *route)
{
    json_t *parameters = json_array();
    const char *at = route->parameters ? route->parameters : "";
    if (strstr(route->path, "{id}"))
        json_array_append_new(parameters,
                              json_pack("{s:s, s:s, s:b, s:{s:s}}", "name", "id", "in", "path",
                                        "required", 1, "schema", "type", "string"));
    while (*at) {
        char in[16];
        char name[32];
        char type[16];
        if (sscanf(at, "%15[^:]:%31[^:]:%15[a-z]", in, name, type) != 3)
            break;
        const size_t length = strcspn(at, " ");
        json_array_append_new(parameters,
                              json_pack("{s:s, s:s, s:b, s:{s:s}}", "name", name, "in", in,
                                        "required", at[length - 1] == '!', "schema", "type", type));
        at += length;
        at += strspn(at, " ");
    }
    return parameters;
}

static json_t *operation_of(const struct route *route)
{
    json_t *operation = json_pack("{s:s, s:o, s:o}", "summary", route->summary, "parameters",
                                  parameters_of(route), "responses", responses_of(route));
    json_t *body = NULL;
    if (route->body == BODY_FILE) {
        body = content("application/octet-stream", route->request_schema);
    } else if (route->request_schema) {
        body = content("application/json", route->request_schema);
        json_t *form = route->body == BODY_FORM_OR_JSON
                           ? content("multipart/form-data", route->request_schema)
                           : NULL;
        if (form)
            json_object_update(body, form);
        json_decref(form);
    }
    if (body)
        json_object_set_new(
            operation, "requestBody",
            json_pack("{s:b, s:o}", "required", route->body != BODY_FILE, "content", body));
    if (route->open)
        json_object_set_new(operation, "security", json_array());
    return operation;
}

json_t *openapi_document(const struct route *rows)
{
    json_t *all = read_schemas();
    json_t *paths = json_object();
    json_object_set_new(all, "VideoRequest", request_schema());
    for (const struct route *route = rows; route->method; route++) {
        char method[8];
        if (!route->summary)
            continue;
        json_t *path = json_object_get(paths, route->path);
        if (!path) {
            path = json_object();
            json_object_set_new(paths, route->path, path);
        }
        size_t i;
        for (i = 0; route->method[i] && i < sizeof method - 1; i++)
            method[i] = (char)(route->method[i] | 0x20);
        method[i] = '\0';
        json_object_set_new(path, method, operation_of(route));
    }
    return json_pack(
        "{s:s, s:{s:s, s:s, s:{s:s, s:s}}, s:o, s:{s:o, s:{s:{s:s, s:s}, s:{s:s, s:s, s:s}}},"
        " s:[{s:[]}, {s:[]}, {}]}",
        "openapi", "3.1.0", "info", "title", "synctalk", "version", synctalk_version(), "license",
        "name", "Apache-2.0", "identifier", "Apache-2.0", "paths", paths, "components", "schemas",
        all, "securitySchemes", "token", "type", "http", "scheme", "bearer", "session", "type",
        "apiKey", "in", "cookie", "name", "synctalk-session", "security", "token", "session");
}

enum MHD_Result api_openapi(struct request *request)
{
    return reply_json(request, MHD_HTTP_OK, openapi_document(routes));
}
