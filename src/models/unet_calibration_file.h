/* SPDX-License-Identifier: Apache-2.0 */
/* What was found about a checkpoint's precisions, in a small JSON file beside it. It belongs
 * to the checkpoint's bytes, whose hash it holds, and to the audio encoder that it hears with,
 * which not every checkpoint names; what it says of a CPU, to that CPU's instruction sets. A file
 * that is damaged, another checkpoint's or another encoder's, counts as absent.
 */
#ifndef ST_MODELS_UNET_CALIBRATION_FILE_H
#define ST_MODELS_UNET_CALIBRATION_FILE_H

#include "base/hash.h"
#include "models/unet_calibrate.h"

#define ST_CALIBRATIONS 16 /* of different CPUs and targets, at most */

struct st_unet_calibration_file {
    char checkpoint[ST_HASH_TEXT];
    struct st_unet_recipe recipe; /* ranges alone; owned; none where `count` is 0 */
    struct st_unet_calibration entries[ST_CALIBRATIONS];
    size_t count;
};

/* `checkpoint` of `file` is set. Of a file that cannot be used, `why` (256 bytes) says what is
 * wrong with it; "" where it is fine or absent. Fails for want of memory alone. */
synctalk_status st_unet_calibration_read(struct st_unet_calibration_file *file, const char *path,
                                         const struct st_unet_form *form, char *why,
                                         synctalk_error *err);

/* Atomically; replaces what is there. */
synctalk_status st_unet_calibration_write(const struct st_unet_calibration_file *file,
                                          const char *path, const struct st_unet_form *form,
                                          synctalk_error *err);

void st_unet_calibration_free(struct st_unet_calibration_file *file); /* safe when zeroed */

/* The entry of these instruction sets and this target, or NULL. */
const struct st_unet_calibration *st_unet_calibration_find(
    const struct st_unet_calibration_file *file, unsigned flags, double target_db);

/* Add or replace the entry of the same kind; the oldest goes where there is no room. */
void st_unet_calibration_add(struct st_unet_calibration_file *file,
                             const struct st_unet_calibration *entry);

#endif /* ST_MODELS_UNET_CALIBRATION_FILE_H */
