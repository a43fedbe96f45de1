/* SPDX-License-Identifier: Apache-2.0 */
/* A multipart form as it comes: texts become fields, files uploads. */
#ifndef SERVER_FORM_H
#define SERVER_FORM_H

#include "http.h"

#define FORM_TEXT_MOST 4096 /* bytes of a text */
#define FORM_FIELDS_MOST 128

/* NULL: the request has no such form, or there is no memory. */
struct form *form_begin(struct request *request);
/* 0, or the status of a refusal whose sentence is in request->err. */
int form_take(struct form *form, const char *data, size_t size);
/* All of it came: the fields, in which a file is the id of its upload. */
int form_end(struct form *form, json_t **fields);
/* NULL-safe. Where `drop`, uploads it made are removed. */
void form_free(struct form **form, bool drop);

#endif /* SERVER_FORM_H */
