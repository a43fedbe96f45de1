/* SPDX-License-Identifier: Apache-2.0 */
/* Speech against pauses in recordings of people. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "hear/report.h"
#include "hear/score.h"
#include "media/audio_reader.h"

#define CHUNK 512 /* samples that one probability is of */
#define LONGEST_S 600
#define LEVEL_S 0.2
#define LEVEL_RMS 0.1
#define LEVEL_GAIN 1000

static synctalk_status read_sound(float **samples, size_t *count, const char *path,
                                  synctalk_error *err)
{
    struct st_audio_reader *reader = NULL;
    size_t capacity = (size_t)LONGEST_S * SPEECH_HZ, used = 0, got = 1;
    float *made = malloc(capacity * sizeof *made);
    synctalk_status st;

    *samples = NULL;
    if (!made)
        return st_fail_memory(err, "sound", capacity * sizeof *made);
    if ((st = st_audio_reader_open(&reader, path, SPEECH_HZ, 1, err)))
        goto done;
    while (got > 0 && used < capacity) {
        if ((st = st_audio_reader_read(reader, made + used, capacity - used, &got, err)))
            goto done;
        used += got;
    }
    *samples = made;
    *count = used;
    made = NULL;

done:
    st_audio_reader_close(&reader);
    free(made);
    return st;
}

static synctalk_status read_probabilities(float **values, size_t *count, const char *path,
                                          synctalk_error *err)
{
    struct st_weights *weights = NULL;
    synctalk_status st = st_weights_open(&weights, path, err);

    *values = NULL;
    if (st)
        return st;
    const struct st_tensor *tensor = st_weights_at(weights, 0);
    if (st_weights_count(weights) != 1 || !tensor || tensor->count == 0) {
        st = st_fail(err, SYNCTALK_E_FORMAT, "%s: holds no array; one of probabilities is needed",
                     path);
        goto done;
    }
    *count = tensor->count;
    if (!(*values = malloc(tensor->count * sizeof **values))) {
        st = st_fail_memory(err, "probabilities", tensor->count * sizeof **values);
        goto done;
    }
    st_tensor_to_f32(tensor, *values);

done:
    st_weights_close(&weights);
    return st;
}

/* Make everything equally loud: divide by the root mean square of LEVEL_S around. */
static synctalk_status level_out(float *samples, size_t count, synctalk_error *err)
{
    double *sums = malloc((count + 1) * sizeof *sums); /* of squares, before each sample */
    size_t reach = (size_t)(LEVEL_S / 2 * SPEECH_HZ);
    if (!sums)
        return st_fail_memory(err, "sound", count * sizeof *sums);
    sums[0] = 0;
    for (size_t i = 0; i < count; i++)
        sums[i + 1] = sums[i] + (double)samples[i] * (double)samples[i];
    for (size_t i = 0; i < count; i++) {
        size_t from = i > reach ? i - reach : 0, to = i + reach < count ? i + reach : count;
        double rms = sqrt((sums[to] - sums[from]) / (double)(to - from));
        double gain = fmin(LEVEL_RMS / (rms + 1e-9), LEVEL_GAIN);
        samples[i] = (float)fmin(fmax((double)samples[i] * gain, -1), 1);
    }
    free(sums);
    return SYNCTALK_OK;
}

struct material {
    const float *samples;
    size_t sample_count;
    const float *probabilities;
    size_t chunk_count;
};

static float mean(const float *values, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)values[i];
    return (float)(sum / (double)count);
}

static synctalk_status report_once(FILE *file, const char *label, struct hearing *hearing,
                                   const struct material *material, synctalk_error *err)
{
    synctalk_status st;
    float *windows = NULL, *features = NULL, *answers = NULL, *scores = NULL;
    double *middles = NULL;
    bool *speech = NULL;
    size_t count;

    if ((st = hear_windows(&windows, &middles, &count, material->samples, material->sample_count,
                           err)))
        return st;
    features = malloc((count + 1) * ST_AVE_VECTOR * sizeof *features);
    answers = malloc((count + 1) * HEAD_COUNT * sizeof *answers);
    scores = malloc(3 * (count + 1) * sizeof *scores);
    speech = malloc((count + 1) * sizeof *speech);
    if (!features || !answers || !scores || !speech) {
        st = st_fail_memory(err, "features", count * ST_AVE_VECTOR * sizeof *features);
        goto done;
    }
    if ((st = hearing_listen(hearing, windows, count, features, answers, err)))
        goto done;
    float *head = scores, *probe = scores + count, *level = scores + 2 * count;
    size_t voiced = 0, half = count / 2;
    for (size_t i = 0; i < count; i++) {
        size_t chunk = (size_t)(middles[i] * SPEECH_HZ) / CHUNK;
        chunk = chunk < material->chunk_count ? chunk : material->chunk_count - 1;
        voiced += speech[i] = material->probabilities[chunk] >= 0.5f;
        head[i] = answers[i * HEAD_COUNT + HEAD_SPEECH];
        level[i] = mean(windows + i * WINDOW_FLOATS, WINDOW_FLOATS);
    }
    if (score_probe(probe, features, speech, count)) {
        st = st_fail(err, SYNCTALK_E_ARG, "%zu windows are too few for a probe", count);
        goto done;
    }
    fprintf(file, "%-28s %7zu %8.1f %7.3f %7.3f %7.3f\n", label, count,
            100.0 * (double)voiced / (double)count, score_auc(head, speech, count),
            score_auc(probe + half, speech + half, count - half), score_auc(level, speech, count));

done:
    free(windows);
    free(middles);
    free(features);
    free(answers);
    free(scores);
    free(speech);
    return st;
}

synctalk_status report_recording(FILE *file, struct hearing *hearing, const char *audio,
                                 const char *probabilities, synctalk_error *err)
{
    synctalk_status st;
    float *samples = NULL, *values = NULL;
    struct material material = {0};

    if ((st = read_sound(&samples, &material.sample_count, audio, err)) ||
        (st = read_probabilities(&values, &material.chunk_count, probabilities, err)) || !values)
        goto done;
    material.samples = samples;
    material.probabilities = values;
    const char *slash = strrchr(audio, '/');
    fprintf(file, "%-28s %7s %8s %7s %7s %7s\n", "area under the curve", "windows", "speech %",
            "head", "probe", "level");
    if ((st = report_once(file, slash ? slash + 1 : audio, hearing, &material, err)))
        goto done;
    if ((st = level_out(samples, material.sample_count, err)))
        goto done;
    st = report_once(file, "the same, equally loud", hearing, &material, err);

done:
    free(samples);
    free(values);
    return st;
}
