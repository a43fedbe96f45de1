/* SPDX-License-Identifier: Apache-2.0 */
#include "models/model_support.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned st_test_cpu_mask(int argc, char **argv)
{
    return argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : ~0U;
}

static void add_edited(struct st_weights *copy, const char *name, const struct st_tensor *t,
                       enum st_test_edit edit)
{
    size_t dims[ST_MAX_RANK], count = t->count;
    memcpy(dims, t->dims, sizeof dims);
    if (edit == ST_EDIT_RESHAPE) {
        count += count / dims[0];
        dims[0]++;
    }
    float *values = calloc(count, sizeof *values);
    assert_non_null(values);
    st_tensor_to_f32(t, values);
    if (edit == ST_EDIT_NAN)
        values[0] = NAN;
    ST_OK(st_weights_add_f32(copy, name, t->rank, dims, values, err));
    free(values);
}

struct st_weights *st_test_edited(const struct st_weights *weights, const char *prefix,
                                  enum st_test_edit edit, const char *name)
{
    struct st_weights *copy;
    bool found = edit == ST_EDIT_NONE;
    ST_OK(st_weights_create(&copy, "edited.pth", err));
    for (size_t i = 0; i < st_weights_count(weights); i++) {
        const struct st_tensor *t = st_weights_at(weights, i);
        bool mine = edit != ST_EDIT_NONE && strcmp(t->name, name) == 0;
        found |= mine;
        char renamed[256];
        snprintf(renamed, sizeof renamed, "%s%s", prefix, t->name);
        if (!mine || edit != ST_EDIT_DROP)
            add_edited(copy, renamed, t, mine ? edit : ST_EDIT_NONE);
    }
    assert_true(found);
    return copy;
}

/* "NAME\t[1, 2]\tTYPE" */
static bool check_line(const struct st_weights *weights, char *line)
{
    char *shape = strchr(line, '\t');
    assert_non_null(shape);
    *shape++ = '\0';
    if (strstr(line, "num_batches_tracked"))
        return false;
    const struct st_tensor *t = st_weights_find(weights, line);
    if (!t)
        fail_msg("no tensor %s", line);
    char *at = shape + 1;
    for (int i = 0; i < t->rank; i++) {
        if (strtoul(at, &at, 10) != t->dims[i])
            fail_msg("%s: dimension %d is %zu, not as in %s", line, i, t->dims[i], shape);
        at += strspn(at, ", ");
    }
    if (*at != ']')
        fail_msg("%s has %d dimensions, not as in %s", line, t->rank, shape);
    return true;
}

void st_test_same_keys(const struct st_weights *weights, const char *path)
{
    char line[512];
    size_t count = 0;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        count += check_line(weights, line);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(st_weights_count(weights), count);
}
