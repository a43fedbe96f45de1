/* SPDX-License-Identifier: Apache-2.0 */
/* Files that are not what they say, and what reading costs. */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "media/media_support.h"
#include "media/video_checks.h"
#include "media/video_maker.h"
#include "media/video_reader_counts.h"
#include "support/support.h"

#define CASES 130 /* for each file that is mutated */
#define LONG 20000

static uint8_t *slurp(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    uint8_t *bytes = malloc(*size + 1);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static struct made_video plain(const char *path, const char *encoder, int frames)
{
    return (struct made_video){
        .path = path, .encoder = encoder, .width = 48, .height = 32, .frames = frames, .gop = 10};
}

/* Guards: libav's "Invalid data found" given to a person, or a crash, instead of what the file
 * is and what is needed. */
static void test_not_a_video(void **state)
{
    const char *dir = *state;
    const char *text = in_dir(dir, "text.mp4");
    const char *empty = in_dir(dir, "empty.mp4");
    const char *list = in_dir(dir, "list.mkv");
    static const char words[] = "This is a letter, not a video; somebody renamed it.\n";
    static const char names[] = "ffconcat version 1.0\nfile text.mp4\n";

    st_write_file(text, words, sizeof words - 1);
    st_write_file(empty, "", 0);
    st_write_file(list, names, sizeof names - 1);
    check_refused(text, SYNCTALK_E_FORMAT, "not an audio or video file");
    check_refused(empty, SYNCTALK_E_FORMAT, "is empty");
    check_refused(list, SYNCTALK_E_FORMAT, "playlist");
    check_refused(dir, SYNCTALK_E_IO, "a folder");
    check_refused(in_dir(dir, "absent.mp4"), SYNCTALK_E_MISSING, "No such file");
    if (encode_tone(in_dir(dir, "sound.m4a"), "aac", 16000, 1, 1.0))
        check_refused(in_dir(dir, "sound.m4a"), SYNCTALK_E_FORMAT, "no moving picture");
}

/* Guards: a file cut off (a copy that was stopped, a card pulled out) refused as a whole, or
 * read past its end; without its index there is nothing to read. */
static void test_truncated(void **state)
{
    static const struct {
        const char *name, *encoder;
    } cases[] = {{"cut.mp4", "mpeg4"}, {"cut.mkv", "mpeg4"}, {"cut.avi", "mpeg4"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct made_video v = plain(in_dir(*state, cases[i].name), cases[i].encoder, 50);
        size_t size;
        assert_true(make_video(&v));
        uint8_t *bytes = slurp(v.path, &size);
        st_write_file(v.path, bytes, size * 6 / 10);
        struct st_video_reader *reader = open_video(v.path, 25, 1, 8000);
        int64_t frames = st_video_reader_info(reader)->frames;
        assert_in_range(frames, 10, 49);
        check_any_order(reader);
        st_video_reader_close(&reader);
        st_write_file(v.path, bytes, 20);
        check_refused(v.path, SYNCTALK_E_FORMAT, "");
        if (i == 0) { /* all of the index, none of the pictures */
            uint8_t *data = memmem(bytes, size, "mdat", 4);
            assert_non_null(data);
            st_write_file(v.path, bytes, (size_t)(data - bytes) + 4);
            check_refused(v.path, SYNCTALK_E_FORMAT, "cut off");
        }
        free(bytes);
    }
}

static uint8_t *box(uint8_t *bytes, size_t size, const char *type)
{
    uint8_t *at = memmem(bytes, size, type, 4);
    assert_non_null(at);
    return at;
}

/* Guards: sizes, durations and counts taken from the header. */
static void test_lying_header(void **state)
{
    struct made_video v = plain(in_dir(*state, "lies.mp4"), "mpeg4", 30);
    size_t size;
    assert_true(make_video(&v));
    uint8_t *bytes = slurp(v.path, &size);
    memset(box(bytes, size, "mdhd") + 20, 0x70, 4); /* the track's duration */
    memset(box(bytes, size, "mvhd") + 20, 0x70, 4); /* the film's */
    box(bytes, size, "mp4v")[29] = 200;             /* width, of 48 */
    box(bytes, size, "tkhd")[4 + 76] = 1;           /* width again, 16.16 */
    st_write_file(v.path, bytes, size);
    struct st_video_reader *reader = open_video(v.path, 25, 1, 0);
    assert_int_equal(st_video_reader_info(reader)->width, 48);
    assert_int_equal(st_video_reader_info(reader)->height, 32);
    assert_int_equal(st_video_reader_info(reader)->frames, 30);
    check_any_order(reader);
    st_video_reader_close(&reader);
    free(bytes);
}

/* Pictures that claim to be 30000 pixels wide, in the file's header and in their own. Guards:
 * the allocation of what they claim. */
static void test_huge(void **state)
{
    static const char *const encoders[] = {"ffv1", "mjpeg"};
    for (size_t i = 0; i < 2; i++) {
        struct made_video v = plain(in_dir(*state, "huge.avi"), encoders[i], 3);
        size_t size;
        v.format = i ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
        assert_true(make_video(&v));
        uint8_t *bytes = slurp(v.path, &size);
        for (size_t k = 0; i && k + 9 < size; k++)
            if (bytes[k] == 0xff && bytes[k + 1] == 0xc0)
                bytes[k + 5] = bytes[k + 7] = 0x75; /* height and width, high bytes */
        uint8_t *head = box(bytes, size, "strf");
        head[13] = head[17] = 0x75;
        st_write_file(v.path, bytes, size);
        check_refused(v.path, SYNCTALK_E_FORMAT, "at most 16384 pixels");
        free(bytes);
    }
}

/* The packets of an AVI: every `step`th picture's data is made worthless. */
static int spoil_pictures(uint8_t *bytes, size_t size, int first, int step)
{
    int number = 0;
    int spoilt = 0;
    size = (size_t)(box(bytes, size, "idx1") - bytes); /* lists the chunks by the same name */
    for (size_t i = (size_t)(box(bytes, size, "movi") - bytes); i + 8 < size; i++) {
        if (memcmp(bytes + i, "00dc", 4) != 0)
            continue;
        uint32_t length = bytes[i + 4] | (uint32_t)bytes[i + 5] << 8 |
                          (uint32_t)bytes[i + 6] << 16 | (uint32_t)bytes[i + 7] << 24;
        assert_true(length <= size - i - 8);
        if (number >= first && (number - first) % step == 0) {
            memset(bytes + i + 8, 0, length);
            spoilt++;
        }
        number++;
        i += 7 + length;
    }
    return spoilt;
}

/* Guards: a damaged picture that ends the video, shifts the ones after it, or is not counted. */
static void test_stand_ins(void **state)
{
    static const int firsts[] = {5, 0, 10}; /* within a group, the very first, a key */
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        struct made_video v = plain(in_dir(*state, "holes.avi"), "mjpeg", 40);
        size_t size;
        v.format = AV_PIX_FMT_YUVJ420P;
        assert_true(make_video(&v));
        uint8_t *bytes = slurp(v.path, &size);
        struct st_video_reader *whole = open_video(v.path, 25, 1, 0);
        uint64_t hashes[40];
        for (int n = 0; n < 40; n++)
            hashes[n] = hash_of(whole, n);
        st_video_reader_close(&whole);
        int spoilt = spoil_pictures(bytes, size, firsts[i], 20);
        st_write_file(v.path, bytes, size);

        struct st_video_reader *reader = open_video(v.path, 25, 2, 20000);
        assert_int_equal(spoilt, 2);
        assert_int_equal(st_video_reader_info(reader)->frames, 40);
        for (int n = 0; n < 40; n++) {
            bool bad = n >= firsts[i] && (n - firsts[i]) % 20 == 0;
            int shown = !bad ? n : n ? n - 1 : 1;
            if (hash_of(reader, n) != hashes[shown])
                fail_msg("frame %d is not picture %d", n, shown);
        }
        assert_int_equal(st_video_reader_info(reader)->damaged, 2);
        check_any_order(reader);
        assert_int_equal(st_video_reader_info(reader)->damaged, 2);
        st_video_reader_close(&reader);
        free(bytes);
    }
    struct made_video v = plain(in_dir(*state, "gone.avi"), "mjpeg", 20);
    size_t size;
    v.format = AV_PIX_FMT_YUVJ420P;
    assert_true(make_video(&v));
    uint8_t *bytes = slurp(v.path, &size);
    assert_int_equal(spoil_pictures(bytes, size, 0, 1), 20);
    st_write_file(v.path, bytes, size);
    check_refused(v.path, SYNCTALK_E_FORMAT, "not one of its 20 pictures");
    free(bytes);
}

/* One mutated file: refused with a sentence, or read the same in any order. */
static bool try_mutation(const char *path, int threads)
{
    struct st_video_reader *reader;
    struct st_video_settings settings = {.fps = 25, .threads = threads, .cache_bytes = 30000};
    synctalk_error err = {0};
    uint64_t hashes[12];

    if (st_video_reader_open(&reader, path, &settings, NULL, &err)) {
        assert_null(reader);
        assert_true(strlen(err.message) > strlen(path));
        return false;
    }
    const struct st_video_info *info = st_video_reader_info(reader);
    int64_t step = info->frames / 12 ? info->frames / 12 : 1;
    size_t row = 3 * (size_t)info->width;
    assert_in_range(info->width, 1, 16384);
    assert_in_range(info->height, 1, 16384);
    uint8_t *bgr = malloc(row * (size_t)info->height);
    assert_non_null(bgr);
    for (int pass = 0; pass < 2; pass++)
        for (int k = 0; k < 12; k++) {
            int i = pass ? 11 - k : k;
            if (i * step >= info->frames)
                continue;
            uint64_t hash = 0;
            if (!st_video_reader_frame(reader, i * step, bgr, row, &err))
                for (size_t b = 0; b < row * (size_t)info->height; b++)
                    hash = (hash ^ bgr[b]) * UINT64_C(1099511628211) + 1;
            if (!pass)
                hashes[i] = hash;
            else if (hash != hashes[i])
                fail_msg("%s: frame %lld differs when read backward, %d threads", path,
                         (long long)(i * step), threads);
        }
    free(bgr);
    st_video_reader_close(&reader);
    return true;
}

/* Guards: a crash, a hang or an endless allocation over bytes that somebody made up, and
 * pictures that depend on what a damaged decoder saw before. */
static void test_mutations(void **state)
{
    static const struct {
        const char *name, *encoder;
    } cases[] = {{"m.mp4", "libx264"},
                 {"m.mkv", "libx265"},
                 {"m.avi", "mpeg4"},
                 {"m.mov", "mpeg4"},
                 {"m.webm", "libvpx-vp9"}};
    uint64_t random = 2024;
    int opened = 0;
    int tried = 0;

    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct made_video v = plain(in_dir(*state, cases[c].name), cases[c].encoder, 24);
        size_t size;
        if (c == 1)
            v.options = "x265-params=pools=1:cutree=0:log-level=none";
        v.b_frames = c == 0 || c == 2 ? 2 : 0;
        if (!make_video(&v))
            continue;
        uint8_t *bytes = slurp(v.path, &size);
        uint8_t *mutant = malloc(size);
        assert_non_null(mutant);
        for (int i = 0; i < CASES; i++) {
            size_t length = size;
            memcpy(mutant, bytes, size);
            int flips = 1 + (int)(st_random_next(&random) % 12);
            for (int k = 0; k < flips; k++) {
                /* Every other case within the first kilobyte, where the headers are. */
                size_t at = st_random_next(&random) % (i % 2 && size > 1024 ? 1024 : size);
                mutant[at] = (uint8_t)(mutant[at] ^ (1 + st_random_next(&random) % 255));
            }
            if (i % 5 == 0)
                length = 1 + st_random_next(&random) % size;
            st_write_file(v.path, mutant, length);
            opened += try_mutation(v.path, 1 + i % 2);
            tried++;
        }
        free(mutant);
        free(bytes);
    }
    printf("%d of %d mutated files were read\n", opened, tried);
    assert_true(opened > tried / 4 && opened < tried);
}

