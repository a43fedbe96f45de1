/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: a dollar and a letter stand for one entry of the list of that letter, which
 * may have dollars itself. "^" makes the next letter a capital.
 */
#include "speech/sentences.h"

#include <stdbool.h>
#include <string.h>

#include "speech/words.h"

#define DEPTH_MAX 4

struct writer {
    char *out;
    size_t used;
    uint64_t random;
    const char *const *const *lists; /* [26] */
    bool capital;
};

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void put(struct writer *writer, char c)
{
    if (writer->used + 1 >= SENTENCE_MAX)
        return;
    if (writer->capital && c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    writer->capital = false;
    writer->out[writer->used++] = c;
}

static const char *choose(struct writer *writer, const char *const *list)
{
    size_t count = 1; /* no list is empty */
    while (list[count])
        count++;
    return list[next_random(&writer->random) % count];
}

static void expand(struct writer *writer, const char *pattern, int depth)
{
    for (const char *at = pattern; *at; at++) {
        if (*at == '^') {
            writer->capital = true;
        } else if (*at != '$') {
            put(writer, *at);
        } else if (at[1] >= 'A' && at[1] <= 'Z') {
            at++;
            const char *const *list = writer->lists[*at - 'A'];
            if (list && depth < DEPTH_MAX)
                expand(writer, choose(writer, list), depth + 1);
        }
    }
}

/* "a old" becomes "an old". */
static void add_n(char out[SENTENCE_MAX])
{
    for (size_t i = 0; out[i] && out[i + 1] && out[i + 2]; i++) {
        size_t rest = strlen(out + i);
        bool word = (out[i] == 'a' || out[i] == 'A') && (i == 0 || out[i - 1] == ' ');
        if (word && out[i + 1] == ' ' && strchr("aeiou", out[i + 2]) &&
            i + rest + 2 < SENTENCE_MAX) {
            memmove(out + i + 2, out + i + 1, rest);
            out[i + 1] = 'n';
        }
    }
}

void sentence_make(char out[SENTENCE_MAX], enum speech_language language, uint64_t number)
{
    bool german = language == SPEECH_GERMAN;
    struct writer writer = {.out = out, .random = number * 2 + german, .capital = true};
    writer.lists = german ? words_german : words_english;
    expand(&writer, "$Z", 0);
    out[writer.used] = 0;
    if (!german)
        add_n(out);
}

static const char *const demo_english[] = {
    "Good morning, and welcome. Nobody ever filmed me saying these words.",
    "My lips move with the sound, and they close whenever I stop to think.",
    "Five brave foxes jumped over the muddy path by the old farm house.",
    "Please bring both of the blue books to my room before the bell rings.",
    "We usually choose a quiet place, somewhere the wind does not blow.",
    NULL,
};

static const char *const demo_german[] = {
    "Guten Morgen und herzlich willkommen. Diese Worte hat noch niemand von mir gefilmt.",
    "Meine Lippen folgen dem Klang und schließen sich, sobald ich überlege.",
    "Fünf mutige Füchse sprangen über den Bach hinter dem alten Bauernhof.",
    "Bitte bring mir beide blauen Bücher, bevor der Abend beginnt.",
    "Zum Frühstück gibt es heute Äpfel, Brötchen und einen Topf Pflaumenmus.",
    NULL,
};

const char *sentence_demo(enum speech_language language, size_t index)
{
    const char *const *list = language == SPEECH_GERMAN ? demo_german : demo_english;
    for (size_t i = 0; list[i]; i++)
        if (i == index)
            return list[i];
    return NULL;
}

struct sentence_pair sentence_demo_pair(enum speech_language language)
{
    if (language == SPEECH_GERMAN)
        return (struct sentence_pair){"Jetzt sage ich kurz gar nichts.",
                                      "Und nun bewegt sich mein Mund wieder.", 2.0};
    return (struct sentence_pair){"Now I will be quiet for a moment.",
                                  "And here I am, speaking to you again.", 2.0};
}
