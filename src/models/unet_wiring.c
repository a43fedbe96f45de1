/* SPDX-License-Identifier: Apache-2.0 */
#include "models/unet_wiring.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Channel counts in units of half the width, or as they are where negative. */
enum channels {
    COLOURS = -3,
    IMAGE = -6,
    CH0_HALF = 1,
    CH0 = 2,
    CH1 = 4,
    CH2 = 8,
    CH3 = 16,
    CH4 = 32,
    CH4_TWICE = 64,
};

enum encoders {
    ANY = 0,
    AVE = 1 << SYNCTALK_ENCODER_AVE,
    HUBERT = 1 << SYNCTALK_ENCODER_HUBERT,
    WENET = 1 << SYNCTALK_ENCODER_WENET,
};

struct row {
    const char *name, *norm;
    enum encoders encoders; /* those that have it */
    enum st_unet_kind kind;
    enum channels cin, cout;
    int stride_h, stride_w, pad;
    bool residual;
    enum st_unet_source source;
    enum st_unet_held with, hold;
};

#define LAST .source = ST_READ_LAST
#define AUDIO .source = ST_READ_AUDIO
#define JOIN(which) .source = ST_READ_JOIN, .with = ST_HELD_##which
#define RAISE(which) .source = ST_READ_RAISE, .with = ST_HELD_##which
#define HOLD(which) .hold = ST_HELD_##which
#define RESIDUAL .residual = true
#define INVERTED(prefix, from, to, stride, ...)                                          \
    {                                                                                    \
        .name = prefix, .cin = from, .cout = to, .stride_h = stride, .stride_w = stride, \
        __VA_ARGS__                                                                      \
    }
#define DENSE(prefix, bn, from, to, down, across, around, which)                    \
    {                                                                               \
        .name = prefix, .norm = bn, .kind = ST_UNIT_DENSE, .cin = from, .cout = to, \
        .stride_h = down, .stride_w = across, .pad = around, .encoders = which      \
    }

/* The audio branch depends on the sound alone, and inc and down1...5 on the source frame
 * alone; they meet in fuse_conv. */
static const struct row rows[] = {
    INVERTED("audio_model.conv1", CH0, CH1, 1, AUDIO, .encoders = AVE | HUBERT),
    INVERTED("audio_model.conv2", CH1, CH2, 1, LAST, .encoders = AVE | HUBERT),
    INVERTED("audio_model.conv1", CH3, CH3, 1, AUDIO, RESIDUAL, .encoders = WENET),
    INVERTED("audio_model.conv2", CH3, CH3, 1, RESIDUAL, .encoders = WENET),
    DENSE("audio_model.conv3", "audio_model.bn3", CH2, CH3, 1, 1, 1, AVE),
    DENSE("audio_model.conv3", "audio_model.bn3", CH2, CH3, 2, 2, 1, HUBERT),
    DENSE("audio_model.conv3", "audio_model.bn3", CH3, CH3, 1, 2, 1, WENET),
    INVERTED("audio_model.conv4", CH3, CH3, 1, RESIDUAL),
    DENSE("audio_model.conv5", "audio_model.bn5", CH3, CH4, 2, 2, 3, ANY),
    INVERTED("audio_model.conv6", CH4, CH4, 1, RESIDUAL),
    INVERTED("audio_model.conv7", CH4, CH4, 1, RESIDUAL, .hold = ST_HELD_AUDIO),
    INVERTED("inc.inconv.0", IMAGE, CH0, 1, .source = ST_READ_IMAGE, HOLD(X1)),
    INVERTED("down1.maxpool_conv.0.double_conv.0", CH0, CH0, 2, LAST),
    INVERTED("down1.maxpool_conv.0.double_conv.1", CH0, CH0, 1, RESIDUAL, HOLD(X2)),
    INVERTED("down2.maxpool_conv.0.double_conv.0", CH0, CH1, 2, LAST),
    INVERTED("down2.maxpool_conv.0.double_conv.1", CH1, CH1, 1, RESIDUAL, HOLD(X3)),
    INVERTED("down3.maxpool_conv.0.double_conv.0", CH1, CH2, 2, LAST),
    INVERTED("down3.maxpool_conv.0.double_conv.1", CH2, CH2, 1, RESIDUAL, HOLD(X4)),
    INVERTED("down4.maxpool_conv.0.double_conv.0", CH2, CH3, 2, LAST),
    INVERTED("down4.maxpool_conv.0.double_conv.1", CH3, CH3, 1, RESIDUAL, HOLD(X5)),
    INVERTED("down5.maxpool_conv.0.double_conv.0", CH3, CH4, 2, LAST),
    INVERTED("down5.maxpool_conv.0.double_conv.1", CH4, CH4, 1, RESIDUAL, HOLD(X6)),
    INVERTED("fuse_conv.0.double_conv.0", CH4_TWICE, CH4, 1, JOIN(X6)),
    INVERTED("fuse_conv.0.double_conv.1", CH4, CH4, 1, RESIDUAL),
    INVERTED("fuse_conv.1.double_conv.0", CH4, CH3, 1, LAST),
    INVERTED("fuse_conv.1.double_conv.1", CH3, CH3, 1, RESIDUAL),
    INVERTED("up1.conv.double_conv.0", CH4, CH2, 1, RAISE(X5)),
    INVERTED("up1.conv.double_conv.1", CH2, CH2, 1, RESIDUAL),
    INVERTED("up2.conv.double_conv.0", CH3, CH1, 1, RAISE(X4)),
    INVERTED("up2.conv.double_conv.1", CH1, CH1, 1, RESIDUAL),
    INVERTED("up3.conv.double_conv.0", CH2, CH0, 1, RAISE(X3)),
    INVERTED("up3.conv.double_conv.1", CH0, CH0, 1, RESIDUAL),
    INVERTED("up4.conv.double_conv.0", CH1, CH0, 1, RAISE(X2)),
    INVERTED("up4.conv.double_conv.1", CH0, CH0, 1, RESIDUAL),
    INVERTED("up5.conv.double_conv.0", CH1, CH0_HALF, 1, RAISE(X1)),
    INVERTED("up5.conv.double_conv.1", CH0_HALF, CH0_HALF, 1, RESIDUAL),
    {.name = "outc.conv", .kind = ST_UNIT_HEAD, .cin = CH0_HALF, .cout = COLOURS},
};

