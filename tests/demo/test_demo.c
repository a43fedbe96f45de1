/* SPDX-License-Identifier: Apache-2.0 */
/* The demo person end to end: sentences and voices that neither network was trained on go
 * through both, and the mouth that comes out is held against the one that the renderer
 * draws for the same moment. The opening is read off the picture, by colour.
 *
 * Guards weights that do not belong together, features that lag behind the sound, and a
 * network that ignores it: the last case shows that late sound is noticed.
 */
#include "support/support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cpu.h"
#include "base/pool.h"
#include "face/redraw.h"
#include "generate/feature_source.h"
#include "kernels/kernels.h"
#include "models/unet.h"
#include "person/motion.h"
#include "person/person.h"
#include "speech/speech.h"
#include "speech/track.h"
#include "speech/wav.h"

#define PLANE ((size_t)ST_UNET_SIDE * ST_UNET_SIDE)
#define FRAMES_MAX 512
#define MOTION_SEED 1000001u /* of no film that was trained on */
#define LATE_SECONDS 0.4
#define PAUSE_SECONDS 2.0
/* The mouth region of an inner crop, both ends included; that of a training's score. */
#define MOUTH_TOP 120
#define MOUTH_BOTTOM 309
#define MOUTH_LEFT 60
#define MOUTH_RIGHT 259

/* Two sentences and a pause between them, in one voice. */
struct recording {
    const char *voice, *first, *second;
};

static const struct recording recordings[] = {
    {"flite/awb", "Five brave foxes jumped over the muddy path.", "Please move both blue boxes."},
    {"espeak/de+f5", "Bitte bring mir beide Bücher.", "Am Abend fahren wir nach Oldenburg."},
};
#define RECORDINGS (sizeof recordings / sizeof *recordings)

enum sound { ON_TIME, LATE, SOUNDS };

/* Levels of blue below which a pixel may count as inside the mouth: skin and the lips' edges
 * are brighter, tongue and the dark are not. The one that reads true frames best is used. */
#define LEVELS 6
#define LEVEL_FIRST 100
#define LEVEL_STEP 10
#define TOOTH_RED 0.19 /* teeth are less red than this, (red - green) / red */

/* What was measured in one frame. */
struct reading {
    double known;                     /* opening by the renderer */
    double drawn[LEVELS];             /* read off the picture that the renderer drew */
    double generated[SOUNDS][LEVELS]; /* read off the picture that the network drew */
    double psnr;
    bool pause;
};

struct worker {
    struct person_studio *studio;
    struct st_unet_worker *unet;
    struct st_redraw *redraw;
    struct st_picture source, truth, picture;
    float *input, *target, *prediction;
};

struct bench {
    struct st_kernels kernels;
    struct st_pool *pool;
    struct person *person;
    struct st_unet *unet;
    struct st_unet_form form;
    struct st_encoder *encoder;
    struct speech_synth *synth;
    struct worker *workers;
    float lips; /* width at rest, in sides of the crop */
    char *scratch;
    float *windows[SOUNDS]; /* of the recording at work, [FRAMES_MAX, window, vector] */
    struct track *track;
    struct track *other; /* what the source frames say */
    double pause_from, pause_to;
    struct reading readings[RECORDINGS * FRAMES_MAX];
    size_t first, count; /* of the recording at work; of all */
};

static void shape_at(const struct track *track, double seconds, struct mouth_shape *shape)
{
    struct mouth m;
    track_at(track, seconds, &m);
    *shape = (struct mouth_shape){.jaw = m.part[MOUTH_JAW],
                                  .width = m.part[MOUTH_WIDTH],
                                  .round = m.part[MOUTH_ROUND],
                                  .closed = m.part[MOUTH_CLOSED],
                                  .teeth = m.part[MOUTH_TEETH],
                                  .tongue_tip = m.part[MOUTH_TONGUE_TIP],
                                  .tongue_back = m.part[MOUTH_TONGUE_BACK],
                                  .upper_raise = m.part[MOUTH_UPPER_RAISE],
                                  .lower_tuck = m.part[MOUTH_LOWER_TUCK]};
}

