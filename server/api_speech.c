/* SPDX-License-Identifier: Apache-2.0 */
/* A sound made of a sentence, and in which voices. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "fail.h"
#include "reply.h"
#include "text.h"

#define TITLE 60 /* bytes of the sentence that name its sound */

static enum MHD_Result refuse_absent(struct request *request)
{
    return reply_error(request, MHD_HTTP_NOT_IMPLEMENTED, "unsupported",
                       "this server has no espeak-ng, which would speak a text; where it is "
                       "installed, start the server again");
}

/* Of a list, which does not change while the server runs, but is short to ask for. */
static enum MHD_Result answer_voices(struct request *request)
{
    const struct question_answer answer = question_answer(request->question);
    if (answer.code)
        return questions_refuse(request, &answer);
    json_t *voices = speech_voices(answer.bytes, answer.size);
    return reply_json(request, MHD_HTTP_OK,
                      json_pack("{s:o, s:i}", "voices", voices, "text_most", SPEECH_CHARACTERS));
}

enum MHD_Result api_voices(struct request *request)
{
    enum MHD_Result result;
    bool asked = true;
    if (!*request->server->speech.program)
        return refuse_absent(request);
    if (!request->question) {
        const struct question_order order = speech_voices_order(&request->server->speech);
        result = questions_ask_and_sleep(request, &order, &asked);
    }
    return asked ? answer_voices(request) : result;
}

/* The sentence's beginning, cut between characters. */
static void title_of(char title[TITLE + 4], const char *text)
{
    size_t length = strlen(text);
    const bool cut = length > TITLE;
    if (cut) {
        length = TITLE;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--;
    }
    snprintf(title, TITLE + 4, "%.*s%s", (int)length, text, cut ? "…" : "");
    for (char *at = title; (at = strpbrk(at, "/\\\n\r\t"));)
        *at = ' ';
}

static synctalk_status keep(struct request *request, const struct question_answer *answer,
                            struct upload_row *row, synctalk_error *err)
{
    char title[TITLE + 4];
    struct upload *upload = NULL;
    title_of(title, json_string_value(json_object_get(request->fields, "text")));
    synctalk_status st =
        upload_begin(&upload, request->server->uploads, title, (int64_t)answer->size, row, err);
    if (!st)
        st = upload_write(upload, answer->bytes, answer->size, err);
    if (!st)
        st = upload_end(upload, row, err);
    upload_close(&upload, false);
    return st;
}

static enum MHD_Result answer_speech(struct request *request)
{
    const struct question_answer answer = question_answer(request->question);
    struct upload_row row;
    synctalk_error err = {0};
    if (answer.code)
        return questions_refuse(request, &answer);
    if (!speech_end((unsigned char *)answer.bytes, answer.size))
        return reply_error(request, MHD_HTTP_BAD_REQUEST, "invalid_argument",
                           "espeak-ng made no sound of this: is the voice one of /v1/voices, and "
                           "is there a word in the text?");
    return keep(request, &answer, &row, &err) ? reply_failure(request, &err)
                                              : reply_upload(request, MHD_HTTP_CREATED, &row);
}

enum MHD_Result api_speech(struct request *request)
{
    const char *text = json_string_value(json_object_get(request->fields, "text"));
    const char *voice = json_string_value(json_object_get(request->fields, "voice"));
    synctalk_error err = {0};
    enum MHD_Result result;
    bool asked = true;
    if (!*request->server->speech.program)
        return refuse_absent(request);
    if (!request->question) {
        if (speech_check(text, voice, &err))
            return reply_failure(request, &err);
        const struct question_order order = speech_order(&request->server->speech, text, voice);
        result = questions_ask_and_sleep(request, &order, &asked);
    }
    return asked ? answer_speech(request) : result;
}
