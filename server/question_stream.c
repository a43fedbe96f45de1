/* SPDX-License-Identifier: Apache-2.0 */
/* What a question tells on the way, as server-sent events. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "question_impl.h"

struct reader {
    struct question *question; /* owns the asker's part */
    bool last;                 /* what is in `text` ends it */
    char *text;                /* owns; being sent, or NULL */
    size_t length, sent;
};

/* The next word, or the end; NULL: there is neither, and the connection went to sleep before the
 * lock was given up, so that no word is missed. */
static json_t *next(struct reader *reader)
{
    struct question *question = reader->question;
    json_t *word;
    pthread_mutex_lock(&question->owner->lock);
    word = question->word;
    question->word = NULL;
    if (!word && question->ended) {
        reader->last = true;
        word = *question->code ? json_pack("{s:{s:s, s:s}}", "error", "code", question->code,
                                           "message", question->message)
                               : json_incref(question->result);
    } else if (!word) {
        question->asleep = true;
        MHD_suspend_connection(question->connection);
    }
    pthread_mutex_unlock(&question->owner->lock);
    return word;
}

/* false: there is nothing to say for now, or without memory, when it is the last. */
static bool compose(struct reader *reader)
{
    json_t *word = next(reader);
    char *json = word ? json_dumps(word, JSON_COMPACT) : NULL;
    const bool due = word || reader->last;
    json_decref(word);
    const int length = json ? asprintf(&reader->text, "event: %s\ndata: %s\n\n",
                                       reader->last ? "end" : "progress", json)
                            : -1;
    free(json);
    if (length < 0) {
        reader->text = NULL;
        reader->last = reader->last || due;
        return false;
    }
    reader->length = (size_t)length;
    reader->sent = 0;
    return true;
}

static ssize_t read_words(void *user, uint64_t position, char *to, size_t room)
{
    struct reader *reader = user;
    (void)position;
    if (!reader->text) {
        if (reader->last || (!compose(reader) && reader->last))
            return MHD_CONTENT_READER_END_OF_STREAM;
        if (!reader->text)
            return 0;
    }
    const size_t left = reader->length - reader->sent;
    const size_t step = left < room ? left : room;
    memcpy(to, reader->text + reader->sent, step);
    reader->sent += step;
    if (reader->sent == reader->length) {
        free(reader->text);
        reader->text = NULL;
    }
    return (ssize_t)step;
}

static void free_reader(void *user)
{
    struct reader *reader = user;
    question_release(&reader->question);
    free(reader->text);
    free(reader);
}

struct MHD_Response *question_response(struct question **question)
{
    struct reader *reader = calloc(1, sizeof *reader);
    if (!reader) {
        question_release(question);
        return NULL;
    }
    reader->question = *question;
    *question = NULL;
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 65536, read_words, reader, free_reader);
    if (!response)
        free_reader(reader);
    return response;
}
