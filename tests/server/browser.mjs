// SPDX-License-Identifier: Apache-2.0
// What a person does with the page, in headless Chromium. Started by test_page.py with the
// page's address, a folder of files to choose, and a folder for screenshots; each step is named
// on stdout, and the first thing that is not as it should be ends it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [address, files, shots, token, modules, chromium, modes] = process.argv.slice(2);
const playwright = createRequire(join(modules, "x.js"))("playwright-core");
const LIMIT = 240_000; // ms; only a hang is longer

const browser = await playwright.chromium.launch({
  executablePath: chromium, args: ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"] });
const context = await browser.newContext({ acceptDownloads: true });
const page = await context.newPage();
page.setDefaultTimeout(LIMIT);
const complaints = [];
page.on("pageerror", (error) => complaints.push(`error: ${error.message}`));
page.on("console", (message) => {
  // A refusal that a step provokes is told by the browser, too.
  if (message.type() === "error" && !/status of 4\d\d/.test(message.text()))
    complaints.push(`console: ${message.text()}`);
});
page.on("request", (request) => {
  if (!request.url().startsWith(address) && !/^(blob|data):/.test(request.url()))
    complaints.push(`another host: ${request.url()}`);
});

const step = (name) => console.log(name);
const newest = () => page.locator("#list > li").first();
const until = (state) => newest().and(page.locator(`[data-state="${state}"]`)).waitFor();
const choose = (kind, name) => page.locator(`#${kind}`).setInputFiles(join(files, name));

async function make() {
  const before = await page.locator("#list > li").count();
  await page.getByRole("button", { name: "Make the video" }).click();
  await page.waitForFunction((n) => document.querySelectorAll("#list > li").length > n, before);
}

async function play(width, height) {
  const film = newest().locator("video");
  await film.evaluate((v) => { v.muted = true; return v.play(); });
  await page.waitForFunction((v) => v.currentTime > 0.1, await film.elementHandle());
  const size = await film.evaluate((v) => [v.videoWidth, v.videoHeight]);
  assert.deepEqual(size, [width, height]);
  await film.evaluate((v) => v.pause());
}

async function download() {
  const [file] = await Promise.all([
    page.waitForEvent("download"), newest().getByRole("link", { name: "Download" }).click()]);
  const data = readFileSync(await file.path());
  assert.equal(data.subarray(4, 8).toString(), "ftyp");
  assert.match(file.suggestedFilename(), /^video-[0-9a-f]+\.mp4$/);
}

async function photograph(name) {
  for (const width of [390, 1024, 1600]) {
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      const wider = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wider <= 0, `${name} at ${width}: ${wider} pixels too wide`);
      await page.screenshot({ path: join(shots, `${name}-${width}-${colorScheme}.png`),
                              fullPage: true });
    }
  }
  await page.setViewportSize({ width: 1024, height: 900 });
}

step("a wrong token is told, the right one opens");
await page.goto(address);
if (token) {
  await page.getByLabel("Token").fill("wrong");
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByText("not the token").waitFor();
  await page.getByLabel("Token").fill(token);
  await page.keyboard.press("Enter");
}
await page.getByRole("heading", { name: "New video" }).waitFor();
await photograph("empty");

step("no sound is chosen: told in words");
await page.getByRole("button", { name: "Make the video" }).click();
await page.getByText("No sound is chosen yet").waitFor();

step("training: a start frame by its picture, a video that plays");
await choose("audio", "hello.wav");
await page.getByText("hello.wav").first().waitFor();
const slider = page.getByLabel("Start frame");
await slider.focus();
for (let i = 0; i < 3; i++)
  await page.keyboard.press("ArrowRight");
await page.waitForFunction(() => {
  const picture = document.getElementById("start-frame-picture");
  return picture.src.endsWith("number=3") && picture.complete && picture.naturalWidth > 0;
});
await page.getByLabel("Turn at the middle").first().check();
await page.getByLabel("Preset").selectOption("fast");
await make();
await until("completed");
await play(512, 512);
await download();
await photograph("done");
const asked = await page.evaluate(async () => (await (await fetch("/v1/videos")).json()).videos[0]);
assert.equal(asked.settings["start-frame"], "3");
assert.equal(asked.settings["loop-back"], "1");
assert.equal(asked.settings.preset, "fast");

step("a file that is no sound: the error says what to do");
await choose("audio", "no-sound.wav");
await make();
await until("failed");
await newest().getByText("no-sound.wav").first().waitFor();
await newest().getByText("Choose another file").waitFor();

step("a long one: progress moves, reloaded in mid-work it goes on, and can be cancelled");
await choose("audio", "long.wav");
await make();
await until("in_progress");
const bar = () => document.querySelector("#list progress").value;
await page.waitForFunction(() => document.querySelector("#list progress").value > 0);
const before = await page.evaluate(bar);
await page.waitForFunction((b) => document.querySelector("#list progress").value > b, before);
await photograph("working");
await page.reload();
await until("in_progress");
await page.waitForFunction(() => document.querySelector("#list progress").value > 0);
await newest().getByRole("button", { name: "Cancel" }).click();
await until("cancelled");
await newest().getByRole("button", { name: "Delete" }).click();
await page.waitForFunction(() => !document.querySelector('[data-state="cancelled"]'));

step("clips: by the keyboard alone, with the plot of speech");
await choose("audio", "pause.wav");
await page.getByRole("tab", { name: "Training video" }).focus();
await page.keyboard.press("ArrowLeft");
assert.equal(await page.getByRole("tab", { name: "Clips" }).getAttribute("aria-selected"), "true");
const words = page.locator("#speech-words");
await words.getByText(/^[1-9]\d* stretch.* seconds are speech/).waitFor();
const plot = () => page.locator("#speech-plot").evaluate((c) => c.toDataURL());
const told = await words.textContent();
assert.doesNotMatch(told, /and 0 pauses/, told);
const drawn = await plot();
await page.getByLabel("Speech begins").focus();
await page.keyboard.press("ArrowRight");
assert.notEqual(await plot(), drawn, "the threshold moved, and the plot did not");
await page.getByLabel("Pauses shorter").focus();
await page.keyboard.press("End");
await words.getByText("1 stretch of speech and 0 pauses").waitFor();
await page.keyboard.press("Home");
assert.doesNotMatch(await words.textContent(), /and 0 pauses/);
await photograph("speech");
for (let i = 0; i < 15; i++) // to 0.75 s
  await page.keyboard.press("ArrowRight");
assert.equal(await words.textContent(), told, "the same setting, another plot");
await make();
await until("completed");
await play(512, 512);
await newest().getByText("Where speech was found").click();
await page.waitForFunction(() => document.querySelector("#list .plot img").naturalWidth > 0);
await photograph("clips");

step("another video");
await page.getByRole("tab", { name: "Another video" }).click();
if (modes.includes("video")) {
  await choose("video", "take.mp4");
  await make();
  await until("completed");
  await play(512, 512);
} else {
  await page.getByText("networks are needed").waitFor();
  assert.ok(await page.getByRole("button", { name: "Make the video" }).isDisabled());
}
await photograph("video");

assert.deepEqual(complaints, []);
await browser.close();
