/* SPDX-License-Identifier: Apache-2.0 */
#include "person/person.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "person/bake.h"
#include "person/dress.h"
#include "person/ear.h"
#include "person/eye.h"
#include "person/hair.h"
#include "person/marks.h"
#include "person/resolve.h"
#include "person/teeth.h"

/* Openings at which light was baked; frames lie between. */
static const struct mouth_shape bake_shut = {.closed = 1};
static const struct mouth_shape bake_open = {.jaw = 0.8f, .teeth = 0.6f};

struct person {
    struct mesh mesh;
    struct skin skin;
    struct hair hair;
    struct marks marks;
    struct paint *paint;
    struct baked *baked[2]; /* [vertices] with the mouth shut, open */
    struct vec3 *room;
};

struct person_studio {
    const struct person *person;
    struct raster raster;
    struct vec3 *position, *normal; /* [vertices] */
    struct screen_vertex *screen;
    struct lit *lit;
    struct vec3 *light; /* the picture */
};

static synctalk_status bake(struct person *person, synctalk_error *err)
{
    synctalk_status st = SYNCTALK_OK;
    size_t count = (size_t)person->mesh.vertices;
    struct vec3 *position = malloc(count * sizeof *position);
    struct vec3 *normal = malloc(count * sizeof *normal);
    if (!position || !normal) {
        st = st_fail_memory(err, "light and shadow", count * sizeof *normal);
        goto done;
    }
    for (int i = 0; i < 2; i++) {
        struct pose pose = {.mouth = i ? bake_open : bake_shut};
        struct lips lips;
        if (!(person->baked[i] = malloc(count * sizeof *person->baked[i]))) {
            st = st_fail_memory(err, "light and shadow", count * sizeof *person->baked[i]);
            goto done;
        }
        rig_lips(&lips, &pose.mouth);
        rig_apply(&person->mesh, &person->skin, &pose, &lips, position);
        mesh_normals(&person->mesh, position, normal);
        if ((st = bake_scene(&person->mesh, position, normal, person->baked[i], err)))
            goto done;
        for (int v = 0; v < person->skin.count; v++)
            hair_shade(person->mesh.rest[v], person->baked[i] + v);
    }

done:
    free(position);
    free(normal);
    return st;
}

synctalk_status person_create(struct person **out, uint32_t seed, synctalk_error *err)
{
    synctalk_status st;
    *out = NULL;
    struct person *person = calloc(1, sizeof *person);
    if (!person)
        return st_fail_memory(err, "a person", sizeof *person);
    if ((st = mesh_create(&person->mesh, err)))
        goto done;
    if ((st = skin_create(&person->skin, &person->mesh, err)))
        goto done;
    eye_create(&person->mesh);
    teeth_create(&person->mesh);
    ear_create(&person->mesh);
    dress_create(&person->mesh);
    if ((st = hair_create(&person->hair, &person->skin, &person->mesh, seed + 200, err)))
        goto done;
    marks_create(&person->marks, &person->skin, &person->mesh);
    if ((st = paint_create(&person->paint, seed, err)))
        goto done;
    size_t pixels = (size_t)STAGE_SIDE * STAGE_SIDE;
    if (!(person->room = malloc(pixels * sizeof *person->room))) {
        st = st_fail_memory(err, "the room", pixels * sizeof *person->room);
        goto done;
    }
    stage_room(person->room, seed + 100);
    if ((st = bake(person, err)))
        goto done;
    *out = person;
    person = NULL;

done:
    person_free(&person);
    return st;
}

void person_free(struct person **person)
{
    struct person *p = *person;
    if (!p)
        return;
    mesh_free(&p->mesh);
    skin_free(&p->skin);
    hair_free(&p->hair);
    paint_free(&p->paint);
    free(p->baked[0]);
    free(p->baked[1]);
    free(p->room);
    free(p);
    *person = NULL;
}

