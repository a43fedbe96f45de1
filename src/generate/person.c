/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/person.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "face/dataset.h"
#include "generate/faces.h"
#include "generate/model_files.h"
#include "generate/precision.h"

/* ave and hubert checkpoints have equal shapes: where neither the file nor the user says
 * which, the features that lie in the dataset do, if there is one. */
static synctalk_encoder guess_encoder(const char *folder, const synctalk_callbacks *callbacks)
{
    const synctalk_encoder kinds[] = {SYNCTALK_ENCODER_AVE, SYNCTALK_ENCODER_HUBERT};
    char path[ST_PATH_MAX];
    for (size_t k = 0; k < 2; k++) {
        const struct st_encoder_info *info = st_encoder_info(kinds[k]);
        for (size_t i = 0; info->feature_files[i]; i++) {
            if (st_path_join(path, folder, info->feature_files[i], NULL) || !st_path_is_file(path))
                continue;
            st_log(callbacks, SYNCTALK_LOG_INFO,
                   "audio encoder %s, since the dataset holds %s (--encoder says otherwise)",
                   info->name, info->feature_files[i]);
            return kinds[k];
        }
    }
    st_log(callbacks, SYNCTALK_LOG_INFO,
           "audio encoder ave, the default (--encoder says otherwise)");
    return SYNCTALK_ENCODER_AVE;
}

/* The encoder that was asked for; else the one that the checkpoint names, or is shaped for, or
 * that made the features in the dataset. */
static synctalk_status choose_encoder(struct synctalk_person *person,
                                      const synctalk_settings *settings, const char *folder,
                                      const struct st_unet_form *form,
                                      const synctalk_callbacks *callbacks, synctalk_error *err)
{
    synctalk_encoder kind = (synctalk_encoder)settings->encoder;
    const char *name = settings->encoder_name;

    if (kind == SYNCTALK_ENCODER_AUTO && form->encoder == SYNCTALK_ENCODER_AUTO) {
        kind = guess_encoder(folder, callbacks);
    } else if (kind == SYNCTALK_ENCODER_AUTO) {
        const struct st_encoder_info *built_in = st_encoder_info(form->encoder);
        name = form->hears;
        kind = strcmp(name, built_in->name) == 0 ? form->encoder : SYNCTALK_ENCODER_CUSTOM;
    }
    return st_hearing_choose(&person->hearing, settings, kind, name, err);
}

/* A person's checkpoint while the person is opened. */
struct opening {
    const char *folder; /* of the dataset */
    char checkpoint[ST_PATH_MAX];
    struct st_weights *weights; /* owned */
    struct st_unet_form form;
};

static struct st_precision_job precision_job(const struct synctalk_person *person,
                                             const struct opening *opening,
                                             const synctalk_settings *settings,
                                             const synctalk_callbacks *callbacks)
{
    return (struct st_precision_job){
        .settings = settings,
        .checkpoint = opening->checkpoint,
        .weights = opening->weights,
        .form = &opening->form,
        .kernels = &person->kernels,
        .callbacks = callbacks,
    };
}

/* Find the checkpoint and learn which encoder it hears by. */
static synctalk_status recognise(struct synctalk_person *person, struct opening *opening,
                                 const synctalk_settings *settings,
                                 const synctalk_callbacks *callbacks, synctalk_error *err)
{
    synctalk_status st;
    if ((st = st_find_checkpoint(opening->checkpoint, settings, err)) ||
        (st = st_weights_open(&opening->weights, opening->checkpoint, err)) ||
        (st = st_unet_recognise_for(&opening->form, opening->weights, NULL, err)))
        return st;
    return choose_encoder(person, settings, opening->folder, &opening->form, callbacks, err);
}

/* Open it, unless frames decide about its precision. */
static synctalk_status load_unet(struct synctalk_person *person, struct opening *opening,
                                 const synctalk_settings *settings,
                                 const synctalk_callbacks *callbacks, synctalk_error *err)
{
    struct st_unet_form *form = &opening->form;
    synctalk_status st = recognise(person, opening, settings, callbacks, err);
    if (st)
        return st;
    const struct st_encoder_info *info = person->hearing.info;
    const struct st_unet_ear ear = {info->name, info->vector};
    if ((st = st_unet_recognise_for(form, opening->weights, &ear, err)))
        return st;
    st_log(callbacks, SYNCTALK_LOG_INFO, "checkpoint %s: %s width, audio encoder %s",
           opening->checkpoint, form->narrow ? "narrow" : "full", info->name);
    const struct st_precision_job job = precision_job(person, opening, settings, callbacks);
    return st_precision_open(&person->unet, &job, err);
}

/* By the frames, where that was left open. */
static synctalk_status settle_precision(struct synctalk_person *person,
                                        const struct opening *opening,
                                        const synctalk_settings *settings,
                                        const synctalk_callbacks *callbacks, synctalk_error *err)
{
    if (person->unet)
        return SYNCTALK_OK;
    const struct st_precision_job job = precision_job(person, opening, settings, callbacks);
    const struct st_precision_scene scene = {
        .source = person->source,
        .folder = opening->folder,
        .hearing = &person->hearing,
        .encoder = person->encoder,
    };
    return st_precision_find(&person->unet, &job, &scene, err);
}

