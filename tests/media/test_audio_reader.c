/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media/audio_reader.h"
#include "media/media_support.h"
#include "media/video_writer.h"
#include "support/support.h"

struct sound {
    struct st_audio_info info;
    float *samples;
    size_t count; /* sample frames */
    int64_t damaged;
};

/* All of a file that must be readable, `step` frames at a time. */
static struct sound read_all(const char *path, int hz, int channels, size_t step)
{
    struct sound s = {0};
    struct st_audio_reader *reader;
    size_t capacity = 1 << 16;
    size_t got = 1;

    ST_OK(st_audio_reader_open(&reader, path, hz, channels, err));
    s.info = *st_audio_reader_info(reader);
    s.samples = malloc(capacity * 2 * sizeof *s.samples);
    assert_non_null(s.samples);
    while (got) {
        if (s.count + step > capacity) {
            capacity *= 2;
            s.samples = realloc(s.samples, capacity * 2 * sizeof *s.samples);
            assert_non_null(s.samples);
        }
        ST_OK(st_audio_reader_read(reader, s.samples + s.count * (size_t)s.info.channels, step,
                                   &got, err));
        assert_true(got <= step);
        s.count += got;
    }
    s.damaged = st_audio_reader_damaged(reader);
    st_audio_reader_close(&reader);
    assert_null(reader);
    return s;
}

static synctalk_error refused(const char *path)
{
    struct st_audio_reader *reader = (struct st_audio_reader *)1;
    synctalk_error error = {0};
    synctalk_status st = st_audio_reader_open(&reader, path, 16000, 1, &error);
    assert_int_not_equal(st, SYNCTALK_OK);
    assert_int_equal(st, error.status);
    assert_null(reader);
    if (!strstr(error.message, path))
        fail_msg("\"%s\" does not name %s", error.message, path);
    return error;
}

static void expect(const char *path, synctalk_status status, const char *words)
{
    synctalk_error error = refused(path);
    if (error.status != status || !strstr(error.message, words))
        fail_msg("%s: %d \"%s\", wanted %d \"%s\"", path, error.status, error.message, status,
                 words);
}

/* Root mean square of the difference from the tone, channels averaged, away from the ends.
 * A shift by one sample at 16 kHz makes 0.06. */
static double off_tone(const struct sound *s, int hz, int channels, int shift)
{
    double sum = 0;
    for (size_t n = 200; n + 200 < s->count; n++) {
        double want = 0;
        for (int c = 0; c < channels; c++)
            want += (double)tone((int64_t)n + shift, hz, c) / channels;
        double off = want - (double)s->samples[n * (size_t)s->info.channels];
        sum += off * off;
    }
    return sqrt(sum / (double)(s->count - 400));
}

static void assert_near(double off, double limit)
{
    if (!(off < limit))
        fail_msg("%.3g from the tone, at most %.3g allowed", off, limit);
}

static const char *make_wav(const char *dir, enum wav_kind kind, int hz, int channels, size_t count)
{
    char name[64];
    snprintf(name, sizeof name, "%d_%d_%d_%zu.wav", kind, hz, channels, count);
    float *samples = calloc(count * (size_t)channels + 1, sizeof *samples);
    assert_non_null(samples);
    for (size_t i = 0; i < count * (size_t)channels; i++)
        samples[i] = tone((int64_t)i / channels, hz, (int)(i % (size_t)channels));
    const char *path = in_dir(dir, name);
    wav_write(path, kind, hz, channels, samples, count);
    free(samples);
    return path;
}

/* Guards: every sample of a plain file, in every sample format; mono is the plain mean of
 * all channels (weights that leave out channel 4, or attenuate the centre, fail it). */
static void test_wav(void **state)
{
    static const enum wav_kind kinds[] = {WAV_U8, WAV_S16, WAV_S24, WAV_F32};
    static const int channels[] = {1, 2, 6, 7, 11};
    for (size_t k = 0; k < 4; k++)
        for (size_t c = 0; c < 5; c++) {
            const char *path = make_wav(*state, kinds[k], 16000, channels[c], 5000);
            struct sound s = read_all(path, 16000, 1, 777);
            assert_int_equal(s.count, 5000);
            assert_int_equal(s.info.channels, 1);
            assert_int_equal(s.info.source_channels, channels[c]);
            assert_int_equal(s.info.source_hz, 16000);
            assert_near(off_tone(&s, 16000, channels[c], 0), (kinds[k] == WAV_U8 ? 6e-3 : 5e-5));
            free(s.samples);
        }
}

