/* SPDX-License-Identifier: Apache-2.0 */
/* The wiring once more, this time into nodes. Values are named after the tensors that make
 * them, so a viewer shows the checkpoint's own names. */
#include "models/unet_onnx.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "models/unet_wiring.h"
#include "weights/onnx_writer.h"

#define NAME_MAX_BYTES ((size_t)2 * ST_PART_NAME_MAX)

/* Names of values. */
struct wires {
    struct st_onnx *onnx; /* borrowed */
    char last[NAME_MAX_BYTES];
    char held[ST_HELD_COUNT][NAME_MAX_BYTES];
};

static void set_name(char *name, const char *base, const char *ending)
{
    snprintf(name, NAME_MAX_BYTES, "%.160s%.24s", base, ending);
}

static const struct st_onnx_attribute channels_axis[] = {{.name = "axis", .ints = {1}},
                                                         {.name = NULL}};

/* What the unit reads, into `name`; joins and raises become nodes. */
static void add_reading(struct wires *w, const struct st_unet_unit *unit, char *name)
{
    static const struct st_onnx_attribute aligned[] = {
        {.name = "mode", .text = "linear"},
        {.name = "coordinate_transformation_mode", .text = "align_corners"},
        {.name = NULL}};
    char raised[NAME_MAX_BYTES];
    const char *held = w->held[unit->with];

    switch (unit->source) {
    case ST_READ_IMAGE:
        set_name(name, "image", "");
        return;
    case ST_READ_AUDIO:
        set_name(name, "audio", "");
        return;
    case ST_READ_LAST:
        set_name(name, w->last, "");
        return;
    case ST_READ_JOIN:
        set_name(name, unit->name, ".input");
        st_onnx_node(w->onnx, "Concat", name,
                     (const char *const[]){held, w->held[ST_HELD_AUDIO], NULL}, channels_axis);
        return;
    case ST_READ_RAISE:
        set_name(name, unit->name, ".input");
        set_name(raised, unit->name, ".raised");
        st_onnx_node(w->onnx, "Resize", raised, (const char *const[]){w->last, "", "twice", NULL},
                     aligned);
        st_onnx_node(w->onnx, "Concat", name, (const char *const[]){raised, held, NULL},
                     channels_axis);
        return;
    }
}

/* y = conv(x) with the folded weights; the name of y into `y`. */
static void add_conv(struct wires *w, const struct st_part *part, const struct st_folded *folded,
                     bool depthwise, int stride_h, int stride_w, int pad, const char *x, char *y)
{
    const int64_t k = (int64_t)part->kernel;
    const struct st_onnx_attribute attributes[] = {
        {.name = "group", .ints = {depthwise ? (int64_t)part->K : 1}},
        {.name = "kernel_shape", .count = 2, .ints = {k, k}},
        {.name = "strides", .count = 2, .ints = {stride_h, stride_w}},
        {.name = "pads", .count = 4, .ints = {pad, pad, pad, pad}},
        {.name = NULL}};
    char weight[NAME_MAX_BYTES];
    char bias[NAME_MAX_BYTES];

    set_name(y, part->conv, ".out");
    set_name(weight, part->conv, ".weight");
    set_name(bias, part->conv, ".bias");
    st_onnx_tensor(w->onnx, weight, 4, (size_t[]){part->K, part->C, part->kernel, part->kernel},
                   folded->weights);
    st_onnx_tensor(w->onnx, bias, 1, &part->K, folded->bias);
    st_onnx_node(w->onnx, "Conv", y, (const char *const[]){x, weight, bias, NULL}, attributes);
}

/* y = op(x), named after x. */
static void add_pointwise(struct wires *w, const char *op, const char *ending, char *x)
{
    char y[NAME_MAX_BYTES];
    set_name(y, x, ending);
    st_onnx_node(w->onnx, op, y, (const char *const[]){x, NULL}, NULL);
    set_name(x, y, "");
}

