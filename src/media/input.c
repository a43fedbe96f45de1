/* SPDX-License-Identifier: Apache-2.0 */
/* Easy to get wrong: io_open is not inherited by the contexts that some demuxers (concat)
 * make for the files they list, but the protocol whitelist is; so both are set, and the
 * whitelist names no protocol at all.
 */
#include "media/input.h"

#include <errno.h>
#include <fcntl.h>
#include <libavutil/avstring.h>
#include <libavutil/mem.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "media/libav.h"

#define IO_BYTES 65536
#define MAX_PIXELS "67108864" /* of a picture that is decoded to be known; 8192 x 8192 */

/* Demuxers that only list other files. */
static const char *const lists[] = {
    "concat", "hls", "applehttp", "dash", "webm_dash_manifest", "imf", "sdp", "rtsp", NULL,
};

static int read_some(void *opaque, uint8_t *buf, int size)
{
    struct st_input *input = opaque;
    for (;;) {
        ssize_t n = read(input->fd, buf, (size_t)size);
        if (n > 0)
            return (int)n;
        if (n == 0)
            return AVERROR_EOF;
        if (errno != EINTR) {
            input->errno_of_read = errno;
            return AVERROR(errno);
        }
    }
}

static int64_t seek_to(void *opaque, int64_t offset, int whence)
{
    const struct st_input *input = opaque;
    if (whence & AVSEEK_SIZE) {
        struct stat info;
        return fstat(input->fd, &info) == 0 ? (int64_t)info.st_size : AVERROR(errno);
    }
    off_t at = lseek(input->fd, offset, whence & ~AVSEEK_FORCE);
    return at < 0 ? AVERROR(errno) : (int64_t)at;
}

static int refuse_open(AVFormatContext *format, AVIOContext **pb, const char *url, int flags,
                       AVDictionary **options)
{
    struct st_input *input = format->opaque;
    (void)url;
    (void)flags;
    (void)options;
    *pb = NULL;
    if (input)
        input->refused = true;
    return AVERROR(EPERM);
}

