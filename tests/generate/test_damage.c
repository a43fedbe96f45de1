/* SPDX-License-Identifier: Apache-2.0 */
/* Every file that a video is made from, absent, empty, cut and replaced by noise: an error
 * whose sentence names the file, and no output. Runs under the sanitizers, too. */
#include "support/support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "generate/project.h"
#include "models/ave.h"
#include "synctalk/synctalk.h"

enum damage { ABSENT, EMPTY, CUT, NOISE, DAMAGES };

static const char *const damage_names[] = {"absent", "empty", "cut", "noise"};

static void do_damage(const char *path, enum damage damage)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    size_t size = (size_t)info.st_size;
    uint8_t *noise = malloc(size);
    uint64_t seed = 77;
    assert_non_null(noise);
    for (size_t i = 0; i < size; i++)
        noise[i] = (uint8_t)st_random_next(&seed);
    switch (damage) {
    case ABSENT:
        assert_int_equal(unlink(path), 0);
        break;
    case EMPTY:
        assert_int_equal(truncate(path, 0), 0);
        break;
    case CUT:
        assert_int_equal(truncate(path, info.st_size * 2 / 3), 0);
        break;
    case NOISE:
    case DAMAGES:
        st_write_file(path, noise, size);
        break;
    }
    free(noise);
}

/* A whole run; with `features` the sound is not looked into by an encoder. */
static synctalk_status run(const struct project *p, bool features, synctalk_error *err)
{
    synctalk_settings s;
    synctalk_person *person;
    synctalk_settings_init(&s);
    s.precision = SYNCTALK_PRECISION_F32; /* nothing is found out first */
    s.root = p->root;
    s.model = PROJECT_PERSON;
    s.features = features ? p->features : NULL;
    s.x264_preset = SYNCTALK_X264_ULTRAFAST;
    synctalk_status st = synctalk_person_open(&person, &s, NULL, err);
    if (!st)
        st = synctalk_generate(person, &s, p->sound, p->output, NULL, NULL, err);
    synctalk_person_close(&person);
    return st;
}

static void write_encoder(const struct project *p, const char *path)
{
    char folder[ST_PATH_MAX];
    struct st_weights *weights;
    ST_OK(st_path_join(folder, p->root, "model", err));
    assert_int_equal(mkdir(folder, 0700), 0);
    ST_OK(st_ave_random(&weights, 3, err));
    ST_OK(st_weights_write_pth(weights, path, NULL, NULL, true, err));
    st_weights_close(&weights);
}

struct input {
    const char *name;
    bool features;    /* run with ready features */
    bool cut_is_fine; /* a shorter one is a valid one */
};

static void damaged(const struct input *input, enum damage damage)
{
    struct project p;
    char path[ST_PATH_MAX];
    synctalk_error e = {0};

    project_create(&p, 64, 64, 3);
    ST_OK(st_path_format(path, err, "%s/model/audio_visual_encoder.pth", p.root));
    write_encoder(&p, path);
    ST_OK(st_path_join(path, p.root, input->name, err));
    do_damage(path, damage);
    synctalk_status st = run(&p, input->features, &e);
    bool fine = damage == CUT && input->cut_is_fine;
    if (!fine && st == SYNCTALK_OK)
        fail_msg("%s, %s: no error", input->name, damage_names[damage]);
    /* What is absent may be told by its folder: "there is no checkpoint in ...". */
    if (!fine && !strstr(e.message, st_path_base(path)) &&
        !(damage == ABSENT && strstr(e.message, p.root)))
        fail_msg("%s, %s: the sentence does not name it: %s", input->name, damage_names[damage],
                 e.message);
    if (st != SYNCTALK_OK)
        assert_int_equal(project_outputs(&p), 0);
    project_remove(&p);
}

static void every_input_in_every_way(void **state)
{
    (void)state;
    const struct input inputs[] = {
        {.name = "checkpoint/tiny/0.safetensors", .features = true},
        {.name = "features.npy", .features = true},
        {.name = "sound.wav", .features = true, .cut_is_fine = true},
        {.name = "sound.wav", .features = false, .cut_is_fine = true},
        {.name = "model/audio_visual_encoder.pth", .features = false},
        {.name = "dataset/tiny/full_body_img/0.jpg", .features = true},
        {.name = "dataset/tiny/full_body_img/2.jpg", .features = true},
        {.name = "dataset/tiny/landmarks/0.lms", .features = true},
        {.name = "dataset/tiny/landmarks/2.lms", .features = true},
    };
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
        for (int d = 0; d < DAMAGES; d++)
            damaged(&inputs[i], (enum damage)d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_input_in_every_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