static void add_inverted(struct wires *w, const struct st_unet_unit *unit,
                         const struct st_part *parts, const struct st_folded *folded, const char *x)
{
    char y[NAME_MAX_BYTES];
    char z[NAME_MAX_BYTES];
    add_conv(w, &parts[0], &folded[0], false, 1, 1, 0, x, y);
    add_pointwise(w, "Relu", ".relu", y);
    add_conv(w, &parts[1], &folded[1], true, unit->stride_h, unit->stride_w, 1, y, z);
    add_pointwise(w, "Relu", ".relu", z);
    add_conv(w, &parts[2], &folded[2], false, 1, 1, 0, z, y);
    if (unit->residual) {
        set_name(z, unit->name, ".sum");
        st_onnx_node(w->onnx, "Add", z, (const char *const[]){y, x, NULL}, NULL);
        set_name(y, z, "");
    }
    set_name(w->last, y, "");
}

static void add_unit(struct wires *w, const struct st_unet_unit *unit, const struct st_part *parts,
                     const struct st_folded *folded)
{
    char x[NAME_MAX_BYTES];
    add_reading(w, unit, x);
    switch (unit->kind) {
    case ST_UNIT_INVERTED:
        add_inverted(w, unit, parts, folded, x);
        break;
    case ST_UNIT_DENSE:
        add_conv(w, &parts[0], &folded[0], false, unit->stride_h, unit->stride_w, unit->pad, x,
                 w->last);
        add_pointwise(w, "Relu", ".relu", w->last);
        break;
    case ST_UNIT_HEAD:
        add_conv(w, &parts[0], &folded[0], false, 1, 1, 0, x, w->last);
        st_onnx_node(w->onnx, "Sigmoid", "out", (const char *const[]){w->last, NULL}, NULL);
        break;
    }
    set_name(w->held[unit->hold], w->last, "");
}

static synctalk_status load_unit(struct wires *w, const struct st_unet_unit *unit,
                                 const struct st_weights *weights, synctalk_error *err)
{
    struct st_part parts[ST_UNET_PARTS];
    struct st_folded folded[ST_UNET_PARTS] = {{0}};
    synctalk_status st = SYNCTALK_OK;
    const size_t count = st_unet_unit_parts(unit, parts);
    for (size_t i = 0; !st && i < count; i++)
        st = st_part_load(&folded[i], &parts[i], weights, err);
    if (!st)
        add_unit(w, unit, parts, folded);
    for (size_t i = 0; i < count; i++)
        st_folded_free(&folded[i]);
    return st;
}

synctalk_status st_unet_write_onnx(const struct st_weights *weights,
                                   const struct st_unet_form *form, const char *path,
                                   bool overwrite, synctalk_error *err)
{
    assert(form->encoder != SYNCTALK_ENCODER_AUTO);
    synctalk_status st;
    struct wires w = {.onnx = NULL};
    struct st_unet_unit unit;
    const size_t picture[] = {6, ST_UNET_SIDE, ST_UNET_SIDE};
    const size_t mouth[] = {3, ST_UNET_SIDE, ST_UNET_SIDE};
    const float twice[] = {1, 1, 2, 2};

    if ((st = st_onnx_create(&w.onnx, "synctalk UNet", err)))
        return st;
    st_onnx_input(w.onnx, "image", 3, picture);
    st_onnx_input(w.onnx, "audio", 3, form->audio_dims);
    st_onnx_tensor(w.onnx, "twice", 1, (const size_t[]){4}, twice);
    for (size_t i = 0; st_unet_unit_at(form, i, &unit); i++)
        if ((st = load_unit(&w, &unit, weights, err)))
            goto done;
    st_onnx_output(w.onnx, "out", 3, mouth);
    char note[ST_UNET_EAR + 24];
    st_unet_form_note(form, note);
    st_onnx_metadata(w.onnx, ST_UNET_ENCODER_KEY, note);
    st = st_onnx_write(w.onnx, path, overwrite, err);

done:
    st_onnx_destroy(&w.onnx);
    return st;
}
