/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/preprocess_info.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"

#define MADE_BY "synctalk preprocess"
#define VERSION 1 /* of what frames and landmarks come out of equal input; part of the identity */
#define BLOCK_BYTES ((size_t)1 << 18)
#define INFO_MAX_BYTES ((size_t)1 << 20)

static synctalk_status hash_blocks(struct st_hash *hash, int fd, int64_t total, const char *path,
                                   const synctalk_callbacks *callbacks, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    int64_t done = 0;
    unsigned char *block = malloc(BLOCK_BYTES);

    if (!block)
        return st_fail_memory(err, "a hash", BLOCK_BYTES);
    for (;;) {
        ssize_t n = read(fd, block, BLOCK_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            st = st_fail_errno(err, errno, "read", path);
        if (n <= 0)
            break;
        st_hash_add(hash, block, (size_t)n);
        done += n;
        st_progress(callbacks, "hash", done, total, 0);
        if (st_cancelled(callbacks)) {
            st = st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
            break;
        }
    }
    free(block);
    return st;
}

static synctalk_status hash_video(struct st_preprocess_source *source,
                                  const synctalk_callbacks *callbacks, synctalk_error *err)
{
    synctalk_status st;
    struct stat info;
    struct st_hash *hash = NULL;

    /* O_NONBLOCK: a named pipe is refused below instead of hanging the open. */
    int fd = open(source->video, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return st_fail_errno(err, errno, "open", source->video);
    if (fstat(fd, &info) < 0) {
        st = st_fail_errno(err, errno, "read", source->video);
        goto done;
    }
    if (!S_ISREG(info.st_mode)) {
        st = st_fail(err, SYNCTALK_E_IO, "%s: is %s, not a video file", source->video,
                     S_ISDIR(info.st_mode) ? "a folder" : "a device or pipe");
        goto done;
    }
    source->video_bytes = info.st_size;
    if ((st = st_hash_create(&hash, err)) ||
        (st = hash_blocks(hash, fd, info.st_size, source->video, callbacks, err)))
        goto done;
    st_hash_end(&hash, source->video_sha256);

done:
    st_hash_destroy(&hash);
    close(fd);
    return st;
}

synctalk_status st_preprocess_source_hash(struct st_preprocess_source *source,
                                          const synctalk_callbacks *callbacks, synctalk_error *err)
{
    synctalk_status st;
    struct st_hash *hash = NULL;
    char text[512];
    char mean_face[ST_HASH_TEXT] = "";
    const struct st_analysis_settings *a = source->analysis;

    if ((st = hash_video(source, callbacks, err)) ||
        (st = st_hash_file(source->detector_sha256, a->detector, err)) ||
        (st = st_hash_file(source->landmarks_sha256, a->landmarks, err)) ||
        (a->mean_face && (st = st_hash_file(mean_face, a->mean_face, err))) ||
        (st = st_hash_create(&hash, err)))
        return st;
    int length = snprintf(text, sizeof text,
                          "%d video %s fps %d detector %s landmarks %s mean %s no-face %d "
                          "threshold %.6g every %d smooth %d face ",
                          VERSION, source->video_sha256, source->fps, source->detector_sha256,
                          source->landmarks_sha256, mean_face, a->no_face,
                          (double)a->tracker.threshold, a->tracker.interval, a->tracker.smooth);
    st_hash_add(hash, text, (size_t)length);
    st_hash_add(hash, source->face, strlen(source->face));
    st_hash_end(&hash, source->identity);
    return SYNCTALK_OK;
}

/* A member that is text of fewer than `size` bytes, or "". */
static void take_text(char *to, size_t size, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    snprintf(to, size, "%s", text && strlen(text) < size ? text : "");
}

synctalk_status st_preprocess_found_read(struct st_preprocess_found *found, const char *folder,
                                         synctalk_error *err)
{
    synctalk_status st;
    char path[ST_PATH_MAX];
    struct st_mapping map;

    *found = (struct st_preprocess_found){.any = false};
    if ((st = st_path_join(path, folder, ST_PREPROCESS_INFO, err)))
        return st;
    if (access(path, F_OK) != 0)
        return SYNCTALK_OK;
    if ((st = st_map_file(&map, path, err)))
        return st;
    if (map.size > 0 && map.size <= INFO_MAX_BYTES)
        found->info = json_loadb((const char *)map.data, map.size, JSON_REJECT_DUPLICATES, NULL);
    st_unmap_file(&map);
    const char *made_by = json_string_value(json_object_get(found->info, "made_by"));
    if (!made_by || strcmp(made_by, MADE_BY) != 0) {
        st_preprocess_found_free(found);
        return SYNCTALK_OK; /* another's, which is no dataset of ours */
    }
    found->any = true;
    found->complete = json_is_true(json_object_get(found->info, "complete"));
    take_text(found->identity, sizeof found->identity, found->info, "identity");
    const json_int_t fps = json_integer_value(json_object_get(found->info, "fps"));
    found->fps = fps > 0 && fps <= 1000 ? (int)fps : 0;
    take_text(found->encoder, sizeof found->encoder, json_object_get(found->info, "features"),
              "encoder");
    take_text(found->encoder_sha256, sizeof found->encoder_sha256,
              json_object_get(json_object_get(found->info, "networks"), "encoder"), "sha256");
    return SYNCTALK_OK;
}

void st_preprocess_found_free(struct st_preprocess_found *found)
{
    json_decref(found->info);
    *found = (struct st_preprocess_found){.any = false};
}

static json_t *network_json(const char *path, const char *sha256)
{
    return json_pack("{s:s*, s:s}", "file", st_path_base(path), "sha256", sha256);
}

static json_t *options_json(const struct st_preprocess_source *source)
{
    static const char *const no_faces[] = {"hold", "pass", "fail"};
    const struct st_analysis_settings *a = source->analysis;
    return json_pack("{s:s*, s:s, s:f, s:i, s:b}", "face", source->face, "no-face",
                     no_faces[a->no_face], "face-threshold",
                     (double)(int)(a->tracker.threshold * 1e6f + 0.5f) / 1e6, "detect-every",
                     a->tracker.interval, "smooth-landmarks", a->tracker.smooth);
}

/* Without the number of damaged pictures, which depends on what was decoded in this run. */
static json_t *video_json(const struct st_video_info *v)
{
    return json_pack("{s:s*, s:s*, s:f, s:b, s:b, s:i, s:i, s:b}", "codec", v->codec, "container",
                     v->container, "fps", v->source_fps, "variable_rate", v->variable_rate,
                     "interlaced", v->interlaced, "rotation", v->rotation, "bits", v->bits,
                     "has_audio", v->has_audio);
}

static json_t *faces_json(const struct st_analysis_summary *f)
{
    return json_pack("{s:I, s:I, s:i, s:I, s:i, s:I, s:I, s:f, s:f}", "found", (json_int_t)f->found,
                     "first_missing", (json_int_t)f->first_missing, "smallest_side",
                     f->smallest_side, "smallest_at", (json_int_t)f->smallest_at,
                     "largest_crop_side", f->largest_side, "jumps", (json_int_t)f->jumps,
                     "first_jump", (json_int_t)f->first_jump, "worst_score", (double)f->worst_score,
                     "best_score", (double)f->best_score);
}

/* Nonzero without memory. */
static int add_features(json_t *info, const struct st_preprocess_result *result)
{
    return json_object_set_new(info, "features",
                               json_pack("{s:s, s:s, s:I}", "file", result->features, "encoder",
                                         result->encoder, "vectors", (json_int_t)result->vectors)) |
           json_object_set_new(json_object_get(info, "networks"), "encoder",
                               network_json(result->encoder_path, result->encoder_sha256));
}

/* NULL without memory. */
static json_t *build(const struct st_preprocess_source *source,
                     const struct st_preprocess_result *result)
{
    json_t *info = json_pack(
        "{s:s, s:i, s:s, s:b, s:s*, s:{s:s*, s:s, s:I}, s:i, s:o, s:{s:o, s:o}}", "made_by",
        MADE_BY, "version", VERSION, "identity", source->identity, "complete", result != NULL,
        "name", source->name, "source", "file", st_path_base(source->video), "sha256",
        source->video_sha256, "bytes", (json_int_t)source->video_bytes, "fps", source->fps,
        "options", options_json(source), "networks", "detector",
        network_json(source->analysis->detector, source->detector_sha256), "landmarks",
        network_json(source->analysis->landmarks, source->landmarks_sha256));
    if (!info || !result)
        return info;

    int bad = json_object_set_new(info, "frames", json_integer(result->faces->frames)) |
              json_object_set_new(info, "width", json_integer(result->video->width)) |
              json_object_set_new(info, "height", json_integer(result->video->height)) |
              json_object_set_new(info, "points", json_integer(result->faces->points)) |
              json_object_set_new(info, "video", video_json(result->video)) |
              json_object_set_new(info, "faces", faces_json(result->faces));
    if (result->samples > 0)
        bad |= json_object_set_new(info, "sound",
                                   json_pack("{s:s, s:i, s:I}", "file", "aud.wav", "rate", 16000,
                                             "samples", (json_int_t)result->samples));
    if (result->vectors > 0) {
        bad |=
            json_object_set_new(info, "features",
                                json_pack("{s:s, s:s, s:I}", "file", result->features, "encoder",
                                          result->encoder, "vectors", (json_int_t)result->vectors));
        bad |= json_object_set_new(json_object_get(info, "networks"), "encoder",
                                   network_json(result->encoder_path, result->encoder_sha256));
    }
    if (bad) {
        json_decref(info);
        return NULL;
    }
    return info;
}

/* Takes nothing; `info` NULL counts as no memory. */
static synctalk_status write_json(const char *folder, const json_t *info, synctalk_error *err)
{
    synctalk_status st;
    char path[ST_PATH_MAX];
    struct st_output output = {.fd = -1};
    char *text = info ? json_dumps(info, JSON_INDENT(2) | JSON_REAL_PRECISION(9)) : NULL;

    if (!text) {
        st = st_fail_memory(err, ST_PREPROCESS_INFO, 4096);
        goto done;
    }
    if ((st = st_path_join(path, folder, ST_PREPROCESS_INFO, err)) ||
        (st = st_output_open(&output, path, true, err)) ||
        (st = st_output_write(&output, text, strlen(text), err)) ||
        (st = st_output_write(&output, "\n", 1, err)))
        goto done;
    st = st_output_commit(&output, true, err);

done:
    st_output_close(&output);
    free(text);
    return st;
}

synctalk_status st_preprocess_info_write(const char *folder,
                                         const struct st_preprocess_source *source,
                                         const struct st_preprocess_result *result,
                                         synctalk_error *err)
{
    json_t *info = build(source, result);
    synctalk_status st = write_json(folder, info, err);
    json_decref(info);
    return st;
}

synctalk_status st_preprocess_info_add_features(struct st_preprocess_found *found,
                                                const char *folder,
                                                const struct st_preprocess_result *result,
                                                synctalk_error *err)
{
    if (add_features(found->info, result))
        return st_fail_memory(err, ST_PREPROCESS_INFO, 4096);
    return write_json(folder, found->info, err);
}

static bool take_integer(int64_t *to, const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_integer(value))
        return false;
    *to = json_integer_value(value);
    return true;
}

static bool take_int(int *to, const json_t *object, const char *key)
{
    int64_t value;
    if (!take_integer(&value, object, key) || value < 0 || value > INT32_MAX)
        return false;
    *to = (int)value;
    return true;
}

bool st_preprocess_info_report(const struct st_preprocess_found *found,
                               synctalk_preprocess_report *report)
{
    const json_t *info = found->info;
    const json_t *faces = json_object_get(info, "faces");
    int64_t samples = 0;

    *report = (synctalk_preprocess_report){.complete_before = 1};
    if (take_integer(&samples, json_object_get(info, "sound"), "samples"))
        report->audio_seconds = (double)samples / 16000;
    (void)take_integer(&report->vectors, json_object_get(info, "features"), "vectors");
    return take_integer(&report->frames, info, "frames") &&
           take_int(&report->width, info, "width") && take_int(&report->height, info, "height") &&
           take_int(&report->fps, info, "fps") && take_int(&report->points, info, "points") &&
           take_integer(&report->found, faces, "found") &&
           take_integer(&report->first_missing, faces, "first_missing") &&
           take_integer(&report->smallest_at, faces, "smallest_at") &&
           take_int(&report->smallest_side, faces, "smallest_side") &&
           take_integer(&report->jumps, faces, "jumps") &&
           take_integer(&report->first_jump, faces, "first_jump");
}