static void open_worker(struct worker *w, const struct bench *b)
{
    const struct st_redraw_settings settings = {.blend = SYNCTALK_BLEND_EDGE, .feather_px = 8};
    ST_OK(person_studio_create(&w->studio, b->person, err));
    ST_OK(st_unet_worker_open(&w->unet, b->unet, err));
    ST_OK(st_redraw_create(&w->redraw, &settings, PERSON_SIDE, &b->kernels, err));
    w->input = calloc(6 * PLANE, sizeof(float));
    w->target = calloc(6 * PLANE, sizeof(float));
    w->prediction = calloc(3 * PLANE, sizeof(float));
    assert_true(w->input && w->target && w->prediction);
}

static void close_worker(struct worker *w)
{
    person_studio_free(&w->studio);
    st_unet_worker_close(&w->unet);
    st_redraw_destroy(&w->redraw);
    st_picture_free(&w->source);
    st_picture_free(&w->truth);
    st_picture_free(&w->picture);
    free(w->input);
    free(w->target);
    free(w->prediction);
}

static struct st_point between_corners(const struct st_landmarks *marks, float *width)
{
    const struct st_landmark_layout *layout = st_landmark_layout(marks->count);
    const struct st_point left = marks->points[layout->lips_inner[0]];
    const struct st_point right = marks->points[layout->lips_inner[4]];
    if (width)
        *width = right.x - left.x;
    return (struct st_point){(left.x + right.x) / 2, (left.y + right.y) / 2};
}

static void measure_lips(struct bench *b)
{
    const struct pose rest = {.mouth = {.closed = 1}};
    struct st_landmarks marks;
    struct st_crop_box box;
    float width;
    ST_OK(person_render(b->workers[0].studio, &rest, &b->workers[0].truth, &marks, NULL, err));
    ST_OK(st_crop_box_from_landmarks(&box, &marks, "the person", err));
    between_corners(&marks, &width);
    b->lips = width / (float)box.side;
}

static void open_bench(struct bench *b)
{
    struct st_weights *weights;
    char path[1024];
    const char *source = getenv("ST_TEST_SOURCE");
    assert_non_null(source);
    st_kernels_init(&b->kernels, ~0u);
    ST_OK(st_pool_create(&b->pool, st_cpu_cores(), err));
    ST_OK(person_create(&b->person, PERSON_SEED, err));
    snprintf(path, sizeof path, "%s/data/demo/0.safetensors", source);
    ST_OK(st_weights_open(&weights, path, err));
    ST_OK(st_unet_recognise(&b->form, weights, SYNCTALK_ENCODER_AVE, err));
    ST_OK(st_unet_open(&b->unet, weights, &b->form, &b->kernels, err));
    st_weights_close(&weights);
    snprintf(path, sizeof path, "%s/data/audio_visual_encoder.safetensors", source);
    ST_OK(st_encoder_open(&b->encoder, SYNCTALK_ENCODER_AVE, path,
                          &(struct st_encoder_options){.kernels = &b->kernels}, err));
    ST_OK(speech_open(&b->synth, err));
    b->workers = calloc((size_t)st_pool_workers(b->pool), sizeof *b->workers);
    assert_non_null(b->workers);
    for (int i = 0; i < st_pool_workers(b->pool); i++)
        open_worker(&b->workers[i], b);
    for (int i = 0; i < SOUNDS; i++) {
        b->windows[i] = calloc(FRAMES_MAX * (size_t)b->form.window * b->form.vector, sizeof(float));
        assert_non_null(b->windows[i]);
    }
    b->scratch = st_scratch_create();
    measure_lips(b);
}

static void close_bench(struct bench *b)
{
    for (int i = 0; i < st_pool_workers(b->pool); i++)
        close_worker(&b->workers[i]);
    free(b->workers);
    for (int i = 0; i < SOUNDS; i++)
        free(b->windows[i]);
    speech_close(&b->synth);
    st_encoder_close(&b->encoder);
    st_unet_close(&b->unet);
    person_free(&b->person);
    st_pool_destroy(&b->pool);
    st_scratch_remove(b->scratch);
}

