/* SPDX-License-Identifier: Apache-2.0 */
#include "train/chart.h"

#include <math.h>
#include <stdio.h>

#include "image/canvas.h"

#define WIDTH 960
#define HEIGHT 720
#define LEFT 86.0
#define RIGHT 24.0
#define SERIES_MAX 3

/* One curve: a member of struct st_epoch. */
struct series {
    const char *name;
    size_t offset; /* of a double in struct st_epoch */
    struct st_ink colour;
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

/* Whole pixels in the middle of a line of one pixel, so that it is sharp. */
static double sharp(double at)
{
    return floor(at) + 0.5;
}

static void draw_axes(struct st_canvas *canvas, const struct panel *p)
{
    const struct st_ink grid = {0.88f, 0.88f, 0.88f};
    const struct st_ink ink = {0.25f, 0.25f, 0.25f};
    char label[32];

    st_canvas_pen(canvas, 1, 0);
    const double step = nice_step(p->high - p->low, 5);
    for (long k = lrint(ceil(p->low / step)); (double)k * step <= p->high; k++) {
        const double v = (double)k * step;
        const double y = sharp(place_y(p, v));
        st_canvas_ink(canvas, grid);
        st_canvas_line(canvas, p->x, y, p->x + p->width, y);
        st_canvas_ink(canvas, ink);
        snprintf(label, sizeof label, "%.4g", v);
        st_canvas_text(canvas, p->x - 8, y + 4, 1, label);
    }
    const double across = fmax(1, nice_step(p->last - p->first, 10));
    for (long k = lrint(ceil(p->first / across)); (double)k * across <= p->last; k++) {
        const double e = (double)k * across;
        const double x = sharp(place_x(p, e));
        st_canvas_ink(canvas, grid);
        st_canvas_line(canvas, x, p->y, x, p->y + p->height);
        st_canvas_ink(canvas, ink);
        snprintf(label, sizeof label, "%.0f", e);
        st_canvas_text(canvas, x, p->y + p->height + 16, 0.5, label);
    }
    st_canvas_ink(canvas, ink);
    st_canvas_box(canvas, sharp(p->x), sharp(p->y), floor(p->width), floor(p->height));
}

static void draw_curve(struct st_canvas *canvas, const struct panel *p, const struct series *series,
                       const struct st_epoch *epochs, size_t count)
{
    bool pen_down = false;
    st_canvas_ink(canvas, series->colour);
    st_canvas_pen(canvas, 1.8, 0);
    for (size_t i = 0; i < count; i++) {
        const double v = value_of(&epochs[i], series);
        if (!isfinite(v)) {
            pen_down = false;
            continue;
        }
        const double x = place_x(p, (double)epochs[i].epoch);
        const double y = place_y(p, v);
        if (pen_down)
            st_canvas_to(canvas, x, y);
        else
            st_canvas_move(canvas, x, y);
        pen_down = true;
    }
    st_canvas_stroke(canvas);
    for (size_t i = 0; count <= 60 && i < count; i++) {
        const double v = value_of(&epochs[i], series);
        if (!isfinite(v))
            continue;
        st_canvas_dot(canvas, place_x(p, (double)epochs[i].epoch), place_y(p, v), 2.4);
    }
}

/* What each curve is and where it stands, in a row above the plot; none for what is not. */
static void draw_legend(struct st_canvas *canvas, const struct panel *p,
                        const struct st_epoch *last)
{
    double x = p->x;
    for (int k = 0; k < p->count; k++) {
        char text[96];
        const double v = value_of(last, &p->series[k]);
        if (!isfinite(v))
            continue;
        snprintf(text, sizeof text, "%s %.4g", p->series[k].name, v);
        st_canvas_ink(canvas, p->series[k].colour);
        st_canvas_pen(canvas, 3, 0);
        st_canvas_line(canvas, x, p->y - 12, x + 20, p->y - 12);
        st_canvas_ink(canvas, (struct st_ink){0.15f, 0.15f, 0.15f});
        st_canvas_text(canvas, x + 26, p->y - 8, 0, text);
        x += 26 + st_canvas_text_width(canvas, text) + 24;
    }
}

static void draw_panel(struct st_canvas *canvas, struct panel *p, const struct st_epoch *epochs,
                       size_t count)
{
    if (count == 0 || !fit(p, epochs, count)) {
        st_canvas_ink(canvas, (struct st_ink){0.45f, 0.45f, 0.45f});
        st_canvas_text(canvas, p->x + p->width / 2, p->y + p->height / 2, 0.5,
                       "nothing is held out: see --holdout");
        return;
    }
    draw_axes(canvas, p);
    for (int k = 0; k < p->count; k++)
        draw_curve(canvas, p, &p->series[k], epochs, count);
    draw_legend(canvas, p, &epochs[count - 1]);
}

static void draw_all(struct st_canvas *canvas, const char *title, const struct st_epoch *epochs,
                     size_t count, const char *score, const char *unit)
{
    char name[96];
    snprintf(name, sizeof name, "%s, %s", score, unit);
    const struct series losses[] = {
        {"training loss", offsetof(struct st_epoch, loss), {0.12f, 0.38f, 0.72f}},
        {"training L1", offsetof(struct st_epoch, l1), {0.35f, 0.65f, 0.85f}},
        {"held-out L1", offsetof(struct st_epoch, held), {0.85f, 0.40f, 0.10f}},
    };
    const struct series scores[] = {
        {name, offsetof(struct st_epoch, score), {0.16f, 0.55f, 0.25f}},
    };
    struct panel upper = {LEFT, 84, WIDTH - LEFT - RIGHT, 250, 0, 0, 0, 0, losses, 3};
    struct panel lower = {LEFT, 404, WIDTH - LEFT - RIGHT, 250, 0, 0, 0, 0, scores, 1};

    st_canvas_ink(canvas, (struct st_ink){0.1f, 0.1f, 0.1f});
    st_canvas_font(canvas, 18);
    st_canvas_text(canvas, LEFT, 34, 0, title);
    st_canvas_font(canvas, 13);
    draw_panel(canvas, &upper, epochs, count);
    draw_panel(canvas, &lower, epochs, count);
    st_canvas_ink(canvas, (struct st_ink){0.25f, 0.25f, 0.25f});
    st_canvas_text(canvas, LEFT + (WIDTH - LEFT - RIGHT) / 2, HEIGHT - 24, 0.5, "epoch");
}

synctalk_status st_chart_write(const char *path, const char *title, const struct st_epoch *epochs,
                               size_t count, const char *score, const char *unit,
                               synctalk_error *err)
{
    struct st_canvas *canvas = NULL;
    synctalk_status st = st_canvas_open(&canvas, WIDTH, HEIGHT, err);
    if (st)
        return st;
    draw_all(canvas, title, epochs, count, score, unit);
    st = st_canvas_write(canvas, path, 1, err);
    st_canvas_close(&canvas);
    return st;
}
