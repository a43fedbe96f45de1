/* SPDX-License-Identifier: Apache-2.0 */
#include "person/skin.h"

#include <stdlib.h>

#include "base/error.h"
#include "person/outline.h"
#include "person/sculpt.h"

#define PIVOT_X 3.0f /* the side columns fan out from here */
#define PIVOT_Z (-1.0f)
#define FRONT_COLUMNS 45
#define FRONT_Z 8.0f  /* where columns are SKIN_STEP apart */
#define FAN_END 2.25f /* radians: behind the ears */
#define LID_TOP 2.3f  /* rows between these heights follow the lids */
#define LID_BOTTOM (-2.0f)
#define UPPER_TOP (-4.5f) /* likewise the lips */
#define LOWER_BOTTOM (-8.6f)
#define UPPER_RED 0.66f /* rows of the lips' red, in the middle */
#define LOWER_RED 0.93f

struct column {
    float x;     /* in front, signed */
    float angle; /* of the fan, 0 in front */
    float side;  /* -1 or 1 */
};

struct row {
    float y;
    int below; /* the lower of two rows that share a slit, and what follows */
};

static struct column column_of(int index)
{
    int h = abs(index - SKIN_HALF);
    struct column c = {.side = index < SKIN_HALF ? -1 : 1};
    float x = SKIN_STEP * (float)h;
    if (h >= FRONT_COLUMNS)
        x = SKIN_STEP * FRONT_COLUMNS;
    c.angle = x > PIVOT_X ? atanf((x - PIVOT_X) / (FRONT_Z - PIVOT_Z)) : 0;
    if (h >= FRONT_COLUMNS) {
        float t = (float)(h - FRONT_COLUMNS) / (float)(SKIN_HALF - FRONT_COLUMNS);
        c.angle += (FAN_END - c.angle) * (0.55f * t + 0.45f * t * t);
        x = PIVOT_X + (FRONT_Z - PIVOT_Z) * tanf(fminf(c.angle, 1.2f));
    }
    c.x = c.side * x;
    return c;
}

/* `count` rows below `from`, the last at `to`; `bend` > 0 crowds them at the start. */
static void add_rows(struct row *rows, int *n, float from, float to, int count, float bend)
{
    for (int i = 1; i <= count; i++) {
        float t = (float)i / (float)count;
        rows[(*n)++] = (struct row){.y = from + (to - from) * (t + bend * t * (t - 1))};
    }
}

/* Rows over the red of a lip, as close as its round edge needs. */
static void add_red(struct row *rows, int *n, float edge, float height, int count, int from_edge)
{
    for (int i = 1; i <= count; i++) {
        float t = (float)(from_edge ? i : count - i) / (float)count;
        rows[(*n)++] = (struct row){.y = edge + height * (1 - cosf(t * PI_F / 2))};
    }
}

static int make_rows(struct skin *skin, struct row *rows)
{
    int n = 0;
    rows[n++] = (struct row){.y = 9.4f};
    add_rows(rows, &n, 9.4f, LID_TOP, 22, 0);
    skin->brow_row = n - 1;
    add_rows(rows, &n, LID_TOP, 0, 24, -0.55f);
    skin->lid_row = n - 1;
    rows[n++] = (struct row){.y = 0, .below = 1};
    add_rows(rows, &n, 0, LID_BOTTOM, 16, 0.5f);
    add_rows(rows, &n, LID_BOTTOM, UPPER_TOP, 22, 0);
    add_rows(rows, &n, UPPER_TOP, MOUTH_Y + UPPER_RED, 14, 0);
    skin->upper_red = n - 1;
    add_red(rows, &n, MOUTH_Y, UPPER_RED, 11, 0);
    skin->lip_row = n - 1;
    rows[n++] = (struct row){.y = MOUTH_Y, .below = 1};
    add_red(rows, &n, MOUTH_Y, -LOWER_RED, 12, 1);
    skin->lower_red = n - 1;
    add_rows(rows, &n, MOUTH_Y - LOWER_RED, LOWER_BOTTOM, 10, 0);
    add_rows(rows, &n, LOWER_BOTTOM, -11.8f, 26, 0);
    add_rows(rows, &n, -11.8f, -19.0f, 22, 0);
    return n;
}

