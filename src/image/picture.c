/* SPDX-License-Identifier: Apache-2.0 */
#include "image/picture.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"

synctalk_status st_picture_resize(struct st_picture *picture, int width, int height,
                                  synctalk_error *err)
{
    if (width < 1 || height < 1 || width > ST_PICTURE_MAX_SIDE || height > ST_PICTURE_MAX_SIDE)
        return st_fail(err, SYNCTALK_E_FORMAT, "a picture of %dx%d: each side must be 1 to %d",
                       width, height, ST_PICTURE_MAX_SIDE);
    size_t bytes = (size_t)width * 3 * (size_t)height;
    if (bytes > picture->capacity) {
        uint8_t *data = st_alloc_aligned(bytes);
        if (!data)
            return st_fail_memory(err, "a picture", bytes);
        free(picture->data);
        picture->data = data;
        picture->capacity = bytes;
    }
    picture->width = width;
    picture->height = height;
    picture->stride = (size_t)width * 3;
    return SYNCTALK_OK;
}

void st_picture_free(struct st_picture *picture)
{
    if (!picture)
        return;
    free(picture->data);
    *picture = (struct st_picture){0};
}
