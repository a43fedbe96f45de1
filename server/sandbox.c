/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fail.h"

#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
/* All that the first form of landlock knows, and the later two that concern files. */
#define FORM_1 ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
#define REFER (1ULL << 13)    /* form 2 */
#define TRUNCATE (1ULL << 14) /* form 3 */
#define OF_FILES                                                                                 \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_FILE | \
     TRUNCATE)
/* Files and nothing else are made: a link would lead the server, which may read more, to what a
 * worker wants to be served, a pipe would hold it up, and a folder hide what takes space. */
#define NEVER                                                                                      \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_MAKE_FIFO |     \
     LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK | \
     LANDLOCK_ACCESS_FS_MAKE_DIR)

/* What libraries read once they run: others of their kind, fonts, facts of the machine. */
static const char *const common[] = {
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/lib",
    "/lib64",
    "/usr/share/fonts",
    "/etc/fonts",
    "/etc/ld.so.cache",
    "/dev/null",
    "/dev/urandom",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/self",
    "/sys/devices/system/cpu",
    "/sys/fs/cgroup",
    "/var/cache/fontconfig",
    "/usr/share/fontconfig",
    "/usr/local/share/fonts",
    "/etc/localtime",
    "/usr/share/zoneinfo",
};

/* What the kernel loads a program by. */
static const char *const loaders[] = {"/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1"};

static const int forbidden[] = {
    /* the network, in every form */
    SCMP_SYS(socket),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(socketpair),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(sendmmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    /* other programs and processes */
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(kill),
    SCMP_SYS(tkill),
    SCMP_SYS(rt_sigqueueinfo),
    SCMP_SYS(rt_tgsigqueueinfo),
    SCMP_SYS(pidfd_open),
    SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(kcmp),
    SCMP_SYS(setpriority),
    SCMP_SYS(shmget),
    SCMP_SYS(msgget),
    SCMP_SYS(semget),
    SCMP_SYS(mq_open),
    /* the machine */
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(setns),
    SCMP_SYS(unshare),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(name_to_handle_at),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(kexec_load),
    SCMP_SYS(reboot),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(personality),
    SCMP_SYS(acct),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
};

static synctalk_status allow_path(int rules, const char *path, uint64_t access, synctalk_error *err)
{
    struct stat info;
    synctalk_status st = SYNCTALK_OK;
    const int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return SYNCTALK_OK;
    if (fstat(fd, &info) == 0 && !S_ISDIR(info.st_mode))
        access &= OF_FILES;
    const struct landlock_path_beneath_attr rule = {.allowed_access = access, .parent_fd = fd};
    if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
        st = server_fail_errno(err, "be shown to a worker", path);
    close(fd);
    return st;
}

static synctalk_status allow_program(int rules, const char *program, synctalk_error *err)
{
    const uint64_t access = READS | LANDLOCK_ACCESS_FS_EXECUTE;
    synctalk_status st = program ? allow_path(rules, program, access, err) : SYNCTALK_OK;
    for (size_t i = 0; i < sizeof loaders / sizeof *loaders && program && !st; i++)
        st = allow_path(rules, loaders[i], access, err);
    return st;
}

/* `program`: NULL where none may be executed. */
static synctalk_status shut_files(const char *program, const json_t *reads, const json_t *writes,
                                  bool *files, synctalk_error *err)
{
    size_t i;
    const json_t *path;
    const long form =
        syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    *files = form >= 1;
    if (form < 1)
        return SYNCTALK_OK;
    const uint64_t all = FORM_1 | (form >= 2 ? REFER : 0) | (form >= 3 ? TRUNCATE : 0);
    const struct landlock_ruleset_attr known = {.handled_access_fs = all};
    const int rules = (int)syscall(SYS_landlock_create_ruleset, &known, sizeof known, 0);
    if (rules < 0)
        return server_fail_errno(err, "begin", "landlock");
    synctalk_status st = allow_program(rules, program, err);
    for (i = 0; i < sizeof common / sizeof *common && !st; i++)
        st = allow_path(rules, common[i], READS, err);
    json_array_foreach((json_t *)reads, i, path)
    {
        if (!st)
            st = allow_path(rules, json_string_value(path), READS, err);
    }
    json_array_foreach((json_t *)writes, i, path)
    {
        if (!st)
            st = allow_path(rules, json_string_value(path), all & ~(uint64_t)NEVER, err);
    }
    if (!st && syscall(SYS_landlock_restrict_self, rules, 0) != 0)
        st = server_fail_errno(err, "shut a worker in", "landlock");
    close(rules);
    return st;
}

/* Threads may be made, processes not. clone3() hides its flags from a filter: libc is told that
 * it does not exist, and takes clone(). Signals and limits go
 * to this process alone. */
static int add_special_rules(scmp_filter_ctx filter)
{
    int bad = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    bad |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    bad |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(tgkill), 1,
                            SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid()));
    bad |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 1,
                            SCMP_A0(SCMP_CMP_NE, 0));
    return bad;
}

