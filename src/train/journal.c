/* SPDX-License-Identifier: Apache-2.0 */
#include "train/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

#define LINE_MAX_BYTES 65536

synctalk_status st_journal_open(struct st_journal *journal, const char *path, synctalk_error *err)
{
    struct stat info;
    *journal = (struct st_journal){.fd = -1};
    snprintf(journal->path, sizeof journal->path, "%s", path);
    journal->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (journal->fd < 0)
        return st_fail_errno(err, errno, "open", path);
    if (flock(journal->fd, LOCK_EX | LOCK_NB) < 0)
        return st_fail(err, SYNCTALK_E_EXISTS,
                       "%s: another process is training in this folder; wait for it or stop it",
                       path);
    if (fstat(journal->fd, &info) < 0)
        return st_fail_errno(err, errno, "read", path);
    journal->size = info.st_size;
    return SYNCTALK_OK;
}

void st_journal_close(struct st_journal *journal)
{
    if (journal->fd >= 0)
        close(journal->fd);
    free(journal->epochs);
    *journal = (struct st_journal){.fd = -1};
}

static double number_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

/* A line of another event, or one that was damaged, is passed over: charts are no reason
 * to refuse a run. */
static synctalk_status read_line(struct st_journal *journal, const char *text, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    json_t *line = json_loads(text, 0, NULL);
    const char *event = json_string_value(json_object_get(line, "event"));
    if (event && strcmp(event, "epoch") == 0) {
        const json_t *losses = json_object_get(line, "train");
        const json_t *scores = json_object_get(line, "held_out");
        struct st_epoch epoch = {
            .epoch = json_integer_value(json_object_get(line, "epoch")),
            .loss = number_of(losses, "loss"),
            .l1 = json_object_size(losses) > 2 ? number_of(losses, "l1") : NAN,
            .held = number_of(scores, "l1"),
            .score = number_of(line, "score"),
        };
        st = st_journal_add_epoch(journal, &epoch, err);
    }
    json_decref(line);
    return st;
}

synctalk_status st_journal_rewind(struct st_journal *journal, int64_t begin, int64_t end,
                                  synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    char *text = malloc(LINE_MAX_BYTES);
    FILE *file = NULL;

    if (!text)
        return st_fail_memory(err, "a line", LINE_MAX_BYTES);
    if (end < journal->size) {
        if (ftruncate(journal->fd, (off_t)end) < 0) {
            st = st_fail_errno(err, errno, "shorten", journal->path);
            goto done;
        }
        journal->size = end;
    }
    if (!(file = fopen(journal->path, "re"))) {
        st = st_fail_errno(err, errno, "open", journal->path);
        goto done;
    }
    if (begin > 0 && begin <= journal->size && fseeko(file, (off_t)begin, SEEK_SET) != 0) {
        st = st_fail_errno(err, errno, "read", journal->path);
        goto done;
    }
    while (!st && fgets(text, LINE_MAX_BYTES, file))
        st = read_line(journal, text, err);

done:
    if (file)
        fclose(file);
    free(text);
    return st;
}

synctalk_status st_journal_write(struct st_journal *journal, json_t *line, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(line);
    if (!text)
        return st_fail_memory(err, "a line of the journal", 0);
    /* One write with its newline: a line is there whole, or is cut off by the next run. */
    const size_t length = strlen(text);
    text[length] = '\n';
    ssize_t n = write(journal->fd, text, length + 1);
    if (n != (ssize_t)(length + 1))
        st = st_fail_errno(err, n < 0 ? errno : ENOSPC, "write", journal->path);
    else
        journal->size += n;
    free(text);
    return st;
}

synctalk_status st_journal_add_epoch(struct st_journal *journal, const struct st_epoch *epoch,
                                     synctalk_error *err)
{
    if (journal->count == journal->capacity) {
        const size_t capacity = journal->capacity ? 2 * journal->capacity : 128;
        struct st_epoch *grown = realloc(journal->epochs, capacity * sizeof *grown);
        if (!grown)
            return st_fail_memory(err, "the course of a training", capacity * sizeof *grown);
        journal->epochs = grown;
        journal->capacity = capacity;
    }
    journal->epochs[journal->count++] = *epoch;
    return SYNCTALK_OK;
}

json_t *st_terms_json(const struct st_terms *terms)
{
    json_t *object = json_object();
    for (int i = 0; object && i < terms->count; i++) {
        json_t *value = isfinite(terms->at[i].value) ? json_real(terms->at[i].value) : json_null();
        if (json_object_set_new(object, terms->at[i].name, value)) {
            json_decref(object);
            object = NULL;
        }
    }
    return object;
}
