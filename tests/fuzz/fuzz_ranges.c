/* SPDX-License-Identifier: Apache-2.0 */
/* Text from strangers that the server parses itself: the field Range, names of files, numbers. An
 * input is a size in its first two bytes, and text.
 *
 * libFuzzer target with -Dfuzz=true; else a program that runs the files it is given. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/ranges.h"
#include "server/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fault(const char *what)
{
    fprintf(stderr, "fuzz_ranges: %s\n", what);
    abort();
}

static void check_range(const char *text, int64_t size)
{
    const struct range range = range_parse(text, size);
    if (range.kind == RANGE_PART &&
        (range.first < 0 || range.first > range.last || range.last >= size))
        fault("a part that is not inside the file");
}

static void check_name(const char *text)
{
    char name[32];
    text_clean_name(name, sizeof name, text);
    if (!*name || !text_is_utf8(name, strlen(name)) || strchr(name, '/') || strchr(name, '\n'))
        fault("a name that is not fit to be shown");
}

static void check_number(const char *text)
{
    int64_t number = 0;
    if (text_to_number(text, 1000, &number) && (number < 0 || number > 1000))
        fault("a number past its limit");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    char *text = malloc(size - 1);
    if (!text)
        return 0;
    memcpy(text, data + 2, size - 2);
    text[size - 2] = '\0';
    check_range(text, data[0] * 256 + data[1]);
    check_name(text);
    check_number(text);
    free(text);
    return 0;
}

#ifndef ST_FUZZ_LIBFUZZER

static int run_file(const char *path)
{
    uint8_t data[4096];
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "fuzz_ranges: %s cannot be opened\n", path);
        return 1;
    }
    const size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    return LLVMFuzzerTestOneInput(data, size);
}

int main(int argc, char **argv)
{
    int failed = argc < 2;
    for (int i = 1; i < argc; i++)
        failed |= run_file(argv[i]);
    return failed;
}

#endif
