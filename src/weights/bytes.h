/* SPDX-License-Identifier: Apache-2.0 */
/* Little-endian numbers at any address. */
#ifndef ST_WEIGHTS_BYTES_H
#define ST_WEIGHTS_BYTES_H

#include <stdint.h>

static inline uint16_t st_get_u16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t st_get_u32(const uint8_t *p)
{
    return (uint32_t)st_get_u16(p) | (uint32_t)st_get_u16(p + 2) << 16;
}

static inline uint64_t st_get_u64(const uint8_t *p)
{
    return (uint64_t)st_get_u32(p) | (uint64_t)st_get_u32(p + 4) << 32;
}

/* Each returns the address after what it wrote. */
static inline uint8_t *st_put_u16(uint8_t *p, uint32_t value)
{
    p[0] = (uint8_t)value;
    p[1] = (uint8_t)(value >> 8);
    return p + 2;
}

static inline uint8_t *st_put_u32(uint8_t *p, uint32_t value)
{
    return st_put_u16(st_put_u16(p, value & 0xffffu), value >> 16);
}

static inline uint8_t *st_put_u64(uint8_t *p, uint64_t value)
{
    return st_put_u32(st_put_u32(p, (uint32_t)value), (uint32_t)(value >> 32));
}

#endif /* ST_WEIGHTS_BYTES_H */
