/* SPDX-License-Identifier: Apache-2.0 */
#include "generate/contact_sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"

#define COLUMNS 5
#define FRAMES_MAX INT64_C(25) /* five rows */
#define CELL_LONG 320          /* pixels of a cell's longer side */
#define GAP 4
#define DIGIT_WIDTH 3
#define DIGIT_HEIGHT 5
#define DIGIT_SCALE 2

struct colour {
    uint8_t b, g, r;
};

static const struct colour dots = {80, 255, 80};
static const struct colour square = {0, 220, 255};
static const struct colour missing = {40, 40, 255};
static const struct colour ink = {255, 255, 255};
static const struct colour ground = {24, 24, 24};

/* Rows of the digits from the top, three bits each. */
static const uint8_t digits[10][DIGIT_HEIGHT] = {
    {7, 5, 5, 5, 7}, {2, 6, 2, 2, 7}, {7, 1, 7, 4, 7}, {7, 1, 7, 1, 7}, {5, 5, 7, 1, 1},
    {7, 4, 7, 1, 7}, {7, 4, 7, 5, 7}, {7, 1, 1, 2, 2}, {7, 5, 7, 5, 7}, {7, 5, 7, 1, 7},
};

/* Where one frame is drawn. */
struct cell {
    struct st_picture *sheet;
    int x, y, width, height; /* of the sheet's pixels */
    double scale;            /* from the frame's pixels */
};

static void put(const struct cell *cell, int x, int y, struct colour colour)
{
    if (x < 0 || y < 0 || x >= cell->width || y >= cell->height)
        return;
    uint8_t *pixel =
        cell->sheet->data + (size_t)(cell->y + y) * cell->sheet->stride + (size_t)(cell->x + x) * 3;
    pixel[0] = colour.b;
    pixel[1] = colour.g;
    pixel[2] = colour.r;
}

static void fill(const struct cell *cell, int x, int y, int width, int height, struct colour colour)
{
    for (int j = 0; j < height; j++)
        for (int i = 0; i < width; i++)
            put(cell, x + i, y + j, colour);
}

static void frame_rectangle(const struct cell *cell, int x, int y, int width, int height,
                            int thickness, struct colour colour)
{
    fill(cell, x, y, width, thickness, colour);
    fill(cell, x, y + height - thickness, width, thickness, colour);
    fill(cell, x, y, thickness, height, colour);
    fill(cell, x + width - thickness, y, thickness, height, colour);
}

static void draw_number(const struct cell *cell, int64_t number)
{
    char text[24];
    int length = snprintf(text, sizeof text, "%lld", (long long)number);
    const int step = (DIGIT_WIDTH + 1) * DIGIT_SCALE;

    fill(cell, 0, 0, length * step + 2 * DIGIT_SCALE, (DIGIT_HEIGHT + 2) * DIGIT_SCALE, ground);
    for (int k = 0; k < length; k++)
        for (int row = 0; row < DIGIT_HEIGHT; row++)
            for (int column = 0; column < DIGIT_WIDTH; column++)
                if (digits[text[k] - '0'][row] >> (DIGIT_WIDTH - 1 - column) & 1)
                    fill(cell, DIGIT_SCALE + k * step + column * DIGIT_SCALE,
                         (1 + row) * DIGIT_SCALE, DIGIT_SCALE, DIGIT_SCALE, ink);
}

static void draw_face(const struct cell *cell, const struct st_landmarks *landmarks,
                      const struct st_crop_box *box)
{
    int side = (int)(box->side * cell->scale);
    frame_rectangle(cell, (int)(box->x * cell->scale), (int)(box->y * cell->scale), side, side, 1,
                    square);
    for (int i = 0; i < landmarks->count; i++)
        fill(cell, (int)((double)landmarks->points[i].x * cell->scale),
             (int)((double)landmarks->points[i].y * cell->scale), 2, 2, dots);
}

