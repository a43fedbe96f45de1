/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ST_NN_VERSION_H
#define ST_NN_VERSION_H

#include <stddef.h>

/* "2.6.3" of the oneDNN that runs in this process, into `buf`; returns `buf`. */
const char *st_nn_version(char *buf, size_t size);

#endif /* ST_NN_VERSION_H */
