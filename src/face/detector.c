/* SPDX-License-Identifier: Apache-2.0 */
/* SCRFD. The easy thing to get wrong: a landscape picture is one row higher in the letterbox
 * than its proportions say, so that x and y have scales of their own on the way back.
 *
 * Nine outputs: scores, boxes, key points, each at strides 8, 16 and 32; two anchors a cell,
 * cells row by row.
 */
#include "face/detector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "base/memory.h"
#include "face/planes.h"
#include "onnx/onnx.h"

#define SIDE 640
#define STRIDES 3
#define OUTPUTS 9
#define ANCHORS_MAX 16800 /* 2 * (80 * 80 + 40 * 40 + 20 * 20) */
#define SCORE_MIN 0.1f
#define OVERLAP_MAX 0.5f
#define COORDINATE_MAX 1e6f /* pixels; farther away is no face */

/* Of each output's kind: numbers for one anchor. */
static const int numbers[] = {1, 4, 10};

struct st_detector {
    struct st_onnx_session *session;
    float *planes;              /* [3, SIDE, SIDE] */
    struct st_picture canvas;   /* SIDE x SIDE: the letterbox */
    float *scratch;             /* of the resampler, for pictures up to scratch_width */
    struct st_face *candidates; /* [ANCHORS_MAX] */
    int scratch_width;
    int inner_width, inner_height; /* of the picture that the canvas holds; black around it */
    char path[ST_PATH_MAX];
};

static int stride_of(int output)
{
    return 8 << (output % STRIDES);
}

static int anchors_of(int output)
{
    const int cells = SIDE / stride_of(output);
    return 2 * cells * cells;
}

static synctalk_status check_input(const struct st_onnx_session *session, const char *path,
                                   synctalk_error *err)
{
    static const int64_t want[4] = {1, 3, SIDE, SIDE};
    const struct st_onnx_port *port = st_onnx_input_port(session, 0);
    bool fits = st_onnx_input_count(session) == 1 && port->type == ST_ONNX_F32 && port->rank == 4;
    for (int i = 0; i < 4 && fits; i++)
        fits = port->dims[i] == want[i] || port->dims[i] == -1;
    if (fits)
        return SYNCTALK_OK;
    return st_fail(err, SYNCTALK_E_FORMAT,
                   "%s: not a face detector that is known: SCRFD takes one picture, f32 "
                   "[1, 3, 640, 640], and this network's input is another",
                   path);
}

/* `count`: numbers in the output, or -1 where the file leaves that free. */
static synctalk_status check_output(int output, const char *name, int type, int64_t count,
                                    const char *path, synctalk_error *err)
{
    const int want = anchors_of(output) * numbers[output / STRIDES];
    if (type == ST_ONNX_F32 && (count == -1 || count == want))
        return SYNCTALK_OK;
    return st_fail(err, SYNCTALK_E_FORMAT,
                   "%s: not a face detector that is known: output \"%s\" holds %lld numbers of "
                   "kind %d; SCRFD with key points has %d of kind %d there",
                   path, name, (long long)count, type, want, ST_ONNX_F32);
}

static int64_t count_of(const int64_t *dims, int rank)
{
    int64_t count = 1;
    for (int i = 0; i < rank; i++)
        if (dims[i] < 0 || __builtin_mul_overflow(count, dims[i], &count))
            return -1;
    return count;
}

static synctalk_status check_network(const struct st_onnx_session *session, const char *path,
                                     synctalk_error *err)
{
    synctalk_status st = check_input(session, path, err);
    if (st)
        return st;
    if (st_onnx_output_count(session) != OUTPUTS)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: not a face detector that is known: it has %zu outputs; SCRFD with key "
                       "points has %d",
                       path, st_onnx_output_count(session), OUTPUTS);
    for (int i = 0; i < OUTPUTS && !st; i++) {
        const struct st_onnx_port *port = st_onnx_output_port(session, (size_t)i);
        st = check_output(i, port->name, port->type, count_of(port->dims, port->rank), path, err);
    }
    return st;
}

