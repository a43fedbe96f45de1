/* SPDX-License-Identifier: Apache-2.0 */
#include "person/sculpt.h"

/* Bound of the distance to an axis-aligned ellipsoid; exact on its surface. */
static float ellipsoid(struct vec3 p, struct vec3 centre, struct vec3 radii)
{
    struct vec3 d = sub3(p, centre);
    struct vec3 q = {d.x / radii.x, d.y / radii.y, d.z / radii.z};
    struct vec3 r = {q.x / radii.x, q.y / radii.y, q.z / radii.z};
    float k0 = length3(q);
    float k1 = length3(r);
    return k1 > 0 ? k0 * (k0 - 1) / k1 : -radii.x;
}

static float sphere(struct vec3 p, struct vec3 centre, float radius)
{
    return length3(sub3(p, centre)) - radius;
}

/* A stick from a to b, as thick as `ra` at a and `rb` at b. */
static float stick(struct vec3 p, struct vec3 a, struct vec3 b, float ra, float rb)
{
    struct vec3 ab = sub3(b, a);
    struct vec3 ap = sub3(p, a);
    float t = clampf(dot3(ap, ab) / dot3(ab, ab), 0, 1);
    return length3(mad3(ap, ab, -t)) - mixf(ra, rb, t);
}

/* Union whose seam is rounded over a width of `k`. */
static float melt(float a, float b, float k)
{
    float h = fmaxf(k - fabsf(a - b), 0) / k;
    return fminf(a, b) - h * h * k * 0.25f;
}

/* a without b, rounded. */
static float carve(float a, float b, float k)
{
    return -melt(-a, b, k);
}

static float skull(struct vec3 p)
{
    float d = ellipsoid(p, vec3(0, 3.4f, -1.0f), vec3(7.2f, 7.6f, 9.2f));
    d = melt(d, ellipsoid(p, vec3(0, 3.3f, 2.7f), vec3(5.9f, 5.6f, 6.2f)), 1.5f);
    return melt(d, ellipsoid(p, vec3(0, -1.6f, 1.6f), vec3(6.1f, 5.4f, 6.4f)), 2.0f);
}

static float jaw(struct vec3 p)
{
    float d = stick(p, vec3(0.8f, -8.6f, 7.1f), vec3(3.5f, -5.8f, 1.2f), 1.7f, 1.2f);
    d = melt(d, ellipsoid(p, vec3(0, -8.95f, 7.5f), vec3(1.65f, 1.5f, 1.95f)), 2.0f);
    return melt(d, stick(p, vec3(3.5f, -5.8f, 1.2f), vec3(4.75f, -1.5f, 0.6f), 1.2f, 1.3f), 2.0f);
}

static float face(struct vec3 p)
{
    float d = melt(skull(p), jaw(p), 2.6f);
    /* What carries the nose, from brow to teeth. */
    d = melt(d, ellipsoid(p, vec3(0, -2.2f, 4.2f), vec3(3.7f, 5.0f, 4.5f)), 2.0f);
    d = melt(d, ellipsoid(p, vec3(0, -6.2f, 5.0f), vec3(3.5f, 3.0f, 4.5f)), 1.8f);
    d = melt(d, ellipsoid(p, vec3(3.9f, -2.1f, 5.0f), vec3(2.0f, 1.5f, 2.35f)), 2.2f);
    /* The cheek between cheekbone, mouth and jaw. */
    d = melt(d, ellipsoid(p, vec3(2.55f, -4.6f, 4.7f), vec3(2.15f, 2.7f, 3.0f)), 2.4f);
    return melt(d, stick(p, vec3(1.1f, -8.0f, 7.0f), vec3(3.0f, -5.7f, 3.6f), 1.55f, 1.6f), 2.0f);
}

/* Brow, socket and the closed lids over the eyeball. */
static float sockets(float d, struct vec3 p)
{
    d = melt(d, stick(p, vec3(0.8f, 1.8f, 7.4f), vec3(4.1f, 2.3f, 6.2f), 0.95f, 0.75f), 2.2f);
    d = carve(d, ellipsoid(p, vec3(2.75f, 0.35f, 9.25f), vec3(1.75f, 1.05f, 1.2f)), 1.5f);
    return melt(d, sphere(p, vec3(EYE_X, EYE_Y, EYE_Z), LID_RADIUS), 1.0f);
}

static float nose(float d, struct vec3 p)
{
    float n = stick(p, vec3(0, 0.9f, 7.9f), vec3(0, -3.1f, 8.9f), 0.75f, 1.15f);
    n = melt(n, stick(p, vec3(0, 0.6f, 8.2f), vec3(0, -3.0f, 10.1f), 0.5f, 0.6f), 0.9f);
    n = melt(n, ellipsoid(p, vec3(0, -3.45f, 10.15f), vec3(0.85f, 0.75f, 0.95f)), 0.9f);
    n = melt(n, ellipsoid(p, vec3(1.05f, -3.75f, 9.05f), vec3(0.62f, 0.66f, 1.0f)), 0.5f);
    n = melt(n, stick(p, vec3(0, -3.9f, 10.2f), vec3(0, -4.4f, 9.1f), 0.36f, 0.4f), 0.3f);
    d = melt(d, n, 0.8f);
    return carve(d, ellipsoid(p, vec3(0.58f, -4.55f, 9.70f), vec3(0.27f, 0.24f, 0.36f)), 0.3f);
}

static float neck(struct vec3 p)
{
    float d =
        stick(vec3(p.x, p.y, p.z * 0.95f), vec3(0, -4, -1.8f), vec3(0, -19, -3.4f), 4.15f, 4.7f);
    /* The two cords from behind the ears to the pit of the throat. */
    float cord = stick(p, vec3(3.7f, -5.5f, -1.4f), vec3(0.9f, -17.6f, 1.5f), 1.25f, 0.8f);
    return melt(d, cord, 2.2f);
}

float sculpt_distance(struct vec3 p)
{
    float x = fabsf(p.x);
    /* Parts that reach the middle would meet their mirror images in an edge. */
    p.x = sqrtf(x * x + 0.4f * 0.4f);
    float d = sockets(face(p), p);
    float n = neck(p);
    p.x = x;
    return melt(nose(d, p), n, 1.6f);
}

int sculpt_hit(struct vec3 from, struct vec3 direction, float reach, struct vec3 *hit)
{
    float t = 0;
    for (int i = 0; i < 400 && t < reach; i++) {
        *hit = mad3(from, direction, t);
        float d = sculpt_distance(*hit);
        if (d < 2e-5f)
            return 1;
        t += d * 0.8f; /* seams and ellipsoids overstate the distance a little */
    }
    return 0;
}

float sculpt_front(float x, float y, float missing)
{
    struct vec3 hit;
    return sculpt_hit(vec3(x, y, 16), vec3(0, 0, -1), 24, &hit) ? hit.z : missing;
}
