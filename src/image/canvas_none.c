/* SPDX-License-Identifier: Apache-2.0 */
/* In the place of canvas.c where cairo was not there at build time: no canvas is ever open. */
#include <stddef.h>

#include "base/error.h"
#include "image/canvas.h"

synctalk_status st_canvas_open(struct st_canvas **out, int width, int height, synctalk_error *err)
{
    (void)width, (void)height;
    *out = NULL;
    return st_fail(err, SYNCTALK_E_UNSUPPORTED,
                   "charts cannot be drawn: this build is without cairo; install libcairo2-dev and "
                   "build again");
}

void st_canvas_close(struct st_canvas **canvas)
{
    (void)canvas;
}

void st_canvas_ink(struct st_canvas *canvas, struct st_ink ink)
{
    (void)canvas, (void)ink;
}

void st_canvas_pen(struct st_canvas *canvas, double width, double dash)
{
    (void)canvas, (void)width, (void)dash;
}

void st_canvas_font(struct st_canvas *canvas, double size)
{
    (void)canvas, (void)size;
}

void st_canvas_line(struct st_canvas *canvas, double x0, double y0, double x1, double y1)
{
    (void)canvas, (void)x0, (void)y0, (void)x1, (void)y1;
}

void st_canvas_box(struct st_canvas *canvas, double x, double y, double width, double height)
{
    (void)canvas, (void)x, (void)y, (void)width, (void)height;
}

void st_canvas_area(struct st_canvas *canvas, double x, double y, double width, double height)
{
    (void)canvas, (void)x, (void)y, (void)width, (void)height;
}

void st_canvas_dot(struct st_canvas *canvas, double x, double y, double radius)
{
    (void)canvas, (void)x, (void)y, (void)radius;
}

void st_canvas_move(struct st_canvas *canvas, double x, double y)
{
    (void)canvas, (void)x, (void)y;
}

void st_canvas_to(struct st_canvas *canvas, double x, double y)
{
    (void)canvas, (void)x, (void)y;
}

void st_canvas_stroke(struct st_canvas *canvas)
{
    (void)canvas;
}

void st_canvas_fill(struct st_canvas *canvas)
{
    (void)canvas;
}

void st_canvas_text(struct st_canvas *canvas, double x, double y, double align, const char *text)
{
    (void)canvas, (void)x, (void)y, (void)align, (void)text;
}

double st_canvas_text_width(struct st_canvas *canvas, const char *text)
{
    (void)canvas, (void)text;
    return 0;
}

synctalk_status st_canvas_write(struct st_canvas *canvas, const char *path, int overwrite,
                                synctalk_error *err)
{
    (void)canvas, (void)overwrite;
    return st_fail(err, SYNCTALK_E_UNSUPPORTED, "%s: there is no chart to write", path);
}
