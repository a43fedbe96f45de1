/* SPDX-License-Identifier: Apache-2.0 */
/* What is promised about the demo person: the same pose gives the same picture, landmarks
 * give a crop that holds the mouth and the chin, shut lips touch, and the true opening is
 * the gap that one sees.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "person/motion.h"
#include "person/person.h"
#include "support/support.h"

#define CHIN 16
#define UPPER_LIP 104 /* inner edges, in the middle */
#define LOWER_LIP 108
#define DARK 45 /* 8 bit: what no lit skin is, and the inside of a mouth is */

/* One person for all tests: making one takes seconds. */
struct studio {
    struct person *person;
    struct person_studio *studio;
    struct st_picture picture;
    struct st_landmarks landmarks;
    float opening;
};

static int set_up(void **state)
{
    struct studio *s = calloc(1, sizeof *s);
    *state = s;
    return !s || person_create(&s->person, PERSON_SEED, NULL) ||
           person_studio_create(&s->studio, s->person, NULL);
}

static int tear_down(void **state)
{
    struct studio *s = *state;
    person_studio_free(&s->studio);
    person_free(&s->person);
    st_picture_free(&s->picture);
    free(s);
    return 0;
}

static void render(struct studio *s, const struct pose *pose)
{
    synctalk_error err = {0};
    if (person_render(s->studio, pose, &s->picture, &s->landmarks, &s->opening, &err))
        fail_msg("%s", err.message);
}

static struct pose talking_pose(uint32_t seed, int moment, struct mouth_shape mouth)
{
    struct pose pose = {0};
    motion_pose(&pose, &(struct motion){seed, 1}, 1.37 * moment, 1);
    pose.mouth = mouth;
    return pose;
}

static void same_pose_same_picture(void **state)
{
    struct studio *s = *state;
    struct person_studio *other = NULL;
    struct st_picture again = {0};
    struct pose a = talking_pose(3, 4, (struct mouth_shape){.jaw = 0.5f, .teeth = 0.4f});
    struct pose b = talking_pose(4, 9, (struct mouth_shape){.closed = 1});
    assert_int_equal(person_studio_create(&other, s->person, NULL), SYNCTALK_OK);
    render(s, &b); /* leftovers of another pose must not show */
    render(s, &a);
    assert_int_equal(person_render(other, &a, &again, NULL, NULL, NULL), SYNCTALK_OK);
    size_t bytes = again.stride * (size_t)again.height;
    assert_memory_equal(s->picture.data, again.data, bytes);
    assert_int_equal(person_render(other, &b, &again, NULL, NULL, NULL), SYNCTALK_OK);
    assert_int_not_equal(memcmp(s->picture.data, again.data, bytes), 0);
    person_studio_free(&other);
    st_picture_free(&again);
}

static void landmarks_give_the_crop(void **state)
{
    struct studio *s = *state;
    for (int i = 0; i < 24; i++) {
        struct mouth_shape mouth = {
            .jaw = (float)(i % 4) / 3, .teeth = 0.4f, .closed = i % 4 ? 0.0f : 1.0f};
        struct pose pose = talking_pose(7, i, mouth);
        struct st_crop_box box;
        render(s, &pose);
        assert_int_equal(s->landmarks.count, 110);
        for (int k = 0; k < 110; k++) {
            struct st_point p = s->landmarks.points[k];
            assert_true(p.x > 0 && p.x < PERSON_SIDE - 1 && p.y > 0 && p.y < PERSON_SIDE - 1);
        }
        assert_int_equal(st_crop_box_from_landmarks(&box, &s->landmarks, "test", NULL),
                         SYNCTALK_OK);
        assert_in_range(box.side, 215, 280);
        assert_true(box.x >= 0 && box.x + box.side <= PERSON_SIDE && box.y >= 0);
        /* The chin stays inside of what the network paints, of which 4/328 is rim. */
        float chin = s->landmarks.points[CHIN].y;
        assert_true(chin > (float)box.y + 0.5f * (float)box.side);
        assert_true(chin < (float)(box.y + box.side) - 0.03f * (float)box.side);
    }
}

