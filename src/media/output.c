/* SPDX-License-Identifier: Apache-2.0 */
#include "media/output.h"

#include <errno.h>
#include <fcntl.h>
#include <libavutil/mem.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/log.h"

#define IO_BYTES (1 << 18)

/* A second way into the same file, with a position of its own. */
struct reader {
    struct st_media_output *output; /* borrows */
    int64_t at;
};

/* libavformat 61 made the buffer const; the callback has the type of the version at hand. */
#if LIBAVFORMAT_VERSION_MAJOR >= 61
typedef const uint8_t write_byte;
#else
typedef uint8_t write_byte;
#endif

static bool stopped(struct st_media_output *output)
{
    if (!output->cancelled)
        output->cancelled = st_cancelled(output->callbacks);
    return output->cancelled;
}

static int write_all(void *opaque, write_byte *buf, int size)
{
    struct st_media_output *output = opaque;
    int done = 0;
    if (stopped(output))
        return AVERROR_EXIT;
    while (done < size) {
        ssize_t n = write(output->fd, buf + done, (size_t)(size - done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            int why = n < 0 ? errno : EIO;
            if (!output->errno_of_write)
                output->errno_of_write = why;
            return AVERROR(why);
        }
        done += (int)n;
    }
    return size;
}

static int64_t seek_to(void *opaque, int64_t offset, int whence)
{
    const struct st_media_output *output = opaque;
    if (whence & AVSEEK_SIZE) {
        struct stat info;
        return fstat(output->fd, &info) == 0 ? (int64_t)info.st_size : AVERROR(errno);
    }
    off_t at = lseek(output->fd, offset, whence & ~AVSEEK_FORCE);
    return at < 0 ? AVERROR(errno) : (int64_t)at;
}

static int read_again(void *opaque, uint8_t *buf, int size)
{
    struct reader *reader = opaque;
    ssize_t n;
    if (stopped(reader->output))
        return AVERROR_EXIT;
    do
        n = pread(reader->output->fd, buf, (size_t)size, (off_t)reader->at);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return AVERROR(errno);
    reader->at += n;
    return n ? (int)n : AVERROR_EOF;
}

static int64_t seek_again(void *opaque, int64_t offset, int whence)
{
    struct reader *reader = opaque;
    struct stat info;
    if (fstat(reader->output->fd, &info) < 0)
        return AVERROR(errno);
    switch (whence & ~AVSEEK_FORCE) {
    case AVSEEK_SIZE:
        return info.st_size;
    case SEEK_SET:
        break;
    case SEEK_CUR:
        offset += reader->at;
        break;
    case SEEK_END:
        offset += info.st_size;
        break;
    default:
        return AVERROR(EINVAL);
    }
    if (offset < 0)
        return AVERROR(EINVAL);
    return reader->at = offset;
}

static AVIOContext *make_io(void *opaque, int writes, int (*read_some)(void *, uint8_t *, int),
                            int (*write_some)(void *, write_byte *, int),
                            int64_t (*seek)(void *, int64_t, int))
{
    uint8_t *buffer = av_malloc(IO_BYTES);
    AVIOContext *io = NULL;
    if (buffer)
        io = avio_alloc_context(buffer, IO_BYTES, writes, opaque, read_some, write_some, seek);
    if (!io)
        av_free(buffer);
    return io;
}

static void free_io(AVIOContext **io)
{
    if (*io)
        av_freep(&(*io)->buffer);
    avio_context_free(io);
}

/* The muxer asks for its own file, to read. Anything else is refused. */
static int open_again(AVFormatContext *format, AVIOContext **pb, const char *url, int flags,
                      AVDictionary **options)
{
    struct st_media_output *output = format->opaque;
    (void)url;
    (void)options;
    *pb = NULL;
    if (flags & AVIO_FLAG_WRITE)
        return AVERROR(EPERM);
    struct reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return AVERROR(ENOMEM);
    reader->output = output;
    *pb = make_io(reader, 0, read_again, NULL, seek_again);
    if (!*pb) {
        free(reader);
        return AVERROR(ENOMEM);
    }
    return 0;
}

static int close_again(AVFormatContext *format, AVIOContext *pb)
{
    (void)format;
    if (pb) {
        free(pb->opaque);
        free_io(&pb);
    }
    return 0;
}

synctalk_status st_media_output_open(struct st_media_output *output, const char *path,
                                     const char *name, const synctalk_callbacks *callbacks,
                                     synctalk_error *err)
{
    *output = (struct st_media_output){.name = name, .fd = -1, .callbacks = callbacks};
    output->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (output->fd < 0)
        return st_fail_errno(err, errno, "write", name);
    output->open = true;
    output->io = make_io(output, 1, NULL, write_all, seek_to);
    return output->io ? SYNCTALK_OK : st_fail_memory(err, name, IO_BYTES);
}

void st_media_output_attach(struct st_media_output *output, AVFormatContext *format)
{
    format->pb = output->io;
    format->flags |= AVFMT_FLAG_CUSTOM_IO;
    format->opaque = output;
    format->io_open = open_again;
    format->io_close2 = close_again;
}

synctalk_status st_media_output_check(const struct st_media_output *output, synctalk_error *err)
{
    if (output->cancelled)
        return st_fail(err, SYNCTALK_E_CANCELLED, "%s: stopped", output->name);
    if (output->errno_of_write)
        return st_fail_errno(err, output->errno_of_write, "write", output->name);
    return SYNCTALK_OK;
}

synctalk_status st_media_output_finish(struct st_media_output *output, synctalk_error *err)
{
    avio_flush(output->io);
    if (output->open && close(output->fd) < 0 && !output->errno_of_write)
        output->errno_of_write = errno; /* network file systems tell it only now */
    output->open = false;
    return st_media_output_check(output, err);
}

void st_media_output_close(struct st_media_output *output)
{
    free_io(&output->io);
    if (output->open)
        close(output->fd);
    *output = (struct st_media_output){.fd = -1};
}
