/* SPDX-License-Identifier: Apache-2.0 */
/* The kernels of training on vectors that hold one pixel of a block, B channels. Included
 * once by each variant, which defines:
 *
 *   V, B                        a vector of B floats
 *   E                           an element in memory
 *   LOAD(p), STORE(p, v)        B elements, to and from f32
 *   KEPT(v)                     v as STORE and LOAD would give it back
 *   LOADF(p), STOREF(p, v)      B floats
 *   SET(f), ZERO                every lane
 *   ADD SUB MUL FMA(a, b, c)    a * b + c
 *   PICK(v, a, b)               lane by lane v > 0 ? a : b
 *   ADD_DOUBLES(p, v)           B doubles += v
 *
 * Sums over pixels run in f32 over a stretch, then in double.
 */
#include <assert.h>
#include <string.h>

#define STRETCH ((size_t)64)
#define ALWAYS static inline __attribute__((always_inline))

/* A norm's numbers in registers. */
struct norm_lanes {
    V mean, scale, beta, slope;
};

ALWAYS struct norm_lanes norm_lanes(const struct st_train_norm_block *norm)
{
    return (struct norm_lanes){LOADF(norm->mean), LOADF(norm->scale), LOADF(norm->beta),
                               SET(norm->slope)};
}

ALWAYS V normed(const struct norm_lanes *n, V z)
{
    return FMA(n->scale, SUB(z, n->mean), n->beta);
}

ALWAYS V act(V v, V slope)
{
    return PICK(v, v, MUL(slope, v));
}

static void sums(struct st_train_sums *out, const void *z, size_t count, size_t B_)
{
    const E *p = z;
    (void)B_;
    assert(B_ == B && count > 0);
    memset(out, 0, sizeof *out);
    const V pivot = LOAD(p);
    STOREF(out->pivot, pivot);
    for (size_t i = 0; i < count;) {
        size_t end = count - i < STRETCH ? count : i + STRETCH;
        V sum = ZERO, square = ZERO;
        for (; i < end; i++) {
            V d = SUB(LOAD(p + i * B), pivot);
            sum = ADD(sum, d);
            square = FMA(d, d, square);
        }
        ADD_DOUBLES(out->sum, sum);
        ADD_DOUBLES(out->square, square);
    }
}

static void norm(void *y, const void *z, const void *add, const struct st_train_norm_block *block,
                 size_t count, size_t B_)
{
    const struct norm_lanes n = norm_lanes(block);
    const E *from = z, *more = add;
    E *to = y;
    (void)B_;
    assert(B_ == B);
    if (more) {
        for (size_t i = 0; i < count; i++)
            STORE(to + i * B,
                  act(ADD(normed(&n, LOAD(from + i * B)), LOAD(more + i * B)), n.slope));
    } else {
        for (size_t i = 0; i < count; i++)
            STORE(to + i * B, act(normed(&n, LOAD(from + i * B)), n.slope));
    }
}

/* g of one pixel; `sign` is where its y is, or NULL. */
ALWAYS V masked(const struct norm_lanes *n, V dy, V z, const E *sign)
{
    return PICK(sign ? LOAD(sign) : normed(n, z), dy, MUL(n->slope, dy));
}

static void norm_gradient(struct st_train_gradient_sums *out, const void *dy, const void *z,
                          const void *y, const struct st_train_norm_block *block, size_t count,
                          size_t B_)
{
    const struct norm_lanes n = norm_lanes(block);
    const E *gradient = dy, *from = z, *sign = y;
    (void)B_;
    assert(B_ == B);
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < count;) {
        size_t end = count - i < STRETCH ? count : i + STRETCH;
        V sum = ZERO, dot = ZERO;
        for (; i < end; i++) {
            V v = LOAD(from + i * B);
            V g = masked(&n, LOAD(gradient + i * B), v, sign ? sign + i * B : NULL);
            sum = ADD(sum, g);
            dot = FMA(g, SUB(v, n.mean), dot);
        }
        ADD_DOUBLES(out->sum, sum);
        ADD_DOUBLES(out->dot, dot);
    }
}

