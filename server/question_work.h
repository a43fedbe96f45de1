/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about files, answered inside a worker process (question.h is the server's side). */
#ifndef SERVER_QUESTION_WORK_H
#define SERVER_QUESTION_WORK_H

#include <jansson.h>

#include "folders.h"
#include "synctalk/synctalk.h"

/* Send {what: value} to the server; takes the value. "part" extends the answer, "told" is news
 * for a client that listens. */
typedef void question_teller(void *user, const char *what, json_t *value);

/* Answer `question`, whose "ask" names the kind. *result is the caller's. */
synctalk_status question_work(const synctalk_settings *settings, const struct folders *folders,
                              const json_t *question, question_teller *tell, void *user,
                              json_t **result, synctalk_error *err);

/* Become `program`, which the first line named, with "arguments" and "text" of the question; its
 * output goes to `channel`. Returns where that fails. */
synctalk_status question_speak(const char *program, const json_t *question, int channel,
                               synctalk_error *err);

#endif /* SERVER_QUESTION_WORK_H */
