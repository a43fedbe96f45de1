/* SPDX-License-Identifier: Apache-2.0 */
/* Finding and loading ONNX Runtime. The easy thing to get wrong: its threads and its static
 * state do not expect to be unmapped, so the loader is asked never to do that.
 */
#include "onnx/library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

#define NAME "libonnxruntime.so.1"

/* ST_ONNX_SOURCE_DIR is where `make setup-onnx` puts it, ST_ONNX_INSTALL_DIR where
 * `make install` does. */
static const char *const usual_places[] = {
    ST_ONNX_SOURCE_DIR "/" NAME, ST_ONNX_INSTALL_DIR "/" NAME, NAME, "libonnxruntime.so", NULL,
};

/* For a sentence: "a, b and c". */
static void list_places(char *buf, size_t size, const char *const *places)
{
    size_t used = 0;
    buf[0] = '\0';
    for (size_t i = 0; places[i] && used < size; i++) {
        const char *joint = i == 0 ? "" : places[i + 1] ? ", " : " and ";
        int n = snprintf(buf + used, size - used, "%s%s", joint, places[i]);
        used += n > 0 ? (size_t)n : 0;
    }
}

static synctalk_status fail_unusable(const char *place, const char *why, synctalk_error *err)
{
    return st_fail(err, SYNCTALK_E_UNSUPPORTED, "%s cannot be used as ONNX Runtime: %s", place,
                   why ? why : "the loader gives no reason");
}

/* E_MISSING where there is nothing at `place`, so that the search goes on. */
static synctalk_status load(struct st_onnx_library *library, const char *place, synctalk_error *err)
{
    const OrtApiBase *(*get_base)(void) = NULL;
    Dl_info info;

    if (strchr(place, '/') && !st_path_is_file(place))
        return st_fail(err, SYNCTALK_E_MISSING, "%s is not there", place);
    library->handle = dlopen(place, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library->handle) {
        const char *why = dlerror();
        return strchr(place, '/') ? fail_unusable(place, why, err)
                                  : st_fail(err, SYNCTALK_E_MISSING, "%s is not there", place);
    }
    void *symbol = dlsym(library->handle, "OrtGetApiBase");
    if (!symbol)
        return fail_unusable(place, "it has no OrtGetApiBase", err);
    memcpy(&get_base, &symbol, sizeof get_base); /* ISO C has no cast from data to function */

    const OrtApiBase *base = get_base();
    if (!base)
        return fail_unusable(place, "OrtGetApiBase gives nothing", err);
    library->version = base->GetVersionString();
    library->api = base->GetApi(ST_ONNX_API);
    if (!library->api)
        return st_fail(err, SYNCTALK_E_UNSUPPORTED,
                       "%s is ONNX Runtime %s; 1.%d or later is needed: run \"make setup-onnx\"",
                       place, library->version, ST_ONNX_API);
    const char *path = dladdr(symbol, &info) && info.dli_fname ? info.dli_fname : place;
    snprintf(library->path, sizeof library->path, "%s", path);
    return SYNCTALK_OK;
}

synctalk_status st_onnx_library_search(struct st_onnx_library *library, const char *const *places,
                                       const char *purpose, synctalk_error *err)
{
    synctalk_error unusable = {0}; /* of the first that is there and does not work */
    char looked[ST_PATH_MAX];

    for (size_t i = 0; places[i]; i++) {
        synctalk_error why = {0};
        synctalk_status st = load(library, places[i], &why);
        if (!st)
            return SYNCTALK_OK;
        st_onnx_library_close(library);
        if (st != SYNCTALK_E_MISSING && !unusable.status)
            unusable = why;
    }
    if (unusable.status)
        return st_fail(err, unusable.status, "%s", unusable.message);
    list_places(looked, sizeof looked, places);
    return st_fail(err, SYNCTALK_E_UNSUPPORTED,
                   "ONNX Runtime%s%s%s is not there: run \"make setup-onnx\" (looked for %s)",
                   purpose ? ", needed " : "", purpose ? purpose : "", purpose ? "," : "", looked);
}

synctalk_status st_onnx_library_open(struct st_onnx_library *library, const char *given,
                                     const char *purpose, synctalk_error *err)
{
    const char *const only[] = {given, NULL};
    return st_onnx_library_search(library, given ? only : usual_places, purpose, err);
}

void st_onnx_library_close(struct st_onnx_library *library)
{
    if (library->handle)
        dlclose(library->handle);
    *library = (struct st_onnx_library){0};
}
