/* SPDX-License-Identifier: Apache-2.0 */
/* libswscale's planar RGB is the same arithmetic as its packed BGR and four times as fast; it
 * also goes to padded memory, because it writes past the end of rows. Easy to get wrong:
 * libswscale's default is BT.601 whatever the tags say.
 */
#include "media/video_picture.h"

#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>
#include <math.h>

#include "base/error.h"

#define TILE 32
#define ODD 0.0175 /* tan 1 degree: a turn so near a quarter turn is taken for one */

static const int32_t *matrix_of(const AVStream *stream)
{
    size_t size = 0;
    const uint8_t *data = NULL;
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 15, 100)
    const AVPacketSideData *side =
        av_packet_side_data_get(stream->codecpar->coded_side_data,
                                stream->codecpar->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    if (side) {
        data = side->data;
        size = side->size;
    }
#else
    data = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
#endif
    return size >= 9 * sizeof(int32_t) ? (const int32_t *)(const void *)data : NULL;
}

/* Source: libavutil/display.h: stored (p, q) is shown at (a p + c q, b p + d q). */
struct st_video_turn st_video_turn_of(const AVStream *stream)
{
    struct st_video_turn turn = {0};
    const int32_t *m = matrix_of(stream);
    if (!m)
        return turn;

    double a = m[0];
    double b = m[1];
    double c = m[3];
    double d = m[4];
    double straight = fabs(a) + fabs(d);
    double across = fabs(b) + fabs(c);
    if (a * d - b * c == 0)
        return turn; /* shows nothing: not meant */
    if (fmin(straight, across) > ODD * fmax(straight, across)) {
        turn.odd = atan2(b, a) * 180 / 3.14159265358979323846;
        return turn;
    }
    turn.transposed = across > straight;
    turn.flip_x = (turn.transposed ? b : a) < 0;
    turn.flip_y = (turn.transposed ? c : d) < 0;
    turn.mirrored = turn.transposed == (turn.flip_x == turn.flip_y);
    if (turn.transposed)
        turn.degrees = turn.flip_x ? 270 : 90;
    else
        turn.degrees = turn.flip_y ? 180 : 0;
    return turn;
}

/* The matrix that libswscale is to use, or -1. */
static int matrix_id(const AVFrame *frame)
{
    switch (frame->colorspace) {
    case AVCOL_SPC_BT709:
        return SWS_CS_ITU709;
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M:
        return SWS_CS_ITU601;
    case AVCOL_SPC_FCC:
        return SWS_CS_FCC;
    case AVCOL_SPC_SMPTE240M:
        return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT2020_NCL:
        return SWS_CS_BT2020;
    case AVCOL_SPC_RGB:
    case AVCOL_SPC_UNSPECIFIED:
    case AVCOL_SPC_RESERVED:
        return frame->width >= 1280 || frame->height > 576 ? SWS_CS_ITU709 : SWS_CS_ITU601;
    default:
        return -1;
    }
}

static bool is_full_range(const AVFrame *frame)
{
    switch (frame->format) {
    case AV_PIX_FMT_YUVJ411P:
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUVJ422P:
    case AV_PIX_FMT_YUVJ440P:
    case AV_PIX_FMT_YUVJ444P:
        return true;
    default:
        return frame->color_range == AVCOL_RANGE_JPEG;
    }
}

static synctalk_status make_scaler(struct st_video_picture *p, const AVFrame *f,
                                   synctalk_error *err)
{
    const char *format = av_get_pix_fmt_name(f->format);
    int matrix = matrix_id(f);
    bool full = is_full_range(f);

    if (matrix < 0 || !sws_isSupportedInput(f->format))
        return st_fail(err, SYNCTALK_E_UNSUPPORTED,
                       "%s: its colours (%s, %s) cannot be converted; BT.601, BT.709 and BT.2020 "
                       "with constant matrices can",
                       p->path, format ? format : "unknown", av_color_space_name(f->colorspace));
    sws_freeContext(p->sws);
    p->sws = sws_getContext(f->width, f->height, f->format, p->width, p->height, AV_PIX_FMT_GBRP,
                            SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_BITEXACT,
                            NULL, NULL, NULL);
    if (!p->sws)
        return st_fail_memory(err, p->path, sizeof *p);
    /* It refuses where the source has no matrix (RGB, grey), which then needs none. */
    (void)sws_setColorspaceDetails(p->sws, sws_getCoefficients(matrix), full,
                                   sws_getCoefficients(SWS_CS_ITU709), 1, 0, 1 << 16, 1 << 16);
    p->from_width = f->width;
    p->from_height = f->height;
    p->from_format = f->format;
    p->from_matrix = f->colorspace;
    p->from_range = f->color_range;
    return SYNCTALK_OK;
}

