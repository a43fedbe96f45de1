/* SPDX-License-Identifier: Apache-2.0 */
#include "question_work.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "fail.h"
#include "sandbox.h"

#define MINUTES 30         /* processor time of a question */
#define PART 2000          /* numbers that fit into a line */
#define LEVELS 2000        /* at most, of a sound's shape */
#define SECONDS_MOST 14400 /* of a sound, where the server sets no limit */

#define PICTURE_MOST 44000 /* bytes of a picture that fits into a line as base64 */

struct work {
    const synctalk_settings *settings;
    question_teller *tell;
    void *user;
    int64_t most_samples;
    bool too_long;
};

static void on_sound(void *user, const synctalk_progress *progress)
{
    struct work *work = user;
    work->too_long = work->too_long || progress->done > work->most_samples;
}

static int on_cancelled(void *user)
{
    const struct work *work = user;
    return work->too_long;
}

/* The probabilities in pieces, exactly: who applies a threshold to them finds what the program
 * finds. */
static void tell_probabilities(const struct work *work, const synctalk_vad *vad)
{
    const size_t count = synctalk_vad_chunks(vad);
    for (size_t i = 0; i < count;) {
        json_t *part = json_array();
        for (size_t n = 0; n < PART && i < count; n++, i++)
            json_array_append_new(part,
                                  json_real((double)synctalk_vad_chunk_at(vad, i).probability));
        work->tell(work->user, "part", part);
    }
}

/* The largest of the samples in each of at most LEVELS stretches, in thousandths. */
static json_t *levels_of(const synctalk_vad *vad)
{
    const size_t count = synctalk_vad_chunks(vad);
    const size_t step = (count + LEVELS - 1) / LEVELS;
    json_t *levels = json_array();
    for (size_t i = 0; i < count; i += step) {
        float peak = 0;
        for (size_t n = i; n < i + step && n < count; n++) {
            const float level = synctalk_vad_chunk_at(vad, n).peak;
            peak = level > peak ? level : peak;
        }
        peak = peak < 1 ? peak : 1;
        json_array_append_new(levels, json_integer((json_int_t)(1000 * peak + 0.5f)));
    }
    return levels;
}

static json_t *result_of(const synctalk_vad *vad, const synctalk_settings *s)
{
    const size_t count = synctalk_vad_chunks(vad);
    const size_t step = (count + LEVELS - 1) / LEVELS;
    return json_pack("{s:s, s:f, s:I, s:i, s:i, s:I, s:o, s:{s:i, s:i, s:i}}", "detector",
                     synctalk_vad_name(vad), "seconds", synctalk_vad_duration(vad), "samples",
                     (json_int_t)(synctalk_vad_duration(vad) * SYNCTALK_VAD_HZ + 0.5), "hz",
                     SYNCTALK_VAD_HZ, "chunk", SYNCTALK_VAD_CHUNK, "chunks_of_level",
                     (json_int_t)step, "levels", levels_of(vad), "rules", "min_speech_ms",
                     s->min_speech_ms, "min_silence_ms", s->min_silence_ms, "speech_pad_ms",
                     s->speech_pad_ms);
}

static synctalk_status find_speech(struct work *work, const char *audio, json_t **result,
                                   synctalk_error *err)
{
    const synctalk_settings *s = work->settings;
    const int seconds = s->max_seconds > 0 ? s->max_seconds : SECONDS_MOST;
    const synctalk_callbacks callbacks = {
        .user = work, .progress = on_sound, .cancelled = on_cancelled};
    synctalk_vad_settings settings;
    synctalk_vad *vad = NULL;

    synctalk_vad_settings_init(&settings);
    settings.root = s->root;
    settings.models = s->models;
    settings.more_models = s->more_models;
    settings.onnxruntime = s->onnxruntime;
    settings.vad = s->vad;
    settings.vad_model = s->vad_model;
    settings.trace = 1;
    work->most_samples = (int64_t)seconds * SYNCTALK_VAD_HZ;
    synctalk_status st = synctalk_vad_run(&vad, &settings, audio, NULL, &callbacks, err);
    if (work->too_long || (!st && synctalk_vad_duration(vad) > seconds))
        st = server_fail(err, SYNCTALK_E_ARG,
                         "%s: the sound is longer than %d seconds, which is as much as may be",
                         audio, seconds);
    if (!st) {
        tell_probabilities(work, vad);
        *result = result_of(vad, s);
    }
    synctalk_vad_close(&vad);
    return st;
}

