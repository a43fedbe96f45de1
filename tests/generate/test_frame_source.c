/* SPDX-License-Identifier: Apache-2.0 */
/* Where frames come from, and that the pipeline does with each what its source says. */
#include "support/support.h"

#include <stdlib.h>
#include <string.h>

#include "generate/project.h"
#include "generate/render.h"

enum { WIDTH = 130, HEIGHT = 98, FRAMES = 9 };

static void training_data_gives_what_is_wanted(void **state)
{
    (void)state;
    struct project p;
    struct st_frame_source *source;
    struct st_frame_reader *reader;
    struct st_frame frame = {0};
    char path[ST_PATH_MAX];

    project_create(&p, WIDTH, HEIGHT, 1);
    ST_OK(st_path_join(path, p.root, "dataset/tiny", err));
    ST_OK(st_frame_source_open_dataset(&source, path, NULL, err));
    assert_int_equal(source->info.frames, PROJECT_SOURCES);
    assert_int_equal(source->info.width, WIDTH);
    assert_int_equal(source->info.height, HEIGHT);
    assert_int_equal(source->info.largest_side, WIDTH * 4 / 5 - WIDTH / 5);
    assert_false(source->info.has_parsing);
    assert_non_null(strstr(source->info.name, "dataset/tiny"));

    ST_OK(st_frame_reader_open(&reader, source, false, err));
    frame.draw = true;
    ST_OK(st_frame_reader_read(reader, 6, 0, &frame, err));
    assert_false(frame.draw);
    assert_int_equal(frame.picture.width, WIDTH);
    ST_OK(st_frame_reader_read(reader, 3, ST_FRAME_FACE | ST_FRAME_PARSING, &frame, err));
    assert_true(frame.draw);
    assert_int_equal(frame.box.x, WIDTH / 5 + 3);
    assert_int_equal(frame.landmarks.count, 0);
    assert_false(frame.has_parsing);
    ST_OK(st_frame_reader_read(reader, 0, ST_FRAME_FACE | ST_FRAME_LANDMARKS, &frame, err));
    assert_int_equal(frame.landmarks.count, 110);
    assert_int_equal((int)frame.landmarks.points[1].x, WIDTH / 5);

    /* Planes are given where they will do, and not left over from the frame before. */
    assert_false(frame.has_planes);
    ST_OK(st_frame_reader_read(reader, 2, ST_FRAME_FACE | ST_FRAME_PLANES, &frame, err));
    assert_true(frame.has_planes && frame.draw);
    assert_int_equal(frame.planes.width, WIDTH);
    assert_int_equal(frame.planes.height, HEIGHT);
    ST_OK(st_frame_reader_read(reader, 2, ST_FRAME_FACE, &frame, err));
    assert_false(frame.has_planes);

    st_frame_free(&frame);
    st_frame_reader_close(&reader);
    st_frame_reader_close(&reader);
    st_frame_source_close(&source);
    st_frame_source_close(&source);
    project_remove(&p);
}

/* A source whose frames are flat grey of level 20 n. Every `draw_every`-th has a face. */
struct flat_source {
    struct st_frame_source base;
    int draw_every;   /* 0: none has */
    unsigned *wanted; /* [frames]; what was asked for */
};

static synctalk_status flat_open(struct st_frame_reader **out, const struct st_frame_source *source,
                                 bool little_memory, synctalk_error *err)
{
    (void)source;
    (void)little_memory;
    (void)err;
    *out = calloc(1, sizeof **out);
    assert_non_null(*out);
    return SYNCTALK_OK;
}

static void flat_close(struct st_frame_reader *reader)
{
    free(reader);
}

static synctalk_status flat_read(struct st_frame_reader *reader, int64_t n, unsigned wanted,
                                 struct st_frame *frame, synctalk_error *err)
{
    const struct flat_source *source = (const struct flat_source *)reader->source;
    synctalk_status st = st_picture_resize(&frame->picture, WIDTH, HEIGHT, err);
    if (st)
        return st;
    memset(frame->picture.data, (int)(20 * n), frame->picture.stride * HEIGHT);
    source->wanted[n] = wanted;
    frame->draw = source->draw_every > 0 && n % source->draw_every == 0;
    /* Nothing can be cut out of the square of a frame that is not to be drawn. */
    frame->box = frame->draw ? (struct st_crop_box){20, 20, 60} : (struct st_crop_box){0, 0, -1};
    return SYNCTALK_OK;
}

static const struct st_frame_source_desc flat_desc = {
    .open_reader = flat_open, .read = flat_read, .close_reader = flat_close};

static struct st_video_writer_settings writer_settings(const char *path)
{
    return (struct st_video_writer_settings){.path = path,
                                             .name = path,
                                             .source_width = WIDTH,
                                             .source_height = HEIGHT,
                                             .width = WIDTH,
                                             .height = HEIGHT,
                                             .fps = 25,
                                             .crf = 18,
                                             .x264_preset = "ultrafast",
                                             .threads = 1,
                                             .audio_hz = 16000,
                                             .audio_channels = 1,
                                             .audio_kbps = 64};
}

