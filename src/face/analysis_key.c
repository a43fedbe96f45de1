/* SPDX-License-Identifier: Apache-2.0 */
/* What an analysis depends on, in one name. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "face/analysis_impl.h"
#include "face/mean_face.h"
#include "face/pfld.h"

#define PART_BYTES ((size_t)1 << 20) /* between two looks at whether to stop */

/* Options that change what is found, in a form that has one value for one meaning. */
struct options {
    uint32_t version;
    int32_t choice, index;
    struct st_point at;
    float threshold;
    int32_t interval, fps;
};

static struct options options_of(const struct st_analysis_settings *settings)
{
    const struct st_tracker_settings *tracker = &settings->tracker;
    struct options options = {
        .version = 1,
        .choice = tracker->choice,
        .threshold = tracker->threshold,
        .interval = tracker->interval,
        .fps = settings->fps,
    };
    if (tracker->choice == ST_FACE_INDEX)
        options.index = tracker->index;
    if (tracker->choice == ST_FACE_AT)
        options.at = tracker->at;
    return options;
}

static synctalk_status add_all(struct st_hash *hash, int fd, unsigned char *part, const char *path,
                               const synctalk_callbacks *callbacks, synctalk_error *err)
{
    for (;;) {
        if (st_cancelled(callbacks))
            return st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
        ssize_t n = read(fd, part, PART_BYTES);
        if (n < 0 && errno != EINTR)
            return st_fail_errno(err, errno, "read", path);
        if (n == 0)
            return SYNCTALK_OK;
        if (n > 0)
            st_hash_add(hash, part, (size_t)n);
    }
}

/* A video may be large: st_hash_file() would not stop within a second. */
static synctalk_status hash_video(char *text, const char *path, const synctalk_callbacks *callbacks,
                                  synctalk_error *err)
{
    struct st_hash *hash = NULL;
    synctalk_status st;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    unsigned char *part = malloc(PART_BYTES);

    if (fd < 0) {
        st = st_fail_errno(err, errno, "open", path);
        goto done;
    }
    if (!part) {
        st = st_fail_memory(err, "a part of a video", PART_BYTES);
        goto done;
    }
    if ((st = st_hash_create(&hash, err)) || (st = add_all(hash, fd, part, path, callbacks, err)))
        goto done;
    st_hash_end(&hash, text);

done:
    if (fd >= 0)
        close(fd);
    free(part);
    st_hash_destroy(&hash);
    return st;
}

synctalk_status st_analysis_key(char *key, const struct st_analysis_settings *settings,
                                const synctalk_callbacks *callbacks, synctalk_error *err)
{
    const struct options options = options_of(settings);
    float mean[ST_PFLD_OUTPUTS] = {0};
    char video[ST_HASH_TEXT];
    char detector[ST_HASH_TEXT];
    char landmarks[ST_HASH_TEXT];
    struct st_hash *hash = NULL;
    synctalk_status st;

    if ((st = hash_video(video, settings->video, callbacks, err)) ||
        (st = st_hash_file(detector, settings->detector, err)) ||
        (st = st_hash_file(landmarks, settings->landmarks, err)) ||
        (st = st_hash_create(&hash, err)))
        return st;
    /* Landmarks of another kind need none; where it is needed, the landmarker says so. */
    (void)st_mean_face_read(mean, ST_PFLD_OUTPUTS, settings->mean_face, settings->landmarks, NULL);
    st_hash_add(hash, &options, sizeof options);
    st_hash_add(hash, video, sizeof video);
    st_hash_add(hash, detector, sizeof detector);
    st_hash_add(hash, landmarks, sizeof landmarks);
    st_hash_add(hash, mean, sizeof mean);
    st_hash_end(&hash, key);
    return SYNCTALK_OK;
}