/* Height of a row at a column: rows run along lids and lips. */
static float row_height(const struct row *row, float x, float open)
{
    float y = row->y;
    if (y <= LID_TOP && y >= LID_BOTTOM) {
        if (y > 0 || (y == 0 && !row->below))
            return mixf(lid_upper(x, open), LID_TOP, y / LID_TOP);
        return mixf(lid_lower(x, open), LID_BOTTOM, y / LID_BOTTOM);
    }
    if (y > UPPER_TOP || y < LOWER_BOTTOM)
        return y;
    float line = lips_line(x);
    float fan = stepf(MOUTH_HALF * 0.9f, MOUTH_HALF + 1.4f, fabsf(x));
    float edge = y - MOUTH_Y;
    if (y > MOUTH_Y || (y == MOUTH_Y && !row->below)) {
        float red = mixf(fmaxf(lips_upper(x), 0.2f), UPPER_RED, fan);
        if (edge <= UPPER_RED)
            return line + edge / UPPER_RED * red;
        return mixf(line + red, UPPER_TOP, (edge - UPPER_RED) / (UPPER_TOP - MOUTH_Y - UPPER_RED));
    }
    float red = mixf(fmaxf(lips_lower(x), 0.2f), LOWER_RED, fan);
    if (-edge <= LOWER_RED)
        return line + edge / LOWER_RED * red;
    return mixf(line - red, LOWER_BOTTOM,
                (-edge - LOWER_RED) / (MOUTH_Y - LOWER_BOTTOM - LOWER_RED));
}

/* 0 at the line between the lips, steep there as two round lips meet, 1 on their crest. */
static float lip_round(float t)
{
    if (t < 0.55f) {
        float s = 1 - t / 0.55f;
        return sqrtf(fmaxf(1 - s * s, 0));
    }
    return 1 - stepf(0.55f, 1.45f, t);
}

/* What lips, lids and small folds add to the skull's skin, towards the viewer. */
static float relief(float x, float y, float open)
{
    float u = fabsf(x);
    float line = lips_line(x);
    float taper = u < MOUTH_HALF ? powf(1 - u * u / (MOUTH_HALF * MOUTH_HALF), 0.55f) : 0;
    float z = 0;
    if (y >= line)
        z += 0.46f * taper * lip_round((y - line) / fmaxf(lips_upper(x), 0.12f));
    else
        z += 0.52f * taper * lip_round((line - y) / fmaxf(lips_lower(x), 0.12f));
    z -= 0.15f * bell2(u - MOUTH_HALF - 0.04f, y - line, 0.26f, 0.38f);
    z += 0.1f * bell2(u - MOUTH_HALF - 0.55f, y - line, 0.35f, 0.7f);
    z -= 0.26f * bell2(x, y + 7.95f, 1.5f, 0.33f);
    /* The gutter under the nose, and the ridges beside it. */
    z += (0.07f * bell(u - 0.42f, 0.2f) - 0.1f * bell(u, 0.2f)) * bell(y + 5.3f, 0.5f);
    /* Fold above the eye; a shut lid smooths it. */
    float span = clampf(lid_span(x) * 1.8f, 0, 1);
    float fold = y - lid_fold(x);
    z += span * mixf(0.3f, 1, open) *
         (0.1f * bell(fold - 0.14f, 0.13f) - 0.12f * bell(fold, 0.055f));
    z -= 0.05f * bell(y - lid_lower(x, 1) + 0.42f, 0.1f) * span;
    return z;
}

