/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/precision.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"
#include "face/redraw.h"
#include "generate/feature_source.h"
#include "models/unet_calibration_file.h"
#include "models/unet_clip.h"

#define TARGET_DB 45.0      /* of f32: nothing is seen of that */
#define TARGET_FAST_DB 40.0 /* preset fast */
#define FRAMES 16           /* whose ranges are looked at */
#define COMPARED 3          /* of them, for what each block loses */
#define IMAGE_COUNT ((size_t)6 * ST_UNET_SIDE * ST_UNET_SIDE)

static const char *const names[] = {
    [SYNCTALK_PRECISION_F32] = "f32",
    [SYNCTALK_PRECISION_BF16] = "bf16",
    [SYNCTALK_PRECISION_INT8] = "int8",
    [SYNCTALK_PRECISION_MIXED] = "mixed",
};

static double target_db(const synctalk_settings *settings)
{
    return settings->preset == SYNCTALK_PRESET_FAST ? TARGET_FAST_DB : TARGET_DB;
}

/* N.pth to N.precision.json. */
static synctalk_status side_path(char *path, const char *checkpoint, synctalk_error *err)
{
    const char *dot = strrchr(st_path_base(checkpoint), '.');
    const size_t stem = dot ? (size_t)(dot - checkpoint) : strlen(checkpoint);
    return st_path_format(path, err, "%.*s.precision.json", (int)stem, checkpoint);
}

static synctalk_status open_uniform(struct st_unet **out, const struct st_precision_job *job,
                                    int precision, synctalk_error *err)
{
    struct st_unet_recipe recipe;
    const bool has = st_pixel_kernels_have(job->kernels->flags, ST_ELEMENT_BF16);
    const bool wanted = precision == SYNCTALK_PRECISION_BF16;
    if (wanted && !has)
        st_log(job->callbacks, SYNCTALK_LOG_INFO,
               "network in f32: this processor, or --cpu-mask, has no bf16");
    st_unet_recipe_uniform(&recipe, job->form, wanted && has ? ST_ELEMENT_BF16 : ST_ELEMENT_F32);
    return st_unet_open_as(out, job->weights, job->form, &recipe, job->kernels, err);
}

/* "up4, up5"; "none". */
static void list_exact(char *text, size_t size, const struct st_precision_job *job,
                       const struct st_unet_calibration *entry)
{
    struct st_unet_block blocks[ST_UNET_BLOCKS];
    const size_t count = st_unet_blocks(job->form, blocks);
    snprintf(text, size, "none");
    for (size_t b = 0, used = 0; b < count && used < size; b++)
        if (entry->mixed[b] != ST_ELEMENT_U8)
            used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
                                     blocks[b].name);
}

static synctalk_status open_entry(struct st_unet **out, const struct st_precision_job *job,
                                  const struct st_unet_calibration_file *file,
                                  const struct st_unet_calibration *entry, synctalk_error *err)
{
    struct st_unet_recipe recipe = file->recipe; /* the ranges stay the file's */
    char exact[ST_UNET_BLOCKS * ST_UNET_BLOCK_NAME];
    int precision = job->settings->precision;
    if (precision == SYNCTALK_PRECISION_AUTO)
        precision = entry->choice;
    const double db = precision == SYNCTALK_PRECISION_MIXED  ? entry->mixed_db
                      : precision == SYNCTALK_PRECISION_INT8 ? entry->bytes_db
                                                             : entry->bf16_db;
    list_exact(exact, sizeof exact, job, entry);
    if (precision == SYNCTALK_PRECISION_F32)
        st_log(job->callbacks, SYNCTALK_LOG_INFO, "network in f32");
    else
        st_log(job->callbacks, db < entry->target_db ? SYNCTALK_LOG_WARNING : SYNCTALK_LOG_INFO,
               "network in %s precision, %.1f dB from f32%s%s", names[precision], db,
               precision == SYNCTALK_PRECISION_MIXED ? "; blocks that are not in bytes: " : "",
               precision == SYNCTALK_PRECISION_MIXED ? exact : "");
    st_unet_recipe_set(&recipe, job->form, precision, job->kernels->flags, entry);
    return st_unet_open_as(out, job->weights, job->form, &recipe, job->kernels, err);
}

