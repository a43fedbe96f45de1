/* SPDX-License-Identifier: Apache-2.0 */
/* Two panels over one axis of time: the waveform above, the probability of speech below, both
 * shaded where there is speech, and a strip between them that shows the segments alone. A column of
 * pixels stands for any stretch of time, so the same picture serves for a second and for hours.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "generate/voice.h"
#include "image/canvas.h"

#define WIDTH 1200
#define HEIGHT 400
#define LEFT 54
#define RIGHT 18
#define COLUMNS (WIDTH - LEFT - RIGHT)

struct panel {
    double y, height;
};

static const struct panel wave = {46, 172};
static const struct panel strip = {225, 9}; /* speech and silence with nothing over them */
static const struct panel curve = {240, 116};

static const struct st_ink ink = {0.20f, 0.20f, 0.22f};
static const struct st_ink grey = {0.45f, 0.45f, 0.48f};
static const struct st_ink speech_ink = {0.82f, 0.92f, 0.80f};
static const struct st_ink silence_ink = {0.93f, 0.93f, 0.95f};
static const struct st_ink wave_ink = {0.55f, 0.66f, 0.80f};
static const struct st_ink loud_ink = {0.15f, 0.33f, 0.60f};
static const struct st_ink curve_ink = {0.80f, 0.33f, 0.05f};
static const struct st_ink strip_ink = {0.36f, 0.66f, 0.36f};
static const struct st_ink threshold_ink = {0.55f, 0.05f, 0.35f};

static double seconds_of(const struct st_voice *voice)
{
    return (double)voice->samples / ST_VAD_HZ;
}

/* Pixels from the left edge of the picture. */
static double place(const struct st_voice *voice, int64_t sample)
{
    return LEFT + COLUMNS * (double)sample / (double)voice->samples;
}

static void shade(struct st_canvas *canvas, const struct st_voice *voice, const struct panel *p,
                  struct st_ink speech)
{
    st_canvas_ink(canvas, silence_ink);
    st_canvas_area(canvas, LEFT, p->y, COLUMNS, p->height);
    st_canvas_ink(canvas, speech);
    for (size_t i = 0; i < voice->timeline.count; i++) {
        const struct st_vad_span *span = &voice->timeline.spans[i];
        const double x = place(voice, span->start);
        if (span->speech)
            st_canvas_area(canvas, x, p->y, place(voice, span->end) - x, p->height);
    }
}

/* What a column of pixels shows of a lane whose items are `size` samples each. */
static struct st_lane_bucket part_of(const struct st_voice *voice, const struct st_lane *lane,
                                     int size, int column)
{
    const double items = (double)voice->samples / size / COLUMNS; /* in a column */
    return st_lane_part(lane, items * column, items * (column + 1));
}

/* From lowest to highest sample in a light ink, and as high as it is loud (root of the mean
 * square) in a dark one, so that an hour is no solid block. */
static void draw_wave(struct st_canvas *canvas, const struct st_voice *voice)
{
    const double middle = wave.y + wave.height / 2;
    const double scale = (wave.height / 2 - 3) / fmax((double)voice->peak, 1e-4);
    for (int i = 0; i < COLUMNS; i++) {
        const struct st_lane_bucket b = part_of(voice, voice->sound, ST_VOICE_SOUND_ITEM, i);
        if (b.items == 0)
            continue;
        const double top = middle - scale * (double)b.high;
        const double bottom = middle - scale * (double)b.low;
        const double loud = scale * sqrt(b.sum / (double)b.items);
        const double from = fmax(middle - loud, top);
        const double to = fmin(middle + loud, bottom);
        st_canvas_ink(canvas, wave_ink);
        st_canvas_area(canvas, LEFT + i, top, 1, fmax(bottom - top, 1));
        st_canvas_ink(canvas, loud_ink);
        if (to > from)
            st_canvas_area(canvas, LEFT + i, from, 1, to - from);
    }
}

static double height_of(double probability)
{
    return curve.y + curve.height * (1 - probability);
}

/* Through the middles of chunks or, where columns hold several, through their means: the
 * range of an hour's columns would be a solid block. */