static struct vec3 surface_point(const struct row *row, const struct column *c, float open)
{
    float y = row_height(row, c->x, open);
    float slope = 0; /* rows under the chin climb towards the neck */
    /* The jaw's edge is higher at the sides. */
    float edge = -8.3f + 0.75f * fmaxf(fminf(fabsf(c->x), 5.5f) - 2.0f, 0);
    slope = stepf(edge, edge - 3.2f, row->y) * (1 - 0.85f * stepf(-12.0f, -15.5f, row->y));
    slope *= fmaxf(cosf(c->angle), 0);
    float ca = cosf(c->angle);
    float sa = sinf(c->angle);
    float reach = 14;
    struct vec3 out = {c->side * sa, -slope, ca};
    struct vec3 pivot = {c->angle > 0 ? c->side * PIVOT_X : c->x, y + slope * 7, PIVOT_Z};
    struct vec3 hit = pivot;
    struct vec3 in = unit3(scale3(out, -1));
    if (!sculpt_hit(mad3(pivot, out, reach), in, reach * 2, &hit))
        hit = pivot;
    if (fabsf(hit.x) < 5.6f && hit.z > 3)
        hit.z += relief(hit.x, hit.y, open);
    return hit;
}

float skin_jaw_line(float place, int below)
{
    float corner = 1 - sqrtf(fmaxf(1 - place * place, 0));
    return below ? mixf(1, 0.4f, corner) : mixf(0, 0.4f, corner);
}

/* How lips and jaw carry a point of the resting face. */
static void weigh_mouth(struct skin_vertex *v, struct vec3 p, int below)
{
    float u = fabsf(p.x);
    float line = lips_line(p.x);
    float place = clampf(p.x / MOUTH_HALF, -1, 1);
    v->lip_place = place;
    v->below = (uint8_t)below;
    v->jaw_line = skin_jaw_line(place, below);
    float out = fmaxf(u - MOUTH_HALF, 0);
    float d = p.y - line;
    /* Beside the mouth the jaw's share changes slowly, from cheekbone to jaw. */
    float wide = stepf(2.6f, -3.0f, d);
    float near = d > 0 ? v->jaw_line * stepf(2.0f, 0, d) : mixf(v->jaw_line, 1, stepf(0, -1.9f, d));
    v->jaw = mixf(near, wide, stepf(0, 1.6f, out));
    v->jaw *= stepf(-1.0f, 3.2f, p.z + 0.35f * (-6.0f - p.y)); /* not the nape */
    v->jaw *= 1 - stepf(-11.2f, -14.2f, p.y - 0.3f * (p.z - 6));
    float fade = d > 0 ? stepf(1.9f, 0.15f, d) : stepf(-2.6f, -0.25f, d);
    v->lip_pull = fade * stepf(3.0f, 0.1f, out) * stepf(2.0f, 5.0f, p.z);
}

static void weigh(struct skin_vertex *v, struct vec3 p, int below)
{
    weigh_mouth(v, p, below);
    v->brow = stepf(0.75f, 1.9f, p.y) * stepf(6.2f, 2.6f, p.y) * stepf(4.0f, 6.0f, p.z);
}

static struct vec2 front_uv(struct vec3 p)
{
    return (struct vec2){p.x, p.y};
}

/* Between the lips or the lids, where upper and lower edge are not one. */
static int in_slit(const struct skin *skin, int row, int column)
{
    int h = abs(column - SKIN_HALF);
    if (row == skin->lip_row)
        return h < (LIP_COLUMNS - 1) / 2;
    int inner = (int)lroundf(EYE_INNER / SKIN_STEP);
    int outer = (int)lroundf(EYE_OUTER / SKIN_STEP);
    return row == skin->lid_row && h > inner && h < outer;
}

static void add_vertex(struct skin *skin, struct mesh *mesh, int r, int c, const struct row *row)
{
    uint32_t *at = skin->grid + (size_t)r * SKIN_COLUMNS + c;
    if ((r == skin->lip_row + 1 || r == skin->lid_row + 1) && !in_slit(skin, r - 1, c)) {
        *at = at[-SKIN_COLUMNS];
        return;
    }
    struct column column = column_of(c);
    struct vec3 open = surface_point(row, &column, 1);
    *at = mesh_vertex(mesh, open, front_uv(open), BONE_NECK);
    struct skin_vertex *v = skin->rig + *at;
    v->shut = open;
    if (row->y < LID_TOP && row->y > LID_BOTTOM && fabsf(column.x) < 6.5f)
        v->shut = surface_point(row, &column, 0);
    weigh(v, open, row->y < MOUTH_Y || (row->y == MOUTH_Y && row->below));
}

