// SPDX-License-Identifier: Apache-2.0
// What is seen in a video while it is looked at: frames with the face in them, as
// /v1/uploads/ID/face tells.

// The frame's picture, with the square that will be redrawn and the points of the face. Answers when
// it is drawn.
export async function drawSight(canvas, sight) {
  const picture = new Image();
  if (sight.picture) {
    picture.src = sight.picture;
    await picture.decode();
  }
  const style = getComputedStyle(canvas);
  const width = picture.naturalWidth || canvas.width;
  const scale = width / sight.width;
  canvas.width = width;
  canvas.height = Math.max(1, Math.round(sight.height * scale));
  const paint = canvas.getContext("2d");
  if (sight.picture)
    paint.drawImage(picture, 0, 0, canvas.width, canvas.height);
  if (!sight.found)
    return;
  const [x, y, side] = sight.box.map((number) => number * scale);
  paint.lineWidth = 5;
  paint.strokeStyle = "#000"; // below the line, so that it is seen on any picture
  paint.strokeRect(x, y, side, side);
  paint.lineWidth = 2.5;
  paint.strokeStyle = style.getPropertyValue("--mark").trim();
  paint.strokeRect(x, y, side, side);
  for (let i = 0; i + 1 < sight.points.length; i += 2) {
    const [px, py] = [sight.points[i] * scale, sight.points[i + 1] * scale];
    paint.fillStyle = "#000";
    paint.fillRect(px - 2, py - 2, 4, 4);
    paint.fillStyle = style.getPropertyValue("--mark").trim();
    paint.fillRect(px - 1.25, py - 1.25, 2.5, 2.5);
  }
}

export function sightInWords(sight) {
  return `Frame ${sight.frame + 1} of ${sight.frames}: ` +
         (sight.found ? "a face is seen." : "no face is seen.");
}

// What the whole look found.
export function endInWords(end) {
  const small = end.smallest_side < 256
    ? ` It is small, ${end.smallest_side} pixels across: at least 256 are better.` : "";
  if (end.found === end.frames)
    return `A face is seen in all ${end.frames} frames.${small}`;
  return `A face is seen in ${end.found} of ${end.frames} frames; the first without is at ` +
         `${(end.first_missing / end.fps).toFixed(1)} s.${small}`;
}
