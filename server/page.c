/* SPDX-License-Identifier: Apache-2.0 */
#include "page.h"

#include <stdint.h>
#include <string.h>

#include "reply.h"

/* It loads what is its own and talks to this server, and nothing else. A sound that was chosen is
 * played from the browser's memory (blob:). */
#define POLICY                                                                          \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "   \
    "media-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; " \
    "frame-ancestors 'none'"

enum MHD_Result page_answer(struct request *request)
{
    const struct page_file *file = page_files;
    const char *known = request_header(request, "If-None-Match");
    while (file->path && strcmp(file->path, request->route->path) != 0)
        file++;
    if (!file->path)
        return reply_error(request, MHD_HTTP_NOT_FOUND, "missing", "the page has no such file");
    const bool same = known && strcmp(known, file->etag) == 0;
    struct MHD_Response *response = MHD_create_response_from_buffer(
        same ? 0 : file->size, same ? NULL : (void *)file->data, MHD_RESPMEM_PERSISTENT);
    if (response) {
        MHD_add_response_header(response, "Content-Type", file->type);
        MHD_add_response_header(response, "Content-Security-Policy", POLICY);
        MHD_add_response_header(response, "Cache-Control", "no-cache");
        MHD_add_response_header(response, "ETag", file->etag);
    }
    return reply_response(request, same ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, response);
}
