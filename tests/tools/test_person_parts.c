/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the demo person that need no picture: triangles, motion, lips, lids. */
#include <math.h>
#include <stdlib.h>

#include "person/motion.h"
#include "person/outline.h"
#include "person/raster.h"
#include "person/teeth.h"
#include "support/support.h"

#define SIDE 32

/* Where two triangles share an edge a sample belongs to one of them: no hole lets the
 * background through skin, none is drawn by both in the depth of neither. */
static void triangles_meet_without_holes(void **state)
{
    (void)state;
    struct mesh mesh;
    struct raster raster;
    uint64_t random = 5;
    const size_t middle = (size_t)SIDE * SIDE * 2;
    ST_OK(mesh_create(&mesh, err));
    ST_OK(raster_create(&raster, SIDE, SIDE, 4, err));
    for (int k = 0; k < 200; k++) {
        /* A fan of four around a random middle, over the whole square. */
        struct screen_vertex v[5] = {
            {-1, -1, 1}, {-1, SIDE + 1, 1}, {SIDE + 1, SIDE + 1, 1}, {SIDE + 1, -1, 1}, {0, 0, 1}};
        v[4].x = SIDE * st_random_unit(&random);
        v[4].y = SIDE * st_random_unit(&random);
        mesh.faces = 0;
        for (uint32_t i = 0; i < 4; i++)
            mesh_face(&mesh, PART_SKIN, i, (i + 1) % 4, 4);
        raster_clear(&raster);
        raster_draw(&raster, &mesh, v, 0, 4, 0);
        for (int i = 0; i < SIDE * SIDE * 4; i++)
            assert_true(raster.face[i] != RASTER_NONE && fabsf(raster.depth[i] - 1) < 1e-4f);
        /* Seen from behind there is nothing, unless both sides are asked for. */
        for (int i = 0; i < 5; i++)
            v[i].x = SIDE - v[i].x;
        raster_clear(&raster);
        raster_draw(&raster, &mesh, v, 0, 4, 0);
        assert_true(raster.face[middle] == RASTER_NONE);
        raster_draw(&raster, &mesh, v, 0, 4, 1);
        assert_true(raster.face[middle] != RASTER_NONE);
    }
    raster_free(&raster);
    mesh_free(&mesh);
}

static void nearer_hides_farther(void **state)
{
    (void)state;
    struct mesh mesh;
    struct raster raster;
    struct screen_vertex v[6] = {{0, 0, 5}, {0, 64, 5}, {64, 0, 5},
                                 {0, 0, 3}, {0, 64, 3}, {64, 0, 9}};
    ST_OK(mesh_create(&mesh, err));
    ST_OK(raster_create(&raster, SIDE, SIDE, 1, err));
    mesh_face(&mesh, PART_SKIN, 0, 1, 2);
    mesh_face(&mesh, PART_SKIN, 3, 4, 5);
    raster_draw(&raster, &mesh, v, 0, 2, 0);
    assert_int_equal(raster.face[0], 1);
    assert_int_equal(raster.face[SIDE - 1], 0);
    raster_free(&raster);
    mesh_free(&mesh);
}

static void motion_has_no_jumps(void **state)
{
    (void)state;
    const struct motion motion = {17, 1};
    struct vec3 last = {0, 0, 0};
    int blinks = 0;
    float shut = 0;
    for (int i = 0; i < 25 * 120; i++) {
        struct pose pose = {0};
        struct frame_of_head frame;
        motion_pose(&pose, &motion, i / 25.0, 1);
        rig_frame(&frame, &pose);
        struct vec3 nose = rig_head(&frame, vec3(0, -3.5f, 11));
        /* 0.2 cm is 3.5 pixels. */
        if (i > 0)
            assert_true(length3(sub3(nose, last)) < 0.2f);
        assert_true(fabsf(pose.yaw) < 0.12f && fabsf(pose.pitch) < 0.12f &&
                    fabsf(pose.roll) < 0.1f);
        blinks += pose.blink > 0.5f && shut <= 0.5f;
        shut = pose.blink;
        last = nose;
    }
    assert_in_range(blinks, 20, 60); /* people: 10 to 30 a minute */
}

static void still_motion_is_still(void **state)
{
    (void)state;
    for (int i = 0; i < 500; i++) {
        struct pose pose = {0};
        motion_pose(&pose, &(struct motion){3, 0}, i / 25.0, 1);
        assert_true(pose.yaw == 0 && pose.blink == 0 && pose.brow == 0 && pose.shift.x == 0);
    }
}

/* Edges of the lips at rest, moved. */
static float gap_at(const struct lips *lips, int place)
{
    return lips->edge[0][place].y - lips->edge[1][place].y;
}

static void lips_meet_at_corners_and_when_shut(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 500; i++) {
        struct mouth_shape mouth = {.jaw = hash_unit(1, i),
                                    .width = hash_unit(2, i) * 2 - 1,
                                    .round = hash_unit(3, i),
                                    .closed = i % 2 ? 1 : hash_unit(4, i),
                                    .teeth = hash_unit(5, i),
                                    .upper_raise = hash_unit(6, i),
                                    .lower_tuck = hash_unit(7, i)};
        struct lips lips;
        rig_lips(&lips, &mouth);
        for (int k = 0; k < LIP_TABLE; k++) {
            float gap = gap_at(&lips, k);
            assert_true(gap >= -1e-6f && gap <= lips.gap + 1e-6f); /* never through each other */
            if (k == 0 || k == LIP_TABLE - 1 || mouth.closed == 1)
                assert_true(fabsf(gap) < 1e-6f);
        }
        assert_true(fabsf(gap_at(&lips, LIP_TABLE / 2) - lips.gap) < 1e-5f);
    }
}

static void a_wider_jaw_opens_further(void **state)
{
    (void)state;
    float last = -1;
    for (int i = 0; i <= 20; i++) {
        struct lips lips;
        rig_lips(&lips, &(struct mouth_shape){.jaw = (float)i / 20, .teeth = 0.3f});
        assert_true(rig_opening(&lips) > last);
        last = rig_opening(&lips);
    }
    assert_true(last > 0.85f && last < 1);
}

static void lids_close_without_crossing(void **state)
{
    (void)state;
    for (int i = 0; i <= 40; i++) {
        float x = EYE_INNER + (EYE_OUTER - EYE_INNER) * (float)i / 40;
        assert_true(fabsf(lid_upper(x, 0) - lid_lower(x, 0)) < 1e-5f);
        assert_true(lid_upper(x, 1) - lid_lower(x, 1) > (i > 4 && i < 36 ? 0.3f : -1e-5f));
        assert_true(lid_upper(-x, 0.5f) == lid_upper(x, 0.5f));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(triangles_meet_without_holes),
                                       cmocka_unit_test(nearer_hides_farther),
                                       cmocka_unit_test(motion_has_no_jumps),
                                       cmocka_unit_test(still_motion_is_still),
                                       cmocka_unit_test(lips_meet_at_corners_and_when_shut),
                                       cmocka_unit_test(a_wider_jaw_opens_further),
                                       cmocka_unit_test(lids_close_without_crossing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