static bool is_inside(const uint8_t *pixel, int level)
{
    return pixel[0] < level || pixel[2] - pixel[1] < TOOTH_RED * pixel[2];
}

/* Rows that the mouth takes in one column: what is inside around its darkest pixel. */
static int read_column(const struct st_picture *picture, int x, int top, int bottom, int level)
{
    const size_t stride = picture->stride;
    const uint8_t *column = picture->data + (size_t)x * 3;
    int darkest = 3 * 256;
    int middle = top;
    for (int y = top; y <= bottom; y++) {
        const uint8_t *p = column + (size_t)y * stride;
        const int light = p[0] + p[1] + p[2];
        if (light >= darkest)
            continue;
        darkest = light;
        middle = y;
    }
    if (!is_inside(column + (size_t)middle * stride, level))
        return 0;
    int first = middle;
    int last = middle;
    while (first > top && is_inside(column + (size_t)(first - 1) * stride, level))
        first--;
    while (last < bottom && is_inside(column + (size_t)(last + 1) * stride, level))
        last++;
    return last - first + 1;
}

/* The mouth's opening as a share of the crop's side, mean over its middle columns. `place`:
 * between the corners of the lips. */
static double read_level(const struct bench *b, const struct st_picture *picture,
                         struct st_point place, double side, int level)
{
    const double width = (double)b->lips * side;
    const int left = (int)((double)place.x - 0.12 * width);
    const int right = (int)((double)place.x + 0.12 * width);
    const int top = (int)((double)place.y - 0.22 * width);
    const int bottom = (int)((double)place.y + 0.62 * width);
    int sum = 0;
    for (int x = left; x <= right; x++)
        sum += read_column(picture, x, top, bottom, level);
    return (double)sum / (right - left + 1) / side;
}

static void read_opening(const struct bench *b, const struct st_picture *picture,
                         struct st_point place, double side, double openings[LEVELS])
{
    for (int i = 0; i < LEVELS; i++)
        openings[i] = read_level(b, picture, place, side, LEVEL_FIRST + i * LEVEL_STEP);
}

static double mouth_psnr(const float *prediction, const float *target)
{
    double sum = 0;
    for (size_t c = 0; c < 3; c++)
        for (int y = MOUTH_TOP; y <= MOUTH_BOTTOM; y++)
            for (int x = MOUTH_LEFT; x <= MOUTH_RIGHT; x++) {
                const size_t at = c * PLANE + (size_t)y * ST_UNET_SIDE + (size_t)x;
                const double d =
                    floor((double)(prediction[at] * 255.0f)) - rint((double)target[at] * 255);
                sum += d * d;
            }
    const double count = 3.0 * (MOUTH_BOTTOM - MOUTH_TOP + 1) * (MOUTH_RIGHT - MOUTH_LEFT + 1);
    return sum > 0 ? 10 * log10(65025.0 * count / sum) : 99;
}

/* What the network makes of a sound in the source frame at hand, into `picture`. */
static void draw(struct bench *b, struct worker *w, size_t frame, enum sound sound,
                 const struct st_crop_box *box, const struct st_landmarks *marks)
{
    const size_t window = (size_t)b->form.window * b->form.vector;
    ST_OK(st_picture_resize(&w->picture, w->source.width, w->source.height, err));
    memcpy(w->picture.data, w->source.data, w->source.stride * (size_t)w->source.height);
    st_redraw_crop(w->redraw, &w->picture, box, w->input);
    ST_OK(
        st_unet_run(w->unet, 1, w->input, b->windows[sound] + frame * window, w->prediction, err));
    st_redraw_paste(w->redraw, &w->picture, w->prediction, marks, NULL);
}