int st_unet_width(bool narrow)
{
    return narrow ? 16 : 32;
}

static int channel_count(enum channels channels, int width)
{
    return channels < 0 ? -(int)channels : (int)channels * width / 2;
}

bool st_unet_unit_at(const struct st_unet_form *form, size_t index, struct st_unet_unit *unit)
{
    assert(form->encoder != SYNCTALK_ENCODER_AUTO);
    const unsigned mine = 1U << form->encoder;
    const int width = st_unet_width(form->narrow);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct row *row = &rows[i];
        if (row->encoders != ANY && ((unsigned)row->encoders & mine) == 0)
            continue;
        if (index-- > 0)
            continue;
        *unit = (struct st_unet_unit){
            .name = row->name,
            .norm = row->norm,
            .kind = row->kind,
            .cin = channel_count(row->cin, width),
            .cout = channel_count(row->cout, width),
            .stride_h = row->stride_h,
            .stride_w = row->stride_w,
            .pad = row->pad,
            .residual = row->residual,
            .source = row->source,
            .with = row->with,
            .hold = row->hold,
        };
        return true;
    }
    return false;
}

/* torch.nn.Sequential numbers its members; the ReLUs between have no tensors. */
static void name_part(struct st_part *part, const char *unit, int conv)
{
    snprintf(part->conv, sizeof part->conv, "%s.conv.%d", unit, conv);
    snprintf(part->norm, sizeof part->norm, "%s.conv.%d", unit, conv + 1);
}

size_t st_unet_unit_parts(const struct st_unet_unit *unit, struct st_part parts[ST_UNET_PARTS])
{
    const size_t cin = (size_t)unit->cin, cout = (size_t)unit->cout, hidden = 2 * cin;
    memset(parts, 0, ST_UNET_PARTS * sizeof *parts);
    switch (unit->kind) {
    case ST_UNIT_INVERTED:
        /* A residual unit at random adds little, or the sums would grow with depth. */
        parts[0] = (struct st_part){.K = hidden, .C = cin, .kernel = 1, .gain = 2};
        parts[1] = (struct st_part){.K = hidden, .C = 1, .kernel = 3, .gain = 2};
        parts[2] = (struct st_part){
            .K = cout, .C = hidden, .kernel = 1, .gain = unit->residual ? 0.05F : 1};
        for (int i = 0; i < 3; i++)
            name_part(&parts[i], unit->name, 3 * i);
        return 3;
    case ST_UNIT_DENSE:
        parts[0] = (struct st_part){.K = cout, .C = cin, .kernel = 3, .bias = true, .gain = 2};
        snprintf(parts[0].norm, sizeof parts[0].norm, "%s", unit->norm);
        break;
    case ST_UNIT_HEAD:
        parts[0] = (struct st_part){.K = cout, .C = cin, .kernel = 1, .bias = true, .gain = 1};
        break;
    }
    snprintf(parts[0].conv, sizeof parts[0].conv, "%s", unit->name);
    return 1;
}

size_t st_unet_unit_pixels(const struct st_unet_form *form, size_t index)
{
    struct st_unet_unit unit;
    size_t H = 0, W = 0;
    for (size_t i = 0; i <= index && st_unet_unit_at(form, i, &unit); i++) {
        const size_t reach = unit.kind == ST_UNIT_DENSE ? 2 * (size_t)unit.pad : 2;
        const size_t step_h = unit.stride_h > 1 ? (size_t)unit.stride_h : 1;
        const size_t step_w = unit.stride_w > 1 ? (size_t)unit.stride_w : 1;
        if (unit.source == ST_READ_IMAGE) {
            H = W = ST_UNET_SIDE;
        } else if (unit.source == ST_READ_AUDIO) {
            H = form->audio_dims[1];
            W = form->audio_dims[2];
        } else if (unit.source == ST_READ_RAISE) {
            H *= 2;
            W *= 2;
        }
        H = (H + reach - 3) / step_h + 1;
        W = (W + reach - 3) / step_w + 1;
    }
    return H * W;
}
