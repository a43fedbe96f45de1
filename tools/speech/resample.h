/* SPDX-License-Identifier: Apache-2.0 */
/* Change of sampling rate by a windowed sinc, all at once. Up to 0.9 of the lower Nyquist
 * rate nothing changes; above 1.0 of it everything is 80 dB down. No delay: sample i of the
 * output is the input at i / to_hz.
 */
#ifndef SPEECH_RESAMPLE_H
#define SPEECH_RESAMPLE_H

#include <stddef.h>

#include "synctalk/status.h"

/* Both rates 4 000..192 000 Hz. *out is malloc'ed, [*out_count] = ceil(count * to / from). */
synctalk_status speech_resample(float **out, size_t *out_count, const float *samples, size_t count,
                                int from_hz, int to_hz, synctalk_error *err);

#endif /* SPEECH_RESAMPLE_H */
