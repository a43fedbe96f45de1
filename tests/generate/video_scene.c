/* SPDX-License-Identifier: Apache-2.0 */
#include "support/support.h"

#include "generate/video_scene.h"

#include <stdio.h>
#include <string.h>

#include "generate/faces.h"
#include "kernels/kernels.h"

static void keep_log(void *user, synctalk_log_level level, const char *message)
{
    (void)level;
    char *log = user;
    size_t used = strlen(log);
    snprintf(log + used, sizeof(((struct scene *)0)->log) - used, "%s\n", message);
}

void scene_create(struct scene *scene, const char *models, int frames)
{
    struct project *p = &scene->p;
    char dataset[ST_PATH_MAX];
    char hidden[ST_PATH_MAX];

    memset(scene, 0, sizeof *scene);
    project_create(p, 130, 98, frames);
    ST_OK(st_path_join(dataset, p->root, "dataset", err));
    ST_OK(st_path_join(hidden, p->root, "hidden", err));
    assert_int_equal(rename(dataset, hidden), 0);
    ST_OK(st_path_join(scene->video, p->root, "take.mp4", err));
    ST_OK(st_path_join(scene->cache, p->root, "cache/analysis", err));

    synctalk_settings *s = &scene->settings;
    synctalk_settings_init(s);
    s->precision = SYNCTALK_PRECISION_F32; /* nothing is found out first */
    s->root = p->root;
    s->models = models;
    s->model = PROJECT_PERSON;
    s->features = p->features;
    s->mode = SYNCTALK_MODE_VIDEO;
    s->video = scene->video;
    s->analysis_cache = scene->cache;
    s->overwrite = 1;
    s->encoder_threads = 2;
    scene->callbacks = (synctalk_callbacks){.user = scene->log, .log = keep_log};
}

void scene_remove(struct scene *scene)
{
    project_remove(&scene->p);
}

void scene_make(struct scene *scene, int64_t sources, synctalk_report *report)
{
    synctalk_person *person;
    scene->log[0] = '\0';
    ST_OK(synctalk_person_open(&person, &scene->settings, &scene->callbacks, err));
    assert_int_equal(synctalk_person_frames(person), sources);
    ST_OK(synctalk_generate(person, &scene->settings, scene->p.sound, scene->p.output,
                            &scene->callbacks, report, err));
    synctalk_person_close(&person);
}

void scene_refuse(struct scene *scene, synctalk_status status, const char *words, const char *more)
{
    synctalk_person *person;
    synctalk_error e = {0};
    synctalk_status st = synctalk_person_open(&person, &scene->settings, &scene->callbacks, &e);
    if (st != status || !strstr(e.message, words) || !strstr(e.message, more))
        fail_msg("wanted %d with \"%s\" and \"%s\", got %d: %s", status, words, more, st,
                 e.message);
    assert_null(person);
}

void scene_compare(const struct scene *scene, const struct st_plan *plan, int fps,
                   struct film_likeness *likeness)
{
    const synctalk_settings *s = &scene->settings;
    struct st_face_settings faces;
    struct st_analysis *analysis;
    struct st_kernels kernels;

    st_kernels_init(&kernels, ~0u);
    ST_OK(st_face_settings_find(&faces, s, s->video, fps, &kernels, err));
    ST_OK(st_analysis_open(&analysis, &faces.analysis, NULL, err));
    assert_true(st_analysis_summary(analysis)->reused);
    film_check_clock(scene->p.output, scene->p.sound, plan, fps);
    film_compare(likeness, scene->p.output, s->video, plan, analysis, fps);
    print_message("%s: %d frames: %.1f dB outside the square, %.1f dB the worst, %.1f dB inside\n",
                  st_path_base(s->video), (int)plan->frames, likeness->psnr, likeness->worst,
                  likeness->face);
    st_analysis_close(&analysis);
}