static void measure_frame(void *context, size_t frame, int worker)
{
    struct bench *b = context;
    struct worker *w = &b->workers[worker];
    struct reading *reading = &b->readings[b->first + frame];
    const struct motion motion = {.seed = MOTION_SEED, .life = 1};
    const double seconds = (double)frame / PERSON_FPS;
    struct pose pose = {.blink = 0};
    struct st_landmarks marks;
    struct st_crop_box box;
    float opening;

    motion_pose(&pose, &motion, seconds, 0.7f);
    shape_at(b->track, seconds, &pose.mouth);
    ST_OK(person_render(w->studio, &pose, &w->truth, &marks, &opening, err));
    ST_OK(st_crop_box_from_landmarks(&box, &marks, "the true frame", err));
    st_redraw_crop(w->redraw, &w->truth, &box, w->target);

    shape_at(b->other, seconds, &pose.mouth);
    ST_OK(person_render(w->studio, &pose, &w->source, &marks, NULL, err));
    ST_OK(st_crop_box_from_landmarks(&box, &marks, "the source frame", err));
    const struct st_point place = between_corners(&marks, NULL);
    reading->known = (double)opening;
    read_opening(b, &w->truth, place, box.side, reading->drawn);
    for (int sound = 0; sound < SOUNDS; sound++) {
        draw(b, w, frame, sound, &box, &marks);
        if (sound == ON_TIME)
            reading->psnr = mouth_psnr(w->prediction, w->target);
        read_opening(b, &w->picture, place, box.side, reading->generated[sound]);
    }
    reading->pause = seconds >= b->pause_from && seconds < b->pause_to;
}

/* Windows of a sound that begins `late` seconds later. */
static void hear(struct bench *b, enum sound which, const struct speech *speech, double late,
                 size_t frames)
{
    char path[1024];
    struct st_feature_source *features;
    const size_t shift = (size_t)(late * SPEECH_HZ);
    const size_t window = (size_t)b->form.window * b->form.vector;
    float *samples = calloc(speech->count + shift, sizeof *samples);
    assert_non_null(samples);
    memcpy(samples + shift, speech->samples, speech->count * sizeof *samples);
    snprintf(path, sizeof path, "%s/sound.wav", b->scratch);
    ST_OK(wav_write(path, samples, speech->count + shift, SPEECH_HZ, err));
    ST_OK(st_feature_source_from_sound(&features, path, b->encoder, b->form.window, NULL, err));
    for (size_t i = 0; i < frames; i++)
        ST_OK(st_feature_source_window(features, (int64_t)i, b->windows[which] + i * window, err));
    st_feature_source_close(&features);
    free(samples);
}

static void say(struct bench *b, const struct recording *recording, struct speech *out)
{
    struct speech first;
    struct speech second;
    const struct speech_voice *voice = speech_voice_find(recording->voice);
    assert_true(voice && voice->held_out);
    ST_OK(speech_say(b->synth, voice, recording->first, NULL, &first, err));
    ST_OK(speech_say(b->synth, voice, recording->second, NULL, &second, err));
    ST_OK(speech_join(out, &first, PAUSE_SECONDS, &second, err));
    const double middle =
        (speech_seconds(&first) + speech_seconds(out) - speech_seconds(&second)) / 2;
    b->pause_from = middle - PAUSE_SECONDS / 2;
    b->pause_to = middle + PAUSE_SECONDS / 2;
    speech_free(&first);
    speech_free(&second);
}

static void measure(struct bench *b, const struct recording *recording)
{
    struct speech speech;
    struct speech other;
    say(b, recording, &speech);
    ST_OK(speech_say(b->synth, speech_voice_find("espeak/en-us+f2"),
                     sentence_demo(SPEECH_ENGLISH, 3), NULL, &other, err));
    ST_OK(track_create(&b->track, speech.spans, speech.span_count, err));
    ST_OK(track_create(&b->other, other.spans, other.span_count, err));
    const size_t frames = (size_t)(speech_seconds(&speech) * PERSON_FPS);
    assert_in_range(frames, 2, FRAMES_MAX);
    hear(b, ON_TIME, &speech, 0, frames);
    hear(b, LATE, &speech, LATE_SECONDS, frames);
    b->first = b->count;
    b->count += frames;
    st_pool_for(b->pool, frames, measure_frame, b);
    track_destroy(&b->track);
    track_destroy(&b->other);
    speech_free(&other);
    speech_free(&speech);
}

