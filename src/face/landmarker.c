/* SPDX-License-Identifier: Apache-2.0 */
/* Points of a face by one of several networks. What differs between them is in one table: the
 * crop that each was trained on decides over its accuracy as much as its weights do.
 */
#include "face/landmarker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "face/mean_face.h"
#include "face/pfld.h"
#include "face/planes.h"
#include "onnx/onnx.h"
#include "weights/weights.h"

#define NUMBERS_MAX ST_PFLD_OUTPUTS
#define COORDINATE_MAX 1e6f /* pixels */
#define UNITS_MAX 100.0f    /* crop sides; a point farther away is none */
#define PICTURES_MAX 4      /* a crop's side in sides of the picture; larger is no face in it */

/* A kind of network. Points are `offset` + `scale` * number, in units of the crop. */
struct variant {
    int points;
    int side;      /* of its input */
    double margin; /* the crop's side in longer sides of the face's box */
    struct st_planes_form form;
    float offset, scale;
};

static const struct variant pfld_110 = {
    .points = 110,
    .side = ST_PFLD_SIDE,
    .margin = 1.05,
    .form = {.mean = 0.0f, .scale = 255.0f},
    .scale = 1.0f,
};

/* Told apart by input and output size. */
static const struct variant onnx_variants[] = {
    {
        .points = 106,
        .side = 112,
        .margin = 1.15,
        .form = {.mean = 0.0f, .scale = 255.0f},
        .scale = 1.0f,
    },
    {
        /* With 1.15 the right edge of the face would be 6 pixels off. */
        .points = 98,
        .side = 112,
        .margin = 1.05,
        .form = {.mean = 0.0f, .scale = 255.0f},
        .scale = 1.0f,
    },
    {
        /* InsightFace's 2d106det: levels as they are, numbers from -1 to 1. */
        .points = 106,
        .side = 192,
        .margin = 1.5,
        .form = {.rgb = true, .mean = 0.0f, .scale = 1.0f},
        .offset = 0.5f,
        .scale = 0.5f,
    },
};

struct st_landmarker {
    const struct variant *variant;
    struct st_onnx_session *session; /* owned; NULL for 110 points */
    struct st_onnx_tensor *outputs;  /* [outputs of the session] */
    size_t output;                   /* the one that holds the points */
    struct st_pfld *pfld;            /* owned; NULL for ONNX */
    float mean[NUMBERS_MAX];         /* zeros for ONNX */
    float *planes;                   /* [3, side, side] */
    uint8_t *patch;                  /* [side, side, 3] */
    struct st_picture border;        /* the crop, where it leaves the picture */
    char path[ST_PATH_MAX];
};

/* Numbers in an output; a free batch counts as one, any other free dimension as none. */
static int64_t count_of(const int64_t *dims, int rank)
{
    int64_t count = 1;
    for (int i = 0; i < rank; i++) {
        const int64_t dim = dims[i] == -1 && i == 0 ? 1 : dims[i];
        if (dim < 0 || __builtin_mul_overflow(count, dim, &count))
            return -1;
    }
    return count;
}

static bool takes_square(const struct st_onnx_port *port, int side)
{
    return port->type == ST_ONNX_F32 && port->rank == 4 &&
           (port->dims[0] == 1 || port->dims[0] == -1) && port->dims[1] == 3 &&
           port->dims[2] == side && port->dims[3] == side;
}

/* The first output of so many numbers; -1: none. */
static int find_output(const struct st_onnx_session *session, int numbers)
{
    for (size_t i = 0; i < st_onnx_output_count(session); i++) {
        const struct st_onnx_port *port = st_onnx_output_port(session, i);
        if (port->type == ST_ONNX_F32 && count_of(port->dims, port->rank) == numbers)
            return (int)i;
    }
    return -1;
}

static synctalk_status recognise(struct st_landmarker *landmarker, synctalk_error *err)
{
    const struct st_onnx_session *session = landmarker->session;
    for (size_t i = 0; i < sizeof onnx_variants / sizeof *onnx_variants; i++) {
        const struct variant *variant = &onnx_variants[i];
        const int output = find_output(session, variant->points * 2);
        if (st_onnx_input_count(session) == 1 && output >= 0 &&
            takes_square(st_onnx_input_port(session, 0), variant->side)) {
            landmarker->variant = variant;
            landmarker->output = (size_t)output;
            return SYNCTALK_OK;
        }
    }
    return st_fail(err, SYNCTALK_E_FORMAT,
                   "%s: not a landmark network that is known: input f32 [1, 3, 112, 112] with an "
                   "output of 212 or 196 numbers, or [1, 3, 192, 192] with 212, is needed",
                   landmarker->path);
}

