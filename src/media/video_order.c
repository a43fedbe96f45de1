/* SPDX-License-Identifier: Apache-2.0 */
/* H.264 and HEVC count their pictures (picture order count), from 0 at each IDR. In MPEG-1,
 * 2 and 4 a B picture is shown at once, any other when the next that is not B comes. Easy to
 * get wrong: "packed" MPEG-4 keeps a P and a B picture in one packet and an empty one after
 * it; libavcodec's filter takes them apart, one packet for one.
 */
#include "media/video_order.h"

#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>

#include "base/error.h"
#include "media/video_index.h"

struct order {
    AVCodecParserContext *parser; /* NULL: the file's order */
    AVCodecContext *context;      /* what the parser learns from */
    AVBSFContext *unpack;         /* NULL: packets as they are */
    bool counted;                 /* by picture order count */
    int64_t period;               /* IDRs seen */
    int64_t shown;                /* pictures given their place */
    int64_t *waiting;             /* key of the last picture that is not B; borrows */
};

static synctalk_status open_order(struct order *order, const AVCodecParameters *par,
                                  const char *path, synctalk_error *err)
{
    enum AVCodecID codec = par->codec_id;
    const AVBitStreamFilter *filter = av_bsf_get_by_name("mpeg4_unpack_bframes");

    order->counted = codec == AV_CODEC_ID_H264 || codec == AV_CODEC_ID_HEVC;
    if (!order->counted && codec != AV_CODEC_ID_MPEG4 && codec != AV_CODEC_ID_MPEG2VIDEO &&
        codec != AV_CODEC_ID_MPEG1VIDEO)
        return SYNCTALK_OK;
    if (!(order->context = avcodec_alloc_context3(NULL)) ||
        avcodec_parameters_to_context(order->context, par) < 0)
        return st_fail_memory(err, path, sizeof *order->context);
    if (!(order->parser = av_parser_init((int)codec)))
        return SYNCTALK_OK; /* a libavcodec without it: the file's order is the best guess */
    order->parser->flags |= PARSER_FLAG_COMPLETE_FRAMES;
    if (codec != AV_CODEC_ID_MPEG4 || !filter)
        return SYNCTALK_OK;
    if (av_bsf_alloc(filter, &order->unpack) < 0 ||
        avcodec_parameters_copy(order->unpack->par_in, par) < 0 || av_bsf_init(order->unpack) < 0)
        return st_fail_memory(err, path, sizeof *order->unpack);
    return SYNCTALK_OK;
}

static void close_order(struct order *order)
{
    if (order->parser)
        av_parser_close(order->parser);
    avcodec_free_context(&order->context);
    av_bsf_free(&order->unpack);
}

static void place(struct order *order, const AVPacket *packet, int64_t *key)
{
    uint8_t *out;
    int out_size;
    AVCodecParserContext *parser = order->parser;

    parser->pict_type = AV_PICTURE_TYPE_NONE;
    av_parser_parse2(parser, order->context, &out, &out_size, packet->data, packet->size,
                     AV_NOPTS_VALUE, AV_NOPTS_VALUE, packet->pos);
    if (order->counted) {
        int count = parser->output_picture_number;
        order->period += parser->key_frame == 1 && count == 0;
        *key = order->period * (INT64_C(1) << 32) + count;
        return;
    }
    if (parser->pict_type == AV_PICTURE_TYPE_B) {
        *key = order->shown++;
        return;
    }
    if (order->waiting)
        *order->waiting = order->shown++;
    order->waiting = key;
}

/* One packet in, one out: false where the filter holds it back or does not know it. */
static bool unpack(struct order *order, AVPacket *packet)
{
    if (!order->unpack)
        return true;
    if (av_bsf_send_packet(order->unpack, packet) < 0) {
        av_packet_unref(packet);
        return false;
    }
    return av_bsf_receive_packet(order->unpack, packet) >= 0;
}

synctalk_status st_video_order(int64_t *keys, uint32_t count, struct st_input *input, int stream,
                               synctalk_error *err)
{
    synctalk_status st;
    struct order order = {0};
    AVPacket *packet = av_packet_alloc();

    if (!packet)
        return st_fail_memory(err, input->path, sizeof *packet);
    if ((st = open_order(&order, input->format->streams[stream]->codecpar, input->path, err)))
        goto done;
    for (uint32_t i = 0; i < count; i++)
        keys[i] = i;
    if (!order.parser)
        goto done;
    if ((st = st_input_rewind(input, err)))
        goto done;
    for (uint32_t i = 0; i < count && st_video_packet_next(input, stream, packet) > 0; i++) {
        if (unpack(&order, packet))
            place(&order, packet, &keys[i]);
        else
            keys[i] = order.shown++;
        av_packet_unref(packet);
    }
    if (order.waiting)
        *order.waiting = order.shown;

done:
    av_packet_free(&packet);
    close_order(&order);
    return st;
}
