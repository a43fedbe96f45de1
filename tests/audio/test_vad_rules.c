/* SPDX-License-Identifier: Apache-2.0 */
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audio/vad_rules.h"
#include "support/support.h"

#define MOST 4096

static const struct st_vad_params defaults = {0.5, 250, 100, 30};

struct found {
    struct st_vad_segment segments[MOST];
    size_t count;
};

static void find(struct found *found, const float *p, size_t chunks, int64_t samples,
                 const struct st_vad_params *params)
{
    struct st_vad_rules rules;
    found->count = 0;
    st_vad_rules_init(&rules, params);
    for (size_t i = 0; i < chunks; i++)
        found->count += st_vad_rules_push(&rules, p[i], &found->segments[found->count]);
    found->count += st_vad_rules_finish(&rules, samples, &found->segments[found->count]);
    assert_true(found->count < MOST);
}

/* Probabilities of a reference recording, "talk_hb ..." or "german_pauses". malloc'ed. */
static float *probabilities(const char *audio, size_t *count)
{
    char name[128];
    const int word = (int)strcspn(audio, " ");
    snprintf(name, sizeof name, "reference/vad/silero_%.*s_probs.npy", word, audio);
    struct st_weights *file;
    ST_OK(st_weights_open(&file, st_shared(name), err));
    float *p = st_test_f32(file, st_weights_at(file, 0)->name, count);
    st_weights_close(&file);
    return p;
}

static void expect(const char *audio, int64_t samples, const struct st_vad_params *params,
                   const json_t *want)
{
    size_t count;
    float *p = probabilities(audio, &count);
    struct found *found = malloc(sizeof *found);
    assert_non_null(found);
    const size_t chunks = (size_t)(samples + 511) / 512;
    assert_true(count >= chunks);
    find(found, p, chunks, samples, params);
    assert_int_equal(found->count, json_array_size(want));
    for (size_t i = 0; i < found->count; i++) {
        const json_t *pair = json_array_get(want, i);
        assert_int_equal(found->segments[i].start, json_integer_value(json_array_get(pair, 0)));
        assert_int_equal(found->segments[i].end, json_integer_value(json_array_get(pair, 1)));
    }
    free(found);
    free(p);
}

static json_t *load(const char *path)
{
    json_error_t fault;
    json_t *json = json_load_file(path, 0, &fault);
    if (!json)
        fail_msg("%s: %s", path, fault.text);
    return json;
}

/* Guards: a rule that differs from the published ones in any case that was written down. */
static void test_golden(void **state)
{
    (void)state;
    ST_NEED_SHARED(path, "reference/vad/silero_segments.json");
    size_t cases = 0;
    json_t *json = load(path);
    const char *audio;
    json_t *entry;
    json_object_foreach(json, audio, entry)
    {
        const char *threshold;
        json_t *want;
        if (!json_is_object(entry))
            continue;
        json_object_foreach(json_object_get(entry, "segments"), threshold, want)
        {
            struct st_vad_params params = defaults;
            params.threshold = strtod(threshold, NULL);
            expect(audio, json_integer_value(json_object_get(entry, "samples")), &params, want);
            cases++;
        }
    }
    size_t i;
    json_array_foreach(json_object_get(json, "more"), i, entry)
    {
        const char *name = json_string_value(json_object_get(entry, "audio"));
        if (strstr(name, ".npy")) /* sound without probabilities: the network's test has it */
            continue;
        const struct st_vad_params params = {
            json_number_value(json_object_get(entry, "threshold")),
            (int)json_integer_value(json_object_get(entry, "min_speech_duration_ms")),
            (int)json_integer_value(json_object_get(entry, "min_silence_duration_ms")),
            (int)json_integer_value(json_object_get(entry, "speech_pad_ms")),
        };
        expect(name, json_integer_value(json_object_get(entry, "samples")), &params,
               json_object_get(entry, "segments"));
        cases++;
    }
    json_decref(json);
    print_message("segments equal in %zu cases\n", cases);
    assert_true(cases >= 10);
}

