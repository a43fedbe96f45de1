/* SPDX-License-Identifier: Apache-2.0 */
#include "train/crops.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

#define MAGIC "synctalk crops 2"
#define HEADER_BYTES 4096 /* a page, so that crops keep their alignment in the map */
#define BLOCK 64          /* frames cut between two looks at the callbacks */

struct header {
    char magic[16];
    uint64_t key; /* of what they were cut from */
    uint64_t frames;
    uint64_t pixels; /* key of the pixels */
};

/* FNV-1a, 64 bit. Source: Fowler, Noll, Vo, draft-eastlake-fnv. */
static uint64_t add_to_key(uint64_t key, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        key = (key ^ (value >> (8 * i) & 0xff)) * 0x100000001b3u;
    return key;
}

/* The same a word at a time, folded, of one crop. */
static uint64_t key_of_crop(const uint8_t *crop)
{
    uint64_t key = 0xcbf29ce484222325u;
    for (size_t i = 0; i < ST_INNER_BYTES; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, crop + i, sizeof word);
        key = (key ^ word) * 0x100000001b3u;
        key ^= key >> 29;
    }
    return key;
}

static synctalk_status make_key(uint64_t *key, const struct st_dataset *dataset,
                                synctalk_error *err)
{
    char path[ST_PATH_MAX];
    struct stat info;
    *key = add_to_key(0xcbf29ce484222325u, (uint64_t)dataset->frames);
    for (int64_t i = 0; i < dataset->frames; i++) {
        const struct st_crop_box *box = &dataset->boxes[i];
        synctalk_status st =
            st_path_format(path, err, "%s/full_body_img/%" PRId64 ".jpg", dataset->folder, i);
        if (st)
            return st;
        if (stat(path, &info) < 0)
            return st_fail_errno(err, errno, "read", path);
        *key = add_to_key(*key, (uint64_t)info.st_size);
        *key = add_to_key(*key, (uint64_t)info.st_mtim.tv_sec);
        *key = add_to_key(*key, (uint64_t)info.st_mtim.tv_nsec);
        *key = add_to_key(*key, (uint64_t)box->x);
        *key = add_to_key(*key, (uint64_t)box->y);
        *key = add_to_key(*key, (uint64_t)box->side);
    }
    return SYNCTALK_OK;
}

/* One worker's scratch; the error of its first failure. */
struct cutter {
    struct st_jpeg_decoder *decoder;
    struct st_picture frame;
    uint8_t *square; /* owns; [largest_side, largest_side, 3] for squares that leave the frame */
    uint8_t *crop;   /* owns; [328, 328, 3] */
    struct st_resizer *resizer; /* owns; for bicubic crops, else NULL */
    int64_t failed;             /* frame, or -1 */
    synctalk_status status;
    synctalk_error error;
};

/* Crops go into a file, or, bicubic, into memory. */
struct cut {
    const struct st_dataset *dataset;
    struct st_output output;
    uint8_t *pixels;        /* NULL: into the file */
    const int64_t *frames;  /* into memory: which */
    struct cutter *cutters; /* owns; [workers] */
    int workers;
    int64_t first;        /* of the block */
    uint64_t keys[BLOCK]; /* of its crops */
};

static int clamp_index(int i, int count)
{
    return i < 0 ? 0 : i >= count ? count - 1 : i;
}

/* The square of `box` as a view: into the frame, or into a copy with replicated border. */
static const uint8_t *view_square(struct cutter *cutter, const struct st_crop_box *box,
                                  size_t *stride)
{
    const struct st_picture *frame = &cutter->frame;
    if (box->x >= 0 && box->y >= 0 && box->side <= frame->width - box->x &&
        box->side <= frame->height - box->y) {
        *stride = frame->stride;
        return frame->data + (size_t)box->y * frame->stride + (size_t)box->x * 3;
    }
    uint8_t *to = cutter->square;
    for (int y = 0; y < box->side; y++) {
        const uint8_t *row =
            frame->data + (size_t)clamp_index(box->y + y, frame->height) * frame->stride;
        for (int x = 0; x < box->side; x++, to += 3)
            memcpy(to, row + (size_t)clamp_index(box->x + x, frame->width) * 3, 3);
    }
    *stride = (size_t)box->side * 3;
    return cutter->square;
}

