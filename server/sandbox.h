/* SPDX-License-Identifier: Apache-2.0 */
/* What a process that opens strangers' files may do: read what it is shown, write where it is
 * told, compute. No network, no other program, no signal to others. */
#ifndef SERVER_SANDBOX_H
#define SERVER_SANDBOX_H

#include <jansson.h>
#include <stdbool.h>

#include "synctalk/status.h"

/* Shut this process in, for ever. `reads` and `writes` are arrays of paths; what is absent is
 * passed over, and the system's libraries and fonts can be read besides. Below `writes` files can
 * be made, and no links, pipes or folders.
 *
 * *files is false where the kernel has no landlock: files are then as open as to any process of
 * this user. E_UNSUPPORTED: the kernel has no seccomp. */
synctalk_status sandbox_enter(const json_t *reads, const json_t *writes, bool *files,
                              synctalk_error *err);

/* Likewise, for a process that becomes `program` (execve()): that may be executed, with what the
 * kernel loads it by, and nothing else. E_UNSUPPORTED: also where the kernel has no landlock. */
synctalk_status sandbox_enter_as(const char *program, const json_t *reads, const json_t *writes,
                                 synctalk_error *err);

/* At most this much memory (10^6 bytes; 0 = no limit) and bytes in one file. Not in builds with
 * a sanitizer for addresses or threads, which need terabytes of address space. */
synctalk_status sandbox_limit(int memory_mb, int file_mb, synctalk_error *err);

/* So many minutes of processor time from now on, after which SIGXCPU ends the process. */
synctalk_status sandbox_limit_time(int minutes, synctalk_error *err);

#endif /* SERVER_SANDBOX_H */
