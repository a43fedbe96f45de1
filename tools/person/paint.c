/* SPDX-License-Identifier: Apache-2.0 */
#include "person/paint.h"

#include <stdlib.h>

#include "base/error.h"
#include "person/outline.h"

#define FINE 0.5f /* slope that a texel's byte can say, at most */

/* Colours as square roots of linear light, which eight bits hold evenly. */
struct texel {
    uint8_t red, green, blue, gloss;
    int8_t slope_x, slope_y;
    uint8_t unused[2];
};

struct paint {
    struct texel texel[PAINT_HEIGHT][PAINT_WIDTH];
};

/* What is being painted at one place. */
struct dab {
    struct vec3 colour;
    float gloss, relief;
};

static void tint(struct dab *d, struct vec3 factor, float amount)
{
    d->colour = mul3(d->colour, mix3(vec3(1, 1, 1), factor, clampf(amount, 0, 1)));
}

static void cover(struct dab *d, struct vec3 colour, float amount)
{
    d->colour = mix3(d->colour, colour, clampf(amount, 0, 1));
}

static void paint_complexion(struct dab *d, float x, float y, uint32_t seed)
{
    static const struct vec3 red = {1.0f, 0.70f, 0.68f};
    float u = fabsf(x);
    d->colour = vec3(0.600f, 0.345f, 0.243f);
    float mottle = fractal2(seed, x * 0.9f, y * 0.9f, 4);
    float grain = fractal2(seed + 5, x * 5.5f, y * 5.5f, 3);
    tint(d, vec3(1.0f, 0.86f, 0.82f), 0.40f + 0.9f * mottle + 0.55f * grain);
    tint(d, red, 0.50f * bell2(u - 3.9f, y + 3.0f, 1.4f, 1.1f));
    tint(d, red, 0.40f * bell2(x, y + 3.5f, 0.75f, 0.55f));
    tint(d, red, 0.42f * bell2(u - 1.35f, y + 3.9f, 0.35f, 0.4f));
    tint(d, red, 0.22f * bell2(x, y + 9.4f, 1.2f, 0.8f));
    tint(d, vec3(0.96f, 0.90f, 0.90f), 0.7f * bell2(u - 2.7f, y + 1.35f, 1.0f, 0.28f));
    tint(d, vec3(1.03f, 1.03f, 0.94f), bell2(x, y - 4.2f, 2.6f, 1.4f));
    tint(d, vec3(0.93f, 0.90f, 0.88f), stepf(-10.6f, -13.0f, y));
    d->gloss = 0.22f + 0.16f * bell2(x, y + 1.5f, 0.7f, 2.2f) + 0.10f * bell2(x, y - 4, 2.4f, 1.3f);
    d->gloss += 0.07f * bell2(u - 3.8f, y + 1.9f, 1.0f, 0.6f) - 0.10f * stepf(-10, -13, y);
    d->gloss *= mixf(0.35f, 1, stepf(6.2f, 3.4f, u));
    d->relief = 0.0060f * fractal2(seed + 7, x * 8, y * 8, 2);
}

/* One spot at most in each cell of a jittered grid. */
static void paint_freckles(struct dab *d, float x, float y, uint32_t seed)
{
    const float cell = 0.33f;
    float where = 0.95f * bell2(fabsf(x) - 2.7f, y + 2.6f, 1.5f, 0.9f) +
                  0.8f * bell2(x, y + 2.2f, 1.2f, 0.9f) + 0.12f * bell2(x, y - 3.5f, 4, 2);
    if (where < 0.02f)
        return;
    int cx = (int)floorf(x / cell);
    int cy = (int)floorf(y / cell);
    for (int i = -1; i <= 1; i++) {
        for (int k = -1; k <= 1; k++) {
            uint32_t id = (uint32_t)((cx + i) * 613 + (cy + k) * 7919);
            if (hash_unit(seed, id) > 0.55f * where)
                continue;
            float px = ((float)(cx + i) + hash_unit(seed + 1, id)) * cell;
            float py = ((float)(cy + k) + hash_unit(seed + 2, id)) * cell;
            float r = 0.035f + 0.045f * hash_unit(seed + 3, id);
            float t = stepf(1.4f, 0.3f, hypotf(x - px, y - py) / r);
            tint(d, vec3(0.80f, 0.64f, 0.54f), t * (0.35f + 0.6f * hash_unit(seed + 4, id)));
        }
    }
}

