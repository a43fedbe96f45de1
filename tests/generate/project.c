/* SPDX-License-Identifier: Apache-2.0 */
#include "support/support.h"

#include "generate/project.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "image/picture.h"
#include "models/unet.h"
#include "weights/npy.h"

static void folder(const struct project *p, const char *name)
{
    char path[ST_PATH_MAX];
    ST_OK(st_path_join(path, p->root, name, err));
    assert_int_equal(mkdir(path, 0700), 0);
}

static void put32(uint8_t *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}

/* Source of the layout: Microsoft, "Multimedia Programming Interface", 1991, RIFF WAVE. */
void project_write_wav(const char *path, int rate_hz, uint32_t samples)
{
    uint8_t header[44] = "RIFF....WAVEfmt \x10\0\0\0\1\0\1\0........\2\0\x10\0data";
    size_t bytes = 44 + 2 * (size_t)samples;
    uint8_t *file = calloc(1, bytes);
    assert_non_null(file);
    put32(header + 4, 36 + 2 * samples);
    put32(header + 24, (uint32_t)rate_hz);
    put32(header + 28, 2 * (uint32_t)rate_hz);
    put32(header + 40, 2 * samples);
    memcpy(file, header, 44);
    for (uint32_t i = 0; i < samples; i++) {
        int16_t v = (int16_t)(8000 * sin(0.05 * i));
        memcpy(file + 44 + 2 * (size_t)i, &v, 2);
    }
    st_write_file(path, file, bytes);
    free(file);
}

static void write_frame(const struct project *p, int i, int width, int height)
{
    char path[ST_PATH_MAX];
    struct st_picture picture = {0};
    ST_OK(st_picture_resize(&picture, width, height, err));
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width * 3; x++)
            picture.data[(size_t)y * picture.stride + (size_t)x] =
                (uint8_t)(128 + 90 * sin(0.02 * x + 0.1 * i) * cos(0.05 * y));
    ST_OK(st_path_format(path, err, "%s/dataset/tiny/full_body_img/%d.jpg", p->root, i));
    ST_OK(st_jpeg_write(&picture, path, 95, 1, err));
    st_picture_free(&picture);

    ST_OK(st_path_format(path, err, "%s/dataset/tiny/landmarks/%d.lms", p->root, i));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (int k = 0; k < 110; k++)
        fprintf(file, "%d %d\n",
                k == 1    ? width / 5 + i
                : k == 31 ? width * 4 / 5 + i
                          : width / 2,
                k == 52 ? height / 4 : height * 3 / 4);
    assert_int_equal(fclose(file), 0);
}

void project_add_frames(const struct project *p, int width, int height, int first, int end)
{
    for (int i = first; i < end; i++)
        write_frame(p, i, width, height);
}

void project_write_features(const struct project *p, int frames)
{
    struct st_npy_writer writer;
    float row[512];
    uint64_t seed = 5;
    ST_OK(st_npy_writer_open(&writer, p->features, true, 1, (size_t[]){512}, err));
    for (int i = 0; i < frames; i++) {
        for (int k = 0; k < 512; k++)
            row[k] = 2 * st_random_unit(&seed) - 1;
        ST_OK(st_npy_writer_rows(&writer, row, 1, err));
    }
    ST_OK(st_npy_writer_commit(&writer, true, err));
}

void project_create(struct project *p, int width, int height, int frames)
{
    char path[ST_PATH_MAX];
    struct st_weights *weights;
    const char *folders[] = {"dataset",
                             "dataset/tiny",
                             "dataset/tiny/full_body_img",
                             "dataset/tiny/landmarks",
                             "checkpoint",
                             "checkpoint/tiny",
                             "out"};

    memset(p, 0, sizeof *p);
    p->root = st_scratch_create();
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        folder(p, folders[i]);
    project_add_frames(p, width, height, 0, PROJECT_SOURCES);
    ST_OK(st_unet_random(&weights, true, SYNCTALK_ENCODER_AVE, 11, err));
    ST_OK(st_path_join(path, p->root, "checkpoint/tiny/0.safetensors", err));
    ST_OK(
        st_weights_write_safetensors(weights, path, ST_F32, "synctalk.encoder", "ave", true, err));
    st_weights_close(&weights);
    ST_OK(st_path_join(p->sound, p->root, "sound.wav", err));
    project_write_wav(p->sound, 16000, 640 * (uint32_t)frames);
    ST_OK(st_path_join(p->features, p->root, "features.npy", err));
    project_write_features(p, frames);
    ST_OK(st_path_join(p->output, p->root, "out/video.mp4", err));
}

void project_remove(struct project *p)
{
    st_scratch_remove(p->root);
}

size_t project_outputs(const struct project *p)
{
    char path[ST_PATH_MAX];
    struct st_names names;
    ST_OK(st_path_join(path, p->root, "out", err));
    ST_OK(st_list_dir(&names, path, err));
    size_t n = names.count;
    st_names_free(&names);
    return n;
}
