/* SPDX-License-Identifier: Apache-2.0 */
#include "support/support.h"

#include "train/scene.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "models/unet.h"

void scene_create(struct scene *scene)
{
    char path[ST_PATH_MAX];
    memset(scene, 0, sizeof *scene);
    project_create(&scene->project, 64, 64, PROJECT_SOURCES);
    ST_OK(st_path_format(scene->folder, err, "%s/checkpoint/tiny", scene->project.root));
    ST_OK(st_path_join(path, scene->folder, "0.safetensors", err));
    assert_int_equal(unlink(path), 0);
    ST_OK(st_path_join(scene->state, scene->folder, "train-state.safetensors", err));
    synctalk_train_settings_init(&scene->settings);
    scene->settings.root = scene->project.root;
    scene->settings.model = PROJECT_PERSON;
    scene->settings.features = scene->project.features;
    scene->settings.width = SYNCTALK_WIDTH_NARROW;
    scene->settings.batch = 2;
    scene->settings.samples_per_epoch = 4;
    scene->settings.epochs = 2;
    scene->settings.threads = 2;
    scene->settings.precision = SYNCTALK_TRAIN_F32; /* the same course on every processor */
}

void scene_remove(struct scene *scene)
{
    project_remove(&scene->project);
}

struct counter {
    int left;  /* progress calls until it is cancelled; negative: never */
    int polls; /* and questions after those */
};

static void on_progress(void *user, const synctalk_progress *progress)
{
    struct counter *counter = user;
    if (strcmp(progress->stage, "train") == 0 && counter->left > 0)
        counter->left--;
}

static int on_cancelled(void *user)
{
    struct counter *counter = user;
    return counter->left == 0 && counter->polls-- <= 0;
}

static void limit(int resource, long long bytes)
{
    const struct rlimit limits = {(rlim_t)bytes, (rlim_t)bytes};
    if (setrlimit((__rlimit_resource_t)resource, &limits) < 0)
        _exit(3);
}

/* Bytes of address space that this process has. */
static long long address_space(void)
{
    long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file) {
        if (fscanf(file, "%lld", &pages) != 1)
            pages = 0;
        fclose(file);
    }
    return pages * sysconf(_SC_PAGESIZE);
}

static void work(const struct scene *scene, const struct conditions *c, struct outcome *outcome)
{
    struct counter counter = {c->stop_after > 0 ? c->stop_after : -1, c->polls};
    const synctalk_callbacks callbacks = {
        .user = &counter, .progress = on_progress, .cancelled = on_cancelled};
    synctalk_error error = {0};
    if (c->file_bytes > 0) {
        signal(SIGXFSZ, SIG_IGN);
        limit(RLIMIT_FSIZE, c->file_bytes);
    }
    if (c->memory_bytes > 0)
        limit(RLIMIT_AS, address_space() + c->memory_bytes);
    outcome->status = (c->syncnet ? synctalk_train_syncnet : synctalk_train)(
        &scene->settings, &callbacks, &outcome->report, &error);
    snprintf(outcome->message, sizeof outcome->message, "%s", error.message);
}

struct outcome scene_train(const struct scene *scene, const struct conditions *conditions)
{
    const struct conditions none = {0};
    struct outcome *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0;
    assert_true(shared != MAP_FAILED);
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        work(scene, conditions ? conditions : &none, shared);
        _exit(0);
    }
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    const struct outcome outcome = *shared;
    munmap(shared, sizeof *shared);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        fail_msg("the training ended by %s %d", WIFSIGNALED(status) ? "signal" : "exit code",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    return outcome;
}

bool scene_train_and_kill(const struct scene *scene, unsigned microseconds)
{
    int status = 0;
    fflush(NULL);
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct outcome outcome = {.status = SYNCTALK_OK};
        work(scene, &(struct conditions){0}, &outcome);
        _exit(outcome.status ? 4 : 0);
    }
    usleep(microseconds);
    kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0)
        assert_int_equal(errno, EINTR);
    if (WIFEXITED(status))
        assert_int_equal(WEXITSTATUS(status), 0);
    return WIFSIGNALED(status);
}