static void draw_curve(struct st_canvas *canvas, const struct st_voice *voice)
{
    const struct st_lane *lane = voice->probability;
    const bool each = lane->items <= COLUMNS;
    const int points = each ? (int)lane->items : COLUMNS;
    double y = height_of(0);

    st_canvas_ink(canvas, curve_ink);
    st_canvas_pen(canvas, each ? 1.8 : 1.2, 0);
    for (int i = 0; i < points; i++) {
        const int64_t middle = (int64_t)i * ST_VAD_CHUNK + ST_VAD_CHUNK / 2;
        const double x = each ? fmin(place(voice, middle), LEFT + COLUMNS) : LEFT + i + 0.5;
        const struct st_lane_bucket b =
            each ? lane->buckets[i] : part_of(voice, lane, ST_VAD_CHUNK, i);
        if (b.items == 0)
            continue;
        y = height_of(b.sum / (double)b.items);
        if (i == 0)
            st_canvas_move(canvas, LEFT, y);
        st_canvas_to(canvas, x, y);
    }
    st_canvas_to(canvas, LEFT + COLUMNS, y);
    st_canvas_stroke(canvas);
}

/* Steps that people count time in, so that there are at most a dozen. */
static double time_step(double seconds)
{
    static const double steps[] = {0.01, 0.02, 0.05, 0.1,  0.2,   0.5,   1,     2,
                                   5,    10,   15,   30,   60,    120,   300,   600,
                                   900,  1800, 3600, 7200, 14400, 21600, 43200, 86400};
    size_t i = 0;
    while (i + 1 < sizeof steps / sizeof *steps && seconds / steps[i] > 12)
        i++;
    double step = steps[i];
    while (seconds / step > 12)
        step *= 2;
    return step;
}

