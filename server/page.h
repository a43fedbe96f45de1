/* SPDX-License-Identifier: Apache-2.0 */
/* The page for people: files that are part of the program, made into page_files[] by
 * page/embed.py. */
#ifndef SERVER_PAGE_H
#define SERVER_PAGE_H

#include <stddef.h>

#include "http.h"

struct page_file {
    const char *path; /* "/", "/page.css" */
    const char *type, *etag;
    const unsigned char *data;
    size_t size;
};

extern const struct page_file page_files[]; /* end with a row without a path */

/* The file under the path of the request's route. */
enum MHD_Result page_answer(struct request *request);

#endif /* SERVER_PAGE_H */
