/* SPDX-License-Identifier: Apache-2.0 */
#include "image/canvas.h"

#include <cairo.h>
#include <stdlib.h>

#include "base/error.h"
#include "image/picture.h"

struct st_canvas {
    cairo_surface_t *surface; /* owned */
    cairo_t *cairo;           /* owned */
    int width, height;
};

synctalk_status st_canvas_open(struct st_canvas **out, int width, int height, synctalk_error *err)
{
    *out = NULL;
    struct st_canvas *canvas = calloc(1, sizeof *canvas);
    if (!canvas)
        return st_fail_memory(err, "a chart", sizeof *canvas);
    canvas->width = width;
    canvas->height = height;
    canvas->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, width, height);
    canvas->cairo = cairo_create(canvas->surface);
    cairo_set_source_rgb(canvas->cairo, 1, 1, 1);
    cairo_paint(canvas->cairo);
    /* The one that cairo carries: it needs no font to be installed. */
    cairo_select_font_face(canvas->cairo, "@cairo:", CAIRO_FONT_SLANT_NORMAL,
                           CAIRO_FONT_WEIGHT_NORMAL);
    *out = canvas;
    return SYNCTALK_OK;
}

void st_canvas_close(struct st_canvas **canvas)
{
    if (!canvas || !*canvas)
        return;
    cairo_destroy((*canvas)->cairo);
    cairo_surface_destroy((*canvas)->surface);
    free(*canvas);
    *canvas = NULL;
}

void st_canvas_ink(struct st_canvas *canvas, struct st_ink ink)
{
    cairo_set_source_rgb(canvas->cairo, (double)ink.r, (double)ink.g, (double)ink.b);
}

void st_canvas_pen(struct st_canvas *canvas, double width, double dash)
{
    cairo_set_line_width(canvas->cairo, width);
    cairo_set_dash(canvas->cairo, &dash, dash > 0, 0);
}

void st_canvas_font(struct st_canvas *canvas, double size)
{
    cairo_set_font_size(canvas->cairo, size);
}

void st_canvas_line(struct st_canvas *canvas, double x0, double y0, double x1, double y1)
{
    cairo_move_to(canvas->cairo, x0, y0);
    cairo_line_to(canvas->cairo, x1, y1);
    cairo_stroke(canvas->cairo);
}

void st_canvas_box(struct st_canvas *canvas, double x, double y, double width, double height)
{
    cairo_rectangle(canvas->cairo, x, y, width, height);
    cairo_stroke(canvas->cairo);
}

void st_canvas_area(struct st_canvas *canvas, double x, double y, double width, double height)
{
    cairo_rectangle(canvas->cairo, x, y, width, height);
    cairo_fill(canvas->cairo);
}

void st_canvas_dot(struct st_canvas *canvas, double x, double y, double radius)
{
    cairo_arc(canvas->cairo, x, y, radius, 0, 6.2832);
    cairo_fill(canvas->cairo);
}

void st_canvas_move(struct st_canvas *canvas, double x, double y)
{
    cairo_move_to(canvas->cairo, x, y);
}

void st_canvas_to(struct st_canvas *canvas, double x, double y)
{
    cairo_line_to(canvas->cairo, x, y);
}

void st_canvas_stroke(struct st_canvas *canvas)
{
    cairo_stroke(canvas->cairo);
}

void st_canvas_fill(struct st_canvas *canvas)
{
    cairo_fill(canvas->cairo);
}

void st_canvas_text(struct st_canvas *canvas, double x, double y, double align, const char *text)
{
    cairo_move_to(canvas->cairo, x - align * st_canvas_text_width(canvas, text), y);
    cairo_show_text(canvas->cairo, text);
}

double st_canvas_text_width(struct st_canvas *canvas, const char *text)
{
    cairo_text_extents_t size;
    cairo_text_extents(canvas->cairo, text, &size);
    return size.x_advance;
}

synctalk_status st_canvas_write(struct st_canvas *canvas, const char *path, int overwrite,
                                synctalk_error *err)
{
    struct st_picture picture = {0};
    cairo_surface_flush(canvas->surface);
    if (cairo_status(canvas->cairo) || cairo_surface_status(canvas->surface))
        return st_fail(err, SYNCTALK_E_LIBRARY, "%s: cannot be drawn: %s", path,
                       cairo_status_to_string(cairo_status(canvas->cairo)));
    synctalk_status st = st_picture_resize(&picture, canvas->width, canvas->height, err);
    if (st)
        return st;
    const uint8_t *pixels = cairo_image_surface_get_data(canvas->surface);
    const size_t stride = (size_t)cairo_image_surface_get_stride(canvas->surface);
    const size_t width = (size_t)canvas->width;
    for (size_t y = 0; y < (size_t)canvas->height; y++)
        for (size_t x = 0; x < width; x++)
            for (size_t c = 0; c < 3; c++) /* a little-endian word of 0xXXRRGGBB is B, G, R */
                picture.data[y * picture.stride + x * 3 + c] = pixels[y * stride + x * 4 + c];
    st = st_png_write(&picture, path, overwrite, err);
    st_picture_free(&picture);
    return st;
}