static void paint_lips(struct dab *d, float x, float y, uint32_t seed)
{
    if (fabsf(x) > MOUTH_HALF + 0.4f || fabsf(y - MOUTH_Y) > 1.6f)
        return;
    float line = lips_line(x);
    int below = y < line;
    float height = below ? lips_lower(x) : lips_upper(x);
    float in = height - fabsf(y - line);
    float edge = 0.035f * noise2(seed, x * 5, below ? 3.0f : 9.0f);
    float red = stepf(-0.07f, 0.09f, in + edge);
    /* The pale rim that sets the lips off. */
    float rim = bell(in + 0.13f, 0.07f) * stepf(MOUTH_HALF, 1.6f, fabsf(x));
    tint(d, vec3(1.07f, 1.08f, 1.08f), rim);
    float crease = noise2(seed + 3, x * 7.5f + 0.6f * noise2(seed, x, y * 2), y * 0.8f);
    crease += 0.5f * noise2(seed + 4, x * 15, y * 1.5f);
    struct vec3 colour = below ? vec3(0.520f, 0.180f, 0.165f) : vec3(0.455f, 0.150f, 0.140f);
    colour = scale3(colour, 1 + 0.07f * crease - 0.22f * bell(y - line, 0.07f));
    cover(d, colour, 0.92f * red);
    d->gloss = mixf(d->gloss, 0.72f * stepf(MOUTH_HALF, 1.5f, fabsf(x)), red);
    d->relief = mixf(d->relief, 0.010f * crease, red);
    /* Corners lie in shade. */
    tint(d, vec3(0.70f, 0.60f, 0.58f), 0.3f * bell2(fabsf(x) - MOUTH_HALF, y - line, 0.15f, 0.12f));
}

static void paint_eyes(struct dab *d, float x, float y)
{
    float u = fabsf(x);
    if (u < 0.8f || u > 6 || y < -2 || y > 3)
        return;
    float top = lid_upper(x, 1);
    float fold = lid_fold(x);
    float span = lid_span(x);
    /* Lid colour up to the fold and a breath above, stronger outwards. */
    float lid = stepf(top - 0.1f, top, y) * stepf(fold + 0.45f, fold - 0.1f, y);
    tint(d, vec3(0.74f, 0.60f, 0.56f), lid * 0.75f * clampf(span * 2, 0, 1));
    tint(d, vec3(0.72f, 0.58f, 0.54f), 0.5f * bell2(u - 4.6f, y - 0.62f, 0.5f, 0.3f));
    tint(d, vec3(0.60f, 0.46f, 0.42f), 0.45f * bell(y - fold, 0.045f) * clampf(span * 2, 0, 1));
    /* A dark line along the roots of the lashes. */
    float liner = bell(y - top - 0.03f, 0.055f) * stepf(0.02f, 0.35f, span);
    cover(d, vec3(0.03f, 0.018f, 0.014f), 0.85f * liner);
    float low = lid_lower(x, 1);
    cover(d, vec3(0.20f, 0.11f, 0.085f),
          0.40f * bell(y - low + 0.03f, 0.05f) * stepf(0.1f, 0.6f, span));
    tint(d, vec3(0.88f, 0.72f, 0.70f), 0.6f * bell(y - low + 0.12f, 0.11f) * stepf(0, 0.4f, span));
    d->gloss -= 0.12f * lid;
}

static void paint_brows(struct dab *d, float x, float y)
{
    float half = brow_half(x);
    if (half <= 0)
        return;
    float off = (y - brow_line(x)) / half;
    cover(d, vec3(0.120f, 0.066f, 0.042f), 0.42f * stepf(1.35f, 0.35f, fabsf(off)));
    d->gloss *= 0.8f;
}

static void paint_nostrils(struct dab *d, float x, float y)
{
    float u = fabsf(x);
    float hole = bell2(u - 0.60f - 0.25f * (y + 4.28f), y + 4.30f, 0.23f, 0.125f);
    cover(d, vec3(0.075f, 0.026f, 0.018f), 1.15f * hole);
    d->gloss *= 1 - clampf(hole * 1.5f, 0, 1);
    /* The crease round the wing. */
    float r = hypotf((u - 1.05f) / 0.72f, (y + 3.78f) / 0.66f);
    float ring = bell(r - 1, 0.10f) * stepf(0.9f, 1.4f, u + 0.15f * (y + 3.8f));
    tint(d, vec3(0.74f, 0.60f, 0.57f), 0.5f * ring);
}

static void paint_marks(struct dab *d, float x, float y)
{
    float mole = stepf(0.075f, 0.035f, hypotf(x - 3.05f, y + 5.55f));
    cover(d, vec3(0.16f, 0.075f, 0.05f), 0.8f * mole);
    float small = stepf(0.05f, 0.02f, hypotf(x + 4.4f, y + 4.6f));
    cover(d, vec3(0.25f, 0.13f, 0.09f), 0.6f * small);
    /* From the wing of the nose to the corner of the mouth. */
    float along = clampf((-4.1f - y) / 2.2f, 0, 1);
    float off = fabsf(x) - (1.62f + 1.25f * along * along);
    float fade = stepf(-3.9f, -4.6f, y) * stepf(-6.5f, -5.4f, y);
    tint(d, vec3(0.88f, 0.80f, 0.78f), 0.34f * bell(off, 0.26f) * fade);
}