static bool needs_calibration(const struct st_precision_job *job)
{
    const int precision = job->settings->precision;
    return precision != SYNCTALK_PRECISION_F32 && precision != SYNCTALK_PRECISION_BF16 &&
           st_pixel_kernels_have(job->kernels->flags, ST_ELEMENT_U8);
}

static synctalk_status read_side(struct st_unet_calibration_file *file, char *path,
                                 const struct st_precision_job *job, bool warns,
                                 synctalk_error *err)
{
    char why[256];
    synctalk_status st;
    if ((st = side_path(path, job->checkpoint, err)) ||
        (st = st_hash_file(file->checkpoint, job->checkpoint, err)) ||
        (st = st_unet_calibration_read(file, path, job->form, why, err)))
        return st;
    if (why[0] && warns)
        st_log(job->callbacks, SYNCTALK_LOG_WARNING, "%s is made again: %s", path, why);
    return SYNCTALK_OK;
}

synctalk_status st_precision_open(struct st_unet **out, const struct st_precision_job *job,
                                  synctalk_error *err)
{
    struct st_unet_calibration_file file = {0};
    char path[ST_PATH_MAX];
    synctalk_status st;
    *out = NULL;
    if (!needs_calibration(job))
        return open_uniform(out, job, job->settings->precision, err);
    if ((st = read_side(&file, path, job, true, err)))
        goto done;
    const struct st_unet_calibration *entry =
        st_unet_calibration_find(&file, job->kernels->flags, target_db(job->settings));
    if (entry)
        st = open_entry(out, job, &file, entry, err);
done:
    st_unet_calibration_free(&file);
    return st;
}

/* Frames and sound that were read for it; owned. */
struct samples {
    size_t count;
    float *images[FRAMES], *sounds[FRAMES];
};

static void free_samples(struct samples *samples)
{
    for (size_t i = 0; i < FRAMES; i++) {
        free(samples->images[i]);
        free(samples->sounds[i]);
    }
}

/* The person's sound: features that are there, or what the encoder hears in the recording.
 * `*out` is NULL where there is neither. */
static synctalk_status open_sound(struct st_feature_source **out, struct st_weights **table,
                                  const struct st_precision_job *job,
                                  const struct st_precision_scene *scene, synctalk_error *err)
{
    char path[ST_PATH_MAX];
    const struct st_unet_form *form = job->form;
    const char *features = job->settings->features;
    synctalk_status st;
    *out = NULL;
    *table = NULL;
    if (st_hearing_features(scene->hearing, scene->folder, path))
        features = path;
    if (features)
        return (st = st_weights_open(table, features, err))
                   ? st
                   : st_feature_source_from_file(out, *table, form->vector, form->window, err);
    if (!scene->encoder || (st = st_path_join(path, scene->folder, "aud.wav", NULL)) ||
        !st_path_is_file(path))
        return SYNCTALK_OK;
    return st_feature_source_from_sound(out, path, scene->encoder, form->window, job->callbacks,
                                        err);
}

static synctalk_status add_sample(struct samples *samples, const struct st_precision_job *job,
                                  struct st_feature_source *sound, struct st_redraw *redraw,
                                  const struct st_frame *frame, int64_t index, synctalk_error *err)
{
    const size_t window = (size_t)job->form->window * job->form->vector;
    const size_t i = samples->count;
    samples->images[i] = st_alloc_aligned(IMAGE_COUNT * sizeof(float));
    samples->sounds[i] = st_alloc_aligned(window * sizeof(float));
    if (!samples->images[i] || !samples->sounds[i])
        return st_fail_memory(err, "frames to compare", IMAGE_COUNT * sizeof(float));
    st_redraw_crop(redraw, &frame->picture, &frame->box, samples->images[i]);
    samples->count++;
    return st_feature_source_window(sound, index, samples->sounds[i], err);
}

/* Frames that lie evenly over the source. */
static synctalk_status read_samples(struct samples *samples, const struct st_precision_job *job,
                                    const struct st_frame_source *source,
                                    struct st_feature_source *sound, synctalk_error *err)
{
    const struct st_redraw_settings settings = {.blend = SYNCTALK_BLEND_NONE};
    struct st_redraw *redraw = NULL;
    struct st_frame_reader *reader = NULL;
    struct st_frame frame = {0};
    const int64_t frames = source->info.frames, wanted = frames < FRAMES ? frames : FRAMES;
    synctalk_status st;