static void norm_backward(void *dz, void *dadd, bool accumulate, const void *dy, const void *z,
                          const void *y, const struct st_train_norm_block *block, size_t count,
                          size_t B_)
{
    const struct norm_lanes n = norm_lanes(block);
    const V a = LOADF(block->a), b = LOADF(block->b), c = LOADF(block->c);
    const E *gradient = dy, *from = z, *sign = y;
    E *to = dz, *more = dadd;
    (void)B_;
    assert(B_ == B);
    for (size_t i = 0; i < count; i++) {
        V v = LOAD(from + i * B);
        V g = masked(&n, LOAD(gradient + i * B), v, sign ? sign + i * B : NULL);
        if (more)
            STORE(more + i * B, accumulate ? ADD(LOAD(more + i * B), g) : g);
        STORE(to + i * B, FMA(a, g, FMA(b, SUB(v, n.mean), c)));
    }
}

/* Row `row` of x, through the norm before it, into to [W + 2, B] with a zero at each end;
 * zeros where there is no such row. */
static void fill_row(float *to, const E *x, const struct st_train_norm_block *before, size_t row,
                     size_t H, size_t W)
{
    if (row >= H) { /* -1 wraps round */
        memset(to, 0, (W + 2) * B * sizeof *to);
        return;
    }
    const E *from = x + row * W * B;
    STOREF(to, ZERO);
    STOREF(to + (W + 1) * B, ZERO);
    if (before) {
        const struct norm_lanes n = norm_lanes(before);
        for (size_t i = 0; i < W; i++)
            STOREF(to + (i + 1) * B, act(normed(&n, LOAD(from + i * B)), n.slope));
    } else {
        for (size_t i = 0; i < W; i++)
            STOREF(to + (i + 1) * B, LOAD(from + i * B));
    }
}

/* Rows of a plane as they are asked for, three at a time. */
struct ring {
    float *rows; /* [3, W + 2, B] */
    const E *x, *y;
    const struct st_train_norm_block *norm;
    size_t H, W;
    size_t next; /* row to fill, counted from -1 as 0 */
};

ALWAYS float *ring_row(const struct ring *r, size_t row_and_1)
{
    return r->rows + row_and_1 % 3 * (r->W + 2) * B;
}

/* y's sums in one row. */
struct row_sums {
    V pivot, sum, square;
};

ALWAYS void depthwise_row(E *y, const float *const rows[3], const float *w, size_t Q, size_t stride,
                          struct row_sums *s)
{
    V taps[ST_TRAIN_TAPS];
    for (size_t i = 0; i < ST_TRAIN_TAPS; i++)
        taps[i] = LOADF(w + i * B);
    for (size_t q = 0; q < Q; q++) {
        V v = ZERO;
        for (size_t i = 0; i < ST_TRAIN_TAPS; i++)
            v = FMA(taps[i], LOADF(rows[i / 3] + (q * stride + i % 3) * B), v);
        STORE(y + q * B, v);
        V d = SUB(KEPT(v), s->pivot);
        s->sum = ADD(s->sum, d);
        s->square = FMA(d, d, s->square);
    }
}

/* The pivot is the first pixel of y, which is known only after it is computed. */
ALWAYS V first_pixel(const float *const rows[3], const float *w)
{
    V v = ZERO;
    for (size_t i = 0; i < ST_TRAIN_TAPS; i++)
        v = FMA(LOADF(w + i * B), LOADF(rows[i / 3] + i % 3 * B), v);
    return KEPT(v);
}

static void depthwise(void *y, struct st_train_sums *out, const void *x,
                      const struct st_train_depthwise *conv, size_t B_)
{
    const size_t stride = (size_t)conv->stride;
    struct ring ring = {.rows = conv->scratch, .H = conv->H, .W = conv->W};
    V pivot = ZERO;
    (void)B_;
    assert(B_ == B);
    if (out)
        memset(out, 0, sizeof *out);
    for (size_t p = 0; p < conv->P; p++) {
        for (; ring.next <= p * stride + 2; ring.next++)
            fill_row(ring_row(&ring, ring.next), x, conv->before, ring.next - 1, conv->H, conv->W);
        const float *const rows[3] = {ring_row(&ring, p * stride), ring_row(&ring, p * stride + 1),
                                      ring_row(&ring, p * stride + 2)};
        if (p == 0)
            pivot = first_pixel(rows, conv->w);
        struct row_sums s = {.pivot = pivot, .sum = ZERO, .square = ZERO};
        E *to = (E *)y + p * conv->Q * B;
        if (stride == 1)
            depthwise_row(to, rows, conv->w, conv->Q, 1, &s);
        else
            depthwise_row(to, rows, conv->w, conv->Q, 2, &s);
        if (out) {
            ADD_DOUBLES(out->sum, s.sum);
            ADD_DOUBLES(out->square, s.square);
        }
    }
    if (out)
        STOREF(out->pivot, pivot);
}

