/* SPDX-License-Identifier: Apache-2.0 */
/* Is that still the face? Cheap answers that need no network. */
#include <math.h>

#include "face/tracker_impl.h"

#define WIDTH_MIN 8.0f      /* pixels from cheek to cheek; a smaller face has no mouth to draw */
#define COORDINATE_MAX 1e6f /* pixels */
#define CONTRAST_MIN 3.0    /* levels, standard deviation */

bool st_landmarks_plausible(const struct st_landmarks *landmarks)
{
    const struct st_landmark_layout *layout = st_landmark_layout(landmarks->count);
    if (!layout)
        return false;
    for (int i = 0; i < landmarks->count; i++)
        if (!(fabsf(landmarks->points[i].x) <= COORDINATE_MAX &&
              fabsf(landmarks->points[i].y) <= COORDINATE_MAX))
            return false;
    return landmarks->points[layout->right].x - landmarks->points[layout->left].x >= WIDTH_MIN;
}

static void centre(const struct st_landmarks *shape, double *x, double *y)
{
    *x = 0;
    *y = 0;
    for (int i = 0; i < shape->count; i++) {
        *x += (double)shape->points[i].x;
        *y += (double)shape->points[i].y;
    }
    *x /= shape->count;
    *y /= shape->count;
}

/* With points as complex numbers about their centres, the best factor is
 * sum(conj(a) b) / sum(|a|^2), and it leaves sum(|b|^2) - |sum(conj(a) b)|^2 / sum(|a|^2). */
bool st_shape_fit(struct st_shape_fit *fit, const struct st_landmarks *from,
                  const struct st_landmarks *to)
{
    double ax;
    double ay;
    double bx;
    double by;
    double aa = 0;
    double bb = 0;
    double re = 0;
    double im = 0;

    if (from->count != to->count || from->count < 2)
        return false;
    centre(from, &ax, &ay);
    centre(to, &bx, &by);
    for (int i = 0; i < from->count; i++) {
        double x = (double)from->points[i].x - ax;
        double y = (double)from->points[i].y - ay;
        double u = (double)to->points[i].x - bx;
        double v = (double)to->points[i].y - by;
        aa += x * x + y * y;
        bb += u * u + v * v;
        re += x * u + y * v;
        im += x * v - y * u;
    }
    if (!(aa > 0 && bb > 0 && isfinite(aa) && isfinite(bb)))
        return false;
    double left = 1 - (re * re + im * im) / (aa * bb);
    fit->scale = (float)(sqrt(re * re + im * im) / aa);
    fit->residual = (float)sqrt(left > 0 ? left : 0);
    return true;
}

static int inside(float at, int size)
{
    int i = at > 0 ? (int)fminf(at, (float)size) : 0;
    return i < size ? i : size - 1;
}

void st_glance_take(struct st_glance *glance, const struct st_picture *picture,
                    const struct st_face *face)
{
    const float step_x = (face->right - face->left) / ST_GLANCE_CELLS;
    const float step_y = (face->bottom - face->top) / ST_GLANCE_CELLS;
    for (int row = 0; row < ST_GLANCE_CELLS; row++) {
        int y = inside(face->top + ((float)row + 0.5f) * step_y, picture->height);
        const uint8_t *line = picture->data + (size_t)y * picture->stride;
        for (int column = 0; column < ST_GLANCE_CELLS; column++) {
            int x = inside(face->left + ((float)column + 0.5f) * step_x, picture->width);
            glance->cells[row * ST_GLANCE_CELLS + column] = line[(size_t)x * 3 + 1];
        }
    }
}

float st_glance_compare(const struct st_glance *a, const struct st_glance *b)
{
    const double count = ST_GLANCE_CELLS * ST_GLANCE_CELLS;
    int64_t sa = 0;
    int64_t sb = 0;
    int64_t saa = 0;
    int64_t sbb = 0;
    int64_t sab = 0;
    for (int i = 0; i < ST_GLANCE_CELLS * ST_GLANCE_CELLS; i++) {
        int64_t x = a->cells[i];
        int64_t y = b->cells[i];
        sa += x;
        sb += y;
        saa += x * x;
        sbb += y * y;
        sab += x * y;
    }
    double va = (double)saa / count - (double)sa / count * ((double)sa / count);
    double vb = (double)sbb / count - (double)sb / count * ((double)sb / count);
    double ab = (double)sab / count - (double)sa / count * ((double)sb / count);
    if (va < CONTRAST_MIN * CONTRAST_MIN || vb < CONTRAST_MIN * CONTRAST_MIN)
        return 0;
    return (float)(ab / sqrt(va * vb));
}
