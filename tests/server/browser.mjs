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
  if (message.type() === "error" && !/status of (4\d\d|502|507)/.test(message.text()))
    complaints.push(`console: ${message.text()}`);
});
page.on("request", (request) => {
  if (!request.url().startsWith(address) && !/^(blob|data):/.test(request.url()))
    complaints.push(`another host: ${request.url()}`);
});

const began = Date.now();
const step = (name) => console.log(`${((Date.now() - began) / 1000).toFixed(1)} s  ${name}`);
const newest = () => page.locator("#list > li").first();
const until = (state) => newest().and(page.locator(`[data-state="${state}"]`)).waitFor();
const choose = (kind, name) => page.locator(`#${kind}`).setInputFiles(join(files, name));

async function make() {
  const before = await page.locator("#list > li").count();
  await page.getByRole("button", { name: "Make the video" }).click();
  await page.waitForFunction((n) => document.querySelectorAll("#list > li").length > n, before);
}

// What becomes of the bytes of a file: `answer` is given each request that brings some.
async function onSending(answer) {
  const handler = (route) => (route.request().method() === "PATCH" ? answer(route)
                                                                   : route.fallback());
  await page.route("**/v1/uploads/*", handler);
  return () => page.unroute("**/v1/uploads/*", handler);
}

// They do not arrive until what this answers is called.
async function holdSending() {
  let release;
  const released = new Promise((resolve) => { release = resolve; });
  const end = await onSending(async (route) => {
    await released;
    await route.fallback().catch(() => {}); // its sender may be gone
  });
  return async () => {
    release();
    await end();
  };
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
    page.waitForEvent("download"),
    newest().getByRole("link", { name: /^Download .*\.wav$/ }).click()]);
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

// A long one in the mode that is chosen: its progress moves, the page is loaded anew in the midst of
// it, and it is cancelled and forgotten.
async function leaveAndCancel(photo) {
  const moves = (than) => page.waitForFunction(
    (value) => document.querySelector("#list > li progress").value > value, than);
  const thumb = newest().locator(".thumb");
  await choose("audio", "long.wav");
  await make();
  await until("in_progress");
  await moves(0);
  await moves(await page.evaluate(() => document.querySelector("#list > li progress").value));
  await page.waitForFunction((picture) => picture.naturalWidth > 0, await thumb.elementHandle());
  if (photo)
    await photograph(photo);
  await page.reload();
  await until("in_progress");
  await moves(0);
  // By the keyboard, the button that had the focus went, and the page's top had it.
  const focus = (selector) => page.waitForFunction(
    (wanted) => document.activeElement?.matches(wanted), selector);
  await newest().getByRole("button", { name: "Cancel long.wav", exact: true }).press("Enter");
  await until("cancelled");
  await focus('#list > [data-state="cancelled"] .remove[aria-label="Delete long.wav"]');
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => !document.querySelector('[data-state="cancelled"]'));
  await focus("#list > li:first-child h3");
  assert.equal(await page.locator("#said").textContent(), "long.wav is deleted");
}

step("a wrong token is told, the right one opens");
await page.goto(address);
if (token) {
  await page.getByLabel("Token").fill("wrong");
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByText("not the token of this server. Whoever runs the server").waitFor();
  await page.getByLabel("Token").fill(token);
  await page.keyboard.press("Enter");
}
await page.getByRole("heading", { name: "New video" }).waitFor();
// Each request said the first of each, so that `serve --preset` and `--encoder` had no effect.
assert.equal(await page.getByLabel("Preset").inputValue(), "fast");
assert.equal(await page.getByLabel("Audio encoder").inputValue(), "ave");
await photograph("empty");

step("no sound is chosen: told in words");
await page.getByRole("button", { name: "Make the video" }).click();
await page.getByText("No sound is chosen yet").waitFor();

// An answer that is no JSON threw where nobody caught it, and the page said "Sending …" for good;
// the same file chosen again was no change.
step("sending: what a proxy answers is told, and the same file can be chosen again");
const answers = [{ status: 413, contentType: "text/html", body: "<h1>too large</h1>" }];
const answerNoMore = await onSending((route) => (answers.length ? route.fulfill(answers.shift())
                                                                : route.fallback()));