/* Row of the gradient of the convolution's output, in the form of fill_row(). */
static void fill_gradient_row(float *to, const E *dy, const E *y,
                              const struct st_train_norm_block *after, size_t row, size_t P,
                              size_t Q)
{
    if (row >= P || !after) {
        fill_row(to, dy, NULL, row, P, Q);
        return;
    }
    const struct norm_lanes n = norm_lanes(after);
    const V a = LOADF(after->a), b = LOADF(after->b), c = LOADF(after->c);
    STOREF(to, ZERO);
    STOREF(to + (Q + 1) * B, ZERO);
    for (size_t i = 0; i < Q; i++) {
        V v = LOAD(y + (row * Q + i) * B);
        V g = masked(&n, LOAD(dy + (row * Q + i) * B), v, NULL);
        STOREF(to + (i + 1) * B, FMA(a, g, FMA(b, SUB(v, n.mean), c)));
    }
}

/* What one row of x's backward reads, and where it adds. */
struct back_row {
    const E *x;
    E *dx;                         /* NULL: not wanted */
    const struct norm_lanes *norm; /* NULL: none */
    struct st_train_gradient_sums *sums;
    V sum, dot;
};

/* v is what reached the pixel: through the activation before it, stored and summed. */
ALWAYS void give_pixel(struct back_row *r, size_t i, V z, V v)
{
    if (!r->dx)
        return;
    if (r->norm)
        v = PICK(normed(r->norm, z), v, MUL(r->norm->slope, v));
    STORE(r->dx + i * B, v);
    if (r->norm) {
        v = KEPT(v);
        r->sum = ADD(r->sum, v);
        r->dot = FMA(v, SUB(z, r->norm->mean), r->dot);
    }
}

ALWAYS V seen_pixel(const struct back_row *r, V z)
{
    return r->norm ? act(normed(r->norm, z), r->norm->slope) : z;
}

/* Stride 1: tap (i, j) of pixel (row, column) meets dz[row + 1 - i][column + 1 - j], which
 * is rows[2 - i] at column + 2 - j in padded columns. */
ALWAYS void back_row_1(struct back_row *r, const float *const rows[3], const float *w, V *dw,
                       size_t W)
{
    V taps[ST_TRAIN_TAPS], grad[ST_TRAIN_TAPS];
    for (size_t i = 0; i < ST_TRAIN_TAPS; i++) {
        taps[i] = LOADF(w + i * B);
        grad[i] = ZERO;
    }
    for (size_t column = 0; column < W; column++) {
        V z = LOAD(r->x + column * B), in = seen_pixel(r, z), v = ZERO;
        for (size_t i = 0; i < ST_TRAIN_TAPS; i++) {
            V d = LOADF(rows[2 - i / 3] + (column + 2 - i % 3) * B);
            v = FMA(taps[i], d, v);
            grad[i] = FMA(in, d, grad[i]);
        }
        give_pixel(r, column, z, v);
    }
    for (size_t i = 0; i < ST_TRAIN_TAPS; i++)
        dw[i] = grad[i];
}

/* Stride 2: an even row meets dz by tap row 1 alone, an odd one by 0 (the row of dz below)
 * and 2 (above); columns likewise. `count` is 1 or 2, tap_rows which. */
ALWAYS void back_row_2(struct back_row *r, const float *const *rows, const size_t *tap_rows,
                       size_t count, const float *w, V *dw, size_t W)
{
    V taps[2][3], grad[2][3];
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < 3; j++) {
            taps[i][j] = LOADF(w + (tap_rows[i] * 3 + j) * B);
            grad[i][j] = ZERO;
        }
    for (size_t column = 0; column < W; column += 2) {
        const size_t q = column / 2 + 1; /* in padded columns */
        V z = LOAD(r->x + column * B), in = seen_pixel(r, z), v = ZERO;
        for (size_t i = 0; i < count; i++) {
            V d = LOADF(rows[i] + q * B);
            v = FMA(taps[i][1], d, v);
            grad[i][1] = FMA(in, d, grad[i][1]);
        }
        give_pixel(r, column, z, v);
        if (column + 1 == W)
            break;
        z = LOAD(r->x + (column + 1) * B);
        in = seen_pixel(r, z);
        v = ZERO;
        for (size_t i = 0; i < count; i++) {
            V left = LOADF(rows[i] + q * B), right = LOADF(rows[i] + (q + 1) * B);
            v = FMA(taps[i][0], right, FMA(taps[i][2], left, v));
            grad[i][0] = FMA(in, right, grad[i][0]);
            grad[i][2] = FMA(in, left, grad[i][2]);
        }
        give_pixel(r, column + 1, z, v);
    }
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < 3; j++)
            dw[tap_rows[i] * 3 + j] = grad[i][j];
}

