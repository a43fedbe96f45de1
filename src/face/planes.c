/* SPDX-License-Identifier: Apache-2.0 */
#include "face/planes.h"

void st_planes_from_pixels(float *planes, const uint8_t *src, int width, int height, size_t stride,
                           const struct st_planes_form *form)
{
    const size_t area = (size_t)width * (size_t)height;
    float *restrict first = planes;
    float *restrict second = planes + area;
    float *restrict third = planes + 2 * area;
    const int swap = form->rgb ? 2 : 0;
    float value[256]; /* of each level */

    for (int level = 0; level < 256; level++)
        value[level] = ((float)level - form->mean) / form->scale;
    for (int y = 0; y < height; y++) {
        const uint8_t *row = src + (size_t)y * stride;
        for (int x = 0; x < width; x++, row += 3) {
            *first++ = value[row[swap]];
            *second++ = value[row[1]];
            *third++ = value[row[2 - swap]];
        }
    }
}
