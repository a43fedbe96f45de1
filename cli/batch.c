/* SPDX-License-Identifier: Apache-2.0 */
#include "batch.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "console.h"

/* What a folder is searched for. A file named by itself may be called anything. */
static const char *const media_extensions[] = {
    "aac",  "ac3", "aif", "aiff", "amr",  "avi",  "flac", "flv", "m4a", "m4v",
    "mkv",  "mov", "mp2", "mp3",  "mp4",  "mpeg", "mpg",  "oga", "ogg", "ogv",
    "opus", "ts",  "wav", "weba", "webm", "wma",  "wmv",  "3gp", NULL};

static int no_memory(const struct args *args)
{
    say(args->command->name, "no memory for a list of files");
    return EXIT_FAILED;
}

char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    const char *dot = strrchr(name, '.');
    return dot && dot != name ? strndup(name, (size_t)(dot - name)) : strdup(name);
}

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static bool is_media(const char *folder, const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    char *path = NULL;
    struct stat info;
    bool known = false;
    if (!dot || dot == entry->d_name)
        return false;
    for (size_t i = 0; media_extensions[i]; i++)
        known = known || strcasecmp(dot + 1, media_extensions[i]) == 0;
    if (!known || asprintf(&path, "%s/%s", folder, entry->d_name) < 0)
        return false;
    known = stat(path, &info) == 0 && S_ISREG(info.st_mode);
    free(path);
    return known;
}

/* Takes `audio`; false without memory. */
static bool add_item(struct batch *batch, char *audio)
{
    if (!audio)
        return false;
    if (batch->count == batch->capacity) {
        size_t capacity = batch->capacity ? 2 * batch->capacity : 16;
        struct batch_item *grown = realloc(batch->items, capacity * sizeof *grown);
        if (!grown) {
            free(audio);
            return false;
        }
        batch->items = grown;
        batch->capacity = capacity;
    }
    batch->items[batch->count++] = (struct batch_item){.audio = audio};
    return true;
}

static int add_folder(struct batch *batch, const struct args *args, const char *folder)
{
    struct dirent **entries = NULL;
    int count = scandir(folder, &entries, NULL, alphasort);
    size_t before = batch->count;
    bool fits = true;
    if (count < 0) {
        say(args->command->name, "%s: cannot list: %s", folder, strerror(errno));
        return EXIT_FAILED;
    }
    size_t length = strlen(folder);
    while (length > 1 && folder[length - 1] == '/')
        length--;
    for (int i = 0; i < count; i++) {
        char *audio = NULL;
        if (fits && is_media(folder, entries[i]))
            fits = asprintf(&audio, "%.*s/%s", (int)length, folder, entries[i]->d_name) >= 0 &&
                   add_item(batch, audio);
        free(entries[i]);
    }
    free(entries);
    if (!fits)
        return no_memory(args);
    if (batch->count > before)
        return EXIT_GOOD;
    say(args->command->name, "%s: found no file with sound in this folder (.wav, .mp3, .mp4 ...)",
        folder);
    return EXIT_FAILED;
}

static int collect(struct batch *batch, const struct args *args)
{
    const char *audio = NULL;
    size_t given = 0;
    int code = EXIT_GOOD;
    for (; !code && (audio = args_item(args, "audio", given)); given++) {
        if (is_folder(audio)) {
            batch->many = true;
            code = add_folder(batch, args, audio);
        } else if (!add_item(batch, strdup(audio))) {
            code = no_memory(args);
        }
    }
    batch->many = batch->many || given > 1;
    if (!code && given == 0) {
        say(args->command->name, "no sound given: --audio FILE");
        code = EXIT_USAGE;
    }
    return code;
}

static bool ends_in(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t end_length = strlen(end);
    return length >= end_length && strcasecmp(text + length - end_length, end) == 0;
}

/* -o of a batch: a folder, made when it is not there yet. */
static int prepare_folder(const struct args *args, const char *folder)
{
    if (is_folder(folder))
        return EXIT_GOOD;
    if (ends_in(folder, ".mp4")) {
        say(args->command->name, "-o %s: several videos need a folder, not one file", folder);
        return EXIT_USAGE;
    }
    if (mkdir(folder, 0777) == 0)
        return EXIT_GOOD;
    say(args->command->name, "-o %s: cannot make the folder: %s", folder, strerror(errno));
    return EXIT_FAILED;
}

/* The output of one item; malloc'ed, NULL without memory. */
static char *output_name(const struct args *args, const char *audio, const char *target,
                         bool folder)
{
    char *base = base_name(audio);
    char *name = NULL;
    int length = -1;
    if (!base)
        return NULL;
    if (folder)
        length = asprintf(&name, "%s%s%s.mp4", target, ends_in(target, "/") ? "" : "/", base);
    else if (target)
        length = asprintf(&name, "%s", target);
    else
        length = asprintf(&name, "%s-%s.mp4", args->settings.model, base);
    free(base);
    return length < 0 ? NULL : name;
}

static bool same_file(const char *a, const char *b)
{
    struct stat x;
    struct stat y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static int by_output(const void *a, const void *b)
{
    const struct batch_item *x = a;
    const struct batch_item *y = b;
    return strcmp(x->output, y->output);
}

static int refuse_collisions(const struct batch *batch, const struct args *args)
{
    int code = EXIT_GOOD;
    struct batch_item *sorted = calloc(batch->count + 1, sizeof *sorted); /* borrows */
    if (!sorted)
        return no_memory(args);
    memcpy(sorted, batch->items, batch->count * sizeof *sorted);
    qsort(sorted, batch->count, sizeof *sorted, by_output);
    for (size_t i = 0; i < batch->count && !code; i++) {
        const struct batch_item *item = &sorted[i];
        if (i > 0 && strcmp(item[-1].output, item->output) == 0) {
            say(args->command->name, "%s and %s would both become %s: rename one, or make two runs",
                item[-1].audio, item->audio, item->output);
            code = EXIT_USAGE;
        } else if (same_file(item->audio, item->output)) {
            say(args->command->name, "%s is both the sound and the output: choose another -o",
                item->output);
            code = EXIT_USAGE;
        } else if (args->settings.video && same_file(args->settings.video, item->output)) {
            say(args->command->name, "%s is both the video and the output: choose another -o",
                item->output);
            code = EXIT_USAGE;
        }
    }
    free(sorted);
    return code;
}

int batch_build(struct batch *batch, const struct args *args)
{
    const char *target = args_text(args, "output");
    *batch = (struct batch){.items = NULL};
    int code = collect(batch, args);
    if (!code && batch->many && args->settings.features) {
        say(args->command->name, "--features belongs to one sound, and several were given");
        code = EXIT_USAGE;
    }
    if (!code && batch->many && target)
        code = prepare_folder(args, target);
    if (code)
        return code;

    bool folder = target && (batch->many || is_folder(target) || ends_in(target, "/"));
    for (size_t i = 0; i < batch->count; i++) {
        struct batch_item *item = &batch->items[i];
        item->output = output_name(args, item->audio, target, folder);
        if (!item->output)
            return no_memory(args);
    }
    return refuse_collisions(batch, args);
}

void batch_free(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        free(batch->items[i].audio);
        free(batch->items[i].output);
    }
    free(batch->items);
    *batch = (struct batch){.items = NULL};
}