/* Guards: samples lost at the end of the resampler, a shift in time, the wrong pitch. */
static void test_rates(void **state)
{
    static const int rates[] = {8000, 11025, 22050, 44100, 48000, 96000};
    for (size_t i = 0; i < sizeof rates / sizeof *rates; i++) {
        const char *path = make_wav(*state, WAV_F32, rates[i], 1, (size_t)rates[i] * 3 / 2);
        struct sound s = read_all(path, 16000, 1, 16000);
        assert_int_equal(s.info.source_hz, rates[i]);
        assert_int_equal(s.info.rate_hz, 16000);
        assert_in_range(s.count, 24000 - 1, 24000 + 1);
        assert_near(off_tone(&s, 16000, 1, 0), 5e-3);
        free(s.samples);
        s = read_all(path, 0, 1, 4096);
        assert_int_equal(s.info.rate_hz, rates[i]);
        assert_int_equal(s.count, (size_t)rates[i] * 3 / 2);
        free(s.samples);
    }
}

/* Guards: the output of a read depending on how much was asked for. */
static void test_steps(void **state)
{
    const char *path = make_wav(*state, WAV_S16, 44100, 2, 40000);
    struct sound a = read_all(path, 16000, 1, 16000);
    struct sound b = read_all(path, 16000, 1, 1);
    assert_int_equal(a.count, b.count);
    assert_memory_equal(a.samples, b.samples, a.count * sizeof *a.samples);
    free(a.samples);
    free(b.samples);
}

/* "At most two": one stays one, two stay two, six become two. */
static void test_two_channels(void **state)
{
    static const int channels[] = {1, 2, 6, 7};
    for (size_t c = 0; c < 4; c++) {
        const char *path = make_wav(*state, WAV_F32, 16000, channels[c], 4000);
        struct sound s = read_all(path, 0, 2, 1000);
        assert_int_equal(s.info.channels, channels[c] == 1 ? 1 : 2);
        assert_int_equal(s.count, 4000);
        if (channels[c] == 2) {
            assert_near(off_tone(&s, 16000, 1, 0), 1e-5);
            for (size_t n = 0; n < s.count; n++)
                assert_true(fabsf(s.samples[2 * n + 1] - tone((int64_t)n, 16000, 1)) < 1e-5f);
        }
        free(s.samples);
    }
}

/* Guards: priming of compressed sound left in front (it would shift the lips). */
static void test_compressed(void **state)
{
    static const struct {
        const char *file, *encoder;
        int hz, channels;
        double limit;
        size_t extra; /* padding that the container does not tell of */
    } cases[] = {
        {"a.mp3", "libmp3lame", 44100, 1, 0.02, 500}, {"b.flac", "flac", 48000, 2, 2e-3, 2},
        {"c.ac3", "ac3", 48000, 6, 0.03, 900},        {"d.opus", "libopus", 48000, 1, 0.03, 2},
        {"e.m4a", "aac", 44100, 2, 0.03, 500},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = in_dir(*state, cases[i].file);
        if (!encode_tone(path, cases[i].encoder, cases[i].hz, cases[i].channels, 2.0)) {
            print_message("SKIPPED: this libavcodec has no encoder %s\n", cases[i].encoder);
            continue;
        }
        struct sound s = read_all(path, 16000, 1, 16000);
        assert_in_range(s.count, 32000 - 1, 32000 + cases[i].extra);
        s.count = 31000;
        /* AC-3 has a delay of 256 samples that no container tells of. */
        int shift = strcmp(cases[i].encoder, "ac3") == 0 ? -85 : 0;
        double worst = 1;
        for (int near = shift - 2; near <= shift + 2; near++)
            worst = fmin(worst, off_tone(&s, 16000, cases[i].channels, near));
        if (!(worst < cases[i].limit))
            fail_msg("%s: %.3g from the tone", cases[i].file, worst);
        free(s.samples);
    }
}