/* Sizes of the grid, and the sheet with nothing on it. */
struct grid {
    struct st_picture sheet; /* owns */
    int64_t frames;          /* shown */
    int width, height;       /* of a cell */
    double scale;
};

static synctalk_status make_grid(struct grid *grid, const struct st_dataset *dataset,
                                 synctalk_error *err)
{
    int longer = dataset->width > dataset->height ? dataset->width : dataset->height;
    grid->scale = longer > CELL_LONG ? (double)CELL_LONG / longer : 1.0;
    grid->width = (int)(dataset->width * grid->scale);
    grid->height = (int)(dataset->height * grid->scale);
    grid->width = grid->width < 1 ? 1 : grid->width;
    grid->height = grid->height < 1 ? 1 : grid->height;
    grid->frames = dataset->frames < FRAMES_MAX ? dataset->frames : FRAMES_MAX;
    int columns = grid->frames < COLUMNS ? (int)grid->frames : COLUMNS;
    int rows = (int)((grid->frames + COLUMNS - 1) / COLUMNS);

    synctalk_status st = st_picture_resize(&grid->sheet, columns * (grid->width + GAP) + GAP,
                                           rows * (grid->height + GAP) + GAP, err);
    if (!st)
        memset(grid->sheet.data, ground.b, grid->sheet.stride * (size_t)grid->sheet.height);
    return st;
}

static struct cell cell_of(struct grid *grid, int64_t k)
{
    return (struct cell){.sheet = &grid->sheet,
                         .x = GAP + (int)(k % COLUMNS) * (grid->width + GAP),
                         .y = GAP + (int)(k / COLUMNS) * (grid->height + GAP),
                         .width = grid->width,
                         .height = grid->height,
                         .scale = grid->scale};
}

synctalk_status st_contact_sheet_write(const struct st_dataset *dataset, const char *path,
                                       st_contact_seen seen, const void *context,
                                       const synctalk_callbacks *callbacks, synctalk_error *err)
{
    synctalk_status st;
    struct grid grid = {.frames = 0};
    struct st_picture frame = {0};
    struct st_jpeg_decoder *decoder = NULL;
    float *scratch = malloc((size_t)dataset->width * 3 * sizeof *scratch);

    if (!scratch) {
        st = st_fail_memory(err, "a contact sheet", (size_t)dataset->width * 3 * sizeof *scratch);
        goto done;
    }
    if ((st = make_grid(&grid, dataset, err)) || (st = st_jpeg_decoder_create(&decoder, err)))
        goto done;
    for (int64_t k = 0; k < grid.frames; k++) {
        int64_t n = grid.frames > 1 ? k * (dataset->frames - 1) / (grid.frames - 1) : 0;
        struct cell cell = cell_of(&grid, k);
        struct st_landmarks landmarks;
        if ((st = st_dataset_read(dataset, n, decoder, &frame, err)) ||
            (st = st_dataset_landmarks(dataset, n, &landmarks, err)))
            goto done;
        st_resize_area(grid.sheet.data + (size_t)cell.y * grid.sheet.stride + (size_t)cell.x * 3,
                       cell.width, cell.height, grid.sheet.stride, frame.data, frame.width,
                       frame.height, frame.stride, scratch);
        draw_face(&cell, &landmarks, &dataset->boxes[n]);
        if (seen && !seen(context, n))
            frame_rectangle(&cell, 0, 0, cell.width, cell.height, 3, missing);
        draw_number(&cell, n);
        st_progress(callbacks, "sheet", k + 1, grid.frames, 0);
        if (st_cancelled(callbacks)) {
            st = st_fail(err, SYNCTALK_E_CANCELLED, "stopped");
            goto done;
        }
    }
    st = st_png_write(&grid.sheet, path, true, err);

done:
    free(scratch);
    st_jpeg_decoder_destroy(&decoder);
    st_picture_free(&frame);
    st_picture_free(&grid.sheet);
    return st;
}
