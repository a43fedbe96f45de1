/* SPDX-License-Identifier: Apache-2.0 */
/* enlarge_person DATASET WIDTH HEIGHT FRAMES OUT: the first frames of a dataset in another size,
 * as dataset OUT, for what has to be measured there. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/file.h"
#include "face/dataset.h"
#include "image/picture.h"
#include "kernels/kernels.h"

static synctalk_status write_landmarks(const struct st_landmarks *landmarks, double across,
                                       double down, const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file)
        return SYNCTALK_E_IO;
    for (int i = 0; i < landmarks->count; i++)
        fprintf(file, "%.3f %.3f\n", (double)landmarks->points[i].x * across,
                (double)landmarks->points[i].y * down);
    return fclose(file) ? SYNCTALK_E_IO : SYNCTALK_OK;
}

static synctalk_status enlarge(const struct st_dataset *dataset, int width, int height,
                               int64_t frames, const char *out, synctalk_error *err)
{
    struct st_kernels kernels;
    struct st_jpeg_decoder *decoder = NULL;
    struct st_resizer *resizer = NULL;
    struct st_picture small = {0};
    struct st_picture large = {0};
    struct st_landmarks landmarks;
    char path[ST_PATH_MAX];
    synctalk_status st;

    st_kernels_init(&kernels, ~0U);
    if ((st = st_jpeg_decoder_create(&decoder, err)) ||
        (st = st_resizer_create(&resizer, width > height ? width : height, &kernels, err)) ||
        (st = st_picture_resize(&large, width, height, err)))
        goto done;
    for (int64_t i = 0; i < frames; i++) {
        if ((st = st_dataset_read(dataset, i, decoder, &small, err)) ||
            (st = st_dataset_landmarks(dataset, i, &landmarks, err)))
            goto done;
        st_resize_cubic(resizer, large.data, width, height, large.stride, small.data, small.width,
                        small.height, small.stride);
        if ((st = st_path_format(path, err, "%s/full_body_img/%lld.jpg", out, (long long)i)) ||
            (st = st_jpeg_write(&large, path, 95, 1, err)) ||
            (st = st_path_format(path, err, "%s/landmarks/%lld.lms", out, (long long)i)) ||
            (st = write_landmarks(&landmarks, (double)width / small.width,
                                  (double)height / small.height, path)))
            goto done;
    }

done:
    st_picture_free(&large);
    st_picture_free(&small);
    st_resizer_destroy(&resizer);
    st_jpeg_decoder_destroy(&decoder);
    return st;
}

int main(int argc, char **argv)
{
    struct st_dataset dataset = {0};
    synctalk_error err = {0};
    char folder[ST_PATH_MAX];

    if (argc != 6) {
        fprintf(stderr, "usage: enlarge_person DATASET WIDTH HEIGHT FRAMES OUT\n");
        return 2;
    }
    const int width = (int)strtol(argv[2], NULL, 10);
    const int height = (int)strtol(argv[3], NULL, 10);
    long long frames = strtoll(argv[4], NULL, 10);
    synctalk_status st = st_dataset_open(&dataset, argv[1], NULL, &err);
    if (!st) {
        (void)mkdir(argv[5], 0777);
        for (int i = 0; !st && i < 2; i++) {
            st = st_path_join(folder, argv[5], i ? "landmarks" : "full_body_img", &err);
            (void)mkdir(folder, 0777);
        }
        if (frames > dataset.frames)
            frames = dataset.frames;
        if (!st)
            st = enlarge(&dataset, width, height, frames, argv[5], &err);
    }
    st_dataset_close(&dataset);
    if (st)
        fprintf(stderr, "enlarge_person: %s\n", err.message);
    return st ? 1 : 0;
}