static void back_row_stride_2(struct back_row *r, const struct ring *ring, const float *w, V *dw,
                              size_t row, size_t W)
{
    if (row % 2 == 0) {
        const float *const rows[1] = {ring_row(ring, row / 2 + 1)};
        back_row_2(r, rows, (const size_t[]){1}, 1, w, dw, W);
    } else {
        const float *const rows[2] = {ring_row(ring, row / 2 + 2), ring_row(ring, row / 2 + 1)};
        back_row_2(r, rows, (const size_t[]){0, 2}, 2, w, dw, W);
    }
}

static void depthwise_backward(void *dx, double *dw, struct st_train_gradient_sums *out,
                               const void *dy, const void *x, const void *y,
                               const struct st_train_depthwise *conv, size_t B_)
{
    const size_t W = conv->W;
    struct ring ring = {.rows = conv->scratch, .H = conv->P, .W = conv->Q};
    const bool after_norm = conv->before != NULL;
    struct norm_lanes n = {ZERO, ZERO, ZERO, ZERO};
    if (conv->before)
        n = norm_lanes(conv->before);
    (void)B_;
    assert(B_ == B);
    memset(dw, 0, (size_t)ST_TRAIN_TAPS * B * sizeof *dw);
    if (after_norm && dx)
        memset(out, 0, sizeof *out);
    for (size_t row = 0; row < conv->H; row++) {
        /* rows of dz up to the one below this pixel, counted from -1 */
        size_t last = conv->stride == 1 ? row + 2 : (row + 1) / 2 + 1;
        for (; ring.next <= last; ring.next++)
            fill_gradient_row(ring_row(&ring, ring.next), dy, y, conv->after, ring.next - 1,
                              conv->P, conv->Q);
        V taps[ST_TRAIN_TAPS];
        for (size_t i = 0; i < ST_TRAIN_TAPS; i++)
            taps[i] = ZERO;
        struct back_row r = {.x = (const E *)x + row * W * B,
                             .dx = dx ? (E *)dx + row * W * B : NULL,
                             .norm = after_norm ? &n : NULL,
                             .sum = ZERO,
                             .dot = ZERO};
        if (conv->stride == 1) {
            const float *const rows[3] = {ring_row(&ring, row), ring_row(&ring, row + 1),
                                          ring_row(&ring, row + 2)};
            back_row_1(&r, rows, conv->w, taps, W);
        } else {
            back_row_stride_2(&r, &ring, conv->w, taps, row, W);
        }
        for (size_t i = 0; i < ST_TRAIN_TAPS; i++)
            ADD_DOUBLES(dw + i * B, taps[i]);
        if (after_norm && dx) {
            ADD_DOUBLES(out->sum, r.sum);
            ADD_DOUBLES(out->dot, r.dot);
        }
    }
}

static void add(void *dst, const void *src, size_t count, size_t B_)
{
    E *to = dst;
    const E *from = src;
    (void)B_;
    assert(B_ == B);
    for (size_t i = 0; i < count; i++)
        STORE(to + i * B, ADD(LOAD(to + i * B), LOAD(from + i * B)));
}