/* The sound of a video; a video without any says so. */
static void test_video(void **state)
{
    struct st_video_writer_settings with = small_video(in_dir(*state, "with.mp4"));
    video_write(&with, 50);
    struct sound s = read_all(with.path, 16000, 1, 16000);
    assert_in_range(s.count, 32000, 32000 + 1024);
    s.count = 31500;
    assert_near(off_tone(&s, 16000, 1, 0), 0.03);
    free(s.samples);

    struct st_video_writer_settings without = small_video(in_dir(*state, "without.mp4"));
    without.audio_hz = 0;
    video_write(&without, 5);
    expect(without.path, SYNCTALK_E_FORMAT, "no sound in it, only video");
}

static void write_text(const char *path, const char *text)
{
    st_write_file(path, text, strlen(text));
}

static void test_refused(void **state)
{
    const char *dir = *state;
    uint8_t noise[20000];
    uint64_t seed = 9;
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)st_random_next(&seed);

    expect(in_dir(dir, "absent.wav"), SYNCTALK_E_MISSING, "No such file");
    expect(dir, SYNCTALK_E_IO, "is a folder");
    st_write_file(in_dir(dir, "empty.wav"), "", 0);
    expect(in_dir(dir, "empty.wav"), SYNCTALK_E_FORMAT, "empty (0 bytes)");
    st_write_file(in_dir(dir, "noise.wav"), noise, sizeof noise);
    expect(in_dir(dir, "noise.wav"), SYNCTALK_E_FORMAT, "");
    write_text(in_dir(dir, "text.mp3"), "Dear Sir or Madam,\nthis is a letter.\n");
    expect(in_dir(dir, "text.mp3"), SYNCTALK_E_FORMAT, "not an audio or video file");
    expect(make_wav(dir, WAV_S16, 16000, 1, 0), SYNCTALK_E_FORMAT, "0 samples");
    expect(make_wav(dir, WAV_S16, 900, 1, 100), SYNCTALK_E_FORMAT, "900 samples a second");
    assert_int_equal(mkfifo(in_dir(dir, "pipe"), 0600), 0);
    expect(in_dir(dir, "pipe"), SYNCTALK_E_IO, "pipe");

    /* PGM: the smallest picture there is. */
    write_text(in_dir(dir, "picture.pgm"), "P5\n4 4\n255\n0123456789abcdef");
    expect(in_dir(dir, "picture.pgm"), SYNCTALK_E_FORMAT, "is a picture");
    write_text(in_dir(dir, "picture.wav"), "P5\n4 4\n255\n0123456789abcdef");
    expect(in_dir(dir, "picture.wav"), SYNCTALK_E_FORMAT, "is a picture");
}

/* Guards: a file that makes us read another one, which may be a secret or a host. */
static void test_playlists(void **state)
{
    const char *dir = *state;
    char text[9000];
    const char *secret = make_wav(dir, WAV_S16, 16000, 1, 3000);

    snprintf(text, sizeof text,
             "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n%s\n"
             "#EXT-X-ENDLIST\n",
             secret);
    write_text(in_dir(dir, "list.m3u8"), text);
    expect(in_dir(dir, "list.m3u8"), SYNCTALK_E_FORMAT, "playlist");
    write_text(in_dir(dir, "list.wav"), text);
    expect(in_dir(dir, "list.wav"), SYNCTALK_E_FORMAT, "");

    snprintf(text, sizeof text, "ffconcat version 1.0\nfile '%s'\n", strrchr(secret, '/') + 1);
    write_text(in_dir(dir, "list.ffconcat"), text);
    expect(in_dir(dir, "list.ffconcat"), SYNCTALK_E_FORMAT, "playlist");
    write_text(in_dir(dir, "list.mp3"), text);
    expect(in_dir(dir, "list.mp3"), SYNCTALK_E_FORMAT, "playlist");

    snprintf(text, sizeof text,
             "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
             "m=audio 5004 RTP/AVP 0\n");
    write_text(in_dir(dir, "list.sdp"), text);
    expect(in_dir(dir, "list.sdp"), SYNCTALK_E_FORMAT, "playlist");
}

/* Whatever the bytes, an answer: never a crash, never an endless read. */
static void read_whatever(const char *path)
{
    struct st_audio_reader *reader;
    synctalk_error error = {0};
    float samples[4096];
    size_t got = 1;
    size_t total = 0;

    if (st_audio_reader_open(&reader, path, 16000, 1, &error)) {
        assert_true(error.message[0] != '\0');
        return;
    }
    while (got && !st_audio_reader_read(reader, samples, 4096, &got, &error)) {
        total += got;
        assert_true(total < 100 * 16000);
        for (size_t i = 0; i < got; i++)
            assert_true(fabsf(samples[i]) <= 16.0f);
    }
    st_audio_reader_close(&reader);
}

