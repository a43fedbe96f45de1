/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for espeak-ng in tests of what shuts it in: the text says what to try. What must not
 * succeed makes a sound where it does, and none where it fails. An ordinary text comes back with
 * the arguments, each ended by NUL, as the sound. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const unsigned char head[44] = "RIFF\xff\xff\xff\x7fWAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0"
                                      "\x40\x1f\0\0\1\0\x08\0data\xff\xff\xff\x7f";

static int try_to(const char *what, const char *path)
{
    char name[] = "true";
    char *const arguments[] = {name, NULL};
    if (strcmp(what, "read") == 0)
        return open(path, O_RDONLY | O_CLOEXEC) >= 0;
    if (strcmp(what, "write") == 0)
        return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0;
    if (strcmp(what, "connect") == 0)
        return socket(AF_INET, SOCK_STREAM, 0) >= 0 || socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
    if (strcmp(what, "fork") == 0)
        return fork() >= 0;
    if (strcmp(what, "memory") == 0)
        return malloc((size_t)4 << 30) != NULL;
    execve(path, arguments, arguments + 1);
    return 0;
}

int main(int argc, char **argv)
{
    static char text[65536];
    static const char zeros[65536];
    char what[16] = "";
    char path[4096] = "";
    const size_t length = fread(text, 1, sizeof text - 1, stdin);
    text[length] = '\0';
    if (strcmp(text, "crash") == 0)
        abort();
    if (strcmp(text, "close") == 0)
        close(STDOUT_FILENO);
    if (strcmp(text, "hang") == 0 || strcmp(text, "close") == 0)
        pause();
    if (sscanf(text, "try %15s %4095s", what, path) > 0 && !try_to(what, path))
        return 1;
    fwrite(head, 1, sizeof head, stdout);
    while (strcmp(text, "flood") == 0 && fwrite(zeros, 1, sizeof zeros, stdout) == sizeof zeros)
        ;
    for (int i = 0; i < argc; i++)
        fwrite(argv[i], 1, strlen(argv[i]) + 1, stdout);
    fwrite(text, 1, length, stdout);
    return 0;
}
