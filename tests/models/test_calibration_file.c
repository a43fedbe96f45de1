/* SPDX-License-Identifier: Apache-2.0 */
/* What is remembered of a checkpoint's precisions counts for that checkpoint as one encoder's
 * sound drives it, and for no other. */
#include "support/support.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "models/train_models.h"
#include "models/unet_calibration_file.h"
#include "synctalk/machine.h"

static void form_of(struct st_unet_form *form, synctalk_encoder kind, const char *name)
{
    st_train_unet_form(form, true, kind);
    snprintf(form->hears, sizeof form->hears, "%s", name);
}

/* A file as a calibration leaves it, with ranges of zero and one entry. */
static void write_file(const char *path, const struct st_unet_form *form)
{
    struct st_unet_calibration_file file = {.checkpoint = "c0ffee"};
    const struct st_unet_calibration entry = {
        .flags = SYNCTALK_CPU_AVX2, .target_db = 45, .choice = SYNCTALK_PRECISION_F32};
    st_unet_recipe_uniform(&file.recipe, form, ST_ELEMENT_F32);
    ST_OK(st_unet_recipe_alloc(&file.recipe, form, err));
    st_unet_calibration_add(&file, &entry);
    ST_OK(st_unet_calibration_write(&file, path, form, err));
    st_unet_calibration_free(&file);
}

static size_t read_file(const char *path, const struct st_unet_form *form, const char *checkpoint,
                        char why[256])
{
    struct st_unet_calibration_file file = {0};
    snprintf(file.checkpoint, sizeof file.checkpoint, "%s", checkpoint);
    ST_OK(st_unet_calibration_read(&file, path, form, why, err));
    const size_t count = file.count;
    st_unet_calibration_free(&file);
    return count;
}

/* Guards ranges found with one encoder's vectors that clip another's: a checkpoint that names no
 * encoder, run with the wrong one first. Vectors of a custom encoder may have another size. */
static void belongs_to_an_encoder(void **state)
{
    (void)state;
    if (!st_pixel_kernels_have(SYNCTALK_CPU_AVX2, ST_ELEMENT_F32))
        skip(); /* no processor of this kind has anything to remember */
    char *folder = st_scratch_create();
    char path[ST_PATH_MAX];
    char why[256];
    struct st_unet_form ave, hubert, own, own_longer;
    form_of(&ave, SYNCTALK_ENCODER_AVE, "ave");
    form_of(&hubert, SYNCTALK_ENCODER_HUBERT, "hubert");
    form_of(&own, SYNCTALK_ENCODER_AVE, "phonemes");
    form_of(&own_longer, SYNCTALK_ENCODER_HUBERT, "phonemes");
    ST_OK(st_path_join(path, folder, "0.precision.json", err));

    write_file(path, &hubert);
    assert_int_equal(read_file(path, &hubert, "c0ffee", why), 1);
    assert_string_equal(why, "");
    assert_int_equal(read_file(path, &ave, "c0ffee", why), 0);
    assert_string_equal(why, "it was made for the audio encoder hubert, this is ave");
    assert_int_equal(read_file(path, &own_longer, "c0ffee", why), 0);
    assert_int_equal(read_file(path, &hubert, "decade", why), 0);
    assert_string_equal(why, "it was made for another checkpoint");

    write_file(path, &own);
    assert_int_equal(read_file(path, &own, "c0ffee", why), 1);
    assert_int_equal(read_file(path, &own_longer, "c0ffee", why), 0);
    assert_string_equal(why,
                        "it was made for the audio encoder phonemes/512, this is phonemes/2048");
    st_scratch_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(belongs_to_an_encoder)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
