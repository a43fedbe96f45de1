/* SPDX-License-Identifier: Apache-2.0 */
/* Shared networks for the public interface: the table, where they are, bringing them. */
#include "synctalk/models.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "generate/model_files.h"
#include "models/networks.h"
#include "net/download.h"

#define BYTES_MAX (INT64_C(4) << 30) /* no shared network is longer */

const synctalk_network *synctalk_networks(size_t *count)
{
    return st_networks(count);
}

const synctalk_network *synctalk_network_named(const char *name)
{
    return st_network_named(name);
}

/* false where it does not fit. */
static bool hand_over(char *to, size_t size, const char *path)
{
    int need = snprintf(to, size, "%s", path);
    return need >= 0 && (size_t)need < size;
}

int synctalk_models_folder(const synctalk_settings *settings, size_t n, char *path, size_t size)
{
    char folder[ST_PATH_MAX];
    return settings && settings->root && path && st_shared_folder(folder, settings, n) &&
           hand_over(path, size, folder);
}

static synctalk_status too_short(size_t size, const char *path, synctalk_error *err)
{
    return st_fail(err, SYNCTALK_E_ARG, "%s: does not fit the %zu bytes given for a path", path,
                   size);
}

synctalk_status synctalk_network_find(const synctalk_settings *settings,
                                      const synctalk_network *network, char *path, size_t size,
                                      synctalk_error *err)
{
    char found[ST_PATH_MAX];
    if (!settings || !settings->root || !network || !path)
        return st_fail(err, SYNCTALK_E_ARG, "settings, a network and room for a path are needed");
    synctalk_status st = st_find_shared(found, settings, network->files, network->purpose, err);
    if (st)
        return st;
    return hand_over(path, size, found) ? SYNCTALK_OK : too_short(size, found, err);
}

synctalk_status synctalk_file_sha256(const char *path, char *text, synctalk_error *err)
{
    if (!path || !text)
        return st_fail(err, SYNCTALK_E_ARG, "a path and room for its SHA-256 are needed");
    return st_hash_file(text, path, err);
}

void synctalk_pull_init(synctalk_pull *pull)
{
    *pull = (synctalk_pull){.folder = NULL};
}

static synctalk_status check_pull(const synctalk_network *network, const synctalk_pull *pull,
                                  synctalk_error *err)
{
    if (!network || !pull || !pull->folder || !*pull->folder)
        return st_fail(err, SYNCTALK_E_ARG, "a network and the folder to put it in are needed");
    if (!network->sha256)
        return st_fail(err, SYNCTALK_E_UNSUPPORTED,
                       "%s: its SHA-256 is not known here, so it is not downloaded; where to get "
                       "it: %s",
                       network->name, network->source);
    if (!network->address && !pull->address)
        return st_fail(err, SYNCTALK_E_UNSUPPORTED,
                       "%s: no lasting public address of it is known; where to get it: %s",
                       network->name, network->source);
    if (!pull->accept_licence)
        return st_fail(err, SYNCTALK_E_ARG, "%s: its licence must be accepted first: %s",
                       network->name, network->licence);
    return SYNCTALK_OK;
}

synctalk_status synctalk_network_pull(const synctalk_network *network, const synctalk_pull *pull,
                                      const synctalk_callbacks *callbacks, char *path, size_t size,
                                      synctalk_error *err)
{
    char target[ST_PATH_MAX];
    synctalk_status st = check_pull(network, pull, err);

    if (st || (st = st_path_join(target, pull->folder, network->file, err)))
        return st;
    if (mkdir(pull->folder, 0777) < 0 && errno != EEXIST)
        return st_fail_errno(err, errno, "make folder", pull->folder);
    const struct st_download download = {
        .address = pull->address ? pull->address : network->address,
        .target = target,
        .sha256 = network->sha256,
        .bytes = network->bytes,
        .most_bytes = BYTES_MAX,
        .ca_file = pull->ca_file,
        .proxy = pull->proxy,
        .no_proxy = pull->no_proxy,
    };
    if ((st = st_download(&download, callbacks, err)))
        return st;
    return !path || hand_over(path, size, target) ? SYNCTALK_OK : too_short(size, target, err);
}