    if ((st = st_redraw_create(&redraw, &settings, source->info.largest_side, job->kernels, err)) ||
        (st = st_frame_reader_open(&reader, source, true, err)))
        goto done;
    for (int64_t i = 0; i < wanted; i++) {
        const int64_t index = i * frames / wanted;
        if (st_cancelled(job->callbacks)) {
            st = st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
            goto done;
        }
        if ((st = st_frame_reader_read(reader, index, ST_FRAME_FACE, &frame, err)) ||
            (frame.draw && (st = add_sample(samples, job, sound, redraw, &frame, index, err))))
            goto done;
    }
done:
    st_frame_reader_close(&reader);
    st_frame_free(&frame);
    st_redraw_destroy(&redraw);
    return st;
}

/* Ranges where the file has none, then what this CPU makes of them; into the file. */
static synctalk_status calibrate(struct st_unet_calibration_file *file,
                                 const struct st_precision_job *job, const struct samples *samples,
                                 synctalk_error *err)
{
    struct st_unet_samples all = {samples->count, (const float *const *)samples->images,
                                  (const float *const *)samples->sounds, job->callbacks};
    struct st_unet_calibration entry = {.flags = job->kernels->flags,
                                        .target_db = target_db(job->settings)};
    synctalk_status st;
    if (file->count == 0 && ((st = st_unet_recipe_alloc(&file->recipe, job->form, err)) ||
                             (st = st_unet_find_ranges(&file->recipe, job->weights, job->form,
                                                       job->kernels, &all, COMPARED, err))))
        return st;
    if ((st = st_unet_calibrate(&entry, &file->recipe, job->weights, job->form, job->kernels, &all,
                                COMPARED, err)))
        return st;
    st_unet_calibration_add(file, &entry);
    return SYNCTALK_OK;
}

static void remember(const struct st_unet_calibration_file *file, const char *path,
                     const struct st_precision_job *job)
{
    synctalk_error error = {0};
    if (st_unet_calibration_write(file, path, job->form, &error))
        st_log(job->callbacks, SYNCTALK_LOG_INFO, "not remembered for the next time: %s",
               error.message);
}

static synctalk_status without_samples(struct st_unet **out, const struct st_precision_job *job,
                                       synctalk_error *err)
{
    const int precision = job->settings->precision;
    if (precision != SYNCTALK_PRECISION_AUTO)
        return st_fail(err, SYNCTALK_E_MISSING,
                       "%s: what bytes do to it cannot be found out, for the dataset has no frame "
                       "with a face, or neither features nor a sound; give --features FILE.npy, or "
                       "use --precision bf16",
                       job->checkpoint);
    st_log(job->callbacks, SYNCTALK_LOG_INFO,
           "network in f32: the dataset has no sound to try others with; --precision bf16 is "
           "faster");
    return open_uniform(out, job, SYNCTALK_PRECISION_F32, err);
}

synctalk_status st_precision_find(struct st_unet **out, const struct st_precision_job *job,
                                  const struct st_precision_scene *scene, synctalk_error *err)
{
    struct st_unet_calibration_file file = {0};
    struct samples samples = {0};
    struct st_feature_source *sound = NULL;
    struct st_weights *table = NULL;
    char path[ST_PATH_MAX];
    synctalk_status st;

    *out = NULL;
    if ((st = open_sound(&sound, &table, job, scene, err)) ||
        (sound && (st = read_samples(&samples, job, scene->source, sound, err))))
        goto done;
    if (samples.count == 0) {
        st = without_samples(out, job, err);
        goto done;
    }
    st_log(job->callbacks, SYNCTALK_LOG_INFO,
           "finding out which precision this checkpoint bears (once, some seconds)");
    if ((st = read_side(&file, path, job, false, err)) ||
        (st = calibrate(&file, job, &samples, err)))
        goto done;
    remember(&file, path, job);
    const struct st_unet_calibration *entry =
        st_unet_calibration_find(&file, job->kernels->flags, target_db(job->settings));
    st = open_entry(out, job, &file, entry, err);
done:
    st_unet_calibration_free(&file);
    free_samples(&samples);
    st_feature_source_close(&sound);
    st_weights_close(&table);
    return st;
}