static int stop(void *user)
{
    (void)user;
    return 1;
}

/* Guards: a long file that cannot be stopped while it is looked through. */
static void test_cancelled(void **state)
{
    struct made_video v = plain(in_dir(*state, "stopped.avi"), "mjpeg", 300);
    struct st_video_settings settings = {.fps = 25, .threads = 1};
    synctalk_callbacks callbacks = {.cancelled = stop};
    synctalk_error err = {0};
    struct st_video_reader *reader;

    v.format = AV_PIX_FMT_YUVJ420P;
    assert_true(make_video(&v));
    assert_int_equal(st_video_reader_open(&reader, v.path, &settings, &callbacks, &err),
                     SYNCTALK_E_CANCELLED);
    assert_null(reader);
}

/* Guards: frame numbers and rows that do not exist. */
static void test_arguments(void **state)
{
    struct made_video v = plain(in_dir(*state, "args.avi"), "mpeg4", 5);
    uint8_t bgr[48 * 32 * 3];
    synctalk_error err = {0};

    assert_true(make_video(&v));
    struct st_video_reader *reader = open_video(v.path, 25, 1, 0);
    assert_int_equal(st_video_reader_frame(reader, -1, bgr, 144, &err), SYNCTALK_E_ARG);
    assert_int_equal(st_video_reader_frame(reader, 5, bgr, 144, &err), SYNCTALK_E_ARG);
    assert_int_equal(st_video_reader_frame(reader, 0, bgr, 143, &err), SYNCTALK_E_ARG);
    assert_int_equal(st_video_reader_frame(reader, 4, bgr, 144, &err), SYNCTALK_OK);
    st_video_reader_close(&reader);
    st_video_reader_close(&reader);
    st_video_reader_close(NULL);
    struct st_video_settings settings = {.fps = 0};
    assert_int_equal(st_video_reader_open(&reader, v.path, &settings, NULL, &err), SYNCTALK_E_ARG);
}

