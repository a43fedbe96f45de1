/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a person's files are those that they were. */
#ifndef SERVER_PERSON_FILES_H
#define SERVER_PERSON_FILES_H

#include <stdint.h>

/* A number that is another one after a checkpoint of the person was written, or frames, landmarks
 * or clips were: of the names, sizes and times of what lies in ROOT/checkpoint/NAME,
 * ROOT/dataset/NAME and the folders of its clips. The frames themselves are not looked at, but the
 * time of their folder, which every renaming into it changes. */
uint64_t person_files_state(const char *root, const char *name);

#endif /* SERVER_PERSON_FILES_H */
