// SPDX-License-Identifier: Apache-2.0
// The stretches that the page draws, of an answer of /v1/uploads/ID/vad on stdin and settings as
// arguments, "THRESHOLD,SECONDS" each: one line of JSON for each setting, as `synctalk vad --json`
// has them.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [module, ...settings] = process.argv.slice(2);
const { stretchesOf } = await import(pathToFileURL(module));
const sound = JSON.parse(readFileSync(0, "utf8"));
for (const setting of settings) {
  const [threshold, silence] = setting.split(",").map(Number);
  const segments = stretchesOf(sound, threshold, silence).map((part) => ({
    start: part.start / sound.hz, end: part.end / sound.hz,
    label: part.speech ? "speech" : "silence" }));
  console.log(JSON.stringify({ duration: sound.samples / sound.hz, segments }));
}
