/* SPDX-License-Identifier: Apache-2.0 */
/* The API as an OpenAPI 3.1 document, made from routes.c and the table of options. */
#ifndef SERVER_OPENAPI_H
#define SERVER_OPENAPI_H

#include <jansson.h>

#include "http.h"

/* NULL without memory. */
json_t *openapi_document(const struct route *rows);

#endif /* SERVER_OPENAPI_H */