/* From the edge of a lip inwards: up or down, and back. */
static const struct vec2 lip_roll[ROLL_ROWS] = {
    {0.01f, -0.1f},  {0.06f, -0.26f}, {0.16f, -0.48f},
    {0.34f, -0.75f}, {0.65f, -1.0f},  {1.1f, -1.15f},
};

static void add_roll_faces(struct mesh *mesh, enum part part, const uint32_t *from,
                           const uint32_t *to, int count, int below)
{
    for (int i = 0; i + 1 < count; i++) {
        if (below)
            mesh_quad(mesh, part, to[i], from[i], from[i + 1], to[i + 1]);
        else
            mesh_quad(mesh, part, from[i], to[i], to[i + 1], from[i + 1]);
    }
}

static void roll_lip(struct skin *skin, struct mesh *mesh, int below)
{
    uint32_t last[LIP_COLUMNS];
    uint32_t next[LIP_COLUMNS];
    const uint32_t *edge =
        skin->grid + (size_t)(skin->lip_row + below) * SKIN_COLUMNS + SKIN_HALF - LIP_COLUMNS / 2;
    for (int i = 0; i < LIP_COLUMNS; i++)
        last[i] = edge[i];
    for (int k = 0; k < ROLL_ROWS; k++) {
        for (int i = 0; i < LIP_COLUMNS; i++) {
            struct vec3 p = mesh->rest[edge[i]];
            const int half = LIP_COLUMNS / 2;
            float place = (float)(i - half) / (float)half;
            float open = 1 - place * place;
            p.y += (below ? -1.0f : 1.0f) * lip_roll[k].x * open;
            p.z += lip_roll[k].y * (0.3f + 0.7f * open);
            next[i] = mesh_vertex(mesh, p, front_uv(mesh->rest[edge[i]]), BONE_NECK);
            struct skin_vertex *v = skin->rig + next[i];
            *v = skin->rig[edge[i]];
            v->below = (uint8_t)below;
            v->lip_place = place;
            v->jaw = v->jaw_line = skin_jaw_line(place, below);
            v->shut = p;
            v->inner = -lip_roll[k].y;
        }
        add_roll_faces(mesh, PART_LIP_INSIDE, last, next, LIP_COLUMNS, below);
        for (int i = 0; i < LIP_COLUMNS; i++)
            last[i] = next[i];
    }
}

/* A lid's edge: back to the eyeball, then along under it. */
static struct vec3 lid_roll(struct vec3 edge, float side, int k)
{
    static const float depth[ROLL_ROWS] = {0.3f, 0.75f, 1.0f, 1.35f, 1.7f, 2.2f};
    struct vec3 centre = {side * EYE_X, EYE_Y, EYE_Z};
    struct vec3 out = sub3(edge, centre);
    float far = length3(out);
    float ball = EYE_RADIUS * 1.005f / far;
    float t = depth[k];
    float scale = t < 1 ? mixf(1, ball, t) : ball - (t - 1) * 0.12f;
    return mad3(centre, out, scale);
}

static void roll_lid(struct skin *skin, struct mesh *mesh, int below, int side)
{
    uint32_t last[LID_COLUMNS];
    uint32_t next[LID_COLUMNS];
    int first = (int)lroundf((side < 0 ? -EYE_OUTER : EYE_INNER) / SKIN_STEP) + SKIN_HALF;
    const uint32_t *edge = skin->grid + (size_t)(skin->lid_row + below) * SKIN_COLUMNS + first;
    for (int i = 0; i < LID_COLUMNS; i++)
        last[i] = edge[i];
    for (int k = 0; k < ROLL_ROWS; k++) {
        for (int i = 0; i < LID_COLUMNS; i++) {
            const struct skin_vertex *at = skin->rig + edge[i];
            struct vec3 open = lid_roll(mesh->rest[edge[i]], (float)side, k);
            struct vec3 shut = lid_roll(at->shut, (float)side, k);
            next[i] = mesh_vertex(mesh, open, front_uv(open), BONE_NECK);
            skin->rig[next[i]] = (struct skin_vertex){.shut = shut};
        }
        add_roll_faces(mesh, k < 2 ? PART_LID_EDGE : PART_EYE, last, next, LID_COLUMNS, below);
        for (int i = 0; i < LID_COLUMNS; i++)
            last[i] = next[i];
    }
}