/* All tensors where `name` is NULL. */
static void assert_same_tensors(const char *a, const char *b, const char *name)
{
    struct st_weights *left;
    struct st_weights *right;
    ST_OK(st_weights_open(&left, a, err));
    ST_OK(st_weights_open(&right, b, err));
    if (name)
        assert_non_null(st_weights_find(left, name));
    else
        assert_int_equal(st_weights_count(left), st_weights_count(right));
    for (size_t i = 0; i < st_weights_count(left); i++) {
        const struct st_tensor *x = st_weights_at(left, i);
        const struct st_tensor *y = st_weights_find(right, x->name);
        if (name && strcmp(name, x->name) != 0)
            continue;
        assert_non_null(y);
        assert_int_equal(x->count, y->count);
        if (memcmp(x->data, y->data, x->count * st_dtype_size(x->dtype)) != 0)
            fail_msg("%s of %s and %s differ", x->name, a, b);
    }
    st_weights_close(&left);
    st_weights_close(&right);
}

void scene_assert_same_block(const struct scene *a, const struct scene *b, const char *name)
{
    assert_same_tensors(a->state, b->state, name);
}

/* N of "N.pth", or -1. */
static int64_t checkpoint_number(const char *name)
{
    char *end;
    const int64_t n = strtoll(name, &end, 10);
    return end > name && strcmp(end, ".pth") == 0 ? n : -1;
}

void scene_assert_equal(const struct scene *a, const struct scene *b)
{
    struct st_names left;
    struct st_names right;
    char x[ST_PATH_MAX];
    char y[ST_PATH_MAX];
    int compared = 0;

    assert_same_tensors(a->state, b->state, NULL);
    ST_OK(st_list_dir(&left, a->folder, err));
    ST_OK(st_list_dir(&right, b->folder, err));
    assert_int_equal(left.count, right.count);
    for (size_t i = 0; i < left.count; i++) {
        assert_string_equal(left.names[i], right.names[i]);
        if (checkpoint_number(left.names[i]) < 0)
            continue;
        ST_OK(st_path_join(x, a->folder, left.names[i], err));
        ST_OK(st_path_join(y, b->folder, left.names[i], err));
        assert_same_tensors(x, y, NULL);
        compared++;
    }
    assert_true(compared > 0);
    st_names_free(&left);
    st_names_free(&right);
}

static void assert_finite(const struct st_weights *weights)
{
    for (size_t i = 0; i < st_weights_count(weights); i++) {
        const struct st_tensor *t = st_weights_at(weights, i);
        float *values = malloc(t->count * sizeof *values + 1);
        assert_non_null(values);
        st_tensor_to_f32(t, values);
        for (size_t k = 0; k < t->count; k++)
            assert_true(isfinite(values[k]));
        free(values);
    }
}

static void assert_checkpoint(const char *path)
{
    struct st_weights *weights;
    struct st_unet_form form;
    ST_OK(st_weights_open(&weights, path, err));
    ST_OK(st_unet_recognise(&form, weights, SYNCTALK_ENCODER_AUTO, err));
    assert_int_not_equal(form.encoder, SYNCTALK_ENCODER_AUTO);
    assert_finite(weights);
    st_weights_close(&weights);
}

int64_t scene_assert_whole(const struct scene *scene)
{
    struct st_names names;
    char path[ST_PATH_MAX];
    int64_t epochs = -1;
    if (!st_path_is_dir(scene->folder))
        return -1;
    ST_OK(st_list_dir(&names, scene->folder, err));
    for (size_t i = 0; i < names.count; i++) {
        if (checkpoint_number(names.names[i]) < 0)
            continue;
        ST_OK(st_path_join(path, scene->folder, names.names[i], err));
        assert_checkpoint(path);
    }
    st_names_free(&names);
    if (st_path_is_file(scene->state)) {
        struct st_weights *state;
        ST_OK(st_weights_open(&state, scene->state, err));
        assert_finite(state);
        json_t *root = json_loads(st_weights_metadata(state, "synctalk.training"), 0, NULL);
        assert_non_null(root);
        epochs = json_integer_value(json_object_get(root, "epoch"));
        json_decref(root);
        st_weights_close(&state);
    }
    return epochs;
}