await choose("audio", "hello.wav");
await page.getByText("hello.wav could not be sent").waitFor();
await page.getByText("such as a proxy, answered with status 413. Choose a shorter").waitFor();
assert.equal(await page.locator("#audio").inputValue(), "");
for (const [status, code, advice] of [[507, "insufficient_storage", "Delete videos"],
                                      [401, "unauthorized", "Load this page again"]]) {
  answers.push({ status, json: { error: { code, message: `it is ${code}` } } });
  await choose("audio", "hello.wav");
  await page.getByText(`it is ${code}. ${advice}`).waitFor();
}

// After a change of network the server takes the old connection to be writing still, for a minute.
step("sending: it goes on where the server is not reached, or takes another to be writing");
answers.push({ status: 409, json: { error: { code: "exists", message: "another writes it" } } },
             { status: 502, contentType: "text/html", body: "<h1>Bad Gateway</h1>" });
await choose("audio", "hello.wav");
await page.getByText("hello.wav waits for the server").waitFor();
await page.locator("#said").getByText("hello.wav is sent").waitFor({ state: "attached" });
assert.equal(answers.length, 0);
assert.equal(await page.locator("#audio-name").textContent(), "hello.wav");
await answerNoMore();

// The wait for a file that another replaced had no end.
step("sending: another file is chosen while the video is asked for");
const release = await holdSending();
await choose("audio", "long.wav");
await page.getByRole("button", { name: "Make the video" }).press("Enter");
await page.getByRole("button", { name: "Sending" }).waitFor();
await choose("audio", "hello.wav");
await page.getByText("long.wav was replaced while it was being sent").waitFor();
assert.ok(await page.getByRole("button", { name: "Make the video" }).isEnabled());
await page.waitForFunction(() => document.activeElement?.id === "make"); // as it was
assert.equal(await page.locator("#list > li").count(), 0);
await release();

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
await page.locator("#strip img").last().click();
const end = Number(await slider.getAttribute("max"));
assert.equal(await slider.inputValue(), String(end));
await slider.focus();
await page.keyboard.press("Home");
for (let i = 0; i < 3; i++)
  await page.keyboard.press("ArrowRight");
await page.getByLabel("Turn at the middle").first().check();
await page.getByLabel("Preset").selectOption("default");
// What was chosen while the sound was being sent took the place of what had been asked for, and let
// the button be pressed again.
const arrive = await holdSending();
await choose("audio", "hello.wav");
await page.getByRole("button", { name: "Make the video" }).click();
await page.getByRole("button", { name: "Sending" }).waitFor();
await page.getByRole("tab", { name: "Clips" }).click();
assert.ok(await page.getByRole("button", { name: "Sending" }).isDisabled());
await page.getByLabel("Preset").selectOption("low_memory");
await page.getByRole("tab", { name: "Training video" }).click();
assert.ok(await page.getByRole("button", { name: "Sending" }).isDisabled());
await page.getByLabel("Turn at the middle").first().uncheck();
await page.getByRole("tab", { name: "Another video" }).click();
await arrive();
await until("completed");
await page.getByRole("button", { name: "Make the video" }).waitFor();
assert.equal(await page.locator("#list > li").count(), 1);
await page.getByRole("tab", { name: "Training video" }).click();
await page.getByLabel("Preset").selectOption("fast");
await play(512, 512);
await download();
await photograph("done");
const newestAsked = () =>
  page.evaluate(async () => (await (await fetch("/v1/videos")).json()).videos[0].settings);
const asked = await newestAsked();
assert.equal(asked.mode, "training");
assert.equal(asked["start-frame"], "3");
assert.equal(asked["loop-back"], "1");
assert.equal(asked.preset, "default");
assert.equal(asked.encoder, undefined);

step("a file that is no sound: the error says what to do");
await choose("audio", "no-sound.wav");
await make();
await until("failed");
await newest().getByText("no-sound.wav").first().waitFor();
await newest().getByText("Choose another file").waitFor();
assert.equal((await newestAsked()).preset, undefined, "said, though it holds anyway");

step("training: progress moves, reloaded in mid-work it goes on, and can be cancelled");
await leaveAndCancel("working");

