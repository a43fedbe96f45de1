/* SPDX-License-Identifier: Apache-2.0 */
/* The definition of the kernels on colours, included once for each instruction set: these loops
 * are such that the compiler's vectors leave nothing to be won by hand. No header of its own.
 *
 * Coefficients x 2^16. JPEG's: R = Y + 1.402 Cr, G = Y - 0.34414 Cb - 0.71414 Cr,
 * B = Y + 1.772 Cb (JFIF 1.02). A video's (ITU-R BT.709, 8 bit): Y = 16 + 219/255 (0.2126 R +
 * 0.7152 G + 0.0722 B), Cb = 128 + 224/255 (B - Y) / 1.8556, Cr = 128 + 224/255 (R - Y) / 1.5748.
 * Multiplied out, a video's Y of JPEG's colours is 16 + 219/255 (Y - 0.118188 Cb - 0.212685 Cr),
 * and the others alike. */
#define HALF (1 << 15)
#define FIX(value) ((int)((value)*65536 + ((value) < 0 ? -0.5 : 0.5)))

static inline uint8_t clip(int v)
{
    v = v < 0 ? 0 : v;
    return (uint8_t)(v > 255 ? 255 : v);
}

static void chroma_up(uint8_t *restrict dst, const uint8_t *restrict near,
                      const uint8_t *restrict far, size_t count)
{
    const int first = 3 * near[0] + far[0];
    const int last = 3 * near[count - 1] + far[count - 1];
    for (size_t i = 0; i + 1 < count; i++) {
        const int left = 3 * near[i] + far[i];
        const int right = 3 * near[i + 1] + far[i + 1];
        dst[2 * i + 1] = (uint8_t)((3 * left + right + 7) >> 4);
        dst[2 * i + 2] = (uint8_t)((3 * right + left + 8) >> 4);
    }
    dst[0] = (uint8_t)((4 * first + 8) >> 4);
    dst[2 * count - 1] = (uint8_t)((4 * last + 7) >> 4);
}

static void jpeg_to_bgr(uint8_t *restrict bgr, const uint8_t *restrict y,
                        const uint8_t *restrict cb, const uint8_t *restrict cr, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const int b = cb[i] - 128;
        const int r = cr[i] - 128;
        bgr[3 * i] = clip(y[i] + ((FIX(1.772) * b + HALF) >> 16));
        bgr[3 * i + 1] = clip(y[i] + ((-FIX(0.34414) * b - FIX(0.71414) * r + HALF) >> 16));
        bgr[3 * i + 2] = clip(y[i] + ((FIX(1.402) * r + HALF) >> 16));
    }
}

static void jpeg_to_luma(uint8_t *restrict dst, const uint8_t *restrict y,
                         const uint8_t *restrict cb, const uint8_t *restrict cr, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dst[i] = clip((FIX(0.858823529) * y[i] - FIX(0.101503) * (cb[i] - 128) -
                       FIX(0.182659) * (cr[i] - 128) + (16 << 16) + HALF) >>
                      16);
}

static void jpeg_to_chroma(uint8_t *restrict dst_cb, uint8_t *restrict dst_cr,
                           const uint8_t *restrict cb, const uint8_t *restrict cr, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const int b = cb[i] - 128;
        const int r = cr[i] - 128;
        dst_cb[i] = clip((FIX(0.894805) * b + FIX(0.100684) * r + (128 << 16) + HALF) >> 16);
        dst_cr[i] = clip((FIX(0.065926) * b + FIX(0.900679) * r + (128 << 16) + HALF) >> 16);
    }
}

static void mean_2x2(uint8_t *restrict dst, const uint8_t *restrict upper,
                     const uint8_t *restrict lower, size_t count)
{
    for (size_t i = 0; i < count; i++)
        dst[i] =
            (uint8_t)((upper[2 * i] + upper[2 * i + 1] + lower[2 * i] + lower[2 * i + 1] + 2) >> 2);
}

/* Of one pixel, added to sums[3]; returns its luma's change. */
static inline int change_of(const uint8_t *before, const uint8_t *after, int sums[3])
{
    const int b = after[0] - before[0];
    const int g = after[1] - before[1];
    const int r = after[2] - before[2];
    sums[0] += b;
    sums[1] += g;
    sums[2] += r;
    return (FIX(0.062007) * b + FIX(0.614231) * g + FIX(0.182586) * r + HALF) >> 16;
}

static void add_change(uint8_t *y[2], uint8_t *cb, uint8_t *cr, const uint8_t *const before[2],
                       const uint8_t *const after[2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int s[3] = {0, 0, 0};
        for (size_t k = 0; k < 4; k++) {
            const size_t x = 2 * i + k % 2;
            uint8_t *luma = &y[k / 2][x];
            *luma = clip(*luma + change_of(before[k / 2] + 3 * x, after[k / 2] + 3 * x, s));
        }
        cb[i] = clip(cb[i] + ((FIX(0.439216) * s[0] - FIX(0.338572) * s[1] - FIX(0.100644) * s[2] +
                               2 * 2 * HALF) >>
                              18));
        cr[i] = clip(cr[i] + ((FIX(0.439216) * s[2] - FIX(0.398942) * s[1] - FIX(0.040274) * s[0] +
                               2 * 2 * HALF) >>
                              18));
    }
}

static const struct st_colour_kernels table = {
    .chroma_up = chroma_up,
    .jpeg_to_bgr = jpeg_to_bgr,
    .jpeg_to_luma = jpeg_to_luma,
    .jpeg_to_chroma = jpeg_to_chroma,
    .mean_2x2 = mean_2x2,
    .add_change = add_change,
};