static synctalk_status open_onnx(struct st_landmarker *landmarker,
                                 const struct st_landmarker_settings *settings, synctalk_error *err)
{
    const struct st_onnx_settings onnx = {.library = settings->library,
                                          .purpose = "to find the points of a face",
                                          .threads = settings->threads};
    synctalk_status st = st_onnx_open(&landmarker->session, settings->path, &onnx, err);
    if (!st)
        st = recognise(landmarker, err);
    if (st)
        return st;
    const size_t count = st_onnx_output_count(landmarker->session);
    landmarker->outputs = calloc(count, sizeof *landmarker->outputs);
    if (!landmarker->outputs)
        return st_fail_memory(err, "landmarks", count * sizeof *landmarker->outputs);
    return SYNCTALK_OK;
}

static synctalk_status open_pfld(struct st_landmarker *landmarker,
                                 const struct st_landmarker_settings *settings, synctalk_error *err)
{
    struct st_weights *weights = NULL;
    landmarker->variant = &pfld_110;
    synctalk_status st = st_weights_open(&weights, settings->path, err);
    if (!st)
        st = st_pfld_open(&landmarker->pfld, weights, settings->kernels, err);
    st_weights_close(&weights);
    if (st)
        return st;
    return st_mean_face_read(landmarker->mean, ST_PFLD_OUTPUTS, settings->mean_face, settings->path,
                             err);
}

static synctalk_status allocate(struct st_landmarker *landmarker, synctalk_error *err)
{
    const size_t area = (size_t)landmarker->variant->side * (size_t)landmarker->variant->side;
    landmarker->planes = st_alloc_aligned(area * 3 * sizeof(float));
    landmarker->patch = st_alloc_aligned(area * 3);
    if (!landmarker->planes || !landmarker->patch)
        return st_fail_memory(err, "landmarks", area * 3 * (sizeof(float) + 1));
    return SYNCTALK_OK;
}

static bool is_onnx(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && strcasecmp(dot, ".onnx") == 0;
}

synctalk_status st_landmarker_open(struct st_landmarker **out,
                                   const struct st_landmarker_settings *settings,
                                   synctalk_error *err)
{
    *out = NULL;
    struct st_landmarker *landmarker = calloc(1, sizeof *landmarker);
    if (!landmarker)
        return st_fail_memory(err, "landmarks", sizeof *landmarker);
    synctalk_status st = st_path_format(landmarker->path, err, "%s", settings->path);
    if (!st)
        st = is_onnx(settings->path) ? open_onnx(landmarker, settings, err)
                                     : open_pfld(landmarker, settings, err);
    if (!st)
        st = allocate(landmarker, err);
    if (st) {
        st_landmarker_close(&landmarker);
        return st;
    }
    *out = landmarker;
    return SYNCTALK_OK;
}

void st_landmarker_close(struct st_landmarker **landmarker)
{
    struct st_landmarker *l = *landmarker;
    if (!l)
        return;
    st_onnx_close(&l->session);
    st_pfld_close(&l->pfld);
    st_picture_free(&l->border);
    free(l->outputs);
    free(l->planes);
    free(l->patch);
    free(l);
    *landmarker = NULL;
}

int st_landmarker_points(const struct st_landmarker *landmarker)
{
    return landmarker->variant->points;
}

/* Of the picture; it may leave it. */
struct square {
    int x, y, side;
};

static int floor_half(int number)
{
    return number >= 0 ? number / 2 : -((1 - number) / 2);
}

static synctalk_status square_around(struct square *square, const struct st_face *face,
                                     double margin, const struct st_picture *picture,
                                     synctalk_error *err)
{
    const bool sane = fabsf(face->left) <= COORDINATE_MAX && fabsf(face->top) <= COORDINATE_MAX &&
                      fabsf(face->right) <= COORDINATE_MAX && fabsf(face->bottom) <= COORDINATE_MAX;
    const int left = sane ? (int)face->left : 0;
    const int top = sane ? (int)face->top : 0;
    const int right = sane ? (int)face->right : 0;
    const int bottom = sane ? (int)face->bottom : 0;
    const int width = right - left;
    const int height = bottom - top;
    const int longer = width > height ? width : height;
    const int side = (int)(margin * longer);
    const int most = picture->width > picture->height ? picture->width : picture->height;

    if (width < 1 || height < 1 || side / PICTURES_MAX > most)
        return st_fail(err, SYNCTALK_E_ARG,
                       "a face cannot be %d x %d pixels in a picture of %d x %d", width, height,
                       picture->width, picture->height);
    *square = (struct square){
        .x = floor_half(left + right) - side / 2,
        .y = floor_half(top + bottom) - side / 2,
        .side = side,
    };
    return SYNCTALK_OK;
}

