/* SPDX-License-Identifier: Apache-2.0 */
/* flite: natural timbre, English only.
 *
 * A stop's closure and its burst are one segment. Easy to get wrong: slt, rms and awb draw
 * from rand(), so that a repeatable sentence needs srand() before it; kal16 labels a last
 * pause that is longer than its wave.
 */
#include <stdlib.h>
#include <string.h>

#include <flite/flite.h>

#include "base/error.h"
#include "speech/engine.h"

/* The voice libraries ship no headers. */
cst_voice *register_cmu_us_slt(const char *folder);
cst_voice *register_cmu_us_rms(const char *folder);
cst_voice *register_cmu_us_awb(const char *folder);
cst_voice *register_cmu_us_kal16(const char *folder);
void unregister_cmu_us_slt(cst_voice *voice);
void unregister_cmu_us_rms(cst_voice *voice);
void unregister_cmu_us_awb(cst_voice *voice);
void unregister_cmu_us_kal16(cst_voice *voice);

static const struct entry {
    const char *id;
    cst_voice *(*add)(const char *folder);
    void (*remove)(cst_voice *voice);
} entries[] = {
    {"slt", register_cmu_us_slt, unregister_cmu_us_slt},
    {"rms", register_cmu_us_rms, unregister_cmu_us_rms},
    {"awb", register_cmu_us_awb, unregister_cmu_us_awb},
    {"kal16", register_cmu_us_kal16, unregister_cmu_us_kal16},
};

#define ENTRIES (sizeof entries / sizeof entries[0])

struct flite_state {
    cst_voice *voices[ENTRIES]; /* owned; NULL until first asked for */
};

static synctalk_status open_flite(void **state, synctalk_error *err)
{
    *state = calloc(1, sizeof(struct flite_state));
    if (!*state)
        return st_fail_memory(err, "a synthesiser", sizeof(struct flite_state));
    flite_init();
    return SYNCTALK_OK;
}

static void close_flite(void *state)
{
    struct flite_state *flite = state;
    if (!flite)
        return;
    for (size_t i = 0; i < ENTRIES; i++)
        if (flite->voices[i])
            entries[i].remove(flite->voices[i]);
    free(flite);
}

static cst_voice *find_voice(struct flite_state *flite, const char *id)
{
    for (size_t i = 0; i < ENTRIES; i++) {
        if (strcmp(entries[i].id, id) != 0)
            continue;
        if (!flite->voices[i])
            flite->voices[i] = entries[i].add(NULL);
        return flite->voices[i];
    }
    return NULL;
}

/* A segment carries the time of its end only. 0, or -1 without memory. */
static int collect(struct raw_speech *raw, cst_utterance *utterance)
{
    const cst_wave *wave = utt_wave(utterance);
    raw->hz = wave->sample_rate;
    if (raw_add_samples(raw, wave->samples, (size_t)wave->num_samples))
        return -1;
    double start = 0;
    for (const cst_item *item = relation_head(utt_relation(utterance, "Segment")); item;
         item = item_next(item)) {
        const char *name = item_feat_string(item, "name");
        double end = (double)item_feat_float(item, "end");
        if (raw_add_phoneme(raw, name, start))
            return -1;
        /* Of a stop's segment the burst is the last third, less where it is voiced. */
        struct raw_phoneme *phoneme = &raw->phonemes[raw->phoneme_count - 1];
        if (strcmp(name, "p") == 0)
            phoneme->hold_s = start + 0.65 * (end - start);
        else if (strcmp(name, "b") == 0)
            phoneme->hold_s = start + 0.85 * (end - start);
        start = end;
    }
    return 0;
}

static synctalk_status say_flite(void *state, const struct speech_voice *voice, const char *text,
                                 const struct speech_manner *manner, struct raw_speech *raw,
                                 synctalk_error *err)
{
    cst_voice *flite_voice = find_voice(state, voice->id);
    if (!flite_voice)
        return st_fail(err, SYNCTALK_E_LIBRARY, "flite does not have its voice \"%s\"", voice->id);
    flite_feat_set_float(flite_voice->features, "duration_stretch", 1.0f / manner->rate);
    flite_feat_set_float(flite_voice->features, "f0_shift", manner->pitch);
    srand(1); /* NOLINT(cert-msc32-c,cert-msc51-cpp): sameness is the purpose */
    cst_utterance *utterance = flite_synth_text(text, flite_voice);
    if (!utterance || !utt_wave(utterance) || utt_wave(utterance)->num_samples <= 0) {
        if (utterance)
            delete_utterance(utterance);
        return st_fail(err, SYNCTALK_E_ARG, "flite makes no sound of the text \"%.80s\"", text);
    }
    int failed = collect(raw, utterance);
    delete_utterance(utterance);
    return failed ? st_fail_memory(err, "speech", sizeof *raw->samples * raw->count) : SYNCTALK_OK;
}

const struct engine_desc engine_flite = {"flite", false, open_flite, close_flite, say_flite};
