/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "generate/lane.h"
#include "image/canvas.h"
#include "image/picture.h"
#include "support/support.h"
#include "synctalk/vad.h"

#define HZ 16000

static void put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* A WAV of `seconds`, with a vowel in every second whose bit of `voiced` is set, over noise. */
static void write_wav(const char *path, size_t seconds, unsigned voiced)
{
    const size_t count = seconds * HZ;
    uint8_t *bytes = calloc(1, 44 + 2 * count);
    uint64_t seed = 4;
    assert_non_null(bytes);
    memcpy(bytes, "RIFF....WAVEfmt ", 16);
    put32(bytes + 4, (uint32_t)(36 + 2 * count));
    put32(bytes + 16, 16);
    put32(bytes + 20, 0x00010001); /* PCM, mono */
    put32(bytes + 24, HZ);
    put32(bytes + 28, 2 * HZ);
    put32(bytes + 32, 0x00100002); /* 2 bytes a frame, 16 bits a sample */
    memcpy(bytes + 36, "data", 4);
    put32(bytes + 40, (uint32_t)(2 * count));
    for (size_t i = 0; i < count; i++) {
        const double t = (double)i / HZ;
        double x = 0.002 * ((double)st_random_unit(&seed) - 0.5);
        for (int k = 1; k < 20 && (voiced >> i / HZ & 1); k++)
            x += 0.1 / k * sin(2 * M_PI * (120 + 10 * sin(3 * t)) * k * t);
        const int16_t sample = (int16_t)lrint(32767 * x);
        memcpy(bytes + 44 + 2 * i, &sample, 2);
    }
    st_write_file(path, bytes, 44 + 2 * count);
    free(bytes);
}

static const char *path_of(void **state, const char *name)
{
    static char path[4200];
    snprintf(path, sizeof path, "%s/%s", (const char *)*state, name);
    return path;
}

/* Settings that find no shared network. */
static synctalk_vad_settings settings_of(void **state)
{
    synctalk_vad_settings s;
    synctalk_vad_settings_init(&s);
    s.root = *state;
    return s;
}

/* Segments as text, each end rounded to a quarter of a second. */
static void expect_segments(const synctalk_vad *vad, const char *want)
{
    char text[256] = "";
    double at = 0;
    for (size_t i = 0; i < synctalk_vad_count(vad); i++) {
        const synctalk_vad_segment s = synctalk_vad_at(vad, i);
        assert_true(s.start == at && s.end > s.start);
        at = s.end;
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%g", s.speech ? "s" : "-",
                 round(4 * s.end) / 4);
    }
    assert_true(at == synctalk_vad_duration(vad));
    assert_string_equal(text, want);
}

/* Guards: times that are off, silences shorter than the least, a timeline with a hole. */
static void test_segments(void **state)
{
    const char *sound = path_of(state, "sound.wav");
    synctalk_vad_settings s = settings_of(state);
    synctalk_vad *vad;
    write_wav(sound, 10, 0x05c); /* speech in 2...5 and 6...7 */

    ST_OK(synctalk_vad_run(&vad, &s, sound, NULL, NULL, err));
    assert_string_equal(synctalk_vad_name(vad), "built-in");
    expect_segments(vad, "-2s5-6s7-10");
    assert_int_equal(synctalk_vad_at(vad, 99).speech, 0);
    synctalk_vad_close(&vad);
    assert_null(vad);
    synctalk_vad_close(&vad);

    s.min_silence_duration = 1.5;
    ST_OK(synctalk_vad_run(&vad, &s, sound, NULL, NULL, err));
    expect_segments(vad, "-2s7-10");
    synctalk_vad_close(&vad);

    s.min_silence_duration = 0;
    s.min_speech_ms = 2000;
    ST_OK(synctalk_vad_run(&vad, &s, sound, NULL, NULL, err));
    expect_segments(vad, "-2s5-10");
    synctalk_vad_close(&vad);
}

/* Guards: recordings of one kind alone, and of a few samples. */
static void test_one_kind(void **state)
{
    const char *sound = path_of(state, "sound.wav");
    const synctalk_vad_settings s = settings_of(state);
    synctalk_vad *vad;
    write_wav(sound, 5, 0);
    ST_OK(synctalk_vad_run(&vad, &s, sound, NULL, NULL, err));
    expect_segments(vad, "-5");
    synctalk_vad_close(&vad);
    write_wav(sound, 5, ~0u);
    ST_OK(synctalk_vad_run(&vad, &s, sound, NULL, NULL, err));
    expect_segments(vad, "s5");
    synctalk_vad_close(&vad);
}