/* The file that the pipeline makes of the flat source. */
static void render(const struct project *p, const char *path, int draw_every, unsigned *wanted)
{
    const struct st_video_writer_settings video = writer_settings(path);
    struct flat_source source = {
        .base = {.desc = &flat_desc,
                 .info = {.frames = FRAMES, .width = WIDTH, .height = HEIGHT, .largest_side = 60}},
        .draw_every = draw_every,
        .wanted = wanted};
    struct st_plan plan = {.frames = FRAMES, .sources = FRAMES};
    struct st_kernels kernels;
    struct st_weights *weights;
    struct st_weights *table;
    struct st_unet_form form;
    struct st_unet *unet;
    char checkpoint[ST_PATH_MAX];
    struct st_render r = {.plan = &plan,
                          .info = &source.base.info,
                          .kernels = &kernels,
                          .fps = 25,
                          .workers = 2,
                          .slots = 4};

    st_kernels_init(&kernels, ~0u);
    ST_OK(st_path_join(checkpoint, p->root, "checkpoint/tiny/0.safetensors", err));
    ST_OK(st_weights_open(&weights, checkpoint, err));
    ST_OK(st_unet_recognise(&form, weights, SYNCTALK_ENCODER_AVE, err));
    ST_OK(st_unet_open(&unet, weights, &form, &kernels, err));
    r.unet = unet;
    ST_OK(st_weights_open(&table, p->features, err));
    ST_OK(st_feature_source_from_file(&r.features, table, form.vector, form.window, err));
    ST_OK(st_audio_reader_open(&r.sound, p->sound, 0, 2, err));
    ST_OK(st_frame_reader_open(&r.frames, &source.base, false, err));
    ST_OK(st_video_writer_open(&r.writer, &video, err));
    ST_OK(st_render(&r, NULL, err));
    ST_OK(st_video_writer_finish(r.writer, err));

    st_video_writer_close(&r.writer);
    st_frame_reader_close(&r.frames);
    st_audio_reader_close(&r.sound);
    st_feature_source_close(&r.features);
    st_weights_close(&table);
    st_unet_close(&unet);
    st_weights_close(&weights);
}

/* The same frames and sound without a pipeline. */
static void write_plainly(const struct project *p, const char *path)
{
    const struct st_video_writer_settings settings = writer_settings(path);
    struct st_video_writer *writer;
    struct st_audio_reader *sound;
    uint8_t *grey = malloc(3 * WIDTH * HEIGHT);
    float samples[640];
    size_t got;

    assert_non_null(grey);
    ST_OK(st_audio_reader_open(&sound, p->sound, 0, 2, err));
    ST_OK(st_video_writer_open(&writer, &settings, err));
    for (int n = 0; n < FRAMES; n++) {
        memset(grey, 20 * n, 3 * WIDTH * HEIGHT);
        ST_OK(st_video_writer_frame(writer, grey, 3 * WIDTH, err));
        size_t have = 0; /* of the 640 that one frame lasts */
        do {
            ST_OK(st_audio_reader_read(sound, samples + have, 640 - have, &got, err));
            have += got;
        } while (have < 640 && got > 0);
        ST_OK(st_video_writer_audio(writer, samples, have, err));
    }
    ST_OK(st_video_writer_finish(writer, err));
    st_video_writer_close(&writer);
    st_audio_reader_close(&sound);
    free(grey);
}

static bool same_bytes(const char *a, const char *b)
{
    struct st_mapping x;
    struct st_mapping y;
    ST_OK(st_map_file(&x, a, err));
    ST_OK(st_map_file(&y, b, err));
    bool same = x.size == y.size && memcmp(x.data, y.data, x.size) == 0;
    st_unmap_file(&x);
    st_unmap_file(&y);
    return same;
}

/* Guards a network that runs over frames in which there is nothing to redraw. */
static void a_frame_without_a_face_passes_untouched(void **state)
{
    (void)state;
    struct project p;
    char plain[ST_PATH_MAX];
    char untouched[ST_PATH_MAX];
    char drawn[ST_PATH_MAX];
    unsigned wanted[FRAMES] = {0};

    project_create(&p, WIDTH, HEIGHT, FRAMES);
    ST_OK(st_path_join(plain, p.root, "out/plain.mp4", err));
    ST_OK(st_path_join(untouched, p.root, "out/untouched.mp4", err));
    ST_OK(st_path_join(drawn, p.root, "out/drawn.mp4", err));
    write_plainly(&p, plain);
    render(&p, untouched, 0, wanted);
    assert_true(same_bytes(plain, untouched));
    for (int n = 0; n < FRAMES; n++)
        assert_int_equal(wanted[n], ST_FRAME_FACE | ST_FRAME_PLANES);
    render(&p, drawn, 3, wanted);
    assert_false(same_bytes(plain, drawn));
    project_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_data_gives_what_is_wanted),
        cmocka_unit_test(a_frame_without_a_face_passes_untouched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
