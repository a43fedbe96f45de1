/* SPDX-License-Identifier: Apache-2.0 */
/* synctalk vad: where a recording has speech, and where silence. */
#include <stdlib.h>
#include <string.h>

#include "args.h"
#include "console.h"
#include "progress.h"

static const struct own_option own[] = {
    {"json", 0, OWN_FLAG, .help = "print the segments as one line of JSON"},
    {"labels", 0, OWN_FLAG, .help = "print the segments as labels that Audacity imports"},
    {"rttm", 0, OWN_FLAG, .help = "print the speech as RTTM, which tools for diarization read"},
    {"plot", 0, OWN_TEXT, .unit = "FILE.png",
     .help = "draw the waveform, the segments and the probability of speech, 1200 x 400"},
    {.name = NULL},
};

static const char *const text[] = {
    "Prints where a sound or video has speech, and where silence: the segments that generate "
    "would show talk and idle clips for. They cover it from beginning to end.",
    "Speech is found by Silero VAD, a small network, where its file is among the shared networks "
    "(synctalk models tells), and else by a statistical detector that is built in, needs no file, "
    "and is a little less sure in noise. --min-silence-duration 0 keeps every pause that the "
    "detector found.",
    NULL,
};

static const char *const examples[] = {
    "synctalk vad talk.wav",
    "synctalk vad talk.wav --vad-threshold 0.7 --plot talk-vad.png",
    "synctalk vad talk.wav --labels > talk.txt",
    NULL,
};

static void print_table(const synctalk_vad *vad)
{
    double speech = 0;
    size_t runs = 0;
    printf("%12s %12s %10s\n", "start", "end", "seconds");
    for (size_t i = 0; i < synctalk_vad_count(vad); i++) {
        const synctalk_vad_segment s = synctalk_vad_at(vad, i);
        printf("%12.3f %12.3f %10.3f  %s\n", s.start, s.end, s.end - s.start,
               s.speech ? "speech" : "silence");
        speech += s.speech ? s.end - s.start : 0;
        runs += s.speech != 0;
    }
    const double all = synctalk_vad_duration(vad);
    printf("%.3f s, of which %.3f s (%.0f %%) speech in %zu segment%s; detector: %s\n", all, speech,
           100 * speech / all, runs, runs == 1 ? "" : "s", synctalk_vad_name(vad));
}

/* By hand, since six significant digits are too few for the seconds of a long recording. */
static void print_json(const synctalk_vad *vad)
{
    printf("{\"duration\":%.6f,\"segments\":[", synctalk_vad_duration(vad));
    for (size_t i = 0; i < synctalk_vad_count(vad); i++) {
        const synctalk_vad_segment s = synctalk_vad_at(vad, i);
        printf("%s{\"start\":%.6f,\"end\":%.6f,\"label\":\"%s\"}", i ? "," : "", s.start, s.end,
               s.speech ? "speech" : "silence");
    }
    printf("]}\n");
}

static void print_labels(const synctalk_vad *vad)
{
    for (size_t i = 0; i < synctalk_vad_count(vad); i++) {
        const synctalk_vad_segment s = synctalk_vad_at(vad, i);
        printf("%.6f\t%.6f\t%s\n", s.start, s.end, s.speech ? "speech" : "silence");
    }
}

/* The file's name without folder and ending, as one word: a column of RTTM. */
static void print_word(const char *path)
{
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    const char *dot = strrchr(base, '.');
    char *word = clean_text(base);
    const size_t length = dot && dot > base ? (size_t)(dot - base) : strlen(base);
    for (size_t i = 0; word && word[i]; i++) {
        if (i == length)
            word[i] = '\0';
        else if (word[i] == ' ')
            word[i] = '_';
        if (word[i] == '\0')
            break;
    }
    printf("%s", word && *word ? word : "sound");
    free(word);
}

/* Source: NIST, "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan",
 * appendix A. */
static void print_rttm(const synctalk_vad *vad, const char *audio)
{
    for (size_t i = 0; i < synctalk_vad_count(vad); i++) {
        const synctalk_vad_segment s = synctalk_vad_at(vad, i);
        if (!s.speech)
            continue;
        printf("SPEAKER ");
        print_word(audio);
        printf(" 1 %.3f %.3f <NA> <NA> speech <NA> <NA>\n", s.start, s.end - s.start);
    }
}

static int run(struct args *args)
{
    struct progress progress;
    synctalk_error err = {0};
    synctalk_vad *vad = NULL;
    const char *audio = args->operands[0];
    const bool json = args_flag(args, "json");
    const bool labels = args_flag(args, "labels");
    const bool rttm = args_flag(args, "rttm");

    if (json + labels + rttm > 1) {
        say(args->command->name, "--json, --labels and --rttm exclude each other: one form is "
                                 "printed");
        return EXIT_USAGE;
    }
    int code = places_of_models(args);
    if (code)
        return code;
    progress_begin(&progress, args);
    synctalk_status status = synctalk_vad_run(&vad, &args->vad, audio, args_text(args, "plot"),
                                              &progress.callbacks, &err);
    if (status) {
        progress_failure(&progress, status == SYNCTALK_E_CANCELLED ? "interrupted" : err.message);
        return status == SYNCTALK_E_CANCELLED ? EXIT_INTERRUPTED : EXIT_FAILED;
    }
    progress_end(&progress);
    if (json)
        print_json(vad);
    else if (labels)
        print_labels(vad);
    else if (rttm)
        print_rttm(vad, audio);
    else
        print_table(vad);
    synctalk_vad_close(&vad);
    return EXIT_GOOD;
}

const struct command command_vad = {
    .name = "vad",
    .operands = "AUDIO",
    .least_operands = 1,
    .most_operands = 1,
    .summary = "print where a sound has speech and where silence",
    .text = text,
    .examples = examples,
    .own = own,
    .table = &vad_table,
    .every_setting = true,
    .long_call = true,
    .run = run,
};