static json_t *picture_of(const synctalk_sight *sight)
{
    unsigned char text[4 * (PICTURE_MOST / 3 + 1) + 1];
    if (sight->jpeg_size == 0 || sight->jpeg_size > PICTURE_MOST)
        return json_null();
    EVP_EncodeBlock(text, sight->jpeg, (int)sight->jpeg_size);
    return json_sprintf("data:image/jpeg;base64,%s", (const char *)text);
}

static int whole(float pixels)
{
    return (int)(pixels < 0 ? pixels - 0.5f : pixels + 0.5f);
}

static void on_sight(void *user, const synctalk_sight *sight)
{
    const struct work *work = user;
    json_t *points = json_array();
    for (int i = 0; i < 2 * sight->point_count; i++)
        json_array_append_new(points, json_integer(whole(sight->points[i])));
    work->tell(work->user, "told",
               json_pack("{s:I, s:I, s:i, s:i, s:b, s:[i, i, i], s:o, s:o}", "frame",
                         (json_int_t)sight->frame, "frames", (json_int_t)sight->frames, "width",
                         sight->width, "height", sight->height, "found", sight->found, "box",
                         sight->box_x, sight->box_y, sight->box_side, "points", points, "picture",
                         picture_of(sight)));
}

static synctalk_status find_face(struct work *work, const char *model, const char *video,
                                 json_t **result, synctalk_error *err)
{
    synctalk_settings settings = *work->settings;
    synctalk_look_report report;
    const synctalk_callbacks callbacks = {.user = work, .sight = on_sight};
    settings.mode = SYNCTALK_MODE_VIDEO;
    settings.model = model;
    settings.video = video;
    const synctalk_status st = synctalk_look(&settings, &callbacks, &report, err);
    if (!st)
        *result = json_pack("{s:I, s:I, s:I, s:i, s:i, s:i, s:i, s:b}", "frames",
                            (json_int_t)report.frames, "found", (json_int_t)report.found,
                            "first_missing", (json_int_t)report.first_missing, "fps", report.fps,
                            "width", report.width, "height", report.height, "smallest_side",
                            report.smallest_side, "reused", report.reused);
    return st;
}

/* Of the content of `field`; false where the question names none. */
static bool find_content(struct path *path, const struct folders *folders, const json_t *question,
                         const char *field)
{
    const char *sha256 =
        json_string_value(json_object_get(json_object_get(question, field), "sha256"));
    if (sha256)
        *path = folders_content(folders, sha256);
    return sha256 != NULL;
}

synctalk_status question_work(const synctalk_settings *settings, const struct folders *folders,
                              const json_t *question, question_teller *tell, void *user,
                              json_t **result, synctalk_error *err)
{
    struct work work = {.settings = settings, .tell = tell, .user = user};
    const char *ask = json_string_value(json_object_get(question, "ask"));
    const char *model = json_string_value(json_object_get(question, "model"));
    struct path path;
    synctalk_status st = sandbox_limit_time(MINUTES, err);
    if (st)
        return st;
    if (ask && strcmp(ask, "vad") == 0 && find_content(&path, folders, question, "audio"))
        return find_speech(&work, path.text, result, err);
    if (ask && strcmp(ask, "face") == 0 && model && find_content(&path, folders, question, "video"))
        return find_face(&work, model, path.text, result, err);
    return server_fail(err, SYNCTALK_E_ARG, "nobody knows this question");
}