static synctalk_status allocate(struct st_detector *detector, synctalk_error *err)
{
    const size_t planes = sizeof(float) * 3 * SIDE * SIDE;
    const size_t candidates = sizeof *detector->candidates * ANCHORS_MAX;
    detector->planes = st_alloc_aligned(planes);
    detector->candidates = st_alloc_aligned(candidates);
    if (!detector->planes || !detector->candidates)
        return st_fail_memory(err, "the face detector", planes + candidates);
    return st_picture_resize(&detector->canvas, SIDE, SIDE, err);
}

synctalk_status st_detector_open(struct st_detector **out, const char *path, const char *library,
                                 int threads, synctalk_error *err)
{
    const struct st_onnx_settings settings = {
        .library = library, .purpose = "to find faces", .threads = threads};
    *out = NULL;
    struct st_detector *detector = calloc(1, sizeof *detector);
    if (!detector)
        return st_fail_memory(err, "the face detector", sizeof *detector);
    synctalk_status st = st_path_format(detector->path, err, "%s", path);
    if (!st)
        st = st_onnx_open(&detector->session, path, &settings, err);
    if (!st)
        st = check_network(detector->session, path, err);
    if (!st)
        st = allocate(detector, err);
    if (st) {
        st_detector_close(&detector);
        return st;
    }
    *out = detector;
    return SYNCTALK_OK;
}

void st_detector_close(struct st_detector **detector)
{
    struct st_detector *d = *detector;
    if (!d)
        return;
    st_onnx_close(&d->session);
    st_picture_free(&d->canvas);
    free(d->planes);
    free(d->scratch);
    free(d->candidates);
    free(d);
    *detector = NULL;
}

/* The picture into the middle of the canvas. Nothing is lost of a side: at least one pixel. */
static synctalk_status fill_canvas(struct st_detector *detector, const struct st_picture *picture,
                                   synctalk_error *err)
{
    const int w = picture->width;
    const int h = picture->height;
    int width = SIDE;
    int height = SIDE;
    if (h > w)
        width = SIDE * w / h > 0 ? SIDE * w / h : 1;
    else if (w > h)
        height = SIDE * h / w + 1;

    if (w > detector->scratch_width) {
        float *scratch = st_alloc_aligned(sizeof *scratch * 3 * (size_t)w);
        if (!scratch)
            return st_fail_memory(err, "the face detector", sizeof *scratch * 3 * (size_t)w);
        free(detector->scratch);
        detector->scratch = scratch;
        detector->scratch_width = w;
    }
    if (width != detector->inner_width || height != detector->inner_height)
        memset(detector->canvas.data, 0, detector->canvas.stride * SIDE);
    detector->inner_width = width;
    detector->inner_height = height;
    const size_t left = (size_t)((SIDE - width) / 2);
    const size_t top = (size_t)((SIDE - height) / 2);
    st_resize_area(detector->canvas.data + top * detector->canvas.stride + left * 3, width, height,
                   detector->canvas.stride, picture->data, w, h, picture->stride,
                   detector->scratch);
    return SYNCTALK_OK;
}

/* From the canvas to the picture: x * scale + offset. */
struct way_back {
    float x_scale, x_offset, y_scale, y_offset;
};

static struct way_back way_back(const struct st_detector *detector,
                                const struct st_picture *picture)
{
    const int left = (SIDE - detector->inner_width) / 2;
    const int top = (SIDE - detector->inner_height) / 2;
    const float x_scale = (float)picture->width / (float)detector->inner_width;
    const float y_scale = (float)picture->height / (float)detector->inner_height;
    return (struct way_back){x_scale, -(float)left * x_scale, y_scale, -(float)top * y_scale};
}

static struct st_point point_back(const struct way_back *way, float x, float y)
{
    return (struct st_point){x * way->x_scale + way->x_offset, y * way->y_scale + way->y_offset};
}

static bool is_sane(const struct st_face *face)
{
    bool sane = fabsf(face->left) <= COORDINATE_MAX && fabsf(face->top) <= COORDINATE_MAX &&
                fabsf(face->right) <= COORDINATE_MAX && fabsf(face->bottom) <= COORDINATE_MAX &&
                face->right > face->left && face->bottom > face->top;
    for (int i = 0; i < 5 && sane; i++)
        sane = fabsf(face->keypoints[i].x) <= COORDINATE_MAX &&
               fabsf(face->keypoints[i].y) <= COORDINATE_MAX;
    return sane;
}