/* Guards: segments that overlap, leave the recording, are out of order or empty, whatever
 * the probabilities and parameters. */
static void test_properties(void **state)
{
    (void)state;
    uint64_t seed = 5;
    float p[300];
    struct found *found = malloc(sizeof *found);
    assert_non_null(found);
    for (int trial = 0; trial < 3000; trial++) {
        const size_t chunks = (size_t)(st_random_next(&seed) % 300);
        const int64_t samples =
            chunks ? (int64_t)chunks * 512 - (int64_t)(st_random_next(&seed) % 512) : 0;
        const struct st_vad_params params = {
            0.1 + 0.8 * (double)st_random_unit(&seed), (int)(st_random_next(&seed) % 300),
            (int)(st_random_next(&seed) % 300), (int)(st_random_next(&seed) % 400)};
        float level = 0;
        for (size_t i = 0; i < chunks; i++) {
            if (st_random_next(&seed) % 5 == 0)
                level = st_random_unit(&seed);
            p[i] = level;
        }
        find(found, p, chunks, samples, &params);
        int64_t at = 0;
        for (size_t i = 0; i < found->count; i++) {
            assert_true(found->segments[i].start >= at);
            assert_true(found->segments[i].end > found->segments[i].start);
            at = found->segments[i].end;
        }
        assert_true(at <= samples);
    }
    free(found);
}

/* Guards: a number that is not one that opens or closes speech. */
static void test_not_a_number(void **state)
{
    (void)state;
    float p[40];
    struct found found;
    for (size_t i = 0; i < 40; i++)
        p[i] = i < 20 ? 0.9f : NAN;
    find(&found, p, 40, 40 * 512, &defaults);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.segments[0].end, 40 * 512);
    for (size_t i = 0; i < 40; i++)
        p[i] = NAN;
    find(&found, p, 40, 40 * 512, &defaults);
    assert_int_equal(found.count, 0);
}

static void expect_spans(const struct st_vad_segment *segments, size_t count, int64_t samples,
                         int64_t min_silence, const char *want)
{
    struct st_vad_timeline line;
    char text[256] = "";
    int64_t at = 0;
    ST_OK(st_vad_timeline_make(&line, segments, count, samples, min_silence, err));
    for (size_t i = 0; i < line.count; i++) {
        assert_int_equal(line.spans[i].start, at);
        at = line.spans[i].end;
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%lld",
                 line.spans[i].speech ? "s" : "-", (long long)at);
    }
    assert_int_equal(at, samples);
    assert_string_equal(text, want);
    st_vad_timeline_free(&line);
    assert_null(line.spans);
}

/* Guards: a timeline with a hole, a silence shorter than the least, or two of a kind. */
static void test_timeline(void **state)
{
    (void)state;
    const struct st_vad_segment two[] = {{100, 200}, {300, 400}};
    const struct st_vad_segment ends[] = {{0, 200}, {250, 400}};
    expect_spans(NULL, 0, 0, 10, "");
    expect_spans(NULL, 0, 500, 1000, "-500");
    expect_spans(two, 2, 1000, 0, "-100s200-300s400-1000");
    expect_spans(two, 2, 1000, 100, "-100s200-300s400-1000");
    expect_spans(two, 2, 1000, 101, "s400-1000");
    expect_spans(two, 2, 1000, 600, "s400-1000");
    expect_spans(two, 2, 1000, 601, "s1000");
    expect_spans(ends, 2, 400, 51, "s400");
    expect_spans(ends, 2, 400, 50, "s200-250s400");
    st_vad_timeline_free(NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest golden[] = {cmocka_unit_test(test_golden)};
    const struct CMUnitTest unit[] = {
        cmocka_unit_test(test_properties),
        cmocka_unit_test(test_not_a_number),
        cmocka_unit_test(test_timeline),
    };
    if (argc > 1 && strcmp(argv[1], "golden") == 0)
        return cmocka_run_group_tests(golden, NULL, NULL);
    return cmocka_run_group_tests(unit, NULL, NULL);
}