if (modes.includes("speech")) {
  step("a sentence that is typed is spoken, listened to, and made a video of");
  await page.getByLabel("A sentence").check();
  await page.getByRole("button", { name: "Make the video" }).click();
  await page.getByText("a sentence is needed").waitFor();
  await page.getByLabel("What is said").fill("x".repeat(2001));
  await page.getByText("1 characters too many").waitFor();
  await page.getByRole("button", { name: "Make the video" }).click();
  await page.getByText("it has 2001 characters").waitFor();
  await page.getByLabel("What is said").fill("Guten Tag.");
  await page.getByLabel("Voice").selectOption("de");
  await page.getByRole("button", { name: "Listen to it" }).click();
  await page.waitForFunction(() => document.getElementById("audio-preview").duration > 0.3);
  await photograph("sentence");
  await page.getByLabel("Preset").selectOption("fast");
  await make();
  await until("completed");
  await newest().getByRole("heading", { name: "Guten Tag." }).waitFor();
  await play(512, 512);
  await page.getByLabel("What is said").fill("Auf Wiedersehen."); // not listened to: spoken at once
  await make();
  await until("completed");
  await newest().getByRole("heading", { name: "Auf Wiedersehen." }).waitFor();
  await page.getByLabel("A file").check();
} else {
  assert.ok(await page.locator("#sound-kinds").isHidden());
}

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
// Speech was told by a shade at 1.3 to 1.
for (const colorScheme of ["light", "dark"]) {
  await page.emulateMedia({ colorScheme });
  await page.waitForFunction((least) => {
    const luminance = (rgb) => rgb.map((part) => part / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
      .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
    const canvas = document.getElementById("speech-plot");
    const top = canvas.getContext("2d").getImageData(0, 1, canvas.width, 1).data;
    const { backgroundColor } = getComputedStyle(canvas.closest(".card"));
    const back = luminance(backgroundColor.match(/\d+/g).map(Number));
    const contrasts = [];
    for (let i = 0; i < top.length; i += 4)
      if (top[i + 3] === 255)
        contrasts.push([luminance([...top.slice(i, i + 3)]), back]
          .sort((a, b) => b - a).map((l) => l + 0.05).reduce((a, b) => a / b));
    const some = contrasts.length > 10 && contrasts.length < canvas.width; // there are pauses
    return some && Math.min(...contrasts) > least;
  }, 3);
}
await photograph("speech");
for (let i = 0; i < 15; i++) // to 0.75 s
  await page.keyboard.press("ArrowRight");
assert.equal(await words.textContent(), told, "the same setting, another plot");
await make();
await until("completed");
await play(512, 512);
await newest().getByText("Where speech was found").click();
await page.waitForFunction(() => document.querySelector("#list .plot img").naturalWidth > 0);
await download();
await photograph("clips");
step("clips: left in mid-work and cancelled");
await leaveAndCancel();

step("another video: the face is shown as it is found");
await page.getByRole("tab", { name: "Another video" }).click();
if (modes.includes("video")) {
  const words = page.locator("#face-words");
  await choose("video", "no-sound.wav");
  await words.getByText("Choose another video").waitFor();
  await page.evaluate(() => {
    window.faceWords = [];
    new MutationObserver(() => window.faceWords.push(
      document.getElementById("face-words").textContent)).observe(
      document.getElementById("face-words"), { childList: true });
  });
  await choose("video", "take.mp4");
  await words.getByText(/^A face is seen in all \d+ frames/).waitFor();
  const told = await page.evaluate(() => window.faceWords);
  assert.ok(told.some((text) => /^Frame \d+ of \d+: a face is seen/.test(text)), told);
  const colours = await page.locator("#face-picture").evaluate((canvas) => {
    const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let marks = 0;
    for (let i = 0; i < data.length; i += 4)
      marks += data[i] === 0x5c && data[i + 1] === 0xf0 && data[i + 2] === 0xa8;
    return { marks, width: canvas.width };
  });
  assert.equal(colours.width, 400);
  assert.ok(colours.marks > 400, `${colours.marks} pixels of box and points`);
  await photograph("face");
  await choose("audio", "hello.wav");
  await make();
  await until("completed");
  await play(512, 512);
  await download();
  step("another video: left in mid-work and cancelled");
  await leaveAndCancel();
} else {
  await page.getByText("networks are needed").waitFor();
  assert.ok(await page.getByRole("button", { name: "Make the video" }).isDisabled());
}
await photograph("video");
step("the end");

assert.deepEqual(complaints, []);
await browser.close();