static synctalk_status make_planes(struct st_video_picture *p, synctalk_error *err)
{
    if (p->planes)
        return SYNCTALK_OK;
    if (!(p->planes = av_frame_alloc()))
        return st_fail_memory(err, p->path, sizeof *p->planes);
    p->planes->format = AV_PIX_FMT_GBRP;
    p->planes->width = p->width;
    p->planes->height = p->height;
    if (av_frame_get_buffer(p->planes, 0) < 0) {
        av_frame_free(&p->planes);
        return st_fail_memory(err, p->path, 3 * (unsigned long long)p->width * (unsigned)p->height);
    }
    return SYNCTALK_OK;
}

/* Rows [y0, y1), columns [x0, x1) of the upright picture. */
static void turn_tile(const struct st_video_picture *p, uint8_t *dst, size_t stride, int x0, int x1,
                      int y0, int y1)
{
    const AVFrame *f = p->planes;
    ptrdiff_t row = f->linesize[0]; /* the planes' are the same */
    ptrdiff_t dx = p->turn.flip_x ? -1 : 1;
    ptrdiff_t dy = p->turn.flip_y ? -row : row;
    ptrdiff_t begin =
        (p->turn.flip_x ? p->width - 1 : 0) + (p->turn.flip_y ? (p->height - 1) * row : 0);
    ptrdiff_t right = p->turn.transposed ? dy : dx;
    ptrdiff_t down = p->turn.transposed ? dx : dy;

    for (int y = y0; y < y1; y++) {
        uint8_t *out = dst + (size_t)y * stride + (size_t)x0 * 3;
        ptrdiff_t at = begin + y * down + x0 * right;
        for (int x = x0; x < x1; x++, at += right, out += 3) {
            out[0] = f->data[1][at];
            out[1] = f->data[0][at];
            out[2] = f->data[2][at];
        }
    }
}

/* In tiles where rows become columns, so that both stay in the cache. */
static void turn_all(const struct st_video_picture *p, uint8_t *dst, size_t stride)
{
    int width = p->turn.transposed ? p->height : p->width;
    int height = p->turn.transposed ? p->width : p->height;
    int tile = p->turn.transposed ? TILE : width;

    for (int y = 0; y < height; y += TILE)
        for (int x = 0; x < width; x += tile)
            turn_tile(p, dst, stride, x, x + tile < width ? x + tile : width, y,
                      y + TILE < height ? y + TILE : height);
}

synctalk_status st_video_picture_convert(struct st_video_picture *p, const AVFrame *f, uint8_t *dst,
                                         size_t stride, synctalk_error *err)
{
    synctalk_status st;
    if (!p->sws || f->width != p->from_width || f->height != p->from_height ||
        f->format != p->from_format || (int)f->colorspace != p->from_matrix ||
        (int)f->color_range != p->from_range)
        if ((st = make_scaler(p, f, err)))
            return st;
    if ((st = make_planes(p, err)))
        return st;
    if (sws_scale(p->sws, (const uint8_t *const *)f->data, f->linesize, 0, f->height,
                  p->planes->data, p->planes->linesize) < 0)
        return st_fail(err, SYNCTALK_E_LIBRARY, "%s: libswscale cannot convert its pictures",
                       p->path);
    turn_all(p, dst, stride);
    return SYNCTALK_OK;
}

void st_video_picture_close(struct st_video_picture *p)
{
    sws_freeContext(p->sws);
    p->sws = NULL;
    av_frame_free(&p->planes);
}
