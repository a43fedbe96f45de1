/* SPDX-License-Identifier: Apache-2.0 */
/* The UNet: six forms recognised, built and equal to recorded outputs; faulty checkpoints
 * refused by name; the same bytes for any number of workers; no allocation per frame. The
 * first argument limits the instruction sets. */
#include "models/unet.h"

#include <malloc.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "models/model_support.h"
#include "models/unet_wiring.h"

#define IMAGE_SIZE ((size_t)6 * ST_UNET_SIDE * ST_UNET_SIDE)
#define OUT_SIZE ((size_t)3 * ST_UNET_SIDE * ST_UNET_SIDE)

static struct st_kernels kernels; /* set once by main() */

/* The linker sends our own code's allocations here (--wrap); oneDNN's stay its own. */
static size_t allocations;
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size)
{
    allocations++;
    return __real_realloc(block, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    allocations++;
    return __real_aligned_alloc(alignment, size);
}

static float *random_floats(size_t count, float low, float high, uint64_t seed)
{
    float *data = malloc(count * sizeof *data);
    assert_non_null(data);
    for (size_t i = 0; i < count; i++)
        data[i] = low + (high - low) * st_random_unit(&seed);
    return data;
}

static size_t audio_size(const struct st_unet_form *form)
{
    return form->audio_dims[0] * form->audio_dims[1] * form->audio_dims[2];
}

static void check_golden(const char *weights_path, const char *arrays_path,
                         synctalk_encoder encoder)
{
    struct st_weights *weights, *arrays;
    struct st_unet_form form;
    struct st_unet *unet;
    struct st_unet_worker *worker;
    ST_OK(st_weights_open(&weights, weights_path, err));
    ST_OK(st_unet_recognise(&form, weights, encoder, err));
    ST_OK(st_unet_open(&unet, weights, &form, &kernels, err));
    st_weights_close(&weights);
    ST_OK(st_unet_worker_open(&worker, unet, err));

    size_t image_count, audio_count, out_count;
    ST_OK(st_weights_open(&arrays, arrays_path, err));
    float *image = st_test_f32(arrays, "image_u8", &image_count);
    float *audio = st_test_f32(arrays, "audio", &audio_count);
    float *want = st_test_f32(arrays, "out", &out_count);
    st_weights_close(&arrays);
    assert_int_equal(image_count, IMAGE_SIZE);
    assert_int_equal(audio_count, audio_size(&form));
    assert_int_equal(out_count, OUT_SIZE);
    for (size_t i = 0; i < IMAGE_SIZE; i++)
        image[i] /= 255;

    float *out = malloc(OUT_SIZE * sizeof *out);
    assert_non_null(out);
    ST_OK(st_unet_run(worker, 1, image, audio, out, err));
    double off = st_max_difference(out, want, OUT_SIZE);
    if (!(off < 1e-5))
        fail_msg("%s: off by %g", arrays_path, off);

    free(out);
    free(want);
    free(audio);
    free(image);
    st_unet_worker_close(&worker);
    st_unet_close(&unet);
}

#define GOLDEN(name, weights_file, encoder)                           \
    static void name(void **state)                                    \
    {                                                                 \
        (void)state;                                                  \
        ST_NEED_SHARED(weights_path, "reference/unet/" weights_file); \
        ST_NEED_SHARED(arrays_path, "reference/unet/" #name ".npz");  \
        check_golden(weights_path, arrays_path, encoder);             \
    }

GOLDEN(unet_ave_full, "unet_ave_full_random_f16.pth", SYNCTALK_ENCODER_AVE)
GOLDEN(unet_ave_narrow, "unet_ave_narrow_random.pth", SYNCTALK_ENCODER_AVE)
GOLDEN(unet_hubert_narrow, "unet_hubert_narrow_f16.pth", SYNCTALK_ENCODER_HUBERT)
GOLDEN(unet_wenet_narrow, "unet_wenet_narrow_f16.pth", SYNCTALK_ENCODER_AUTO)

static const synctalk_encoder encoders[] = {SYNCTALK_ENCODER_AVE, SYNCTALK_ENCODER_HUBERT,
                                            SYNCTALK_ENCODER_WENET};

/* What we make at random has the names and shapes of what is published. */
static void test_random_has_published_keys(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) {
        struct st_weights *weights;
        const synctalk_encoder encoder = encoders[i / 2];
        char name[128];
        snprintf(name, sizeof name, "reference/unet/unet_%s%s.keys.txt",
                 st_unet_encoder_name(encoder), i % 2 ? "_narrow" : "");
        ST_NEED_SHARED(path, name);
        ST_OK(st_unet_random(&weights, i % 2, encoder, 1, err));
        st_test_same_keys(weights, path);
        st_weights_close(&weights);
    }
}

/* Six forms: what is read off each, and that it runs on the input it asks for. */
static void test_six_forms(void **state)
{
    (void)state;
    static const size_t vectors[] = {512, 2048, 8192};
    float *image = random_floats(IMAGE_SIZE, 0, 1, 7);
    float *out = malloc(OUT_SIZE * sizeof *out);
    assert_non_null(out);
    for (int i = 0; i < 6; i++) {
        struct st_weights *weights;
        struct st_unet_form form;
        struct st_unet *unet;
        struct st_unet_worker *worker;
        ST_OK(st_unet_random(&weights, i % 2, encoders[i / 2], 5, err));
        ST_OK(st_unet_recognise(&form, weights, SYNCTALK_ENCODER_AUTO, err));
        assert_int_equal(form.narrow, i % 2);
        assert_int_equal(form.encoder, encoders[i / 2]);
        assert_int_equal(form.window, i % 2 ? 8 : 16);
        assert_int_equal(form.vector, vectors[i / 2]);
        assert_int_equal(audio_size(&form), form.vector * (size_t)form.window);

        float *audio = random_floats(audio_size(&form), -1, 1, 9);
        ST_OK(st_unet_open(&unet, weights, &form, &kernels, err));
        st_weights_close(&weights);
        ST_OK(st_unet_worker_open(&worker, unet, err));
        ST_OK(st_unet_run(worker, 1, image, audio, out, err));
        float low = 1, high = 0;
        for (size_t p = 0; p < OUT_SIZE; p++) {
            assert_true(out[p] > 0 && out[p] < 1);
            low = fminf(low, out[p]);
            high = fmaxf(high, out[p]);
        }
        assert_true(high - low > 0.01F); /* neither constant nor saturated */
        free(audio);
        st_unet_worker_close(&worker);
        st_unet_close(&unet);
    }
    free(out);
    free(image);
}

/* AVE and HuBERT have the same shapes; only metadata or the caller can tell. */
static void test_encoder_is_decided_or_refused(void **state)
{
    (void)state;
    struct st_weights *said, *mute, *wenet;
    struct st_unet_form form;
    synctalk_error error = {0};
    ST_OK(st_unet_random(&said, true, SYNCTALK_ENCODER_HUBERT, 1, err));
    mute = st_test_edited(said, "", ST_EDIT_NONE, NULL);
    ST_OK(st_unet_recognise(&form, mute, SYNCTALK_ENCODER_AUTO, err));
    assert_int_equal(form.encoder, SYNCTALK_ENCODER_AUTO);
    assert_int_equal(form.vector, 0);
    assert_int_equal(form.audio_dims[0], 0);
    assert_int_equal(form.window, 8);
    ST_OK(st_unet_recognise(&form, mute, SYNCTALK_ENCODER_AVE, err));
    assert_int_equal(form.encoder, SYNCTALK_ENCODER_AVE);
    assert_int_equal(form.vector, 512);

    assert_int_equal(st_unet_recognise(&form, mute, SYNCTALK_ENCODER_WENET, &error),
                     SYNCTALK_E_ARG);
    assert_int_equal(st_unet_recognise(&form, said, SYNCTALK_ENCODER_AVE, &error), SYNCTALK_E_ARG);
    assert_non_null(strstr(error.message, "made for hubert"));
    ST_OK(st_unet_random(&wenet, true, SYNCTALK_ENCODER_WENET, 1, err));
    assert_int_equal(st_unet_recognise(&form, wenet, SYNCTALK_ENCODER_AVE, &error), SYNCTALK_E_ARG);
    assert_non_null(strstr(error.message, "made for wenet"));
    st_weights_close(&wenet);
    st_weights_close(&mute);
    st_weights_close(&said);
}

static void expect_refusal(const struct st_weights *good, enum st_test_edit edit, const char *name,
                           const char *phrase)
{
    struct st_unet_form form;
    struct st_unet *unet = NULL;
    synctalk_error error = {0};
    struct st_weights *bad = st_test_edited(good, "", edit, name);
    synctalk_status st = st_unet_recognise(&form, bad, SYNCTALK_ENCODER_AVE, &error);
    if (!st)
        st = st_unet_open(&unet, bad, &form, &kernels, &error);
    assert_null(unet);
    assert_int_equal(st, SYNCTALK_E_MODEL);
    if (!strstr(error.message, name) && !strstr(name, "running_var"))
        fail_msg("does not name %s: %s", name, error.message);
    if (!strstr(error.message, "edited.pth") || !strstr(error.message, phrase))
        fail_msg("does not say \"%s\": %s", phrase, error.message);
    st_weights_close(&bad);
}

static void test_faulty_checkpoints(void **state)
{
    (void)state;
    struct st_weights *good;
    ST_OK(st_unet_random(&good, true, SYNCTALK_ENCODER_AVE, 1, err));
    expect_refusal(good, ST_EDIT_DROP, "outc.conv.weight", "not a SyncTalk UNet");
    expect_refusal(good, ST_EDIT_DROP, "audio_model.conv1.conv.0.weight", "not a SyncTalk UNet");
    expect_refusal(good, ST_EDIT_RESHAPE, "outc.conv.weight", "[4, 8, 1, 1]");
    expect_refusal(good, ST_EDIT_DROP, "audio_model.bn5.running_mean", "");
    expect_refusal(good, ST_EDIT_DROP, "outc.conv.bias", "");
    expect_refusal(good, ST_EDIT_RESHAPE, "up3.conv.double_conv.1.conv.6.weight", "[17, 32, 1, 1]");
    expect_refusal(good, ST_EDIT_RESHAPE, "inc.inconv.0.conv.3.weight", "13");
    expect_refusal(good, ST_EDIT_NAN, "down4.maxpool_conv.0.double_conv.0.conv.4.running_var",
                   "finite");
    st_weights_close(&good);
}

static void test_random_repeats(void **state)
{
    (void)state;
    struct st_weights *a, *b, *c;
    ST_OK(st_unet_random(&a, true, SYNCTALK_ENCODER_AVE, 42, err));
    ST_OK(st_unet_random(&b, true, SYNCTALK_ENCODER_AVE, 42, err));
    ST_OK(st_unet_random(&c, true, SYNCTALK_ENCODER_AVE, 43, err));
    for (size_t i = 0; i < st_weights_count(a); i++) {
        const struct st_tensor *t = st_weights_at(a, i);
        assert_memory_equal(t->data, st_weights_at(b, i)->data, t->count * sizeof(float));
        assert_memory_not_equal(t->data, st_weights_at(c, i)->data, t->count * sizeof(float));
    }
    synctalk_error error = {0};
    struct st_weights *none;
    assert_int_equal(st_unet_random(&none, true, SYNCTALK_ENCODER_AUTO, 1, &error), SYNCTALK_E_ARG);
    st_weights_close(&a);
    st_weights_close(&b);
    st_weights_close(&c);
}

struct job {
    const struct st_unet *unet;
    const float *image, *audio;
    float *out; /* [2, 3, 320, 320] */
    bool done;
};

static void *work(void *argument)
{
    struct job *job = argument;
    struct st_unet_worker *worker;
    if (st_unet_worker_open(&worker, job->unet, NULL))
        return NULL;
    job->done = !st_unet_run(worker, 2, job->image, job->audio, job->out, NULL);
    st_unet_worker_close(&worker);
    return NULL;
}

/* Two workers at once give the bytes of one alone, and two samples in one call those of
 * two calls, in either order: nothing is left over from the frame before. */
static void test_workers_and_batches(void **state)
{
    (void)state;
    struct st_weights *weights;
    struct st_unet_form form;
    struct st_unet *unet;
    struct st_unet_worker *worker;
    ST_OK(st_unet_random(&weights, true, SYNCTALK_ENCODER_AVE, 3, err));
    ST_OK(st_unet_recognise(&form, weights, SYNCTALK_ENCODER_AUTO, err));
    ST_OK(st_unet_open(&unet, weights, &form, &kernels, err));
    st_weights_close(&weights);
    const size_t A = audio_size(&form);
    float *image = random_floats(2 * IMAGE_SIZE, 0, 1, 1), *audio = random_floats(2 * A, -1, 1, 2);

    struct job jobs[2];
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        jobs[i] = (struct job){unet, image, audio, malloc(2 * OUT_SIZE * sizeof(float)), false};
        assert_non_null(jobs[i].out);
        assert_int_equal(pthread_create(&threads[i], NULL, work, &jobs[i]), 0);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_true(jobs[i].done);
    }
    float *out = malloc(2 * OUT_SIZE * sizeof *out);
    assert_non_null(out);
    ST_OK(st_unet_worker_open(&worker, unet, err));
    for (size_t n = 2; n-- > 0;)
        ST_OK(
            st_unet_run(worker, 1, image + n * IMAGE_SIZE, audio + n * A, out + n * OUT_SIZE, err));
    assert_memory_equal(jobs[0].out, out, 2 * OUT_SIZE * sizeof *out);
    assert_memory_equal(jobs[1].out, out, 2 * OUT_SIZE * sizeof *out);
    assert_memory_not_equal(out, out + OUT_SIZE, OUT_SIZE * sizeof *out);

    /* the sound reaches the picture */
    ST_OK(st_unet_run(worker, 1, image, audio + A, out + OUT_SIZE, err));
    assert_memory_not_equal(out, out + OUT_SIZE, OUT_SIZE * sizeof *out);
    st_unet_worker_close(&worker);
    st_unet_close(&unet);
    for (int i = 0; i < 2; i++)
        free(jobs[i].out);
    free(out);
    free(audio);
    free(image);
}

