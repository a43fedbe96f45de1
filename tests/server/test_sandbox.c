/* SPDX-License-Identifier: Apache-2.0 */
/* A process that has shut itself in: what it can do still, and what not any more. Each case runs
 * in a child, whose exit code is its answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server/sandbox.h"

struct world {
    char readable[80], writable[80], secret[80];
    bool files; /* the kernel has landlock */
};

typedef int probe(const struct world *w); /* 0: as it has to be */

/* What the child answered; 99: it could not be shut in, 100 + N: signal N ended it. */
static int run(probe *what, const struct world *w, bool *files)
{
    int status;
    int pipes[2];
    char byte = 0;
    assert_int_equal(pipe(pipes), 0);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        json_t *reads = json_pack("[s]", w->readable);
        json_t *writes = json_pack("[s]", w->writable);
        bool shut = false;
        if (sandbox_enter(reads, writes, &shut, NULL))
            _exit(99);
        byte = (char)shut;
        if (write(pipes[1], &byte, 1) != 1)
            _exit(98);
        _exit(what(w));
    }
    close(pipes[1]);
    if (read(pipes[0], &byte, 1) != 1)
        byte = 0;
    close(pipes[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    *files = byte;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100 + WTERMSIG(status);
}

static bool can_open(const char *folder, const char *name, int flags)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    const int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

static int no_network(const struct world *w)
{
    static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK, AF_PACKET};
    (void)w;
    for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
        if (socket(families[i], SOCK_STREAM, 0) >= 0 || socket(families[i], SOCK_DGRAM, 0) >= 0 ||
            errno != EPERM)
            return 1 + (int)i;
    }
    return 0;
}

static int no_processes(const struct world *w)
{
    (void)w;
    if (fork() != -1 || errno != EPERM)
        return 1;
    if (execl("/bin/true", "true", (char *)NULL) != -1 || errno != EPERM)
        return 2;
    if (kill(getppid(), 0) != -1 || errno != EPERM)
        return 3;
    struct rlimit limit = {1, 1};
    if (prlimit(getppid(), RLIMIT_CORE, &limit, NULL) != -1 || errno != EPERM)
        return 4;
    return 0;
}

static void *answer(void *user)
{
    *(int *)user = 1;
    return NULL;
}

/* What videos are made with goes on to work. */
static int threads_and_limits(const struct world *w)
{
    pthread_t thread;
    int seen = 0;
    (void)w;
    if (pthread_create(&thread, NULL, answer, &seen) != 0 || pthread_join(thread, NULL) != 0)
        return 1;
    return !seen || sandbox_limit_time(5, NULL) ? 2 : 0;
}

static int files_as_shown(const struct world *w)
{
    if (!can_open(w->readable, "a", O_RDONLY))
        return 1;
    if (can_open(w->readable, "a", O_WRONLY) || can_open(w->readable, "new", O_WRONLY | O_CREAT))
        return 2;
    if (!can_open(w->writable, "new", O_RDWR | O_CREAT))
        return 3;
    if (can_open(w->secret, "a", O_RDONLY) || can_open("/etc", "passwd", O_RDONLY))
        return 4;
    if (can_open(w->readable, "link", O_RDONLY)) /* that leads to the secret */
        return 5;
    char path[128];
    snprintf(path, sizeof path, "%s/link", w->writable);
    /* The server, which is not shut in, would follow a link and wait at a pipe. */
    if (symlink(w->secret, path) == 0 || errno != EACCES)
        return 6;
    if (mkfifo(path, 0600) == 0 || errno != EACCES)
        return 7;
    if (mknod(path, S_IFSOCK | 0600, 0) == 0 || errno != EACCES)
        return 8;
    if (mkdir(path, 0700) == 0 || errno != EACCES)
        return 9;
    char made[128];
    snprintf(made, sizeof made, "%s/new", w->writable);
    if (rename(made, path) != 0 || unlink(path) != 0) /* as a video that is whole is */
        return 10;
    return 0;
}

static int too_much_time(const struct world *w)
{
    (void)w;
    const struct rlimit limit = {1, 2};
    setrlimit(RLIMIT_CPU, &limit);
    volatile unsigned turns = 1;
    while (turns != 0)
        turns = turns + 2; /* odd for ever */
    return 1;
}

static void expect(void **state, probe *what, int code)
{
    bool files;
    const int got = run(what, *state, &files);
    assert_int_equal(got, code);
}

static void test_no_network(void **state)
{
    expect(state, no_network, 0);
}

static void test_no_other_processes(void **state)
{
    expect(state, no_processes, 0);
}

static void test_threads_and_limits(void **state)
{
    expect(state, threads_and_limits, 0);
}

static void test_files_as_shown(void **state)
{
    bool files;
    const int got = run(files_as_shown, *state, &files);
    if (!files) {
        print_message("skipped: this kernel has no landlock\n");
        skip();
    }
    assert_int_equal(got, 0);
}

static void test_too_much_time(void **state)
{
    expect(state, too_much_time, 100 + SIGXCPU);
}

static void make(char *path, const char *name, const char *base)
{
    char file[128];
    snprintf(path, 80, "%s/%s", base, name);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(file, sizeof file, "%s/a", path);
    FILE *made = fopen(file, "w");
    assert_non_null(made);
    fclose(made);
}

static int set_up(void **state)
{
    static struct world w;
    static char base[] = "/tmp/synctalk-sandbox-XXXXXX";
    char link[128];
    char target[128];
    assert_non_null(mkdtemp(base));
    make(w.readable, "readable", base);
    make(w.writable, "writable", base);
    make(w.secret, "secret", base);
    snprintf(link, sizeof link, "%s/link", w.readable);
    snprintf(target, sizeof target, "%s/a", w.secret);
    assert_int_equal(symlink(target, link), 0);
    *state = &w;
    return 0;
}

static int tear_down(void **state)
{
    const struct world *w = *state;
    char command[256];
    snprintf(command, sizeof command, "rm -r %s %s %s", w->readable, w->writable, w->secret);
    return system(command) == 0 ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_network),         cmocka_unit_test(test_no_other_processes),
        cmocka_unit_test(test_threads_and_limits), cmocka_unit_test(test_files_as_shown),
        cmocka_unit_test(test_too_much_time),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