static void expect_refused(const synctalk_vad_settings *s, const char *sound, synctalk_status want,
                           const char *says)
{
    synctalk_vad *vad;
    synctalk_error error = {0};
    assert_int_equal(synctalk_vad_run(&vad, s, sound, NULL, NULL, &error), want);
    assert_null(vad);
    if (!strstr(error.message, says))
        fail_msg("\"%s\" does not say %s", error.message, says);
}

static void test_refused(void **state)
{
    const char *sound = path_of(state, "sound.wav");
    synctalk_vad_settings s = settings_of(state);
    write_wav(sound, 0, 0);
    expect_refused(&s, sound, SYNCTALK_E_FORMAT, "sound.wav");
    expect_refused(&s, "", SYNCTALK_E_ARG, "no sound");
    expect_refused(&s, NULL, SYNCTALK_E_ARG, "no sound");
    expect_refused(&s, "/no/such.wav", SYNCTALK_E_MISSING, "/no/such.wav");
    st_write_file(sound, "this is no sound at all", 23);
    expect_refused(&s, sound, SYNCTALK_E_FORMAT, "sound.wav");
    write_wav(sound, 1, 1);
    s.vad = SYNCTALK_VAD_SILERO;
    expect_refused(&s, sound, SYNCTALK_E_MISSING, "silero_vad_16k_v6.safetensors");
    s.vad_model = "/no/such.safetensors";
    expect_refused(&s, sound, SYNCTALK_E_MISSING, "/no/such.safetensors");
    s.vad = SYNCTALK_VAD_AUTO; /* a file that was named must be there */
    expect_refused(&s, sound, SYNCTALK_E_MISSING, "/no/such.safetensors");
    s.vad = SYNCTALK_VAD_BUILTIN;
    expect_refused(&s, sound, SYNCTALK_E_ARG, "vad-model");
    s.vad_model = NULL;
    s.vad_threshold = 0.95;
    expect_refused(&s, sound, SYNCTALK_E_ARG, "0.1 to 0.9");
    s.vad_threshold = NAN;
    expect_refused(&s, sound, SYNCTALK_E_ARG, "vad-threshold");
    expect_refused(NULL, sound, SYNCTALK_E_ARG, "synctalk_vad_settings_init");
}

static int cancel(void *user)
{
    (void)user;
    return 1;
}

static void test_cancelled(void **state)
{
    const char *sound = path_of(state, "sound.wav");
    const synctalk_vad_settings s = settings_of(state);
    const synctalk_callbacks callbacks = {.cancelled = cancel};
    synctalk_vad *vad;
    write_wav(sound, 2, 1);
    assert_int_equal(synctalk_vad_run(&vad, &s, sound, NULL, &callbacks, NULL),
                     SYNCTALK_E_CANCELLED);
    assert_null(vad);
}

/* Guards: probabilities beside their chunks, a last one that is missing, and 8 bytes for each chunk
 * of every sound where nobody asked for them. */
static void test_trace(void **state)
{
    const char *sound = path_of(state, "sound.wav");
    synctalk_vad_settings s = settings_of(state);
    synctalk_vad *vad;
    write_wav(sound, 10, 0x05c); /* speech in 2...5 and 6...7 */
    ST_OK(synctalk_vad_run(&vad, &s, sound, NULL, NULL, err));
    assert_int_equal(synctalk_vad_chunks(vad), 0);
    assert_true(synctalk_vad_chunk_at(vad, 0).peak == 0);
    synctalk_vad_close(&vad);

    s.trace = 1;
    ST_OK(synctalk_vad_run(&vad, &s, sound, NULL, NULL, err));
    const size_t count = synctalk_vad_chunks(vad);
    assert_int_equal(count, (10 * HZ + SYNCTALK_VAD_CHUNK - 1) / SYNCTALK_VAD_CHUNK);
    for (size_t i = 0; i < count; i++) {
        const synctalk_vad_chunk chunk = synctalk_vad_chunk_at(vad, i);
        const double t = (double)i * SYNCTALK_VAD_CHUNK / HZ;
        assert_true(chunk.probability >= 0 && chunk.probability <= 1);
        assert_true(chunk.peak > 0 && chunk.peak < 1);
        if ((t > 2.3 && t < 4.7) || (t > 6.3 && t < 6.7))
            assert_true(chunk.probability > 0.5f && chunk.peak > 0.1f);
        if (t < 1.7 || (t > 5.3 && t < 5.7) || t > 7.3)
            assert_true(chunk.probability < 0.5f && chunk.peak < 0.01f);
    }
    assert_true(synctalk_vad_chunk_at(vad, count).probability == 0);
    synctalk_vad_close(&vad);
}

