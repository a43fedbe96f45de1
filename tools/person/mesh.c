/* SPDX-License-Identifier: Apache-2.0 */
#include "person/mesh.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

/* Twice an area in cm^2 beyond which a face counts no more for normals: those that bridge
 * an overhang must not turn the skin on both sides. */
#define LARGE 0.03f

synctalk_status mesh_create(struct mesh *mesh, synctalk_error *err)
{
    *mesh = (struct mesh){0};
    mesh->rest = calloc(MESH_VERTICES, sizeof *mesh->rest);
    mesh->uv = calloc(MESH_VERTICES, sizeof *mesh->uv);
    mesh->bone = calloc(MESH_VERTICES, sizeof *mesh->bone);
    mesh->face = calloc(MESH_FACES, sizeof *mesh->face);
    mesh->part = calloc(MESH_FACES, sizeof *mesh->part);
    if (mesh->rest && mesh->uv && mesh->bone && mesh->face && mesh->part)
        return SYNCTALK_OK;
    mesh_free(mesh);
    return st_fail_memory(err, "a mesh", MESH_VERTICES * sizeof(struct vec3));
}

void mesh_free(struct mesh *mesh)
{
    free(mesh->rest);
    free(mesh->uv);
    free(mesh->bone);
    free(mesh->face);
    free(mesh->part);
    *mesh = (struct mesh){0};
}

uint32_t mesh_vertex(struct mesh *mesh, struct vec3 position, struct vec2 uv, enum bone bone)
{
    if (mesh->vertices == MESH_VERTICES)
        abort();
    mesh->rest[mesh->vertices] = position;
    mesh->uv[mesh->vertices] = uv;
    mesh->bone[mesh->vertices] = (uint8_t)bone;
    return (uint32_t)mesh->vertices++;
}

void mesh_face(struct mesh *mesh, enum part part, uint32_t a, uint32_t b, uint32_t c)
{
    if (a == b || b == c || c == a)
        return;
    if (mesh->faces == MESH_FACES)
        abort();
    mesh->face[mesh->faces] = (struct face){{a, b, c}};
    mesh->part[mesh->faces++] = (uint8_t)part;
}

void mesh_quad(struct mesh *mesh, enum part part, uint32_t a, uint32_t b, uint32_t c, uint32_t d)
{
    mesh_face(mesh, part, a, b, c);
    mesh_face(mesh, part, a, c, d);
}

void mesh_normals(const struct mesh *mesh, const struct vec3 *position, struct vec3 *normal)
{
    memset(normal, 0, (size_t)mesh->vertices * sizeof *normal);
    for (int f = 0; f < mesh->faces; f++) {
        const uint32_t *v = mesh->face[f].v;
        struct vec3 a = position[v[0]];
        struct vec3 n = cross3(sub3(position[v[1]], a), sub3(position[v[2]], a));
        float twice = length3(n);
        if (twice > LARGE)
            n = scale3(n, LARGE / twice);
        for (int k = 0; k < 3; k++)
            normal[v[k]] = add3(normal[v[k]], n);
    }
    for (int i = 0; i < mesh->vertices; i++)
        normal[i] = unit3(normal[i]);
}
