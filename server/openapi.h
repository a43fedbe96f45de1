/* SPDX-License-Identifier: Apache-2.0 */
/* The API as an OpenAPI 3.1 document, made from routes.c and the table of options. */
#ifndef SERVER_OPENAPI_H
#define SERVER_OPENAPI_H

#include <jansson.h>
#include <stddef.h>

#include "http.h"

/* The file openapi_schemas.json, which is part of the program: the schemas that have no table of
 * their own. Times in them are whole seconds since 1970. */
extern const unsigned char openapi_schemas[];
extern const size_t openapi_schemas_size;

/* NULL without memory. */
json_t *openapi_document(const struct route *rows);

#endif /* SERVER_OPENAPI_H */
