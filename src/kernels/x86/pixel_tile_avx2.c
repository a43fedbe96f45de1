/* SPDX-License-Identifier: Apache-2.0 */
/* Pointwise convolutions with sixteen registers of eight lanes: tiles of 6 (F32) or 4 (U8)
 * pixels by 16 channels. Products of bytes are added two by two in 16 bits, which holds them
 * only while weights are narrow: see st_pixel_kernels_narrow().
 *
 * Of few channels a tile is short, and what comes after its sums is a large part of it: so the
 * two ends that most stages have, plain numbers and bytes to which nothing is added, are
 * functions of their own, and bytes of two pixels are packed at once.
 */
#include "kernels/x86/pixel_avx2.h"

#define MOST 6
#define UNROLL ((size_t)2) /* four bytes of each pixel in one turn */

/* A column of 16 channels, from k on, over `C` of the channels read. Of a column in several parts
 * the sums lie in `dst` between one part and the next. */
struct column {
    const struct st_pointwise *pointwise;
    const void *weights;
    const char *src;
    size_t src_step; /* bytes from pixel to pixel */
    void *dst;
    const void *add;
    size_t dst_stride, add_stride, k, C;
    bool goes_on, ends; /* not the first part; the last */
};

enum ending {
    TO_NUMBERS,    /* F32, nothing added */
    TO_SUMS,       /* F32, F32 added */
    TO_BYTES,      /* U8, nothing added; from integers */
    TO_BYTES_SUMS, /* U8, F32 added; from integers */
    TO_ANY,
};

/* Integers, or floats, as they came. */
ST_ALWAYS __m256 scaled(const struct st_pointwise *p, __m256 v, size_t at)
{
    const __m256 bias = _mm256_loadu_ps(p->bias + at);
    return p->scale ? _mm256_fmadd_ps(v, _mm256_loadu_ps(p->scale + at), bias)
                    : _mm256_add_ps(v, bias);
}

ST_ALWAYS void end_any(const struct column *col, size_t p, __m256 v[2])
{
    const struct st_pointwise *pointwise = col->pointwise;
    for (size_t i = 0; i < 2; i++) {
        const size_t at = col->k + 8 * i;
        v[i] = scaled(pointwise, v[i], at);
        if (pointwise->adds)
            v[i] = _mm256_fmadd_ps(load8(col->add, pointwise->add, p * col->add_stride + at),
                                   _mm256_loadu_ps(pointwise->add_scale + at), v[i]);
        if (pointwise->relu)
            v[i] = _mm256_max_ps(v[i], _mm256_setzero_ps());
    }
    store16(col->dst, pointwise->out, p * col->dst_stride + col->k, v[0], v[1]);
}

ST_ALWAYS void end_numbers(const struct column *col, size_t p, __m256 v[2], const bool adds)
{
    const struct st_pointwise *pointwise = col->pointwise;
    const __m256 least = pointwise->relu ? _mm256_setzero_ps() : _mm256_set1_ps(-__builtin_inff());
    float *to = (float *)col->dst + p * col->dst_stride + col->k;
    for (size_t i = 0; i < 2; i++) {
        const size_t at = col->k + 8 * i;
        __m256 y = scaled(pointwise, v[i], at);
        if (adds)
            y = _mm256_fmadd_ps(_mm256_loadu_ps((const float *)col->add + p * col->add_stride + at),
                                _mm256_loadu_ps(pointwise->add_scale + at), y);
        _mm256_storeu_ps(to + 8 * i, _mm256_max_ps(y, least));
    }
}

/* A pixel's sums; `add`: to which this is added, or NULL. */
ST_ALWAYS __m256i words_of(const struct column *col, const __m256i sums[2], const float *add)
{
    const struct st_pointwise *p = col->pointwise;
    __m256i words[2];
    for (size_t i = 0; i < 2; i++) {
        const size_t at = col->k + 8 * i;
        __m256 v = scaled(p, _mm256_cvtepi32_ps(sums[i]), at);
        if (add)
            v = _mm256_fmadd_ps(_mm256_loadu_ps(add + at), _mm256_loadu_ps(p->add_scale + at), v);
        words[i] = _mm256_cvtps_epi32(v);
    }
    return _mm256_packs_epi32(words[0], words[1]);
}

/* Of two pixels, or of one. Packing keeps to halves of a register: four channels of either pixel
 * follow each other there. */
ST_ALWAYS void end_bytes(const struct column *col, size_t p, const __m256i sums[][2], bool two,
                         const bool adds)
{
    uint8_t *to = (uint8_t *)col->dst + p * col->dst_stride + col->k;
    const float *add = adds ? (const float *)col->add + p * col->add_stride : NULL;
    const __m256i a = words_of(col, sums[0], add);
    const __m256i b = two ? words_of(col, sums[1], adds ? add + col->add_stride : NULL) : a;
    const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(a, b),
                                                      _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    _mm_storeu_si128((__m128i *)(void *)to, _mm256_castsi256_si128(bytes));
    if (two)
        _mm_storeu_si128((__m128i *)(void *)(to + col->dst_stride),
                         _mm256_extracti128_si256(bytes, 1));
}