synctalk_status person_studio_create(struct person_studio **out, const struct person *person,
                                     synctalk_error *err)
{
    size_t count = (size_t)person->mesh.vertices;
    *out = NULL;
    struct person_studio *s = calloc(1, sizeof *s);
    if (!s)
        return st_fail_memory(err, "a studio", sizeof *s);
    s->person = person;
    s->position = malloc(count * sizeof *s->position);
    s->normal = malloc(count * sizeof *s->normal);
    s->screen = malloc(count * sizeof *s->screen);
    s->lit = malloc(count * sizeof *s->lit);
    s->light = malloc(sizeof *s->light * STAGE_SIDE * STAGE_SIDE);
    synctalk_status st = raster_create(&s->raster, STAGE_SIDE, STAGE_SIDE, STAGE_SAMPLES, err);
    if (!st && !(s->position && s->normal && s->screen && s->lit && s->light))
        st = st_fail_memory(err, "a studio", count * sizeof *s->lit);
    if (st)
        person_studio_free(&s);
    *out = s;
    return st;
}

void person_studio_free(struct person_studio **studio)
{
    struct person_studio *s = *studio;
    if (!s)
        return;
    free(s->position);
    free(s->normal);
    free(s->screen);
    free(s->lit);
    free(s->light);
    raster_free(&s->raster);
    free(s);
    *studio = NULL;
}

static void light_vertices(struct person_studio *s, const struct lips *lips)
{
    const struct person *p = s->person;
    float part = stepf(0, 1.5f, lips->gap);
    for (int i = 0; i < p->mesh.vertices; i++) {
        const struct baked *a = &p->baked[0][i];
        const struct baked *b = &p->baked[1][i];
        int skin = i < p->skin.count;
        int inside = mesh_is_inside(&p->mesh, i);
        /* What is inside is never seen with the mouth shut. */
        float t = inside ? 1 : part;
        struct baked now = {.key = mix3(a->key, b->key, t), .open = mixf(a->open, b->open, t)};
        for (int k = 0; k < LAMP_COUNT; k++)
            now.lamp[k] = mixf(a->lamp[k], b->lamp[k], t);
        if (inside) { /* light bounces between lips and teeth */
            now.open = fmaxf(now.open, 0.38f);
            now.lamp[LAMP_KEY] = fmaxf(now.lamp[LAMP_KEY], 0.42f);
            now.key = vec3(now.lamp[LAMP_KEY], now.lamp[LAMP_KEY], now.lamp[LAMP_KEY]);
        }
        shade_light(s->lit + i, s->normal[i], &now, skin || inside);
    }
}

synctalk_status person_render(struct person_studio *s, const struct pose *pose,
                              struct st_picture *picture, struct st_landmarks *landmarks,
                              float *opening, synctalk_error *err)
{
    const struct person *p = s->person;
    struct lips lips;
    synctalk_status st = st_picture_resize(picture, STAGE_SIDE, STAGE_SIDE, err);
    if (st)
        return st;
    rig_lips(&lips, &pose->mouth);
    rig_apply(&p->mesh, &p->skin, pose, &lips, s->position);
    mesh_normals(&p->mesh, s->position, s->normal);
    light_vertices(s, &lips);
    for (int i = 0; i < p->mesh.vertices; i++)
        s->screen[i] = stage_project(s->position[i]);
    raster_clear(&s->raster);
    raster_draw(&s->raster, &p->mesh, s->screen, 0, p->mesh.faces, 0);
    struct frame_of_head frame;
    rig_frame(&frame, pose);
    struct shade_frame shade = {.paint = p->paint,
                                .turn = frame.turn,
                                .gaze_x = pose->gaze_x,
                                .gaze_y = pose->gaze_y,
                                .blink = pose->blink,
                                .gap = lips.gap,
                                .purse = pose->mouth.round};
    struct resolve resolve = {.mesh = &p->mesh,
                              .raster = &s->raster,
                              .screen = s->screen,
                              .normal = s->normal,
                              .lit = s->lit,
                              .room = p->room,
                              .shade = &shade};
    resolve_picture(&resolve, s->light);
    hair_draw(&p->hair, &p->mesh, pose, s->position, &s->raster, s->light);
    stage_develop(s->light, picture);
    if (landmarks)
        marks_project(&p->marks, s->position, landmarks);
    if (opening)
        *opening = rig_opening(&lips);
    return SYNCTALK_OK;
}