static synctalk_status write_at(const struct st_output *output, const uint8_t *data, size_t size,
                                uint64_t offset, synctalk_error *err)
{
    while (size > 0) {
        ssize_t n = pwrite(output->fd, data, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return st_fail_errno(err, n ? errno : ENOSPC, "write", output->target);
        data += n;
        size -= (size_t)n;
        offset += (uint64_t)n;
    }
    return SYNCTALK_OK;
}

/* The inner crop of `frame` to the front of cutter->crop. */
static synctalk_status cut_frame(const struct cut *cut, struct cutter *cutter, int64_t frame,
                                 synctalk_error *err)
{
    const struct st_crop_box *box = &cut->dataset->boxes[frame];
    const size_t stride = (size_t)ST_CROP_SIDE * 3;
    size_t from_stride;
    synctalk_status st = st_dataset_read(cut->dataset, frame, cutter->decoder, &cutter->frame, err);
    if (st)
        return st;
    const uint8_t *from = view_square(cutter, box, &from_stride);
    if (cutter->resizer)
        st_resize_cubic(cutter->resizer, cutter->crop, ST_CROP_SIDE, ST_CROP_SIDE, stride, from,
                        box->side, box->side, from_stride);
    else
        st_resize_linear(cutter->crop, ST_CROP_SIDE, ST_CROP_SIDE, stride, from, box->side,
                         box->side, from_stride);

    /* Row by row, to the front: never past its source. */
    for (size_t y = 0; y < ST_INNER_SIDE; y++)
        memmove(cutter->crop + y * ST_INNER_SIDE * 3,
                cutter->crop + (y + ST_INNER_BORDER) * stride + (size_t)ST_INNER_BORDER * 3,
                (size_t)ST_INNER_SIDE * 3);
    return SYNCTALK_OK;
}

static void cut_turn(void *context, size_t index, int worker)
{
    struct cut *cut = context;
    struct cutter *cutter = &cut->cutters[worker];
    const int64_t frame = cut->pixels ? cut->frames[index] : cut->first + (int64_t)index;
    synctalk_error error;
    synctalk_status st = cut_frame(cut, cutter, frame, &error);
    if (!st && cut->pixels)
        memcpy(cut->pixels + index * ST_INNER_BYTES, cutter->crop, ST_INNER_BYTES);
    else if (!st) {
        cut->keys[index] = key_of_crop(cutter->crop);
        st = write_at(&cut->output, cutter->crop, ST_INNER_BYTES,
                      HEADER_BYTES + (uint64_t)frame * ST_INNER_BYTES, &error);
    }
    if (st && (cutter->failed < 0 || frame < cutter->failed)) {
        cutter->failed = frame;
        cutter->status = st;
        cutter->error = error;
    }
}

/* The failure of the first frame that failed, whichever worker met it. */
static synctalk_status first_failure(const struct cut *cut, synctalk_error *err)
{
    const struct cutter *first = NULL;
    for (int i = 0; i < cut->workers; i++) {
        const struct cutter *c = &cut->cutters[i];
        if (c->failed >= 0 && (!first || c->failed < first->failed))
            first = c;
    }
    if (first && err)
        *err = first->error;
    return first ? first->status : SYNCTALK_OK;
}

/* `kernels`: for bicubic crops, else NULL. */
static synctalk_status open_cutters(struct cut *cut, const struct st_kernels *kernels,
                                    struct st_pool *pool, synctalk_error *err)
{
    synctalk_status st;
    const size_t side = (size_t)cut->dataset->largest_side;
    cut->workers = st_pool_workers(pool);
    if (!(cut->cutters = calloc((size_t)cut->workers, sizeof *cut->cutters)))
        return st_fail_memory(err, "the cutting of crops", sizeof *cut->cutters);
    for (int i = 0; i < cut->workers; i++) {
        struct cutter *c = &cut->cutters[i];
        c->failed = -1;
        if ((st = st_jpeg_decoder_create(&c->decoder, err)))
            return st;
        if (kernels && (st = st_resizer_create(&c->resizer, ST_CROP_SIDE, kernels, err)))
            return st;
        c->square = malloc(side * side * 3); /* a side is at most ST_PICTURE_MAX_SIDE */
        c->crop = malloc((size_t)ST_CROP_SIDE * ST_CROP_SIDE * 3);
        if (!c->square || !c->crop)
            return st_fail_memory(err, "the cutting of crops", side * side * 3);
    }
    return SYNCTALK_OK;
}

static void close_cutters(struct cut *cut)
{
    for (int i = 0; cut->cutters && i < cut->workers; i++) {
        st_jpeg_decoder_destroy(&cut->cutters[i].decoder);
        st_resizer_destroy(&cut->cutters[i].resizer);
        st_picture_free(&cut->cutters[i].frame);
        free(cut->cutters[i].square);
        free(cut->cutters[i].crop);
    }
    free(cut->cutters);
}

static synctalk_status cut_all(const char *path, const struct st_dataset *dataset, uint64_t key,
                               struct st_pool *pool, const synctalk_callbacks *callbacks,
                               synctalk_error *err)
{
    synctalk_status st;
    struct cut cut = {.dataset = dataset, .output = {.fd = -1}};
    const uint8_t first_page[HEADER_BYTES] = {0};
    struct header header = {.key = key, .frames = (uint64_t)dataset->frames};

    memcpy(header.magic, MAGIC, sizeof header.magic);
    header.pixels = add_to_key(0xcbf29ce484222325u, header.frames);
    if ((st = st_output_sweep(path, err)) || (st = st_output_open(&cut.output, path, true, err)) ||
        (st = open_cutters(&cut, NULL, pool, err)) ||
        (st = st_output_write(&cut.output, first_page, sizeof first_page, err)))
        goto done;
    for (cut.first = 0; cut.first < dataset->frames; cut.first += BLOCK) {
        int64_t left = dataset->frames - cut.first;
        st_progress(callbacks, "crops", cut.first, dataset->frames, 0);
        if (st_cancelled(callbacks)) {
            st = st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
            goto done;
        }
        st_pool_for(pool, (size_t)(left < BLOCK ? left : BLOCK), cut_turn, &cut);
        if ((st = first_failure(&cut, err)))
            goto done;
        for (int64_t i = 0; i < left && i < BLOCK; i++)
            header.pixels = add_to_key(header.pixels, cut.keys[i]);
    }
    if ((st = write_at(&cut.output, (const uint8_t *)&header, sizeof header, 0, err)))
        goto done;
    st_progress(callbacks, "crops", dataset->frames, dataset->frames, 0);
    st = st_output_commit(&cut.output, true, err);

done:
    close_cutters(&cut);
    st_output_close(&cut.output);
    return st;
}

synctalk_status st_crops_cut_cubic(uint8_t *pixels, const int64_t *frames, size_t count,
                                   const struct st_dataset *dataset,
                                   const struct st_kernels *kernels, struct st_pool *pool,
                                   synctalk_error *err)
{
    struct cut cut = {.dataset = dataset, .frames = frames};
    cut.pixels = pixels;
    synctalk_status st = open_cutters(&cut, kernels, pool, err);
    if (!st) {
        st_pool_for(pool, count, cut_turn, &cut);
        st = first_failure(&cut, err);
    }
    close_cutters(&cut);
    return st;
}

/* Map `path` if it is there and holds these crops. */
static bool map_if_right(struct st_crops *crops, const char *path, int64_t frames, uint64_t key)
{
    struct header header;
    if (!st_path_is_file(path) || st_map_file(&crops->map, path, NULL))
        return false;
    if (crops->map.size == HEADER_BYTES + (size_t)frames * ST_INNER_BYTES) {
        memcpy(&header, crops->map.data, sizeof header);
        if (memcmp(header.magic, MAGIC, sizeof header.magic) == 0 && header.key == key &&
            header.frames == (uint64_t)frames) {
            crops->pixels = crops->map.data + HEADER_BYTES;
            crops->frames = frames;
            crops->key = header.pixels;
            return true;
        }
    }
    st_unmap_file(&crops->map);
    return false;
}

synctalk_status st_crops_open(struct st_crops *crops, const struct st_dataset *dataset,
                              struct st_pool *pool, const synctalk_callbacks *callbacks,
                              synctalk_error *err)
{
    synctalk_status st;
    char path[ST_PATH_MAX];
    uint64_t key;
    size_t bytes;

    memset(crops, 0, sizeof *crops);
    if (!st_mul_size((size_t)dataset->frames, ST_INNER_BYTES, &bytes))
        return st_fail_memory(err, "the crops of a dataset", (unsigned long long)dataset->frames);
    if ((st = st_path_join(path, dataset->folder, ".synctalk-crops", err)) ||
        (st = make_key(&key, dataset, err)))
        return st;
    if (map_if_right(crops, path, dataset->frames, key))
        return SYNCTALK_OK;
    st_log(callbacks, SYNCTALK_LOG_INFO, "cutting %" PRId64 " crops into %s, %.1f MB",
           dataset->frames, path, (double)bytes * 1e-6);
    if ((st = cut_all(path, dataset, key, pool, callbacks, err)))
        return st;
    if (!map_if_right(crops, path, dataset->frames, key))
        return st_fail(err, SYNCTALK_E_IO, "%s: cannot be mapped, though it was just written",
                       path);
    return SYNCTALK_OK;
}

void st_crops_close(struct st_crops *crops)
{
    st_unmap_file(&crops->map);
    memset(crops, 0, sizeof *crops);
}

void st_crop_planes(const uint8_t *crop, bool masked, float *planes)
{
    float *b = planes;
    float *g = b + ST_INNER_PIXELS;
    float *r = g + ST_INNER_PIXELS;
    for (size_t i = 0; i < ST_INNER_PIXELS; i++, crop += 3) {
        b[i] = (float)crop[0] / 255.0f;
        g[i] = (float)crop[1] / 255.0f;
        r[i] = (float)crop[2] / 255.0f;
    }
    for (size_t c = 0; masked && c < 3; c++)
        for (size_t y = ST_MASK_TOP; y <= ST_MASK_BOTTOM; y++)
            memset(planes + c * ST_INNER_PIXELS + y * ST_INNER_SIDE + ST_MASK_LEFT, 0,
                   (ST_MASK_RIGHT - ST_MASK_LEFT + 1) * sizeof *planes);
}