static void upsample(void *y, const void *x, size_t H, size_t W, size_t B_)
{
    const float scale_y = (float)(H - 1) / (float)(2 * H - 1);
    const float scale_x = (float)(W - 1) / (float)(2 * W - 1);
    (void)B_;
    assert(B_ == B);
    for (size_t row = 0; row < 2 * H; row++) {
        float at_y = scale_y * (float)row;
        size_t y0 = (size_t)at_y, y1 = y0 + (y0 + 1 < H);
        const E *top = (const E *)x + y0 * W * B, *low = (const E *)x + y1 * W * B;
        const V fy = SET(at_y - (float)y0), gy = SET(1 - (at_y - (float)y0));
        E *to = (E *)y + row * 2 * W * B;
        for (size_t column = 0; column < 2 * W; column++) {
            float at_x = scale_x * (float)column;
            size_t x0 = (size_t)at_x, x1 = x0 + (x0 + 1 < W);
            const V fx = SET(at_x - (float)x0), gx = SET(1 - (at_x - (float)x0));
            V a = ADD(MUL(gx, LOAD(top + x0 * B)), MUL(fx, LOAD(top + x1 * B)));
            V b = ADD(MUL(gx, LOAD(low + x0 * B)), MUL(fx, LOAD(low + x1 * B)));
            STORE(to + column * B, ADD(MUL(gy, a), MUL(fy, b)));
        }
    }
}

/* One row of dy gathered to [W, B], then given by parts to the two rows that made it. */
static void spread_row(float *upper, float *lower, float *gathered, const E *dy, float f, size_t W)
{
    const float scale = (float)(W - 1) / (float)(2 * W - 1);
    memset(gathered, 0, W * B * sizeof *gathered);
    for (size_t column = 0; column < 2 * W; column++) {
        float at = scale * (float)column;
        size_t x0 = (size_t)at, x1 = x0 + (x0 + 1 < W);
        V d = LOAD(dy + column * B);
        STOREF(gathered + x0 * B, FMA(SET(1 - (at - (float)x0)), d, LOADF(gathered + x0 * B)));
        STOREF(gathered + x1 * B, FMA(SET(at - (float)x0), d, LOADF(gathered + x1 * B)));
    }
    for (size_t i = 0; i < W; i++) {
        V d = LOADF(gathered + i * B);
        STOREF(upper + i * B, FMA(SET(1 - f), d, LOADF(upper + i * B)));
        STOREF(lower + i * B, FMA(SET(f), d, LOADF(lower + i * B)));
    }
}

static void store_row(E *to, const float *from, size_t W)
{
    for (size_t i = 0; i < W; i++)
        STORE(to + i * B, LOADF(from + i * B));
}

static void upsample_backward(void *dx, const void *dy, size_t H, size_t W, float *scratch,
                              size_t B_)
{
    const float scale = (float)(H - 1) / (float)(2 * H - 1);
    const size_t size = W * B;
    float *sums_of[2] = {scratch, scratch + size}, *gathered = scratch + 2 * size;
    size_t done = 0; /* rows of dx that are complete: those above sums_of[done % 2] */
    (void)B_;
    assert(B_ == B);
    memset(scratch, 0, 2 * size * sizeof *scratch);
    for (size_t row = 0; row < 2 * H; row++) {
        float at = scale * (float)row;
        size_t y0 = (size_t)at, y1 = y0 + (y0 + 1 < H);
        for (; done < y0; done++) {
            store_row((E *)dx + done * size, sums_of[done % 2], W);
            memset(sums_of[done % 2], 0, size * sizeof *scratch);
        }
        spread_row(sums_of[y0 % 2], sums_of[y1 % 2], gathered, (const E *)dy + row * 2 * size,
                   at - (float)y0, W);
    }
    for (; done < H; done++)
        store_row((E *)dx + done * size, sums_of[done % 2], W);
}

static void activation(void *y, const void *x, float slope, size_t count, size_t B_)
{
    (void)B_;
    assert(B_ == B);
    for (size_t i = 0; i < count; i++)
        STORE((E *)y + i * B, act(LOAD((const E *)x + i * B), SET(slope)));
}

static void activation_backward(void *dx, const void *dy, const void *y, float slope, size_t count,
                                size_t B_)
{
    (void)B_;
    assert(B_ == B);
    for (size_t i = 0; i < count; i++) {
        V d = LOAD((const E *)dy + i * B);
        STORE((E *)dx + i * B, PICK(LOAD((const E *)y + i * B), d, MUL(SET(slope), d)));
    }
}

ALWAYS void fill(struct st_train_kernels *k, const char *variant)
{
    k->variant = variant;
    k->sums = sums;
    k->norm = norm;
    k->norm_gradient = norm_gradient;
    k->norm_backward = norm_backward;
    k->depthwise = depthwise;
    k->depthwise_backward = depthwise_backward;
    k->add = add;
    k->upsample = upsample;
    k->upsample_backward = upsample_backward;
    k->activation = activation;
    k->activation_backward = activation_backward;
}