/* The crop in pixels of its own, black outside the picture. */
static synctalk_status copy_crop(struct st_picture *border, const struct st_picture *picture,
                                 const struct square *square, synctalk_error *err)
{
    synctalk_status st = st_picture_resize(border, square->side, square->side, err);
    if (st)
        return st;
    memset(border->data, 0, border->stride * (size_t)square->side);
    const int from = square->x > 0 ? square->x : 0;
    const int end = square->x + square->side;
    const int to = end < picture->width ? end : picture->width;
    for (int row = 0; row < square->side && from < to; row++) {
        const int y = square->y + row;
        if (y >= 0 && y < picture->height)
            memcpy(border->data + (size_t)row * border->stride + (size_t)(from - square->x) * 3,
                   picture->data + (size_t)y * picture->stride + (size_t)from * 3,
                   (size_t)(to - from) * 3);
    }
    return SYNCTALK_OK;
}

static synctalk_status fill_planes(struct st_landmarker *landmarker,
                                   const struct st_picture *picture, const struct square *square,
                                   synctalk_error *err)
{
    const int side = landmarker->variant->side;
    const size_t stride = (size_t)side * 3;
    if (square->x >= 0 && square->y >= 0 && square->x + square->side <= picture->width &&
        square->y + square->side <= picture->height) {
        const uint8_t *crop =
            picture->data + (size_t)square->y * picture->stride + (size_t)square->x * 3;
        st_resize_linear(landmarker->patch, side, side, stride, crop, square->side, square->side,
                         picture->stride);
    } else {
        synctalk_status st = copy_crop(&landmarker->border, picture, square, err);
        if (st)
            return st;
        st_resize_linear(landmarker->patch, side, side, stride, landmarker->border.data,
                         square->side, square->side, landmarker->border.stride);
    }
    st_planes_from_pixels(landmarker->planes, landmarker->patch, side, side, stride,
                          &landmarker->variant->form);
    return SYNCTALK_OK;
}

static synctalk_status run_onnx(struct st_landmarker *landmarker, float *numbers,
                                synctalk_error *err)
{
    const struct variant *variant = landmarker->variant;
    const struct st_onnx_tensor input = {.type = ST_ONNX_F32,
                                         .rank = 4,
                                         .dims = {1, 3, variant->side, variant->side},
                                         .data = landmarker->planes};
    const struct st_onnx_tensor *output = &landmarker->outputs[landmarker->output];
    synctalk_status st = st_onnx_run(landmarker->session, &input, landmarker->outputs, err);
    if (st)
        return st;
    const int64_t want = (int64_t)variant->points * 2;
    const int64_t count = count_of(output->dims, output->rank);
    if (output->type != ST_ONNX_F32 || count != want)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: the network gives %lld numbers of kind %d; its file says %lld of "
                       "kind %d",
                       landmarker->path, (long long)count, output->type, (long long)want,
                       ST_ONNX_F32);
    memcpy(numbers, output->data, (size_t)want * sizeof *numbers);
    return SYNCTALK_OK;
}

synctalk_status st_landmarker_run(struct st_landmarker *landmarker,
                                  const struct st_picture *picture, const struct st_face *face,
                                  struct st_landmarks *landmarks, synctalk_error *err)
{
    const struct variant *variant = landmarker->variant;
    float numbers[NUMBERS_MAX] = {0};
    struct square square = {0};

    synctalk_status st = square_around(&square, face, variant->margin, picture, err);
    if (!st)
        st = fill_planes(landmarker, picture, &square, err);
    if (!st)
        st = landmarker->session ? run_onnx(landmarker, numbers, err)
                                 : st_pfld_run(landmarker->pfld, landmarker->planes, numbers, err);
    if (st)
        return st;

    const float side = (float)square.side;
    const float *number = numbers;
    const float *mean = landmarker->mean;
    landmarks->count = variant->points;
    for (int i = 0; i < variant->points; i++, number += 2, mean += 2) {
        const float x = number[0] + mean[0];
        const float y = number[1] + mean[1];
        if (!(fabsf(x) <= UNITS_MAX && fabsf(y) <= UNITS_MAX))
            return st_fail(err, SYNCTALK_E_FORMAT,
                           "%s: the network puts point %d at (%g, %g), in sides of the crop",
                           landmarker->path, i, (double)x, (double)y);
        landmarks->points[i] = (struct st_point){
            (float)square.x + (variant->offset + variant->scale * x) * side,
            (float)square.y + (variant->offset + variant->scale * y) * side,
        };
    }
    return SYNCTALK_OK;
}