static synctalk_status load_encoder(struct synctalk_person *person,
                                    const synctalk_settings *settings,
                                    const synctalk_callbacks *callbacks, synctalk_error *err)
{
    synctalk_status st;
    const struct st_encoder_info *needed = person->hearing.info;

    if ((st = st_hearing_find(&person->hearing, settings, err)) ||
        (st = st_hearing_load(&person->hearing, &person->encoder, settings, &person->kernels,
                              callbacks, err)))
        return st;
    const struct st_encoder_info *loaded = st_encoder_describe(person->encoder);
    if (loaded->vector != needed->vector)
        return st_fail(err, SYNCTALK_E_MODEL,
                       "%s: gives vectors of %zu numbers, but the checkpoint needs those of %s, of "
                       "%zu",
                       person->hearing.path, loaded->vector, needed->name, needed->vector);
    return SYNCTALK_OK;
}

static synctalk_status open_source(struct synctalk_person *person,
                                   const synctalk_settings *settings, const char *folder,
                                   const synctalk_callbacks *callbacks, synctalk_error *err)
{
    struct st_face_settings faces;
    char clips[ST_PATH_MAX];
    synctalk_status st;
    if (settings->mode == SYNCTALK_MODE_CLIPS) {
        st = st_path_join(clips, folder, "core_clips", err);
        return st ? st : st_frame_source_open_clips(&person->source, clips, callbacks, err);
    }
    if (settings->mode != SYNCTALK_MODE_VIDEO)
        return st_frame_source_open_dataset(&person->source, folder, callbacks, err);
    st = st_face_settings_find(&faces, settings, settings->video, person->hearing.info->fps,
                               &person->kernels, err);
    return st ? st : st_frame_source_open_video(&person->source, &faces.analysis, callbacks, err);
}

/* Frames that were taken at another rate move too fast or too slowly. */
static void warn_of_rate(const struct synctalk_person *person, const char *command,
                         const synctalk_callbacks *callbacks)
{
    const struct st_frame_info *frames = &person->source->info;
    const struct st_encoder_info *hears = person->hearing.info;
    if (frames->fps && frames->fps != hears->fps)
        st_log(callbacks, SYNCTALK_LOG_WARNING,
               "%s: taken at %d frames a second and shown at %d, by which the audio encoder %s "
               "hears: the mouth fits the sound, but all that moves is too %s; %s --encoder %s "
               "makes frames of that rate",
               frames->name, frames->fps, hears->fps, hears->name,
               frames->fps > hears->fps ? "slow" : "fast", command, hears->name);
}

static synctalk_status find_folder(char folder[ST_PATH_MAX], const synctalk_settings *settings,
                                   synctalk_error *err)
{
    char datasets[ST_PATH_MAX];
    synctalk_status st = st_check_name(settings->model, err);
    if (!st)
        st = st_path_join(datasets, settings->root, "dataset", err);
    return st ? st : st_path_join(folder, datasets, settings->model, err);
}

synctalk_status st_person_fps(int *fps, const synctalk_settings *settings,
                              const synctalk_callbacks *callbacks, synctalk_error *err)
{
    char folder[ST_PATH_MAX];
    struct opening opening = {.folder = folder};
    struct synctalk_person *person = calloc(1, sizeof *person);
    synctalk_status st = person ? find_folder(folder, settings, err)
                                : st_fail_memory(err, "a person", sizeof *person);
    if (!st && !(st = recognise(person, &opening, settings, callbacks, err)))
        *fps = person->hearing.info->fps;
    st_weights_close(&opening.weights);
    st_person_close(&person);
    return st;
}

synctalk_status st_person_open(struct synctalk_person **out, const synctalk_settings *settings,
                               const synctalk_callbacks *callbacks, synctalk_error *err)
{
    synctalk_status st;
    char folder[ST_PATH_MAX];
    struct synctalk_person *person = NULL;
    struct opening opening = {.folder = folder};

    *out = NULL;
    if ((st = find_folder(folder, settings, err)))
        return st;
    if (!(person = calloc(1, sizeof *person)))
        return st_fail_memory(err, "a person", sizeof *person);

    snprintf(person->name, sizeof person->name, "%s", settings->model);
    memcpy(person->folder, folder, sizeof person->folder);
    st_kernels_init(&person->kernels, settings->cpu_mask);
    /* The frames last: to look at a video takes longest. */
    if ((st = st_image_cache_create(&person->cache, err)) ||
        (st = load_unet(person, &opening, settings, callbacks, err)) ||
        (!settings->features && (st = load_encoder(person, settings, callbacks, err))) ||
        (st = open_source(person, settings, folder, callbacks, err)) ||
        (st = settle_precision(person, &opening, settings, callbacks, err)))
        goto done;
    warn_of_rate(person, settings->mode == SYNCTALK_MODE_CLIPS ? "preprocess-clips" : "preprocess",
                 callbacks);
    *out = person;
    person = NULL;

done:
    st_weights_close(&opening.weights);
    st_person_close(&person);
    return st;
}

void st_person_close(struct synctalk_person **person)
{
    if (!person || !*person)
        return;
    st_encoder_close(&(*person)->encoder);
    st_hearing_close(&(*person)->hearing);
    st_unet_close(&(*person)->unet);
    st_image_cache_destroy(&(*person)->cache);
    st_frame_source_close(&(*person)->source);
    free(*person);
    *person = NULL;
}
