/* SPDX-License-Identifier: Apache-2.0 */
#include "canvas.h"

#include <math.h>
#include <stdlib.h>

int canvas_create(struct canvas *canvas, int width, int height)
{
    canvas->width = width;
    canvas->height = height;
    canvas->pixels = calloc((size_t)width * (size_t)height, sizeof *canvas->pixels);
    return canvas->pixels ? 0 : -1;
}

void canvas_free(struct canvas *canvas)
{
    free(canvas->pixels);
    canvas->pixels = NULL;
}

static int bound(float x, int limit)
{
    return x < 0.0f ? 0 : x > (float)limit ? limit : (int)x;
}

void canvas_paint(struct canvas *canvas, struct box box, shape_function shape, const void *context)
{
    const int left = bound(floorf(box.left), canvas->width);
    const int right = bound(ceilf(box.right), canvas->width);
    const int top = bound(floorf(box.top), canvas->height);
    const int bottom = bound(ceilf(box.bottom), canvas->height);
    for (int y = top; y < bottom; y++) {
        struct colour *row = canvas->pixels + (size_t)y * (size_t)canvas->width;
        for (int x = left; x < right; x++) {
            struct colour colour = {0};
            float cover = shape(context, (float)x + 0.5f, (float)y + 0.5f, &colour);
            if (cover > 0.0f)
                row[x] = mix_colour(row[x], colour, clamp01(cover));
        }
    }
}

/* Integer hash to 0..1. Source: the finaliser of MurmurHash3. */
static float hash(unsigned x)
{
    x ^= x >> 16;
    x *= 0x85EBCA6Bu;
    x ^= x >> 13;
    x *= 0xC2B2AE35u;
    x ^= x >> 16;
    return (float)(x >> 8) * 0x1p-24f;
}

static uint8_t to_byte(float level, float grain)
{
    return (uint8_t)(clamp01(level) * 253.0f + grain * 2.0f);
}

void canvas_to_picture(const struct canvas *canvas, struct st_picture *picture, unsigned seed)
{
    for (int y = 0; y < canvas->height; y++) {
        uint8_t *row = picture->data + (size_t)y * picture->stride;
        for (int x = 0; x < canvas->width; x++, row += 3) {
            size_t at = (size_t)y * (size_t)canvas->width + (size_t)x;
            struct colour c = canvas->pixels[at];
            float grain = hash((unsigned)at + seed * 0x9E3779B9u);
            row[0] = to_byte(c.b, grain);
            row[1] = to_byte(c.g, grain);
            row[2] = to_byte(c.r, grain);
        }
    }
}

float clamp01(float x)
{
    return x > 0.0f ? x < 1.0f ? x : 1.0f : 0.0f;
}

float smooth_step(float from, float to, float x)
{
    float t = clamp01((x - from) / (to - from));
    return t * t * (3.0f - 2.0f * t);
}

float mix(float a, float b, float t)
{
    return a + (b - a) * t;
}

struct colour mix_colour(struct colour a, struct colour b, float t)
{
    return (struct colour){mix(a.r, b.r, t), mix(a.g, b.g, t), mix(a.b, b.b, t)};
}

struct colour scale_colour(struct colour c, float k)
{
    return (struct colour){c.r * k, c.g * k, c.b * k};
}

float gauss(float x, float y)
{
    return expf(-(x * x + y * y));
}

float noise_1d(float x)
{
    float cell = floorf(x);
    float t = smooth_step(0.0f, 1.0f, x - cell);
    unsigned i = (unsigned)(int)cell;
    return mix(hash(i), hash(i + 1), t);
}

float noise_2d(float x, float y)
{
    float row = floorf(y);
    float t = smooth_step(0.0f, 1.0f, y - row);
    /* Rows far apart on the line of noise_1d() are independent. */
    return mix(noise_1d(x + row * 1009.0f), noise_1d(x + (row + 1.0f) * 1009.0f), t);
}

float segment_distance(float x, float y, float ax, float ay, float bx, float by)
{
    float ex = bx - ax;
    float ey = by - ay;
    float t = clamp01(((x - ax) * ex + (y - ay) * ey) / (ex * ex + ey * ey));
    return hypotf(x - ax - t * ex, y - ay - t * ey);
}
