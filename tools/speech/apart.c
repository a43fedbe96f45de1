/* SPDX-License-Identifier: Apache-2.0 */
/* Speaking in a child process: a library whose state survives from sentence to sentence
 * says the same sentence differently the second time. A child takes that state with it when
 * it ends. It calls a library that the parent never called and then _exit()s, so that it
 * shares neither locks nor threads with it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "speech/engine.h"

#define SAMPLES_MAX ((size_t)1 << 28) /* more is not speech of SPEECH_TEXT_MAX bytes */

/* What comes through the pipe, before samples and phonemes. */
struct parcel {
    synctalk_error error;
    int hz;
    size_t count, phoneme_count;
};

static int write_all(int fd, const void *data, size_t size)
{
    for (const char *at = data; size;) {
        ssize_t done = write(fd, at, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return -1;
        at += done;
        size -= (size_t)done;
    }
    return 0;
}

static int read_all(int fd, void *data, size_t size)
{
    for (char *at = data; size;) {
        ssize_t done = read(fd, at, size);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return -1;
        at += done;
        size -= (size_t)done;
    }
    return 0;
}

static int send_parcel(int fd, const struct parcel *parcel, const struct raw_speech *raw)
{
    if (write_all(fd, parcel, sizeof *parcel) || parcel->error.status)
        return -1;
    if (write_all(fd, raw->samples, raw->count * sizeof *raw->samples))
        return -1;
    return write_all(fd, raw->phonemes, raw->phoneme_count * sizeof *raw->phonemes);
}

static synctalk_status receive_parcel(int fd, struct raw_speech *raw, const char *engine,
                                      synctalk_error *err)
{
    struct parcel parcel;
    if (read_all(fd, &parcel, sizeof parcel))
        return st_fail(err, SYNCTALK_E_LIBRARY, "%s ended before it had spoken", engine);
    if (parcel.error.status)
        return st_fail(err, parcel.error.status, "%s", parcel.error.message);
    if (parcel.count > SAMPLES_MAX || parcel.phoneme_count > parcel.count + 1)
        return st_fail(err, SYNCTALK_E_LIBRARY, "%s spoke %zu samples: at most %zu are believed",
                       engine, parcel.count, SAMPLES_MAX);
    raw->hz = parcel.hz;
    raw->samples = calloc(parcel.count + 1, sizeof *raw->samples);
    raw->phonemes = calloc(parcel.phoneme_count + 1, sizeof *raw->phonemes);
    if (!raw->samples || !raw->phonemes)
        return st_fail_memory(err, "speech", parcel.count * sizeof *raw->samples);
    raw->count = raw->capacity = parcel.count;
    raw->phoneme_count = raw->phoneme_capacity = parcel.phoneme_count;
    if (read_all(fd, raw->samples, raw->count * sizeof *raw->samples) ||
        read_all(fd, raw->phonemes, raw->phoneme_count * sizeof *raw->phonemes))
        return st_fail(err, SYNCTALK_E_LIBRARY, "%s ended in the middle of a sentence", engine);
    return SYNCTALK_OK;
}

synctalk_status say_apart(const struct engine_desc *engine, void *state,
                          const struct speech_voice *voice, const char *text,
                          const struct speech_manner *manner, struct raw_speech *raw,
                          synctalk_error *err)
{
    int ends[2];
    if (pipe(ends))
        return st_fail(err, SYNCTALK_E_IO, "no pipe to %s: %s", engine->name, strerror(errno));
    pid_t child = fork();
    if (child < 0) {
        int reason = errno;
        close(ends[0]);
        close(ends[1]);
        return st_fail(err, SYNCTALK_E_IO, "no process for %s: %s", engine->name, strerror(reason));
    }
    if (child == 0) {
        struct parcel parcel = {0};
        close(ends[0]);
        parcel.error.status = engine->say(state, voice, text, manner, raw, &parcel.error);
        parcel.hz = raw->hz;
        parcel.count = raw->count;
        parcel.phoneme_count = raw->phoneme_count;
        _exit(send_parcel(ends[1], &parcel, raw) ? 1 : 0);
    }
    close(ends[1]);
    synctalk_status status = receive_parcel(ends[0], raw, engine->name, err);
    close(ends[0]);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        continue;
    return status;
}
