/* SPDX-License-Identifier: Apache-2.0 */
/* say: speak a text and write down what the mouth does, to look at.
 *
 *     say VOICE TEXT [-o OUT.wav] [--phonemes OUT.tsv] [--track OUT.tsv] [--rate R] [--pitch P]
 *     say --voices
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "speech/speech.h"
#include "speech/track.h"
#include "speech/wav.h"

#define FPS 25

struct options {
    const char *voice, *text, *wave, *phonemes, *track;
    struct speech_manner manner;
};

static const char usage[] =
    "usage: say VOICE TEXT [-o OUT.wav] [--phonemes OUT.tsv] [--track OUT.tsv]\n"
    "           [--rate 0.5..2] [--pitch 0.5..2]\n"
    "       say --voices\n";

static int parse(struct options *options, int count, char **words)
{
    options->manner = (struct speech_manner){1, 1};
    for (int i = 1; i < count; i++) {
        const char **target = NULL;
        float *number = NULL;
        if (strcmp(words[i], "-o") == 0)
            target = &options->wave;
        else if (strcmp(words[i], "--phonemes") == 0)
            target = &options->phonemes;
        else if (strcmp(words[i], "--track") == 0)
            target = &options->track;
        else if (strcmp(words[i], "--rate") == 0)
            number = &options->manner.rate;
        else if (strcmp(words[i], "--pitch") == 0)
            number = &options->manner.pitch;
        if (!target && !number) {
            target = options->voice ? &options->text : &options->voice;
            if (*target)
                return -1;
            *target = words[i];
            continue;
        }
        if (++i == count)
            return -1;
        if (target)
            *target = words[i];
        else
            *number = strtof(words[i], NULL); /* 0 of a non-number is refused by speech_say */
    }
    return options->voice && options->text ? 0 : -1;
}

static void list_voices(void)
{
    size_t count;
    const struct speech_voice *voices = speech_voices(&count);
    for (size_t i = 0; i < count; i++)
        printf("%-24s %-8s %-7s %s%s\n", voices[i].name,
               voices[i].language == SPEECH_GERMAN ? "German" : "English",
               voices[i].female ? "female" : "male", voices[i].held_out ? "held out" : "training",
               speech_engine_present(voices[i].engine) ? "" : " (absent from this build)");
}

static FILE *open_text(const char *path)
{
    FILE *file = fopen(path, "w");
    if (!file)
        fprintf(stderr, "say: cannot write %s\n", path);
    return file;
}

static int close_text(FILE *file, const char *path)
{
    int failed = ferror(file);
    failed |= fclose(file);
    if (failed)
        fprintf(stderr, "say: %s was not written whole\n", path);
    return failed ? -1 : 0;
}

static int write_phonemes(const char *path, const struct speech *speech)
{
    FILE *file = open_text(path);
    if (!file)
        return -1;
    fprintf(file, "start_s\tend_s\thold_s\tphoneme\tvisemes\n");
    for (size_t i = 0; i < speech->phoneme_count; i++) {
        const struct speech_phoneme *phoneme = &speech->phonemes[i];
        fprintf(file, "%.4f\t%.4f\t%.4f\t%s\t", phoneme->start_s, phoneme->end_s, phoneme->hold_s,
                phoneme->name);
        for (int k = 0; k < phoneme->sequence.count; k++)
            fprintf(file, "%s%s", k ? "+" : "", viseme_shapes[phoneme->sequence.visemes[k]].name);
        fputc('\n', file);
    }
    return close_text(file, path);
}

static int write_track(const char *path, const struct speech *speech)
{
    synctalk_error err = {0};
    struct track *track;
    if (track_create(&track, speech->spans, speech->span_count, &err)) {
        fprintf(stderr, "say: %s\n", err.message);
        return -1;
    }
    FILE *file = open_text(path);
    if (!file) {
        track_destroy(&track);
        return -1;
    }
    fprintf(file, "time_s\tviseme\tjaw\twidth\tround\tclosed\tteeth\ttongue_tip\ttongue_back\t"
                  "upper_raise\tlower_tuck\topening\n");
    for (int64_t frame = 0; (double)frame / FPS < speech_seconds(speech); frame++) {
        double t = (double)frame / FPS;
        struct mouth mouth;
        track_at(track, t, &mouth);
        enum viseme viseme = viseme_at(speech->spans, speech->span_count, t);
        fprintf(file, "%.3f\t%s", t, viseme_shapes[viseme].name);
        for (int p = 0; p < MOUTH_PARTS; p++)
            fprintf(file, "\t%.3f", (double)mouth.part[p]);
        fprintf(file, "\t%.3f\n", (double)mouth.opening);
    }
    track_destroy(&track);
    return close_text(file, path);
}

static int write_all(const struct options *options, const struct speech *speech)
{
    synctalk_error err = {0};
    if (options->wave &&
        wav_write(options->wave, speech->samples, speech->count, SPEECH_HZ, &err)) {
        fprintf(stderr, "say: %s\n", err.message);
        return -1;
    }
    if (options->phonemes && write_phonemes(options->phonemes, speech))
        return -1;
    if (options->track && write_track(options->track, speech))
        return -1;
    printf("%.2f s, %zu phonemes\n", speech_seconds(speech), speech->phoneme_count);
    return 0;
}

int main(int count, char **words)
{
    struct options options = {0};
    synctalk_error err = {0};
    if (count == 2 && strcmp(words[1], "--voices") == 0) {
        list_voices();
        return 0;
    }
    if (parse(&options, count, words)) {
        fputs(usage, stderr);
        return 2;
    }
    const struct speech_voice *voice = speech_voice_find(options.voice);
    if (!voice) {
        fprintf(stderr, "say: no voice \"%s\"; say --voices lists them\n", options.voice);
        return 2;
    }
    struct speech_synth *synth;
    struct speech speech = {0};
    int failed = 1;
    if (speech_open(&synth, &err) ||
        speech_say(synth, voice, options.text, &options.manner, &speech, &err))
        fprintf(stderr, "say: %s\n", err.message);
    else
        failed = write_all(&options, &speech) != 0;
    speech_free(&speech);
    speech_close(&synth);
    return failed;
}
