/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file models.h
 * Networks that all persons share: which there are, where they are looked for, and bringing
 * those that may be had from a public address.
 */
#ifndef SYNCTALK_MODELS_H
#define SYNCTALK_MODELS_H

#include <stddef.h>
#include <stdint.h>

#include "synctalk/export.h"
#include "synctalk/progress.h"
#include "synctalk/settings.h"
#include "synctalk/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** One shared network. All static. */
typedef struct synctalk_network {
    const char *name;         /**< "detector" */
    const char *purpose;      /**< "to find faces in a video" */
    const char *users;        /**< commands that need it: "generate --mode video, preprocess" */
    const char *const *files; /**< names it may have below a folder of networks, the best first;
                                   NULL-terminated */
    const char *licence;      /**< of the file below */
    const char *source;       /**< where a person gets it: one sentence, no full stop */
    const char *file;         /**< the published file: one of `files`, without folders */
    int64_t bytes;            /**< of that file, 0 = not known */
    const char *sha256;       /**< of that file, NULL = not known */
    const char *address;      /**< of that file, https; NULL = none that is known to last */
    int alternative;          /**< 1: the network before it in the table serves as well */
} synctalk_network;

/** The table of all shared networks. `*count` rows, static. */
SYNCTALK_API const synctalk_network *synctalk_networks(size_t *count);

/** NULL where there is none of that name. */
SYNCTALK_API const synctalk_network *synctalk_network_named(const char *name);

/**
 * The n-th folder in which networks are looked for, counted from 0 in the order of search.
 *
 * @param settings  root, models and more_models count here
 * @return 0 past the last folder, or where it does not fit `size`
 */
SYNCTALK_API int synctalk_models_folder(const synctalk_settings *settings, size_t n, char *path,
                                        size_t size);

/**
 * Where `network` is.
 *
 * @retval SYNCTALK_E_MISSING  it is in none of the folders; the sentence names them
 */
SYNCTALK_API synctalk_status synctalk_network_find(const synctalk_settings *settings,
                                                   const synctalk_network *network, char *path,
                                                   size_t size, synctalk_error *err);

/** SHA-256 of a file as 64 hexadecimal digits; `text` holds 65 bytes. */
SYNCTALK_API synctalk_status synctalk_file_sha256(const char *path, char *text,
                                                  synctalk_error *err);

/** How a network is brought. Fill with synctalk_pull_init(), then change. Borrowed strings. */
typedef struct synctalk_pull {
    const char *folder;   /**< where it goes; made if absent. No default. */
    const char *address;  /**< https, instead of the network's own. Default NULL */
    const char *ca_file;  /**< PEM of authorities to trust, instead of the system's. Default NULL */
    const char *proxy;    /**< Default NULL: none */
    const char *no_proxy; /**< hosts that the proxy is not for, comma-separated. Default NULL */
    int accept_licence;   /**< 1: the user has seen network->licence and agrees. Default 0 */
    void *reserved[4];    /**< NULL */
} synctalk_pull;

SYNCTALK_API void synctalk_pull_init(synctalk_pull *pull);

/**
 * Download network->file into pull->folder: HTTPS only, also after redirects; resumed where
 * an earlier call stopped; under its name only once its SHA-256 is right.
 *
 * @param path  of `size` bytes, the file's; or NULL
 * @retval SYNCTALK_E_UNSUPPORTED  no address or SHA-256 is known: says where to get the file
 * @retval SYNCTALK_E_ARG          the licence was not accepted
 * @retval SYNCTALK_E_EXISTS       a file of that name is there
 * @retval SYNCTALK_E_IO           the network failed; the same call goes on
 * @retval SYNCTALK_E_FORMAT       what came is another file; nothing of it is kept
 */
SYNCTALK_API synctalk_status synctalk_network_pull(const synctalk_network *network,
                                                   const synctalk_pull *pull,
                                                   const synctalk_callbacks *callbacks, char *path,
                                                   size_t size, synctalk_error *err);

#ifdef __cplusplus
}
#endif

#endif /* SYNCTALK_MODELS_H */
