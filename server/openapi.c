/* SPDX-License-Identifier: Apache-2.0 */
#include "openapi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "reply.h"
#include "settings_json.h"

#define ANYWHERE "400 401 403 429 431 500 503" /* refusals of every route */

/* The schemas that have no table of their own, in texts as long as C allows. Times are whole
 * seconds since 1970. */
static const char *const schemas[] = {
    "{'Error': {'type': 'object', 'required': ['error'], 'properties': {'error': {'type': 'object',"
    " 'required': ['code', 'message'], 'properties': {'code': {'type': 'string'},"
    " 'message': {'type': 'string'}}}}},"
    "'Upload': {'type': 'object', 'required': ['id', 'name', 'length', 'offset', 'complete',"
    " 'sha256', 'created_at'], 'properties': {'id': {'type': 'string'}, 'name': {'type': 'string'},"
    " 'length': {'type': ['integer', 'null']}, 'offset': {'type': 'integer'},"
    " 'complete': {'type': 'boolean'}, 'sha256': {'type': ['string', 'null']},"
    " 'created_at': {'type': 'integer'}}},"
    "'Speech': {'type': 'object', 'required': ['detector', 'seconds', 'samples', 'hz', 'chunk',"
    " 'rules', 'chunks_of_level', 'levels', 'probabilities'], 'properties': {"
    " 'detector': {'type': 'string'}, 'seconds': {'type': 'number'},"
    " 'samples': {'type': 'integer'}, 'hz': {'type': 'integer'}, 'chunk': {'type': 'integer',"
    " 'description': 'samples of each probability'}, 'rules': {'type': 'object',"
    " 'additionalProperties': {'type': 'integer'}}, 'chunks_of_level': {'type': 'integer'},"
    " 'levels': {'type': 'array', 'description': 'thousandths of the loudest that can be',"
    " 'items': {'type': 'integer'}}, 'probabilities': {'type': 'array', 'items': {"
    " 'type': 'number'}}}},"
    "'Models': {'type': 'object', 'required': ['models'], 'properties': {'models': {"
    " 'type': 'array', 'items': {'type': 'object', 'required': ['name', 'checkpoint', 'frames',"
    " 'clips', 'modes'],"
    " 'properties': {'name': {'type': 'string'}, 'checkpoint': {'type': 'integer'},"
    " 'frames': {'type': 'integer'}, 'clips': {'type': 'integer'}, 'modes': {'type': 'array',"
    " 'items': {'enum': ['training', 'video', 'clips']}}}}}}}}",

    "{'Progress': {'type': 'object', 'required': ['percent', 'stage', 'done', 'total', 'fps',"
    " 'eta_seconds'], 'properties': {'percent': {'type': 'number', 'minimum': 0, 'maximum': 100},"
    " 'stage': {'type': 'string'}, 'done': {'type': 'integer'}, 'total': {'type': 'integer'},"
    " 'fps': {'type': 'number'}, 'eta_seconds': {'type': ['number', 'null']}}},"
    "'Source': {'type': 'object', 'required': ['upload', 'name', 'sha256'], 'properties': {"
    " 'upload': {'type': 'string'}, 'name': {'type': 'string'}, 'sha256': {'type': 'string'}}},"
    "'Video': {'type': 'object', 'required': ['id', 'number', 'state', 'created_at', 'started_at',"
    " 'finished_at', 'progress', 'queue_place', 'settings', 'audio', 'result', 'error', 'webhook',"
    " 'links'],"
    " 'properties': {'id': {'type': 'string'}, 'number': {'type': 'integer'},"
    " 'state': {'enum': ['queued', 'in_progress', 'completed', 'failed', 'cancelled']},"
    " 'created_at': {'type': 'integer'}, 'started_at': {'type': ['integer', 'null']},"
    " 'finished_at': {'type': ['integer', 'null']},"
    " 'progress': {'$ref': '#/components/schemas/Progress'},"
    " 'queue_place': {'type': ['integer', 'null']}, 'settings': {'type': 'object',"
    " 'additionalProperties': {'type': 'string'}},"
    " 'audio': {'$ref': '#/components/schemas/Source'},"
    " 'video': {'$ref': '#/components/schemas/Source'},"
    " 'result': {'type': ['object', 'null']}, 'error': {'type': ['object', 'null']},"
    " 'webhook': {'type': ['object', 'null'], 'required': ['url', 'state', 'tries', 'next_try_at',"
    " 'answer', 'error'], 'properties': {'url': {'type': 'string'},"
    " 'state': {'enum': ['waiting', 'sending', 'delivered', 'failed']},"
    " 'tries': {'type': 'integer'}, 'next_try_at': {'type': ['integer', 'null']},"
    " 'answer': {'type': ['integer', 'null']}, 'error': {'type': ['string', 'null']}}},"
    " 'links': {'type': 'object', 'additionalProperties': {'type': 'string'}}}},"
    "'Videos': {'type': 'object', 'required': ['videos', 'next_before'], 'properties': {"
    " 'videos': {'type': 'array', 'items': {'$ref': '#/components/schemas/Video'}},"
    " 'next_before': {'type': ['integer', 'null']}}},"
    "'Ended': {'type': 'object', 'required': ['type', 'timestamp', 'data'], 'properties': {"
    " 'type': {'enum': ['video.completed', 'video.failed', 'video.cancelled']},"
    " 'timestamp': {'type': 'string', 'format': 'date-time'},"
    " 'data': {'description': 'a Video without webhook', 'type': 'object'}}},"
    "'Session': {'type': 'object', 'required': ['token'], 'properties': {'token':"
    " {'type': 'string'}}},"
    "'Health': {'type': 'object', 'required': ['status', 'version'], 'properties': {"
    " 'status': {'const': 'ok'}, 'version': {'type': 'string'}}},"
    "'Event': {'type': 'string', 'description': 'event: progress or end; data: a Video'},"
    "'Text': {'type': 'string'}, 'Any': {}, 'Bytes': {}}",
};

static json_t *read_schemas(void)
{
    json_t *all = json_object();
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        char *text = strdup(schemas[i]);
        for (char *at = text; at && *at; at++) {
            if (*at == '\'') /* so that they can be read above */
                *at = '"';
        }
        json_t *some = text ? json_loads(text, 0, NULL) : NULL;
        json_object_update(all, some);
        json_decref(some);
        free(text);
    }
    return all;
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
