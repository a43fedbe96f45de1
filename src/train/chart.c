/* SPDX-License-Identifier: Apache-2.0 */
#include "train/chart.h"

#include <cairo.h>
#include <math.h>
#include <stdio.h>

#include "base/error.h"
#include "image/picture.h"

#define WIDTH 960
#define HEIGHT 720
#define LEFT 86.0
#define RIGHT 24.0
#define SERIES_MAX 3

struct colour {
    double r, g, b;
};

/* One curve: a member of struct st_epoch. */
struct series {
    const char *name;
    size_t offset; /* of a double in struct st_epoch */
    struct colour colour;
};

struct panel {
    double x, y, width, height; /* of the plot, pixels */
    double low, high;           /* of the vertical axis */
    double first, last;         /* epochs, of the horizontal one */
    const struct series *series;
    int count;
};

static double value_of(const struct st_epoch *epoch, const struct series *series)
{
    return *(const double *)(const void *)((const char *)epoch + series->offset);
}

/* The step between ticks: 1, 2 or 5 times a power of ten, about `parts` of them. */
static double nice_step(double range, int parts)
{
    const double raw = range / parts;
    const double power = pow(10, floor(log10(raw)));
    const double times = raw / power;
    return power * (times < 1.5 ? 1 : times < 3.5 ? 2 : times < 7.5 ? 5 : 10);
}

/* The range that holds every number of the panel's curves, with some air. False: none. */
static bool fit(struct panel *panel, const struct st_epoch *epochs, size_t count)
{
    double low = HUGE_VAL;
    double high = -HUGE_VAL;
    for (size_t i = 0; i < count; i++) {
        for (int k = 0; k < panel->count; k++) {
            const double v = value_of(&epochs[i], &panel->series[k]);
            if (!isfinite(v))
                continue;
            low = fmin(low, v);
            high = fmax(high, v);
        }
    }
    if (low > high)
        return false;
    const double air = high > low ? 0.06 * (high - low) : fmax(fabs(high) * 0.1, 1e-6);
    panel->low = low >= 0 ? fmax(0, low - air) : low - air;
    panel->high = high + air;
    panel->first = (double)epochs[0].epoch;
    panel->last = fmax((double)epochs[count - 1].epoch, panel->first + 1);
    return true;
}

static double place_x(const struct panel *p, double epoch)
{
    return p->x + p->width * (epoch - p->first) / (p->last - p->first);
}

static double place_y(const struct panel *p, double value)
{
    return p->y + p->height * (p->high - value) / (p->high - p->low);
}

static void text_at(cairo_t *cairo, double x, double y, double align, const char *text)
{
    cairo_text_extents_t size;
    cairo_text_extents(cairo, text, &size);
    cairo_move_to(cairo, x - align * size.x_advance, y);
    cairo_show_text(cairo, text);
}

static void set_colour(cairo_t *cairo, struct colour c)
{
    cairo_set_source_rgb(cairo, c.r, c.g, c.b);
}

static void line(cairo_t *cairo, double x0, double y0, double x1, double y1)
{
    cairo_move_to(cairo, x0, y0);
    cairo_line_to(cairo, x1, y1);
    cairo_stroke(cairo);
}

/* Whole pixels in the middle of a line of one pixel, so that it is sharp. */
static double sharp(double at)
{
    return floor(at) + 0.5;
}

static void draw_axes(cairo_t *cairo, const struct panel *p)
{
    const struct colour grid = {0.88, 0.88, 0.88};
    const struct colour ink = {0.25, 0.25, 0.25};
    char label[32];

    cairo_set_line_width(cairo, 1);
    const double step = nice_step(p->high - p->low, 5);
    for (long k = lrint(ceil(p->low / step)); (double)k * step <= p->high; k++) {
        const double v = (double)k * step;
        const double y = sharp(place_y(p, v));
        set_colour(cairo, grid);
        line(cairo, p->x, y, p->x + p->width, y);
        set_colour(cairo, ink);
        snprintf(label, sizeof label, "%.4g", v);
        text_at(cairo, p->x - 8, y + 4, 1, label);
    }
    const double across = fmax(1, nice_step(p->last - p->first, 10));
    for (long k = lrint(ceil(p->first / across)); (double)k * across <= p->last; k++) {
        const double e = (double)k * across;
        const double x = sharp(place_x(p, e));
        set_colour(cairo, grid);
        line(cairo, x, p->y, x, p->y + p->height);
        set_colour(cairo, ink);
        snprintf(label, sizeof label, "%.0f", e);
        text_at(cairo, x, p->y + p->height + 16, 0.5, label);
    }
    set_colour(cairo, ink);
    cairo_rectangle(cairo, sharp(p->x), sharp(p->y), floor(p->width), floor(p->height));
    cairo_stroke(cairo);
}

