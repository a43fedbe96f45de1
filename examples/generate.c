/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest program on the library: a person, a sound, a video.
 *
 *     cc generate.c $(pkg-config --cflags --libs synctalk) -o generate
 *     ./generate project anna hello.wav hello.mp4
 */
#include <stdio.h>

#include "synctalk/synctalk.h"

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: %s ROOT MODEL AUDIO OUT.mp4\n", argv[0]);
        return 2;
    }

    synctalk_settings settings;
    synctalk_settings_init(&settings);
    settings.root = argv[1];
    settings.model = argv[2];

    synctalk_person *person = NULL;
    synctalk_report report;
    synctalk_error err;
    synctalk_status status = synctalk_person_open(&person, &settings, NULL, &err);
    if (!status)
        status = synctalk_generate(person, &settings, argv[3], argv[4], NULL, &report, &err);
    if (status)
        fprintf(stderr, "%s\n", err.message);
    else
        printf("%s: %lld frames in %.1f s\n", argv[4], (long long)report.frames, report.seconds);
    synctalk_person_close(&person);
    return status ? 1 : 0;
}