/* Candidates of one stride, added to those before; returns how many there are. */
static int decode(struct st_detector *detector, const struct st_onnx_tensor *outputs, int level,
                  const struct way_back *way, int count)
{
    const float *scores = outputs[level].data;
    const float *boxes = outputs[STRIDES + level].data;
    const float *points = outputs[2 * STRIDES + level].data;
    const int stride = stride_of(level);
    const int cells = SIDE / stride;
    const int anchors = anchors_of(level);

    for (int i = 0; i < anchors; i++) {
        if (!(scores[i] >= SCORE_MIN)) /* NaN is no face */
            continue;
        const float x = (float)(i / 2 % cells * stride);
        const int row = i / 2 / cells;
        const float y = (float)(row * stride);
        const float *box = boxes + (size_t)i * 4;
        const float *offset = points + (size_t)i * 10;
        const float step = (float)stride;
        const struct st_point a = point_back(way, x - box[0] * step, y - box[1] * step);
        const struct st_point b = point_back(way, x + box[2] * step, y + box[3] * step);
        struct st_face *face = &detector->candidates[count];
        *face = (struct st_face){.left = a.x, .top = a.y, .right = b.x, .bottom = b.y};
        face->score = scores[i];
        for (int k = 0; k < 5; k++, offset += 2)
            face->keypoints[k] = point_back(way, x + offset[0] * step, y + offset[1] * step);
        count += is_sane(face);
    }
    return count;
}

/* Intersection over union. */
static float overlap(const struct st_face *a, const struct st_face *b)
{
    const float width = fminf(a->right, b->right) - fmaxf(a->left, b->left);
    const float height = fminf(a->bottom, b->bottom) - fmaxf(a->top, b->top);
    if (width <= 0.0f || height <= 0.0f)
        return 0.0f;
    const float common = width * height;
    return common / ((a->right - a->left) * (a->bottom - a->top) +
                     (b->right - b->left) * (b->bottom - b->top) - common);
}

/* Best first; each one kept takes away those that it covers. Ties go to the earlier anchor. */
static int keep_best(struct st_face *candidates, int count, struct st_face *faces)
{
    int kept = 0;
    while (kept < ST_FACES_MAX) {
        int best = -1;
        for (int i = 0; i < count; i++)
            if (candidates[i].score > 0.0f &&
                (best < 0 || candidates[i].score > candidates[best].score))
                best = i;
        if (best < 0)
            break;
        const struct st_face face = candidates[best];
        faces[kept++] = face;
        candidates[best].score = 0.0f;
        for (int i = 0; i < count; i++)
            if (overlap(&face, &candidates[i]) > OVERLAP_MAX)
                candidates[i].score = 0.0f;
    }
    return kept;
}

synctalk_status st_detector_run(struct st_detector *detector, const struct st_picture *picture,
                                struct st_face *faces, int *count, synctalk_error *err)
{
    static const struct st_planes_form form = {.rgb = true, .mean = 127.5f, .scale = 128.0f};
    const struct st_onnx_tensor input = {
        .type = ST_ONNX_F32, .rank = 4, .dims = {1, 3, SIDE, SIDE}, .data = detector->planes};
    struct st_onnx_tensor outputs[OUTPUTS];

    *count = 0;
    synctalk_status st = fill_canvas(detector, picture, err);
    if (st)
        return st;
    st_planes_from_pixels(detector->planes, detector->canvas.data, SIDE, SIDE,
                          detector->canvas.stride, &form);
    st = st_onnx_run(detector->session, &input, outputs, err);
    for (int i = 0; i < OUTPUTS && !st; i++) {
        const struct st_onnx_port *port = st_onnx_output_port(detector->session, (size_t)i);
        const int64_t found = count_of(outputs[i].dims, outputs[i].rank);
        /* A size that does not fit 63 bits is none that was free. */
        st = check_output(i, port->name, outputs[i].type, found < 0 ? 0 : found, detector->path,
                          err);
    }
    if (st)
        return st;

    const struct way_back way = way_back(detector, picture);
    int candidates = 0;
    for (int level = 0; level < STRIDES; level++)
        candidates = decode(detector, outputs, level, &way, candidates);
    *count = keep_best(detector->candidates, candidates, faces);
    return SYNCTALK_OK;
}