static synctalk_status shut_calls(bool may_execute, synctalk_error *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    int bad = filter ? add_special_rules(filter) : -ENOMEM;
    for (size_t i = 0; i < sizeof forbidden / sizeof *forbidden && !bad; i++) {
        if (!may_execute || forbidden[i] != SCMP_SYS(execve))
            bad = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), forbidden[i], 0);
    }
    if (!bad)
        bad = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (!bad)
        bad = seccomp_load(filter);
    seccomp_release(filter);
    if (!bad)
        return SYNCTALK_OK;
    errno = -bad;
    return server_fail(err, SYNCTALK_E_UNSUPPORTED,
                       "a worker cannot be shut in (seccomp: %s); without that, the server does "
                       "not open strangers' files",
                       strerrordesc_np(-bad));
}

static synctalk_status enter(const char *program, const json_t *reads, const json_t *writes,
                             bool *files, synctalk_error *err)
{
    *files = false;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return server_fail_errno(err, "give up privileges", "a worker");
    synctalk_status st = shut_files(program, reads, writes, files, err);
    /* Without landlock, whoever may execute one program may execute any. */
    if (!st && program && !*files)
        st = server_fail(err, SYNCTALK_E_UNSUPPORTED,
                         "%s cannot be shut in: this kernel has no landlock", program);
    return st ? st : shut_calls(program != NULL, err);
}

synctalk_status sandbox_enter(const json_t *reads, const json_t *writes, bool *files,
                              synctalk_error *err)
{
    return enter(NULL, reads, writes, files, err);
}

synctalk_status sandbox_enter_as(const char *program, const json_t *reads, const json_t *writes,
                                 synctalk_error *err)
{
    bool files;
    return enter(program, reads, writes, &files, err);
}

static synctalk_status set_limit(int resource, uint64_t value, const char *what,
                                 synctalk_error *err)
{
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)resource, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max < value ? limit.rlim_max : value;
        if (setrlimit((__rlimit_resource_t)resource, &limit) == 0)
            return SYNCTALK_OK;
    }
    return server_fail_errno(err, "be limited", what);
}

synctalk_status sandbox_limit(int memory_mb, int file_mb, synctalk_error *err)
{
    synctalk_status st = set_limit(RLIMIT_CORE, 0, "core files", err);
    if (!st)
        st = set_limit(RLIMIT_FSIZE, (uint64_t)file_mb * 1000000, "the size of files", err);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    if (!st && memory_mb > 0)
        st = set_limit(RLIMIT_AS, (uint64_t)memory_mb * 1000000, "memory", err);
#else
    (void)memory_mb;
#endif
    return st;
}

synctalk_status sandbox_limit_time(int minutes, synctalk_error *err)
{
    struct rusage used;
    if (getrusage(RUSAGE_SELF, &used) != 0)
        return server_fail_errno(err, "be measured", "processor time");
    const uint64_t now = (uint64_t)used.ru_utime.tv_sec + (uint64_t)used.ru_stime.tv_sec;
    return set_limit(RLIMIT_CPU, now + (uint64_t)minutes * 60, "processor time", err);
}
