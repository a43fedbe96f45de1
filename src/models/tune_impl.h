/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of tune.h, for the files tune_*.c.
 *
 * Pixels lie as in nn/stage.h, channels innermost, padded to 16. C channels read, E between the
 * 1x1 convolutions of an inverted residual, K written; P pixels. A worker runs one sample at a
 * time and keeps its bytes, from which backward computes again what was rounded.
 */
#ifndef ST_MODELS_TUNE_IMPL_H
#define ST_MODELS_TUNE_IMPL_H

#include "kernels/pixel.h"
#include "kernels/train.h"
#include "models/tune.h"
#include "models/unet_wiring.h"

#define ST_TUNE_STRIP ((size_t)256) /* pixels that backward has in hand; a multiple of 16 */
#define ST_TUNE_RATE 8.0F           /* a range is exp(RATE x its parameter) */
#define ST_TUNE_NONE ((size_t)-1)

/* What bytes of one tensor mean. */
struct st_tune_range {
    size_t C, real;  /* channels, padded and not */
    size_t at;       /* high [real], then low [real] where `both`; NONE: not learnt */
    bool both, relu; /* below zero there is something; or it is cut off */
    float *numbers;  /* of levels; owned */
    struct st_levels levels;
};

struct st_tune_conv {
    struct st_part part;
    size_t K, C, taps;         /* written, read at each of the taps; depthwise: C 1 */
    size_t weight_at, bias_at; /* in the net's parameters */
    float *fold, *shift;       /* [part.K]: folded w = fold w, b = bias + shift. Owned */
    /* of the step; owned */
    float *integers;                 /* [K, taps C] */
    float *worth;                    /* [K], of one of them */
    void *packed;                    /* of them */
    float *scale, *bias, *add_scale; /* [K], to levels of what is written */
    float *real;                     /* [K, taps C] what they are worth all in all */
    float *back;                     /* `real` transposed and packed, f32 */
    float *folded;                   /* [part.K, ...], then scratch */
};

struct st_tune_unit {
    struct st_unet_unit unit;
    size_t reads[2];
    int read_count;
    size_t H, W, P, C;             /* of what is read, raised */
    size_t out_H, out_W, out_P, K; /* of what is written */
    size_t E;
    int conv_count;
    struct st_tune_conv convs[ST_UNET_PARTS];
    struct st_pointwise expand, project; /* DENSE, HEAD: project alone */
    struct st_depthwise filter;
    struct st_tune_range expanded, filtered;
    size_t *place;            /* [real channels read]: where each lies in C; owned */
    size_t channels;          /* real channels read */
    float *read_scale;        /* [taps C] of a level read, then as many zeros; owned */
    uint32_t *first, *second; /* raising, as in nn/stage_feed.c; owned, as the next three */
    float *t, *between;
    uint32_t *above;
};

struct st_tune_result {
    size_t C, real, H, W;
    bool bytes; /* else `head` */
    struct st_tune_range range;
};

struct st_tune_sums {
    double *bias, *top, *bottom, *inside; /* [C] each */
};

struct st_tune_worker {
    const float *image; /* of the sample; borrowed */
    float *out;
    unsigned char *rows[ST_UNET_UNITS]; /* NULL: read in place. All below owned */
    unsigned char *expanded[ST_UNET_UNITS], *filtered[ST_UNET_UNITS];
    unsigned char *results[ST_UNET_UNITS];
    float *gradients[ST_UNET_UNITS]; /* of the results */
    float *sound;
    float *wide[2];  /* [E/16, P, 16] each, gradients of what is between */
    float *block[2]; /* [P, 16] */
    float *read;     /* [P, C], of what is read */
    float *strip[4]; /* [STRIP, widest] */
    float *dw[2];    /* [K, taps C] */
    float *depth;    /* scratch of kernels */
    double *sums;    /* [4, widest] */
};

struct st_tune {
    struct st_train_net *net; /* borrowed, as is pool */
    struct st_pool *pool;
    struct st_pixel_kernels pixels;
    struct st_train_kernels train;
    bool narrow;
    enum st_element head; /* that the head reads */
    size_t count;
    struct st_tune_unit units[ST_UNET_UNITS];
    struct st_tune_result results[ST_UNET_UNITS + 2]; /* the units', the image, the sound */
    size_t image, sound;
    size_t widest;       /* channels of a row, taps included */
    float *zeros, *ones; /* [widest]; owned */
    size_t parameter_count, range_count;
    float *ranges, *range_gradients; /* owned */
    int batch, workers;
    float *gradients;              /* [batch, parameter_count + range_count]; owned */
    struct st_tune_worker *worker; /* [workers]; owned */
    size_t bytes;
};

/* Packing: tune_pack.c. */
synctalk_status st_tune_conv_open(struct st_tune *tune, struct st_tune_conv *conv,
                                  const struct st_part *part, size_t K, size_t C, size_t taps,
                                  synctalk_error *err);
void st_tune_conv_close(struct st_tune_conv *conv);
void *st_tune_alloc(struct st_tune *tune, size_t count, size_t size); /* zeroed; NULL */

/* Rows that unit `index` reads in the worker's sample. */
const unsigned char *st_tune_rows(const struct st_tune *tune, const struct st_tune_worker *worker,
                                  size_t index);

/* Straight through a rounding, over P pixels of C channels: `v` are levels before they were
 * rounded, `g` the gradient by what they became, real numbers; what is clipped loses its own.
 * Adds up, for each channel: what is left of g; g where v is above the levels, and below; and g
 * times what the rounding added, in levels. */
void st_tune_round_back(float *g, size_t g_stride, const float *v, size_t v_stride, size_t P,
                        size_t C, bool relu, struct st_tune_sums *sums);
/* to[c] += sum over pixels of g */
void st_tune_add_up(double *to, const float *g, size_t stride, size_t P, size_t C);

#endif /* ST_MODELS_TUNE_IMPL_H */