/* Of the known opening with another number of every reading, `offset` bytes into it. */
static double correlation(const struct bench *b, size_t offset)
{
    double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0;
    const double n = (double)b->count;
    for (size_t i = 0; i < b->count; i++) {
        const double x = b->readings[i].known;
        double y;
        memcpy(&y, (const char *)&b->readings[i] + offset, sizeof y);
        sx += x;
        sy += y;
        sxx += x * x;
        syy += y * y;
        sxy += x * y;
    }
    return (n * sxy - sx * sy) / sqrt((n * sxx - sx * sx) * (n * syy - sy * sy));
}

static size_t of_drawn(int level)
{
    return offsetof(struct reading, drawn) + (size_t)level * sizeof(double);
}

static size_t of_generated(enum sound sound, int level)
{
    return offsetof(struct reading, generated) +
           ((size_t)sound * LEVELS + (size_t)level) * sizeof(double);
}

struct verdict {
    int level;                   /* the one that was chosen */
    double drawn, on_time, late; /* correlations with the known opening */
    double psnr;                 /* mean over frames, dB */
    double shut;                 /* part of the pause in which the mouth is closed */
};

/* Closed: within a tenth of the widest opening of what is read off a mouth at rest. */
static double part_shut(const struct bench *b, int level)
{
    double most = 0;
    double rest = 0;
    int resting = 0;
    int shut = 0;
    for (size_t i = 0; i < b->count; i++) {
        const struct reading *r = &b->readings[i];
        most = fmax(most, r->drawn[level]);
        rest += r->pause ? r->drawn[level] : 0;
        resting += r->pause;
    }
    assert_true(resting > 0);
    rest /= resting;
    for (size_t i = 0; i < b->count; i++) {
        const struct reading *r = &b->readings[i];
        shut += r->pause && r->generated[ON_TIME][level] <= rest + 0.1 * (most - rest);
    }
    return (double)shut / resting;
}

static void judge(const struct bench *b, struct verdict *v)
{
    *v = (struct verdict){.drawn = -1};
    for (int i = 0; i < LEVELS; i++) {
        const double r = correlation(b, of_drawn(i));
        if (r > v->drawn) {
            v->drawn = r;
            v->level = i;
        }
    }
    v->on_time = correlation(b, of_generated(ON_TIME, v->level));
    v->late = correlation(b, of_generated(LATE, v->level));
    v->shut = part_shut(b, v->level);
    for (size_t i = 0; i < b->count; i++)
        v->psnr += b->readings[i].psnr / (double)b->count;
}

static void write_readings(const struct bench *b, int level, const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("known\tdrawn\tgenerated\tlate\tpsnr\tpause\n", file);
    for (size_t i = 0; i < b->count; i++) {
        const struct reading *r = &b->readings[i];
        fprintf(file, "%.4f\t%.4f\t%.4f\t%.4f\t%.2f\t%d\n", r->known, r->drawn[level],
                r->generated[ON_TIME][level], r->generated[LATE][level], r->psnr, r->pause);
    }
    fclose(file);
}

static void mouth_follows_sound_never_heard(void **state)
{
    (void)state;
    struct verdict v;
    struct bench *b = calloc(1, sizeof *b);
    assert_non_null(b);
    if (!speech_engine_present(SPEECH_FLITE) || !speech_engine_present(SPEECH_ESPEAK)) {
        fprintf(stderr, "SKIPPED: this build has not both flite and espeak-ng\n");
        free(b);
        skip();
    }
    open_bench(b);
    for (size_t i = 0; i < RECORDINGS; i++)
        measure(b, &recordings[i]);
    judge(b, &v);
    printf("%zu frames: opening read off true frames %.3f, generated %.3f, with sound %.1f s late "
           "%.3f (correlation with the known one); mouth %.2f dB; closed in %.1f %% of pauses\n",
           b->count, v.drawn, v.on_time, LATE_SECONDS, v.late, v.psnr, 100 * v.shut);
    if (getenv("ST_DEMO_READINGS"))
        write_readings(b, v.level, getenv("ST_DEMO_READINGS"));
    close_bench(b);
    free(b);
    assert_true(v.drawn >= 0.95);
    assert_true(v.on_time >= 0.85);
    assert_true(v.psnr >= 27);
    assert_true(v.shut >= 0.95);
    assert_true(v.late < v.on_time - 0.3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mouth_follows_sound_never_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