/* Sides that are kept and come back in another order, to another worker, give the bytes of
 * the whole. Caught here: a side left in a worker's memory, where the next one's temporary
 * values overwrite it. */
static void test_parts_equal_whole(void **state)
{
    (void)state;
    struct st_weights *weights;
    struct st_unet_form form;
    struct st_unet *unet;
    struct st_unet_worker *worker, *other;
    ST_OK(st_unet_random(&weights, true, SYNCTALK_ENCODER_AVE, 3, err));
    ST_OK(st_unet_recognise(&form, weights, SYNCTALK_ENCODER_AUTO, err));
    ST_OK(st_unet_open(&unet, weights, &form, &kernels, err));
    st_weights_close(&weights);
    ST_OK(st_unet_worker_open(&worker, unet, err));
    ST_OK(st_unet_worker_open(&other, unet, err));
    const size_t A = audio_size(&form);
    float *image = random_floats(2 * IMAGE_SIZE, 0, 1, 1), *audio = random_floats(2 * A, -1, 1, 2);
    float *whole = malloc(OUT_SIZE * sizeof *whole), *parts = malloc(OUT_SIZE * sizeof *parts);
    void *images[2], *sounds[2];
    assert_true(whole && parts);
    for (size_t i = 0; i < 2; i++) {
        images[i] = st_alloc_aligned(st_unet_image_side_bytes(unet));
        sounds[i] = st_alloc_aligned(st_unet_audio_side_bytes(unet));
        assert_true(images[i] && sounds[i]);
        ST_OK(st_unet_run_image_side(worker, image + i * IMAGE_SIZE, images[i], err));
        ST_OK(st_unet_run_audio_side(worker, audio + i * A, sounds[i], err));
    }
    for (size_t i = 0; i < 4; i++) {
        const size_t I = i / 2, S = i % 2;
        ST_OK(st_unet_run(worker, 1, image + I * IMAGE_SIZE, audio + S * A, whole, err));
        struct st_unet_worker *now = i % 2 ? worker : other;
        ST_OK(st_unet_load_image_side(now, image + I * IMAGE_SIZE, images[I], err));
        ST_OK(st_unet_run_rest(now, sounds[S], parts, err));
        assert_memory_equal(whole, parts, OUT_SIZE * sizeof *whole);
        ST_OK(st_unet_run_image_side(now, image + I * IMAGE_SIZE, NULL, err));
        ST_OK(st_unet_run_rest(now, sounds[S], parts, err));
        assert_memory_equal(whole, parts, OUT_SIZE * sizeof *whole);
    }
    for (size_t i = 0; i < 2; i++) {
        free(images[i]);
        free(sounds[i]);
    }
    free(parts);
    free(whole);
    free(audio);
    free(image);
    st_unet_worker_close(&other);
    st_unet_worker_close(&worker);
    st_unet_close(&unet);
}

