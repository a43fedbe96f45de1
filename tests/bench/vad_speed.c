/* SPDX-License-Identifier: Apache-2.0 */
/* How many seconds of sound each voice activity detector takes in a second of one core.
 *
 * Usage: vad_speed [NETWORK ...]   Silero VAD, as safetensors or ONNX; random weights without
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "models/silero.h"
#include "models/vad.h"

#define SECONDS 200

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Noise whose level changes four times a second: no branch is always the same. */
static void fill(float *samples, uint64_t *state)
{
    for (size_t i = 0; i < ST_VAD_HZ; i++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        const float unit = (float)(*state >> 40) * 0x1p-24f - 0.5f;
        samples[i] = unit * (i / 4000 % 2 ? 0.3f : 0.003f);
    }
}

static int measure(const char *label, const char *path)
{
    static float samples[ST_VAD_HZ];
    float p[64];
    struct st_vad *vad;
    synctalk_error err = {0};
    uint64_t state = 1;
    size_t count = 0;

    if (st_vad_open(&vad, path, NULL, &err)) {
        fprintf(stderr, "%s: %s\n", label, err.message);
        return err.status == SYNCTALK_E_UNSUPPORTED ? 0 : 1;
    }
    const double begin = cpu_seconds();
    for (int i = 0; i < SECONDS; i++) {
        fill(samples, &state);
        if (st_vad_push(vad, samples, ST_VAD_HZ, &err)) {
            fprintf(stderr, "%s: %s\n", label, err.message);
            st_vad_close(&vad);
            return 1;
        }
        count += st_vad_pull(vad, p, 64);
    }
    const double seconds = cpu_seconds() - begin;
    printf("%-40s %6.0f x real time (%d s of sound, %.3f s of CPU, %zu chunks)\n", label,
           SECONDS / seconds, SECONDS, seconds, count);
    st_vad_close(&vad);
    return 0;
}

/* Speed does not depend on the weights: random ones where no file is given. */
static int measure_random(void)
{
    char path[4200];
    const char *folder = getenv("TMPDIR");
    struct st_weights *weights;
    synctalk_error err = {0};
    snprintf(path, sizeof path, "%s/vad_speed_XXXXXX.safetensors",
             folder && *folder ? folder : "/tmp");
    int file = mkstemps(path, (int)strlen(".safetensors"));
    if (file < 0) {
        perror(path);
        return 1;
    }
    close(file);
    int failed = st_silero_random(&weights, 1, &err) ||
                 st_weights_write_safetensors(weights, path, ST_F32, NULL, NULL, true, &err);
    st_weights_close(&weights);
    if (failed)
        fprintf(stderr, "%s\n", err.message);
    else
        failed = measure("silero, random weights", path);
    unlink(path);
    return failed;
}

int main(int argc, char **argv)
{
    int failed = measure("built-in", NULL) | measure_random();
    for (int i = 1; i < argc; i++) {
        const char *base = strrchr(argv[i], '/') ? strrchr(argv[i], '/') + 1 : argv[i];
        if (access(argv[i], R_OK) == 0)
            failed |= measure(base, argv[i]);
    }
    return failed;
}