static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* Guards: memory that grows with the length; decoding more than once going forward, and from
 * the key again for every single frame going backward. */
static void test_long(void **state)
{
    struct made_video v = {.path = in_dir(*state, "long.mp4"),
                           .encoder = "mpeg4",
                           .width = 16,
                           .height = 16,
                           .frames = LONG,
                           .gop = 250};
    size_t cache = 200000;

    assert_true(make_video(&v));
    struct st_video_reader *reader = open_video(v.path, 25, 1, cache);
    struct st_video_counts counts = st_video_reader_counts(reader);
    assert_int_equal(st_video_reader_info(reader)->frames, LONG);
    assert_true(counts.index_bytes <= (size_t)16 * LONG);

    uint8_t bgr[16 * 16 * 3];
    size_t early = 0;
    for (int n = 0; n < LONG; n++) {
        ST_OK(st_video_reader_frame(reader, n, bgr, 48, err));
        if (level_of(bgr[0]) != n % 26)
            fail_msg("frame %d is level %d", n, level_of(bgr[0]));
        if (n == LONG / 10)
            early = heap_bytes();
    }
    size_t late = heap_bytes();
    counts = st_video_reader_counts(reader);
    if (late > early + 100000)
        fail_msg("%zu bytes in use after %d frames, %zu after %d", late, LONG, early, LONG / 10);
    assert_true(counts.cache_most_bytes <= cache);
    assert_int_equal(counts.decoded, LONG);
    assert_int_equal(counts.rewinds, 0);

    /* With a cache of C pictures a group of G is decoded about G / 2C + 1 times going back. */
    int64_t forward = counts.decoded;
    for (int bounce = 0; bounce < 2; bounce++) {
        for (int n = LONG - 1; n >= LONG - 1000; n--)
            ST_OK(st_video_reader_frame(reader, n, bgr, 48, err));
        for (int n = LONG - 1000; n < LONG; n++)
            ST_OK(st_video_reader_frame(reader, n, bgr, 48, err));
    }
    counts = st_video_reader_counts(reader);
    printf("%lld pictures decoded forward for %d, %lld bouncing for 4000; %zu bytes kept\n",
           (long long)forward, LONG, (long long)(counts.decoded - forward),
           counts.cache_most_bytes);
    assert_true(counts.decoded - forward < 4 * 4000);
    assert_true(counts.cache_most_bytes <= cache);
    assert_true(heap_bytes() <= late + 100000);
    st_video_reader_close(&reader);
}

static int set_up(void **state)
{
    return !(*state = st_scratch_create());
}

static int tear_down(void **state)
{
    st_scratch_remove(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_a_video),  cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_lying_header), cmocka_unit_test(test_huge),
        cmocka_unit_test(test_stand_ins),    cmocka_unit_test(test_mutations),
        cmocka_unit_test(test_cancelled),    cmocka_unit_test(test_arguments),
        cmocka_unit_test(test_long),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