/* Guards: cut and altered files of each container. */
static void test_damage(void **state)
{
    const char *dir = *state;
    struct st_video_writer_settings video = small_video(in_dir(dir, "damage.mp4"));
    const char *paths[3] = {in_dir(dir, "damage.wav"), video.path, in_dir(dir, "damage.flac")};
    uint64_t seed = 5;

    assert_int_equal(rename(make_wav(dir, WAV_S24, 44100, 2, 9000), paths[0]), 0);
    video_write(&video, 12);
    if (!encode_tone(paths[2], "flac", 16000, 1, 1.0))
        paths[2] = paths[0];
    for (size_t p = 0; p < 3; p++) {
        FILE *file = fopen(paths[p], "rb");
        assert_non_null(file);
        static uint8_t whole[1 << 18], bad[1 << 18];
        size_t size = fread(whole, 1, sizeof whole, file);
        fclose(file);
        for (int trial = 0; trial < 60; trial++) {
            size_t cut = trial % 3 ? size : st_random_next(&seed) % size;
            memcpy(bad, whole, size);
            for (int k = 0; k < (trial % 3 ? 1 + trial : 0); k++)
                bad[st_random_next(&seed) % (trial % 2 ? size : 400)] =
                    (uint8_t)st_random_next(&seed);
            st_write_file(in_dir(dir, "bad.bin"), bad, cut);
            read_whatever(in_dir(dir, "bad.bin"));
        }
    }
}

/* Guards: giving up a file for some damaged packets, or passing over them in silence. */
static void test_damaged_packets(void **state)
{
    const char *path = in_dir(*state, "holes.flac");
    static uint8_t bytes[1 << 18];
    uint64_t seed = 8;

    if (!encode_tone(path, "flac", 16000, 1, 4.0))
        skip();
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    for (size_t i = size / 2; i < size / 2 + size / 8; i++)
        bytes[i] = (uint8_t)st_random_next(&seed);
    st_write_file(path, bytes, size);
    struct sound s = read_all(path, 16000, 1, 16000);
    assert_true(s.damaged > 0);
    assert_in_range(s.count, 16000 * 2, 16000 * 4);
    free(s.samples);
}

/* Guards: NaN, infinity and noise far over full scale out of float files. */
static void test_not_finite(void **state)
{
    float samples[1000] = {0};
    samples[100] = NAN;
    samples[200] = INFINITY;
    samples[300] = -1e30f;
    const char *path = in_dir(*state, "nan.wav");
    wav_write(path, WAV_F32, 16000, 1, samples, 1000);
    struct sound s = read_all(path, 16000, 1, 1000);
    assert_int_equal(s.count, 1000);
    for (size_t i = 0; i < s.count; i++)
        assert_true(fabsf(s.samples[i]) <= 16.0f);
    assert_true(s.samples[100] == 0.0f);
    free(s.samples);
    wav_write(path, WAV_F32, 44100, 1, samples, 1000);
    s = read_all(path, 16000, 1, 1000);
    for (size_t i = 0; i < s.count; i++)
        assert_true(fabsf(s.samples[i]) <= 16.0f);
    free(s.samples);
}

static void test_arguments(void **state)
{
    const char *path = make_wav(*state, WAV_S16, 16000, 1, 100);
    struct st_audio_reader *reader;
    synctalk_error error;
    assert_int_equal(st_audio_reader_open(&reader, path, 16000, 3, &error), SYNCTALK_E_ARG);
    assert_int_equal(st_audio_reader_open(&reader, path, -5, 1, &error), SYNCTALK_E_ARG);
    assert_null(reader);
    st_audio_reader_close(&reader);
    st_audio_reader_close(NULL);
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
        cmocka_unit_test(test_wav),        cmocka_unit_test(test_rates),
        cmocka_unit_test(test_steps),      cmocka_unit_test(test_two_channels),
        cmocka_unit_test(test_compressed), cmocka_unit_test(test_video),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_playlists),
        cmocka_unit_test(test_damage),     cmocka_unit_test(test_damaged_packets),
        cmocka_unit_test(test_not_finite), cmocka_unit_test(test_arguments),
    };
    return cmocka_run_group_tests_name("audio reader", tests, setup, teardown);
}
