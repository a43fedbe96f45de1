/* SPDX-License-Identifier: Apache-2.0 */
/* Curves that more than one file must agree on: where lips and lids begin and end, seen from
 * the front, at rest. Lengths in cm of head space.
 */
#ifndef PERSON_OUTLINE_H
#define PERSON_OUTLINE_H

#define MOUTH_Y (-6.5f)
#define MOUTH_HALF 2.42f /* corner of the mouth, from the middle */

/* y of the line between the lips. */
float lips_line(float x);
/* Heights of the red of the upper and the lower lip; 0 from the corners outwards. */
float lips_upper(float x);
float lips_lower(float x);

#define EYE_INNER 1.54f /* |x| of the corners of an eye */
#define EYE_OUTER 4.73f

/* y of the edges of the lids, 1 = open as at rest, 0 = shut; equal beyond the corners. */
float lid_upper(float x, float open);
float lid_lower(float x, float open);
/* y of the fold above the upper lid. */
float lid_fold(float x);
/* 0 at the corners of the eye and outside .. 1 between them. */
float lid_span(float x);

/* Middle line of an eyebrow, and half of its height; 0 beyond its ends. */
float brow_line(float x);
float brow_half(float x);

#endif /* PERSON_OUTLINE_H */