static synctalk_status open_descriptor(struct st_input *input, synctalk_error *err)
{
    struct stat info;

    /* O_NONBLOCK: a named pipe is refused below instead of hanging the open. */
    input->fd = open(input->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (input->fd < 0)
        return st_fail_errno(err, errno, "open", input->path);
    input->open = true;
    if (fstat(input->fd, &info) < 0)
        return st_fail_errno(err, errno, "read", input->path);
    if (!S_ISREG(info.st_mode))
        return st_fail(err, SYNCTALK_E_IO, "%s: is %s, not a file", input->path,
                       S_ISDIR(info.st_mode) ? "a folder" : "a device or pipe");
    if (info.st_size == 0)
        return st_fail(err, SYNCTALK_E_FORMAT,
                       "%s: is empty (0 bytes); an audio or video file is needed", input->path);
    return SYNCTALK_OK;
}

static synctalk_status fail_list(const struct st_input *input, synctalk_error *err)
{
    return st_fail(err, SYNCTALK_E_FORMAT,
                   "%s: is a playlist or refers to other files, which are never opened; give the "
                   "audio or video file itself",
                   input->path);
}

static synctalk_status fail_open(const struct st_input *input, int averror, synctalk_error *err)
{
    if (input->errno_of_read)
        return st_fail_errno(err, input->errno_of_read, "read", input->path);
    if (input->refused)
        return fail_list(input, err);
    if (averror == AVERROR(ENOMEM))
        return st_fail_memory(err, input->path, IO_BYTES);
    return st_fail(err, SYNCTALK_E_FORMAT,
                   "%s: not an audio or video file that can be read, or damaged or cut off",
                   input->path);
}

/* The content decides; the name only where the content says nothing. */
static synctalk_status find_format(struct st_input *input, const AVInputFormat **format,
                                   synctalk_error *err)
{
    int code = av_probe_input_buffer2(input->io, format, "", NULL, 0, 0);
    if (code < 0) {
        if (avio_seek(input->io, 0, SEEK_SET) >= 0)
            code = av_probe_input_buffer2(input->io, format, st_path_base(input->path), NULL, 0, 0);
    }
    if (code < 0)
        return fail_open(input, code, err);
    for (int i = 0; lists[i]; i++)
        if (av_match_name(lists[i], (*format)->name))
            return fail_list(input, err);
    if ((*format)->flags & AVFMT_NOFILE) /* it would open by name, past our descriptor */
        return fail_open(input, AVERROR_INVALIDDATA, err);
    return SYNCTALK_OK;
}

/* Looks into the streams, which decodes a few pictures: hostile sizes are refused there too. */
static int find_streams(AVFormatContext *format)
{
    unsigned count = format->nb_streams;
    AVDictionary **options = av_calloc(count ? count : 1, sizeof(AVDictionary *));
    int code = options ? 0 : AVERROR(ENOMEM);

    for (unsigned i = 0; i < count && code >= 0; i++)
        code = av_dict_set(&options[i], "max_pixels", MAX_PIXELS, 0);
    if (code >= 0)
        code = avformat_find_stream_info(format, options);
    for (unsigned i = 0; options && i < count; i++)
        av_dict_free(&options[i]);
    av_free(options);
    return code;
}

/* Sizes that are too large for libavcodec are gone once it has seen them. */
static void note_size(struct st_input *input)
{
    for (unsigned i = 0; i < input->format->nb_streams; i++) {
        const AVCodecParameters *par = input->format->streams[i]->codecpar;
        if (par->codec_type == AVMEDIA_TYPE_VIDEO && par->width > input->width) {
            input->width = par->width;
            input->height = par->height;
        }
    }
}

/* Demuxer and streams, from the file's first byte. */
static synctalk_status open_format(struct st_input *input, synctalk_error *err)
{
    synctalk_status st;
    const AVInputFormat *demuxer = NULL;
    int code;

    if ((st = find_format(input, &demuxer, err)))
        return st;
    if (!(input->format = avformat_alloc_context()) ||
        !(input->format->protocol_whitelist = av_strdup("none")))
        return st_fail_memory(err, input->path, sizeof *input->format);
    input->format->pb = input->io;
    input->format->opaque = input;
    input->format->io_open = refuse_open;
    input->format->flags |= AVFMT_FLAG_CUSTOM_IO;

    /* On failure it frees and clears input->format. */
    if ((code = avformat_open_input(&input->format, "", demuxer, NULL)) < 0)
        return fail_open(input, code, err);
    note_size(input);
    if ((code = find_streams(input->format)) < 0)
        return fail_open(input, code, err);
    return SYNCTALK_OK;
}

synctalk_status st_input_open(struct st_input *input, const char *path, synctalk_error *err)
{
    synctalk_status st;

    st_av_quiet();
    *input = (struct st_input){.path = path, .fd = -1};
    if ((st = open_descriptor(input, err)))
        return st;

    uint8_t *buffer = av_malloc(IO_BYTES);
    if (!buffer)
        return st_fail_memory(err, path, IO_BYTES);
    input->io = avio_alloc_context(buffer, IO_BYTES, 0, input, read_some, NULL, seek_to);
    if (!input->io) {
        av_free(buffer);
        return st_fail_memory(err, path, IO_BYTES);
    }
    return open_format(input, err);
}

synctalk_status st_input_rewind(struct st_input *input, synctalk_error *err)
{
    avformat_close_input(&input->format);
    input->errno_of_read = 0;
    if (avio_seek(input->io, 0, SEEK_SET) < 0)
        return fail_open(input, AVERROR_INVALIDDATA, err);
    return open_format(input, err);
}

void st_input_close(struct st_input *input)
{
    avformat_close_input(&input->format);
    if (input->io)
        av_freep(&input->io->buffer);
    avio_context_free(&input->io);
    if (input->open)
        close(input->fd);
    *input = (struct st_input){.fd = -1};
}