/* A frame that allocates would let the memory of a ten-hour run creep up. */
static void test_no_allocation_per_frame(void **state)
{
    (void)state;
    struct st_weights *weights;
    struct st_unet_form form;
    struct st_unet *unet;
    struct st_unet_worker *worker;
    ST_OK(st_unet_random(&weights, true, SYNCTALK_ENCODER_AVE, 3, err));
    ST_OK(st_unet_recognise(&form, weights, SYNCTALK_ENCODER_AUTO, err));
    ST_OK(st_unet_open(&unet, weights, &form, &kernels, err));
    st_weights_close(&weights);
    ST_OK(st_unet_worker_open(&worker, unet, err));
    float *image = random_floats(IMAGE_SIZE, 0, 1, 1);
    float *audio = random_floats(audio_size(&form), -1, 1, 2);
    float *out = malloc(OUT_SIZE * sizeof *out);
    assert_non_null(out);
    assert_true(allocations > 0); /* the counter counts */

    ST_OK(st_unet_run(worker, 1, image, audio, out, err));
    allocations = 0;
    size_t in_use = mallinfo2().uordblks;
    for (int i = 0; i < 3; i++)
        ST_OK(st_unet_run(worker, 1, image, audio, out, err));
    assert_int_equal(allocations, 0);
    /* and what oneDNN takes for a call it has given back */
    assert_int_equal(mallinfo2().uordblks, in_use);
    free(out);
    free(audio);
    free(image);
    st_unet_worker_close(&worker);
    st_unet_close(&unet);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest golden[] = {
        cmocka_unit_test(unet_ave_full),
        cmocka_unit_test(unet_ave_narrow),
        cmocka_unit_test(unet_hubert_narrow),
        cmocka_unit_test(unet_wenet_narrow),
        cmocka_unit_test(test_random_has_published_keys),
    };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_six_forms),
        cmocka_unit_test(test_encoder_is_decided_or_refused),
        cmocka_unit_test(test_faulty_checkpoints),
        cmocka_unit_test(test_random_repeats),
        cmocka_unit_test(test_workers_and_batches),
        cmocka_unit_test(test_parts_equal_whole),
        cmocka_unit_test(test_no_allocation_per_frame),
    };
    bool only_golden = argc > 2 && strcmp(argv[2], "golden") == 0;
    st_kernels_init(&kernels, st_test_cpu_mask(argc, argv));
    return only_golden ? cmocka_run_group_tests(golden, NULL, NULL)
                       : cmocka_run_group_tests(tests, NULL, NULL);
}