static void contour_goes_around_the_face(void **state)
{
    struct studio *s = *state;
    struct pose pose = {.mouth = {.closed = 1}};
    render(s, &pose);
    const struct st_point *p = s->landmarks.points;
    for (int i = 0; i < 16; i++) { /* down on the left, up on the right, evenly */
        assert_true(p[i + 1].y > p[i].y - 0.5f && p[32 - i - 1].y > p[32 - i].y - 0.5f);
        assert_true(fabsf(p[i].x + p[32 - i].x - PERSON_SIDE) < 3);
        float step = hypotf(p[i + 1].x - p[i].x, p[i + 1].y - p[i].y);
        assert_true(step > 4 && step < 40);
    }
}

/* Pixels of the mouth, between its corners, that are as dark as its inside. */
static int count_dark(const struct studio *s)
{
    const struct st_point *p = s->landmarks.points;
    int count = 0;
    for (int y = (int)p[UPPER_LIP].y - 8; y <= (int)p[LOWER_LIP].y + 8; y++) {
        int left = (int)p[90].x;
        const uint8_t *row = s->picture.data + (size_t)y * s->picture.stride + (size_t)left * 3;
        for (int x = left; x <= (int)p[96].x; x++, row += 3)
            count += row[0] < DARK && row[1] < DARK && row[2] < DARK;
    }
    return count;
}

static void shut_lips_touch(void **state)
{
    struct studio *s = *state;
    for (int i = 0; i < 8; i++) {
        /* Lips can be shut on a half open jaw, as in the middle of "aba". */
        struct mouth_shape shut = {.closed = 1, .jaw = 0.04f * (float)i, .round = 0.1f * (float)i};
        struct pose pose = talking_pose(11, i, shut);
        render(s, &pose);
        assert_true(s->opening == 0);
        const struct st_point *p = s->landmarks.points;
        assert_true(fabsf(p[LOWER_LIP].y - p[UPPER_LIP].y) < 0.05f);
        assert_int_equal(count_dark(s), 0);
        pose.mouth = (struct mouth_shape){.jaw = 0.6f};
        render(s, &pose);
        assert_true(count_dark(s) > 100);
    }
}

static double correlation(const double *a, const double *b, int n)
{
    double ma = 0;
    double mb = 0;
    for (int i = 0; i < n; i++) {
        ma += a[i] / n;
        mb += b[i] / n;
    }
    double ab = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < n; i++) {
        ab += (a[i] - ma) * (b[i] - mb);
        aa += (a[i] - ma) * (a[i] - ma);
        bb += (b[i] - mb) * (b[i] - mb);
    }
    return ab / sqrt(aa * bb);
}

static void opening_is_the_gap(void **state)
{
    enum { SHAPES = 48 };
    struct studio *s = *state;
    double opening[SHAPES];
    double gap[SHAPES];
    for (uint32_t i = 0; i < SHAPES; i++) {
        struct mouth_shape mouth = {.jaw = hash_unit(1, i),
                                    .width = hash_unit(2, i) * 2 - 1,
                                    .round = hash_unit(3, i),
                                    .closed = i % 3 ? 0 : hash_unit(4, i),
                                    .teeth = hash_unit(5, i),
                                    .upper_raise = 0.5f * hash_unit(6, i),
                                    .lower_tuck = i % 5 ? 0 : hash_unit(7, i)};
        struct pose pose = talking_pose(13, (int)i, mouth);
        render(s, &pose);
        const struct st_point *p = s->landmarks.points;
        opening[i] = (double)s->opening;
        gap[i] = hypot((double)(p[LOWER_LIP].x - p[UPPER_LIP].x),
                       (double)(p[LOWER_LIP].y - p[UPPER_LIP].y));
        assert_true(opening[i] >= 0 && opening[i] <= 1);
    }
    assert_true(correlation(opening, gap, SHAPES) > 0.98);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_pose_same_picture), cmocka_unit_test(landmarks_give_the_crop),
        cmocka_unit_test(contour_goes_around_the_face), cmocka_unit_test(shut_lips_touch),
        cmocka_unit_test(opening_is_the_gap)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