/* "0.25", "7", "1:05", "2:00:00": by the length of the whole. */
static void format_time(char *text, size_t size, double t, double step, double seconds)
{
    const long whole = lround(t);
    if (step < 1)
        snprintf(text, size, step < 0.1 ? "%.2f" : "%.1f", t);
    else if (seconds < 60)
        snprintf(text, size, "%ld", whole);
    else if (seconds < 3600)
        snprintf(text, size, "%ld:%02ld", whole / 60, whole % 60);
    else
        snprintf(text, size, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
}

static void draw_time(struct st_canvas *canvas, const struct st_voice *voice)
{
    const double seconds = seconds_of(voice);
    const double step = time_step(seconds);
    const double bottom = curve.y + curve.height;
    const char *unit = seconds < 60 ? "s" : seconds < 3600 ? "min:s" : "h:min:s";
    char text[32];
    char end[64];

    st_canvas_pen(canvas, 1, 0);
    st_canvas_ink(canvas, ink);
    format_time(text, sizeof text, seconds, seconds < 60 ? 0.01 : 1, seconds);
    snprintf(end, sizeof end, "%s %s", text, unit);
    st_canvas_text(canvas, WIDTH - RIGHT, bottom + 20, 1, end);
    const double room = WIDTH - RIGHT - st_canvas_text_width(canvas, end) - 12;
    for (long k = 0; (double)k * step <= seconds * (1 + 1e-9); k++) {
        const double t = (double)k * step;
        const double x = floor(LEFT + COLUMNS * fmin(t / seconds, 1)) + 0.5;
        st_canvas_line(canvas, x, bottom, x, bottom + 5);
        format_time(text, sizeof text, t, step, seconds);
        if (x + st_canvas_text_width(canvas, text) / 2 < room)
            st_canvas_text(canvas, x, bottom + 20, 0.5, text);
    }
    st_canvas_text(canvas, LEFT + COLUMNS / 2.0, HEIGHT - 6, 0.5, "time");
}

static void draw_axes(struct st_canvas *canvas, double threshold)
{
    static const double levels[] = {0, 0.5, 1};
    char text[32];
    st_canvas_pen(canvas, 1, 0);
    for (size_t i = 0; i < 3; i++) {
        snprintf(text, sizeof text, "%.1f", levels[i]);
        st_canvas_ink(canvas, ink);
        st_canvas_text(canvas, LEFT - 8, height_of(levels[i]) + 4, 1, text);
    }
    const double y = floor(height_of(threshold)) + 0.5;
    st_canvas_ink(canvas, threshold_ink);
    st_canvas_pen(canvas, 1.4, 6);
    st_canvas_line(canvas, LEFT, y, LEFT + COLUMNS, y);
    st_canvas_pen(canvas, 1, 0);
    st_canvas_ink(canvas, ink);
    st_canvas_box(canvas, LEFT - 0.5, wave.y - 0.5, COLUMNS + 1, wave.height + 1);
    st_canvas_box(canvas, LEFT - 0.5, strip.y - 0.5, COLUMNS + 1, strip.height + 1);
    st_canvas_box(canvas, LEFT - 0.5, curve.y - 0.5, COLUMNS + 1, curve.height + 1);
}

/* From the right edge leftwards; each entry returns where the next one ends. */
static double legend(struct st_canvas *canvas, double right, const char *text, struct st_ink sample,
                     double dash)
{
    const double x = right - st_canvas_text_width(canvas, text);
    st_canvas_ink(canvas, ink);
    st_canvas_text(canvas, x, 29, 0, text);
    st_canvas_ink(canvas, sample);
    if (dash < 0) {
        st_canvas_area(canvas, x - 24, 18, 18, 13);
        st_canvas_ink(canvas, grey);
        st_canvas_pen(canvas, 1, 0);
        st_canvas_box(canvas, x - 24.5, 17.5, 19, 14);
    } else {
        st_canvas_pen(canvas, 3, dash);
        st_canvas_line(canvas, x - 26, 24.5, x - 6, 24.5);
    }
    return x - 26 - 20;
}

/* As much of the title as fits before `right`, ending in dots where it does not. The font
 * has ASCII alone, and what is no UTF-8 would spoil the whole picture. */
static void draw_title(struct st_canvas *canvas, const char *title, double right)
{
    char text[256];
    size_t length = 0;
    st_canvas_font(canvas, 15);
    st_canvas_ink(canvas, ink);
    for (; *title && length + 4 < sizeof text; title++) {
        const unsigned char c = (unsigned char)*title;
        if (c >= 0x20 && c < 0x7f)
            text[length++] = *title;
        else if ((c & 0xc0) != 0x80) /* once for a character of UTF-8 */
            text[length++] = '?';
    }
    text[length] = '\0';
    while (length > 4 && st_canvas_text_width(canvas, text) > right - LEFT)
        memcpy(text + --length, "...", 4);
    st_canvas_text(canvas, LEFT, 30, 0, text);
}

static void draw_head(struct st_canvas *canvas, const struct st_voice *voice, const char *title,
                      double threshold)
{
    char text[64];
    double right = WIDTH - RIGHT;
    snprintf(text, sizeof text, "threshold %.2g", threshold);
    right = legend(canvas, right, text, threshold_ink, 6);
    snprintf(text, sizeof text, "probability (%s)", voice->detector);
    right = legend(canvas, right, text, curve_ink, 0);
    right = legend(canvas, right, "waveform", loud_ink, 0);
    right = legend(canvas, right, "silence", silence_ink, -1);
    right = legend(canvas, right, "speech", speech_ink, -1);
    draw_title(canvas, title, right);
}

synctalk_status st_voice_plot(const struct st_voice *voice, const char *title, double threshold,
                              const char *path, int overwrite, synctalk_error *err)
{
    struct st_canvas *canvas = NULL;
    synctalk_status st = st_canvas_open(&canvas, WIDTH, HEIGHT, err);
    if (st)
        return st;
    st_canvas_font(canvas, 13);
    shade(canvas, voice, &wave, speech_ink);
    shade(canvas, voice, &strip, strip_ink);
    shade(canvas, voice, &curve, speech_ink);
    draw_wave(canvas, voice);
    draw_curve(canvas, voice);
    draw_axes(canvas, threshold);
    draw_time(canvas, voice);
    draw_head(canvas, voice, title, threshold);
    st = st_canvas_write(canvas, path, overwrite, err);
    st_canvas_close(&canvas);
    return st;
}

synctalk_status st_voice_plot_check(const char *path, int overwrite, synctalk_error *err)
{
    struct st_canvas *canvas = NULL;
    struct st_output output = {.fd = -1};
    synctalk_status st = st_canvas_open(&canvas, 1, 1, err);
    st_canvas_close(&canvas);
    if (!st)
        st = st_output_open(&output, path, overwrite != 0, err);
    st_output_close(&output);
    return st;
}