static struct dab paint_at(float x, float y, uint32_t seed)
{
    struct dab d = {{0, 0, 0}, 0, 0};
    paint_complexion(&d, x, y, seed);
    paint_freckles(&d, x, y, seed + 20);
    paint_marks(&d, x, y);
    paint_nostrils(&d, x, y);
    paint_eyes(&d, x, y);
    paint_brows(&d, x, y);
    paint_lips(&d, x, y, seed + 40);
    return d;
}

static uint8_t byte_of(float x)
{
    return (uint8_t)(255 * clampf(x, 0, 1) + 0.5f);
}

static int8_t slope_byte(float slope)
{
    return (int8_t)lrintf(127 * clampf(slope / FINE, -1, 1));
}

synctalk_status paint_create(struct paint **out, uint32_t seed, synctalk_error *err)
{
    struct paint *paint = calloc(1, sizeof *paint);
    const size_t width = sizeof paint->texel[0] / sizeof paint->texel[0][0];
    float *relief = calloc(sizeof paint->texel / sizeof paint->texel[0][0], sizeof *relief);
    *out = NULL;
    if (!paint || !relief) {
        free(paint);
        free(relief);
        return st_fail_memory(err, "the skin's colours", sizeof *paint);
    }
    for (int r = 0; r < PAINT_HEIGHT; r++) {
        for (int c = 0; c < PAINT_WIDTH; c++) {
            float x = PAINT_LEFT + ((float)c + 0.5f) / PAINT_PER_CM;
            float y = PAINT_TOP - ((float)r + 0.5f) / PAINT_PER_CM;
            struct dab d = paint_at(x, y, seed);
            struct texel *t = &paint->texel[r][c];
            t->red = byte_of(sqrtf(d.colour.x));
            t->green = byte_of(sqrtf(d.colour.y));
            t->blue = byte_of(sqrtf(d.colour.z));
            t->gloss = byte_of(d.gloss);
            relief[(size_t)r * width + (size_t)c] = d.relief;
        }
    }
    for (int r = 1; r + 1 < PAINT_HEIGHT; r++) {
        for (int c = 1; c + 1 < PAINT_WIDTH; c++) {
            const float *at = relief + (size_t)r * width + (size_t)c;
            float per_cm = PAINT_PER_CM * 0.5f;
            paint->texel[r][c].slope_x = slope_byte((at[1] - at[-1]) * per_cm);
            paint->texel[r][c].slope_y = slope_byte((*(at - width) - at[width]) * per_cm);
        }
    }
    free(relief);
    *out = paint;
    return SYNCTALK_OK;
}

void paint_free(struct paint **paint)
{
    free(*paint);
    *paint = NULL;
}

void paint_sample(const struct paint *paint, struct vec2 uv, struct paint_sample *out)
{
    float x = clampf((uv.x - PAINT_LEFT) * PAINT_PER_CM - 0.5f, 0, PAINT_WIDTH - 1.01f);
    float y = clampf((PAINT_TOP - uv.y) * PAINT_PER_CM - 0.5f, 0, PAINT_HEIGHT - 1.01f);
    int ix = (int)x;
    int iy = (int)y;
    float tx = x - (float)ix;
    float ty = y - (float)iy;
    const struct texel *a = &paint->texel[iy][ix];
    const struct texel *b = &paint->texel[iy + 1][ix];
    const float w[4] = {(1 - tx) * (1 - ty), tx * (1 - ty), (1 - tx) * ty, tx * ty};
    const struct texel *const t[4] = {a, a + 1, b, b + 1};
    float red = 0, green = 0, blue = 0, gloss = 0, sx = 0, sy = 0;
    for (int i = 0; i < 4; i++) {
        red += w[i] * (float)t[i]->red;
        green += w[i] * (float)t[i]->green;
        blue += w[i] * (float)t[i]->blue;
        gloss += w[i] * (float)t[i]->gloss;
        sx += w[i] * (float)t[i]->slope_x;
        sy += w[i] * (float)t[i]->slope_y;
    }
    const float byte = 1.0f / 255;
    out->albedo =
        vec3(red * red * byte * byte, green * green * byte * byte, blue * blue * byte * byte);
    out->gloss = gloss * byte;
    out->slope_x = sx * (FINE / 127);
    out->slope_y = sy * (FINE / 127);
}