/* Tell each vertex where the edge of the lip at its place is. */
static void find_edges(struct skin *skin, const struct mesh *mesh)
{
    for (int i = 0; i < skin->count; i++) {
        struct skin_vertex *v = skin->rig + i;
        float column = v->lip_place * MOUTH_HALF / SKIN_STEP + SKIN_HALF;
        int c = (int)column;
        const uint32_t *edge = skin->grid + (size_t)skin->lip_row * SKIN_COLUMNS + (size_t)c;
        float t = column - (float)c;
        v->edge_y = mixf(mesh->rest[edge[0]].y, mesh->rest[edge[1]].y, t);
        v->edge_z = mixf(mesh->rest[edge[0]].z, mesh->rest[edge[1]].z, t);
    }
}

static void add_grid_faces(const struct skin *skin, struct mesh *mesh)
{
    for (int r = 0; r + 1 < skin->rows; r++) {
        if (r == skin->lip_row || r == skin->lid_row)
            continue;
        for (int c = 0; c + 1 < SKIN_COLUMNS; c++) {
            const uint32_t *a = skin->grid + (size_t)r * SKIN_COLUMNS + c;
            const uint32_t *b = a + SKIN_COLUMNS;
            mesh_quad(mesh, PART_SKIN, a[0], b[0], b[1], a[1]);
        }
    }
}

synctalk_status skin_create(struct skin *skin, struct mesh *mesh, synctalk_error *err)
{
    struct row rows[SKIN_ROWS_MAX];
    *skin = (struct skin){0};
    skin->rows = make_rows(skin, rows);
    skin->grid = calloc((size_t)skin->rows * SKIN_COLUMNS, sizeof *skin->grid);
    skin->rig = calloc(MESH_VERTICES, sizeof *skin->rig);
    if (!skin->grid || !skin->rig) {
        skin_free(skin);
        return st_fail_memory(err, "the skin", MESH_VERTICES * sizeof *skin->rig);
    }
    for (int r = 0; r < skin->rows; r++)
        for (int c = 0; c < SKIN_COLUMNS; c++)
            add_vertex(skin, mesh, r, c, rows + r);
    add_grid_faces(skin, mesh);
    for (int below = 0; below < 2; below++) {
        roll_lip(skin, mesh, below);
        roll_lid(skin, mesh, below, -1);
        roll_lid(skin, mesh, below, 1);
    }
    skin->count = mesh->vertices;
    find_edges(skin, mesh);
    return SYNCTALK_OK;
}

void skin_free(struct skin *skin)
{
    free(skin->rig);
    free(skin->grid);
    *skin = (struct skin){0};
}

uint32_t skin_at(const struct skin *skin, int row, float x)
{
    int column = SKIN_HALF + (int)lroundf(x / SKIN_STEP);
    column = column < 0 ? 0 : column >= SKIN_COLUMNS ? SKIN_COLUMNS - 1 : column;
    return skin->grid[row * SKIN_COLUMNS + column];
}

uint32_t skin_nearest(const struct skin *skin, const struct mesh *mesh, struct vec3 point)
{
    uint32_t best = 0;
    float least = INFINITY;
    for (int i = 0; i < skin->count; i++) {
        struct vec3 d = sub3(mesh->rest[i], point);
        if (dot3(d, d) < least) {
            least = dot3(d, d);
            best = (uint32_t)i;
        }
    }
    return best;
}
