/* SPDX-License-Identifier: Apache-2.0 */
#include "support/heldout.h"

#include <stdio.h>
#include <stdlib.h>

#include "face/dataset.h"
#include "face/redraw.h"
#include "generate/feature_source.h"

struct heldout {
    struct st_dataset dataset;
    struct st_redraw *redraw;
    struct st_jpeg_decoder *decoder;
    struct st_picture picture;
    struct st_weights *table;
    struct st_feature_source *features;
};

bool heldout_open(struct heldout **out, const char *shared, struct st_weights **weights,
                  struct st_unet_form *form, const struct st_kernels *kernels)
{
    const struct st_redraw_settings settings = {.blend = SYNCTALK_BLEND_NONE};
    char checkpoint[ST_PATH_MAX];
    char folder[ST_PATH_MAX];
    char features[ST_PATH_MAX];
    synctalk_error err = {0};
    struct heldout *h = calloc(1, sizeof *h);
    *out = NULL;
    *weights = NULL;
    if (!h || st_path_join(checkpoint, shared, "checkpoint/sanders/0.pth", &err) ||
        st_path_join(folder, shared, "dataset/sanders", &err) ||
        st_path_join(features, shared, "dataset/sanders/aud_ave.npy", &err) ||
        st_weights_open(weights, checkpoint, &err) ||
        st_unet_recognise(form, *weights, SYNCTALK_ENCODER_AVE, &err) ||
        st_dataset_open(&h->dataset, folder, NULL, &err) ||
        st_redraw_create(&h->redraw, &settings, h->dataset.largest_side, kernels, &err) ||
        st_jpeg_decoder_create(&h->decoder, &err) || st_weights_open(&h->table, features, &err) ||
        st_feature_source_from_file(&h->features, h->table, form->vector, form->window, &err)) {
        fprintf(stderr, "SKIPPED: no frames to try: %s\n", err.message);
        heldout_close(&h);
        st_weights_close(weights);
        return false;
    }
    *out = h;
    return true;
}

void heldout_close(struct heldout **heldout)
{
    if (!heldout || !*heldout)
        return;
    struct heldout *h = *heldout;
    st_feature_source_close(&h->features);
    st_weights_close(&h->table);
    st_picture_free(&h->picture);
    st_jpeg_decoder_destroy(&h->decoder);
    st_redraw_destroy(&h->redraw);
    st_dataset_close(&h->dataset);
    free(h);
    *heldout = NULL;
}

bool heldout_read(struct heldout *h, int64_t index, float *image, float *sound)
{
    synctalk_error err = {0};
    if (st_dataset_read(&h->dataset, index, h->decoder, &h->picture, &err) ||
        st_feature_source_window(h->features, index, sound, &err)) {
        fprintf(stderr, "frame %d: %s\n", (int)index, err.message);
        return false;
    }
    st_redraw_crop(h->redraw, &h->picture, &h->dataset.boxes[index], image);
    return true;
}
