/* SPDX-License-Identifier: Apache-2.0 */
/* Drawing of charts: lines, areas, text, on a white sheet that becomes a PNG.
 *
 * The only place that knows cairo. Where it was not there at build time, a canvas cannot be
 * opened (E_UNSUPPORTED), and all that draws still builds. Calls between open and write
 * cannot fail; a failure inside shows in write.
 *
 * Pixels, origin top-left. A line of one pixel is sharp at x.5.
 */
#ifndef ST_IMAGE_CANVAS_H
#define ST_IMAGE_CANVAS_H

#include "synctalk/status.h"

struct st_canvas;

struct st_ink {
    float r, g, b; /* 0 ... 1 */
};

synctalk_status st_canvas_open(struct st_canvas **out, int width, int height, synctalk_error *err);
void st_canvas_close(struct st_canvas **canvas); /* NULL-safe */

void st_canvas_ink(struct st_canvas *canvas, struct st_ink ink);
void st_canvas_pen(struct st_canvas *canvas, double width, double dash); /* dash 0: solid */
void st_canvas_font(struct st_canvas *canvas, double size);

void st_canvas_line(struct st_canvas *canvas, double x0, double y0, double x1, double y1);
void st_canvas_box(struct st_canvas *canvas, double x, double y, double width, double height);
void st_canvas_area(struct st_canvas *canvas, double x, double y, double width, double height);
void st_canvas_dot(struct st_canvas *canvas, double x, double y, double radius);

/* A curve: move to its beginning, then on; stroke ends it, fill closes and fills it. */
void st_canvas_move(struct st_canvas *canvas, double x, double y);
void st_canvas_to(struct st_canvas *canvas, double x, double y);
void st_canvas_stroke(struct st_canvas *canvas);
void st_canvas_fill(struct st_canvas *canvas);

/* Baseline at y; `align` 0 begins at x, 0.5 is centred on it, 1 ends there. */
void st_canvas_text(struct st_canvas *canvas, double x, double y, double align, const char *text);
double st_canvas_text_width(struct st_canvas *canvas, const char *text);

/* Whole or not at all. */
synctalk_status st_canvas_write(struct st_canvas *canvas, const char *path, int overwrite,
                                synctalk_error *err);

#endif /* ST_IMAGE_CANVAS_H */
