/* SPDX-License-Identifier: Apache-2.0 */
/* RIFF: "Multimedia Programming Interface and Data Specifications 1.0", 1991. */
#include "speech/wav.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/error.h"
#include "base/file.h"

#define HEADER_BYTES 44

static void put_u16(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value & 255);
    at[1] = (uint8_t)(value >> 8 & 255);
}

static void put_u32(uint8_t *at, uint32_t value)
{
    put_u16(at, value & 65535);
    put_u16(at + 2, value >> 16);
}

static void put_text(uint8_t *at, const char *text)
{
    while (*text)
        *at++ = (uint8_t)*text++;
}

static void make_header(uint8_t header[HEADER_BYTES], uint32_t data_bytes, uint32_t hz)
{
    put_text(header, "RIFF....WAVEfmt ");
    put_u32(header + 4, HEADER_BYTES - 8 + data_bytes);
    put_u32(header + 16, 16);     /* bytes of the format chunk */
    put_u16(header + 20, 1);      /* PCM */
    put_u16(header + 22, 1);      /* channels */
    put_u32(header + 24, hz);     /* samples a second */
    put_u32(header + 28, hz * 2); /* bytes a second */
    put_u16(header + 32, 2);      /* bytes of all channels' samples */
    put_u16(header + 34, 16);     /* bits */
    put_text(header + 36, "data");
    put_u32(header + 40, data_bytes);
}

synctalk_status wav_write(const char *path, const float *samples, size_t count, int hz,
                          synctalk_error *err)
{
    struct st_output output = {.fd = -1};
    synctalk_status status;
    if (count > (UINT32_MAX - HEADER_BYTES) / 2 || hz <= 0)
        return st_fail(err, SYNCTALK_E_ARG, "%s: %zu samples at %d Hz do not fit a WAV file", path,
                       count, hz);
    uint8_t *bytes = malloc(HEADER_BYTES + count * 2);
    if (!bytes)
        return st_fail_memory(err, "sound", HEADER_BYTES + count * 2);
    make_header(bytes, (uint32_t)(count * 2), (uint32_t)hz);
    for (size_t i = 0; i < count; i++) {
        long level = lrintf(fminf(fmaxf(samples[i] * 32768.0f, -32768.0f), 32767.0f));
        put_u16(bytes + HEADER_BYTES + 2 * i, (uint32_t)level & 65535);
    }
    if ((status = st_output_open(&output, path, true, err)))
        goto done;
    if ((status = st_output_write(&output, bytes, HEADER_BYTES + count * 2, err)))
        goto done;
    status = st_output_commit(&output, true, err);
done:
    st_output_close(&output);
    free(bytes);
    return status;
}