static void draw_curve(cairo_t *cairo, const struct panel *p, const struct series *series,
                       const struct st_epoch *epochs, size_t count)
{
    bool pen_down = false;
    set_colour(cairo, series->colour);
    cairo_set_line_width(cairo, 1.8);
    for (size_t i = 0; i < count; i++) {
        const double v = value_of(&epochs[i], series);
        if (!isfinite(v)) {
            pen_down = false;
            continue;
        }
        const double x = place_x(p, (double)epochs[i].epoch);
        const double y = place_y(p, v);
        if (pen_down)
            cairo_line_to(cairo, x, y);
        else
            cairo_move_to(cairo, x, y);
        pen_down = true;
    }
    cairo_stroke(cairo);
    for (size_t i = 0; count <= 60 && i < count; i++) {
        const double v = value_of(&epochs[i], series);
        if (!isfinite(v))
            continue;
        cairo_arc(cairo, place_x(p, (double)epochs[i].epoch), place_y(p, v), 2.4, 0, 6.2832);
        cairo_fill(cairo);
    }
}

/* What each curve is and where it stands, in a row above the plot; none for what is not. */
static void draw_legend(cairo_t *cairo, const struct panel *p, const struct st_epoch *last)
{
    double x = p->x;
    for (int k = 0; k < p->count; k++) {
        cairo_text_extents_t size;
        char text[96];
        const double v = value_of(last, &p->series[k]);
        if (!isfinite(v))
            continue;
        snprintf(text, sizeof text, "%s %.4g", p->series[k].name, v);
        set_colour(cairo, p->series[k].colour);
        cairo_set_line_width(cairo, 3);
        line(cairo, x, p->y - 12, x + 20, p->y - 12);
        cairo_set_source_rgb(cairo, 0.15, 0.15, 0.15);
        text_at(cairo, x + 26, p->y - 8, 0, text);
        cairo_text_extents(cairo, text, &size);
        x += 26 + size.x_advance + 24;
    }
}

static void draw_panel(cairo_t *cairo, struct panel *p, const struct st_epoch *epochs, size_t count)
{
    if (count == 0 || !fit(p, epochs, count)) {
        cairo_set_source_rgb(cairo, 0.45, 0.45, 0.45);
        text_at(cairo, p->x + p->width / 2, p->y + p->height / 2, 0.5,
                "nothing is held out: see --holdout");
        return;
    }
    draw_axes(cairo, p);
    for (int k = 0; k < p->count; k++)
        draw_curve(cairo, p, &p->series[k], epochs, count);
    draw_legend(cairo, p, &epochs[count - 1]);
}

static void draw_all(cairo_t *cairo, const char *title, const struct st_epoch *epochs, size_t count,
                     const char *score, const char *unit)
{
    char name[96];
    snprintf(name, sizeof name, "%s, %s", score, unit);
    const struct series losses[] = {
        {"training loss", offsetof(struct st_epoch, loss), {0.12, 0.38, 0.72}},
        {"training L1", offsetof(struct st_epoch, l1), {0.35, 0.65, 0.85}},
        {"held-out L1", offsetof(struct st_epoch, held), {0.85, 0.40, 0.10}},
    };
    const struct series scores[] = {
        {name, offsetof(struct st_epoch, score), {0.16, 0.55, 0.25}},
    };
    struct panel upper = {LEFT, 84, WIDTH - LEFT - RIGHT, 250, 0, 0, 0, 0, losses, 3};
    struct panel lower = {LEFT, 404, WIDTH - LEFT - RIGHT, 250, 0, 0, 0, 0, scores, 1};

    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
    /* The one that cairo carries: it needs no font to be installed. */
    cairo_select_font_face(cairo, "@cairo:", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_source_rgb(cairo, 0.1, 0.1, 0.1);
    cairo_set_font_size(cairo, 18);
    text_at(cairo, LEFT, 34, 0, title);
    cairo_set_font_size(cairo, 13);
    draw_panel(cairo, &upper, epochs, count);
    draw_panel(cairo, &lower, epochs, count);
    cairo_set_source_rgb(cairo, 0.25, 0.25, 0.25);
    text_at(cairo, LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - 24, 0.5, "epoch");
}

synctalk_status st_chart_write(const char *path, const char *title, const struct st_epoch *epochs,
                               size_t count, const char *score, const char *unit,
                               synctalk_error *err)
{
    synctalk_status st;
    struct st_picture picture = {0};
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, WIDTH, HEIGHT);
    cairo_t *cairo = cairo_create(surface);

    draw_all(cairo, title, epochs, count, score, unit);
    cairo_surface_flush(surface);
    if (cairo_status(cairo) || cairo_surface_status(surface)) {
        st = st_fail(err, SYNCTALK_E_LIBRARY, "%s: cannot be drawn: %s", path,
                     cairo_status_to_string(cairo_status(cairo)));
        goto done;
    }
    if ((st = st_picture_resize(&picture, WIDTH, HEIGHT, err)))
        goto done;
    const uint8_t *pixels = cairo_image_surface_get_data(surface);
    const size_t stride = (size_t)cairo_image_surface_get_stride(surface);
    for (size_t y = 0; y < HEIGHT; y++)
        for (size_t x = 0; x < WIDTH; x++)
            for (size_t c = 0; c < 3; c++) /* a little-endian word of 0xXXRRGGBB is B, G, R */
                picture.data[y * picture.stride + x * 3 + c] = pixels[y * stride + x * 4 + c];
    st = st_png_write(&picture, path, 1, err);

done:
    cairo_destroy(cairo);
    cairo_surface_destroy(surface);
    st_picture_free(&picture);
    return st;
}
