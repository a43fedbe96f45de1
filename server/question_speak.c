/* SPDX-License-Identifier: Apache-2.0 */
/* A worker process becomes the program that speaks: it was shut in for that (sandbox_enter_as()),
 * gets the text on its standard input, and what it prints is the answer. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fail.h"
#include "question_work.h"
#include "sandbox.h"

#define ARGUMENTS 16
#define MINUTES 1 /* processor time */

static synctalk_status give_text(const char *text, synctalk_error *err)
{
    const size_t size = strlen(text);
    const int fd = memfd_create("text", MFD_CLOEXEC);
    const bool good = fd >= 0 && write(fd, text, size) == (ssize_t)size &&
                      lseek(fd, 0, SEEK_SET) == 0 && dup2(fd, STDIN_FILENO) == STDIN_FILENO;
    if (fd >= 0)
        close(fd);
    return good ? SYNCTALK_OK : server_fail_errno(err, "be handed on", "the text");
}

synctalk_status question_speak(const char *program, const json_t *question, int channel,
                               synctalk_error *err)
{
    char name[] = "espeak-ng";
    char home[] = "HOME=/nonexistent";
    char language[] = "LANG=C.UTF-8";
    char *const environment[] = {home, language, NULL};
    char *arguments[ARGUMENTS + 2] = {name};
    const char *text = json_string_value(json_object_get(question, "text"));
    const json_t *more = json_object_get(question, "arguments");
    size_t count = 1;
    size_t i;
    json_t *argument;
    synctalk_status st;

    json_array_foreach((json_t *)more, i, argument)
    {
        if (count <= ARGUMENTS && json_is_string(argument))
            arguments[count++] = (char *)json_string_value(argument);
    }
    /* What it complains of goes nowhere: descriptor 0 still cannot be written to. */
    if ((st = sandbox_limit_time(MINUTES, err)) || dup2(STDIN_FILENO, STDERR_FILENO) < 0 ||
        (st = give_text(text ? text : "", err)))
        return st ? st : server_fail_errno(err, "be set up", program);
    if (fcntl(channel, F_SETFD, FD_CLOEXEC) != 0 || dup2(channel, STDOUT_FILENO) < 0)
        return server_fail_errno(err, "be set up", program);
    execve(program, arguments, environment);
    return server_fail_errno(err, "be started", program);
}