/* A pixel's channels, `step` bytes apart from the next one's, from two addresses that an
 * instruction can reach six pixels from. */
struct pixels {
    const char *first, *fourth;
    size_t step;
};

ST_ALWAYS struct pixels find_pixels(const struct column *col, size_t p)
{
    struct pixels x = {col->src + p * col->src_step, NULL, col->src_step};
    x.fourth = x.first + 3 * x.step;
    __asm__("" : "+r"(x.fourth)); /* or it is computed anew each time */
    return x;
}

ST_ALWAYS const void *pixel(const struct pixels *x, size_t m, size_t c)
{
    return (m < 3 ? x->first + m * x->step : x->fourth + (m - 3) * x->step) + 4 * c;
}

ST_ALWAYS void next_channels(struct pixels *x)
{
    x->first += 4 * UNROLL;
    x->fourth += 4 * UNROLL;
}

ST_ALWAYS float *sums_of(const struct column *col, size_t p)
{
    return (float *)col->dst + p * col->dst_stride + col->k;
}

ST_ALWAYS void keep(const struct column *col, size_t p, const __m256 v[2])
{
    _mm256_storeu_ps(sums_of(col, p), v[0]);
    _mm256_storeu_ps(sums_of(col, p) + 8, v[1]);
}

ST_ALWAYS void tile_f32(const struct column *col, size_t p, const size_t count,
                        const enum ending ending, const char *ahead)
{
    const float *w = col->weights, *const end = w + 16 * col->C;
    struct pixels x = find_pixels(col, p);
    __m256 sums[MOST][2];
#pragma GCC unroll 6
    for (size_t m = 0; m < count; m++) {
        sums[m][0] = col->goes_on ? _mm256_loadu_ps(sums_of(col, p + m)) : _mm256_setzero_ps();
        sums[m][1] = col->goes_on ? _mm256_loadu_ps(sums_of(col, p + m) + 8) : _mm256_setzero_ps();
    }
    for (; w < end; w += 16 * UNROLL, ahead += 4 * UNROLL) {
        _mm_prefetch(ahead, _MM_HINT_T0);
#pragma GCC unroll 4
        for (size_t c = 0; c < UNROLL; c++) {
            const __m256 low = _mm256_loadu_ps(w + 16 * c), high = _mm256_loadu_ps(w + 16 * c + 8);
#pragma GCC unroll 6
            for (size_t m = 0; m < count; m++) {
                const __m256 number = _mm256_broadcast_ss(pixel(&x, m, c));
                sums[m][0] = _mm256_fmadd_ps(number, low, sums[m][0]);
                sums[m][1] = _mm256_fmadd_ps(number, high, sums[m][1]);
            }
        }
        next_channels(&x);
    }
#pragma GCC unroll 6
    for (size_t m = 0; m < count; m++) {
        if (!col->ends)
            keep(col, p + m, sums[m]);
        else if (ending != TO_ANY)
            end_numbers(col, p + m, sums[m], ending == TO_SUMS);
        else
            end_any(col, p + m, sums[m]);
    }
}

/* sum += x w, four products a lane. In assembly, because GCC 12 moves the sums of a chain of
 * intrinsics to and fro. */
#define DOT(sum, x, w)                                                              \
    do {                                                                            \
        const __m256i pairs_ = _mm256_madd_epi16(_mm256_maddubs_epi16(x, w), ones); \
        __asm__("vpaddd %1, %0, %0" : "+x"(sum) : "x"(pairs_));                     \
    } while (0)

ST_ALWAYS void tile_u8(const struct column *col, size_t p, const size_t count,
                       const enum ending ending, const char *ahead)
{
    const int32_t *w = col->weights, *const end = w + 4 * col->C;
    struct pixels x = find_pixels(col, p);
    const __m256i ones = _mm256_set1_epi16(1);
    __m256i sums[4][2];
#pragma GCC unroll 4
    for (size_t m = 0; m < count; m++)
        sums[m][0] = sums[m][1] = _mm256_setzero_si256();
    for (; w < end; w += 16 * UNROLL, ahead += 16 * UNROLL) {
        _mm_prefetch(ahead, _MM_HINT_T0);
#pragma GCC unroll 4
        for (size_t c = 0; c < UNROLL; c++) {
            const __m256i low = load_bytes32(w + 16 * c), high = load_bytes32(w + 16 * c + 8);
#pragma GCC unroll 4
            for (size_t m = 0; m < count; m++) {
                const __m256i bytes = _mm256_castps_si256(_mm256_broadcast_ss(pixel(&x, m, c)));
                DOT(sums[m][0], bytes, low);
                DOT(sums[m][1], bytes, high);
            }
        }
        next_channels(&x);
    }
#pragma GCC unroll 4
    for (size_t m = 0; m < count; m++) {
        if (ending != TO_ANY) {
            if (m % 2 == 0)
                end_bytes(col, p + m, (const __m256i(*)[2])sums + m, m + 1 < count,
                          ending == TO_BYTES_SUMS);
            continue;
        }
        __m256 v[2] = {_mm256_cvtepi32_ps(sums[m][0]), _mm256_cvtepi32_ps(sums[m][1])};
        end_any(col, p + m, v);
    }
}

