/* SPDX-License-Identifier: Apache-2.0 */
#include "form.h"

#include <stdlib.h>
#include <string.h>

#include "fail.h"
#include "reply.h"
#include "text.h"

#define FILES_MOST 2

struct form {
    struct request *request;
    struct MHD_PostProcessor *parser; /* owns */
    json_t *fields;                   /* owns */
    char name[64];                    /* of the part in work, "" = none */
    char text[FORM_TEXT_MOST + 1];    /* of it, where it is no file */
    size_t length;
    int64_t received;                /* bytes of it */
    struct upload *upload;           /* of it, where it is one */
    struct upload_row row;           /* likewise */
    char files[FILES_MOST][ID_SIZE]; /* uploads made */
    int file_count;
    int refused;
};

/* "NAME: SENTENCE", or the sentence alone where `name` is "". */
static int refuse(struct form *form, int status, const char *name, const char *sentence)
{
    server_fail(&form->request->err, SYNCTALK_E_ARG, "%s%s%s", name, *name ? ": " : "", sentence);
    form->refused = status;
    return status;
}

/* The status that stands for request->err. */
static int refuse_failure(struct form *form, synctalk_status st)
{
    form->refused = st == SYNCTALK_E_ARG ? MHD_HTTP_CONTENT_TOO_LARGE : reply_status_of(st);
    return form->refused;
}

/* The part in work is whole. */
static int end_part(struct form *form)
{
    synctalk_status st = SYNCTALK_OK;
    json_t *value = NULL;
    if (!*form->name || form->refused)
        return form->refused;
    if (form->upload) {
        st = upload_end(form->upload, &form->row, &form->request->err);
        upload_close(&form->upload, false);
        if (st)
            return refuse_failure(form, st);
        value = json_string(form->row.id);
    } else if (!text_is_utf8(form->text, form->length)) {
        return refuse(form, MHD_HTTP_BAD_REQUEST, form->name, "this text is not UTF-8");
    } else {
        value = json_stringn(form->text, form->length);
    }
    if (json_object_set_new(form->fields, form->name, value) != 0)
        return refuse(form, MHD_HTTP_SERVICE_UNAVAILABLE, form->name, "no memory for it");
    form->name[0] = '\0';
    return 0;
}

static int begin_file(struct form *form, const char *file_name)
{
    synctalk_status st;
    if (form->file_count == FILES_MOST ||
        (strcmp(form->name, "audio") != 0 && strcmp(form->name, "video") != 0))
        return refuse(form, MHD_HTTP_BAD_REQUEST, form->name,
                      "files are sent as audio and video only");
    st = upload_begin(&form->upload, form->request->server->uploads, file_name, -1, &form->row,
                      &form->request->err);
    if (st)
        return refuse_failure(form, st);
    memcpy(form->files[form->file_count++], form->row.id, ID_SIZE);
    return 0;
}

static int begin_part(struct form *form, const char *name, const char *file_name)
{
    const size_t length = strlen(name);
    if (length == 0 || length >= sizeof form->name || !text_is_utf8(name, length))
        return refuse(form, MHD_HTTP_BAD_REQUEST, "", "the form has a field without a fit name");
    if (json_object_get(form->fields, name))
        return refuse(form, MHD_HTTP_BAD_REQUEST, name, "is in the form twice");
    if (json_object_size(form->fields) == FORM_FIELDS_MOST)
        return refuse(form, MHD_HTTP_BAD_REQUEST, "", "the form has too many fields");
    memcpy(form->name, name, length + 1);
    form->length = 0;
    form->received = 0;
    return file_name && *file_name ? begin_file(form, file_name) : 0;
}

/* libmicrohttpd may hand over the beginning of a part twice, the first time without a byte. */
static bool is_new_part(const struct form *form, const char *name, uint64_t offset)
{
    return offset == 0 &&
           !(*form->name && name && strcmp(form->name, name) == 0 && form->received == 0);
}

static enum MHD_Result take_part(void *user, enum MHD_ValueKind kind, const char *name,
                                 const char *file_name, const char *type, const char *encoding,
                                 const char *data, uint64_t offset, size_t size)
{
    struct form *form = user;
    synctalk_status st;
    (void)kind;
    (void)type;
    (void)encoding;
    if (form->refused)
        return MHD_NO;
    if (is_new_part(form, name, offset) &&
        (end_part(form) || begin_part(form, name ? name : "", file_name)))
        return MHD_NO;
    form->received += (int64_t)size;
    if (form->upload) {
        if ((st = upload_write(form->upload, data, size, &form->request->err)))
            refuse_failure(form, st);
    } else if (size > FORM_TEXT_MOST - form->length) {
        refuse(form, MHD_HTTP_CONTENT_TOO_LARGE, form->name, "this text is too long");
    } else if (size > 0) {
        memcpy(form->text + form->length, data, size);
        form->length += size;
    }
    return form->refused ? MHD_NO : MHD_YES;
}

struct form *form_begin(struct request *request)
{
    struct form *form = calloc(1, sizeof *form);
    if (!form)
        return NULL;
    form->request = request;
    form->fields = json_object();
    form->parser = MHD_create_post_processor(request->connection, 16384, take_part, form);
    if (!form->fields || !form->parser)
        form_free(&form, true);
    return form;
}

int form_take(struct form *form, const char *data, size_t size)
{
    const enum MHD_Result result = MHD_post_process(form->parser, data, size);
    if (form->refused)
        return form->refused;
    return result == MHD_YES ? 0
                             : refuse(form, MHD_HTTP_BAD_REQUEST, "",
                                      "the form is not well-formed multipart/form-data");
}

int form_end(struct form *form, json_t **fields)
{
    const enum MHD_Result result = MHD_destroy_post_processor(form->parser);
    form->parser = NULL;
    *fields = NULL;
    if (form->refused || end_part(form))
        return form->refused;
    if (result != MHD_YES)
        return refuse(form, MHD_HTTP_BAD_REQUEST, "", "the form ends before its last boundary");
    *fields = json_incref(form->fields);
    return 0;
}

void form_free(struct form **form, bool drop)
{
    if (!form || !*form)
        return;
    struct form *f = *form;
    if (f->parser)
        MHD_destroy_post_processor(f->parser);
    const bool open = f->upload != NULL;
    upload_close(&f->upload, false);
    for (int i = 0; i < f->file_count - open && drop; i++)
        uploads_remove(f->request->server->uploads, f->files[i], NULL);
    json_decref(f->fields);
    free(f);
    *form = NULL;
}