static bool has_cairo(void)
{
    struct st_canvas *canvas;
    bool has = st_canvas_open(&canvas, 1, 1, NULL) == SYNCTALK_OK;
    st_canvas_close(&canvas);
    return has;
}

/* Colour of a pixel as 0xRRGGBB. */
static unsigned pixel(const struct st_picture *picture, int x, int y)
{
    const uint8_t *p = picture->data + (size_t)y * picture->stride + (size_t)x * 3;
    return (unsigned)p[2] << 16 | (unsigned)p[1] << 8 | p[0];
}

/* Guards: shades that stand elsewhere than their segments; a plot that is overwritten, or
 * refused only after the work. */
static void test_plot(void **state)
{
    char plot[4200];
    struct st_picture picture = {0};
    synctalk_vad_settings s = settings_of(state);
    synctalk_error error = {0};
    synctalk_vad *vad;
    snprintf(plot, sizeof plot, "%s/plot.png", (const char *)*state);
    const char *sound = path_of(state, "s\xffp\xc3\xa5"
                                       "ch.wav"); /* no UTF-8, then UTF-8 */
    write_wav(sound, 10, 0x0fc);                  /* speech in 2...8 */
    synctalk_status st = synctalk_vad_run(&vad, &s, sound, plot, NULL, &error);
    if (!has_cairo()) {
        assert_int_equal(st, SYNCTALK_E_UNSUPPORTED);
        assert_non_null(strstr(error.message, "cairo"));
        assert_null(vad);
        return;
    }
    assert_int_equal(st, SYNCTALK_OK);
    expect_segments(vad, "-2s8-10");
    synctalk_vad_close(&vad);
    ST_OK(st_png_read(&picture, plot, err));
    assert_int_equal(picture.width, 1200);
    assert_int_equal(picture.height, 400);
    const int row = 229; /* the strip of segments */
    const unsigned silence = pixel(&picture, 100, row);
    const unsigned speech = pixel(&picture, 600, row);
    assert_true(silence != speech);
    for (int x = 56; x < 1180; x++) {
        const double t = 10.0 * (x - 54) / 1128;
        if (fabs(t - 2) > 0.2 && fabs(t - 8) > 0.2)
            assert_int_equal(pixel(&picture, x, row), t > 2 && t < 8 ? speech : silence);
    }
    st_picture_free(&picture);

    assert_int_equal(synctalk_vad_run(&vad, &s, sound, plot, NULL, &error), SYNCTALK_E_EXISTS);
    s.overwrite = 1;
    ST_OK(synctalk_vad_run(&vad, &s, sound, plot, NULL, err));
    synctalk_vad_close(&vad);
    assert_int_equal(synctalk_vad_run(&vad, &s, sound, "/no/such/folder/x.png", NULL, &error),
                     SYNCTALK_E_MISSING);
    unlink(sound);
}

/* Guards: sums and extremes that change, or buckets out of bounds, as a lane grows. */
static void test_lane(void **state)
{
    (void)state;
    const int64_t counts[] = {0, 1, 8191, 8192, 8193, 16384, 16385, 100001};
    struct st_lane *lane = malloc(sizeof *lane);
    assert_non_null(lane);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        memset(lane, 0, sizeof *lane);
        double sum = 0;
        for (int64_t i = 0; i < counts[c]; i++) {
            st_lane_add(lane, (float)-i, (float)i, (double)i);
            sum += (double)i;
        }
        const struct st_lane_bucket all = st_lane_part(lane, 0, (double)counts[c]);
        assert_int_equal(all.items, counts[c]);
        assert_true(all.sum == sum);
        if (counts[c] == 0)
            continue;
        assert_true(all.high == (float)(counts[c] - 1) && all.low == -all.high);
        const double middle = (double)counts[c] / 2;
        const struct st_lane_bucket one = st_lane_part(lane, middle, middle + 0.01);
        assert_int_equal(one.items <= lane->unit && one.items > 0, 1);
        assert_true(fabs((double)one.high - middle) <= (double)lane->unit);
    }
    free(lane);
}

static int setup(void **state)
{
    *state = st_scratch_create();
    return 0;
}

static int teardown(void **state)
{
    st_scratch_remove(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segments), cmocka_unit_test(test_one_kind),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_trace),    cmocka_unit_test(test_plot),
        cmocka_unit_test(test_lane),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