/* Pixels [p, end) of a column. The next one comes from afar: each tile asks for a line of it for
 * every 16 channels. */
#define COLUMN(kind, most, ending)                                                              \
    static __attribute__((noinline)) void column_##kind##_##ending(const struct column *column, \
                                                                   size_t p, size_t end)        \
    {                                                                                           \
        const struct column col = *column;                                                      \
        const size_t C = col.C, bytes = 16 * C * st_element_bytes(col.pointwise->in);           \
        const char *const next = (const char *)col.weights + bytes;                             \
        const char *ahead = next;                                                               \
        for (; p + (most) <= end; p += (most)) {                                                \
            tile_##kind(&col, p, most, ending, ahead);                                          \
            ahead = ahead + 4 * C < next + bytes ? ahead + 4 * C : next;                        \
        }                                                                                       \
        for (; p + 2 <= end; p += 2)                                                            \
            tile_##kind(&col, p, 2, ending, next);                                              \
        if (p < end)                                                                            \
            tile_##kind(&col, p, 1, ending, next);                                              \
    }
COLUMN(f32, 6, TO_NUMBERS)
COLUMN(f32, 6, TO_SUMS)
COLUMN(f32, 6, TO_ANY)
COLUMN(u8, 4, TO_BYTES)
COLUMN(u8, 4, TO_BYTES_SUMS)
COLUMN(u8, 4, TO_ANY)

typedef void (*column_function)(const struct column *, size_t, size_t);

/* Weights up to here stay in the first cache while pixels pass by; else a part of a column does. */
#define SMALL_WEIGHTS_BYTES ((size_t)16 << 10)

static void run_column(column_function run, struct column *col, size_t first, size_t end)
{
    const struct st_pointwise *pointwise = col->pointwise;
    const size_t bytes = st_element_bytes(pointwise->in), C = pointwise->C;
    const size_t most = SMALL_WEIGHTS_BYTES / (16 * sizeof(float));
    const bool parts = pointwise->in == ST_ELEMENT_F32 && pointwise->out == ST_ELEMENT_F32;
    const char *const src = col->src;
    for (size_t c = 0; c < C; c += col->C) {
        col->C = parts && C - c > most ? most : C - c;
        col->goes_on = c > 0;
        col->ends = c + col->C == C;
        col->weights = (const char *)pointwise->weights + (col->k * C + c * 16) * bytes;
        col->src = src + c * bytes;
        run(col, first, end);
    }
    col->src = src;
}

static void run_columns(column_function run, ST_POINTWISE_ARGS)
{
    const size_t bytes = st_element_bytes(pointwise->in);
    assert(pointwise->C % 16 == 0 && pointwise->K % 16 == 0);
    struct column col = {
        .pointwise = pointwise,
        .src = src,
        .src_step = src_stride * bytes,
        .dst = dst,
        .add = add,
        .dst_stride = dst_stride,
        .add_stride = add_stride,
    };
    const bool small = pointwise->K * pointwise->C * bytes <= SMALL_WEIGHTS_BYTES;
    const size_t some = small ? 24 : P;
    for (size_t first = 0; first < P; first += some) {
        const size_t end = first + some < P ? first + some : P;
        for (col.k = 0; col.k < pointwise->K; col.k += 16)
            run_column(run, &col, first, end);
    }
}

void st_pointwise_f32_avx2(ST_POINTWISE_ARGS)
{
    const bool plain = pointwise->out == ST_ELEMENT_F32;
    const column_function run = plain && !pointwise->adds                   ? column_f32_TO_NUMBERS
                                : plain && pointwise->add == ST_ELEMENT_F32 ? column_f32_TO_SUMS
                                                                            : column_f32_TO_ANY;
    run_columns(run, pointwise, dst, dst_stride, src, src_stride, add, add_stride, P);
}

void st_pointwise_u8_avx2(ST_POINTWISE_ARGS)
{
    const bool plain = pointwise->out == ST_ELEMENT_U8;
    const column_function run = plain && !pointwise->adds ? column_u8_TO_BYTES
                                : plain && pointwise->add == ST_ELEMENT_F32
                                    ? column_u8_TO_BYTES_SUMS
                                    : column_u8_TO_ANY;
    assert(pointwise->scale);
    run_columns(run, pointwise, dst, dst_stride, src, src_stride, add, add_stride, P);
}
