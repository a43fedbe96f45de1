// SPDX-License-Identifier: Apache-2.0
// The page: a client of the API like any other. What can be chosen, and how far sliders go, is read
// from /openapi.json, so that the page and the program cannot disagree.

import { drawSight, sightInWords, endInWords } from "./face.js";
import { drawSpeech, inWords as speechInWords, stretchesOf } from "./speech.js";
import { Refusal, ask, byId, inWords, say, showError, unreachable, valueOf } from "./talk.js";

const modes = ["training", "video", "clips"];
// What is sent, or spoken: {name, id, done: Promise, whole, failed, url}; of a file also {file,
// stop, replaced}, of a sentence {key}. `done` always comes, and throws nothing.
const pieces = { audio: null, text: null, video: null };
const shown = new Map(); // id of a video: its <li>
const STRIP = 6; // frames below the start frame
let models = [];
let silence = {}; // settings, as texts, of a video whose request is silent about them
let mode = "training";
let sending = false; // what a video will be made of; another is asked for when that has ended
let stream = null; // events of the video in work: one, as a browser opens six connections
let textMost = 2000; // characters of a sentence
let oldest = null; // "before" of the next page

// ---- files ----

// Seconds before each further try: in all longer than the server by itself takes a connection that
// broke to be writing still, which is a minute.
const waits = [1, 2, 4, 8, 16, 20, 20, 20];

// No answer, a proxy that misses its server, or the connection that broke is not given up yet.
const passes = ({ code, status }) =>
  code === "unreachable" || status === 409 || (status >= 502 && status <= 504);

function replaced(piece) {
  return new Refusal(0, { code: "",
                          message: `${piece.name} was replaced while it was being sent` });
}

function send(piece, from, tell) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PATCH", `/v1/uploads/${piece.id}`);
    request.setRequestHeader("Upload-Offset", String(from));
    request.upload.onprogress = (event) => tell((from + event.loaded) / (piece.file.size || 1));
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(replaced(piece));
    request.onload = () => {
      try {
        resolve(valueOf(request.status, request.responseText));
      } catch (error) {
        reject(error);
      }
    };
    request.send(piece.file.slice(from));
    piece.stop = () => request.abort();
  });
}

// Announced first: when the connection breaks, it goes on from what is there. `tell` is given the
// part that is sent, or null while it waits for the next try.
async function upload(piece, tell) {
  const name = encodeURIComponent(piece.file.name);
  const made = await ask("POST", `/v1/uploads?name=${name}`, undefined,
                         { "Upload-Length": String(piece.file.size) });
  piece.id = made.id;
  for (let attempt = 0; ; attempt++) {
    try {
      const there = attempt === 0 ? made : await ask("GET", `/v1/uploads/${piece.id}`);
      if (piece.replaced)
        throw replaced(piece);
      if (!there.complete)
        await send(piece, there.offset, tell);
      return;
    } catch (error) {
      if (piece.replaced || !passes(error) || attempt === waits.length)
        throw error;
      tell(null);
      await new Promise((resolve) => {
        piece.stop = resolve;
        setTimeout(resolve, 1000 * waits[attempt]);
      });
    }
  }
}

function take(kind, file) {
  const bar = byId(`${kind}-progress`);
  const label = byId(`${kind}-name`);
  if (pieces[kind]) {
    pieces[kind].replaced = true;
    pieces[kind].stop?.();
  }
  showError(byId("new-error"), null);
  const piece = { file, name: file.name, id: null, failed: null, whole: false, replaced: false };
  pieces[kind] = piece;
  byId(`${kind}-drop`).classList.add("full");
  label.textContent = file.name;
  bar.hidden = false;
  bar.value = 0;
  if (kind === "audio")
    piece.url = URL.createObjectURL(file);
  showPreview();
  askAboutFiles();
  piece.done = upload(piece, (part) => {
    if (pieces[kind] !== piece)
      return;
    bar.value = part ?? bar.value;
    label.textContent = part === null ? `${file.name} waits for the server …` : file.name;
  }).then(() => {
    piece.whole = true;
    if (pieces[kind] !== piece)
      return;
    bar.hidden = true;
    label.textContent = file.name;
    say(`${file.name} is sent`);
    askAboutFiles();
  }, (error) => {
    piece.failed = error;
    if (pieces[kind] !== piece)
      return;
    bar.hidden = true;
    label.textContent = `${file.name} could not be sent`;
    showError(byId("new-error"), error);
  });
}

// ---- the sound: a file, or a sentence ----

const soundKind = () => document.querySelector('[name="sound"]:checked').value;
const textKey = () => `${byId("voice").value} ${byId("text").value}`;

// The piece that is the sound, as far as there is one: a sentence that was changed since it was
// spoken is none.
function sound() {
  if (soundKind() === "file")
    return pieces.audio;
  return pieces.text?.key === textKey() ? pieces.text : null;
}

function showPreview() {
  const preview = byId("audio-preview");
  const url = sound()?.url;
  preview.hidden = !url;
  if (url && preview.src !== url)
    preview.src = url;
  if (!url)
    preview.pause();
}

function speak() {
  const text = byId("text").value;
  const voice = byId("voice").value;
  const piece = { name: text, key: textKey(), id: null, failed: null, whole: false };
  const make = async () => {
    const made = await ask("POST", "/v1/speech", { text, voice });
    piece.id = made.id;
    const bytes = await (await fetch(`/v1/uploads/${made.id}/content`)).blob();
    piece.url = URL.createObjectURL(new Blob([bytes], { type: "audio/wav" }));
    piece.whole = true;
  };
  pieces.text = piece;
  piece.done = make().catch((error) => {
    piece.failed = error;
    if (pieces.text === piece)
      pieces.text = null; // so that the next try speaks again
  }).then(() => {
    showPreview();
    askAboutFiles();
  });
  return piece;
}

// A button that is disabled loses the focus. Answers what gives both back.
function disable(button) {
  const focused = document.activeElement === button;
  button.disabled = true;
  return () => {
    button.disabled = false;
    if (focused && document.activeElement === document.body)
      button.focus();
  };
}

async function listen() {
  const enable = disable(byId("speak"));
  const piece = sound() ?? speak();
  await piece.done;
  enable();
  showError(byId("new-error"), piece.failed);
  if (piece.url)
    byId("audio-preview").play().catch(() => {});
}

function showSoundKind() {
  const text = soundKind() === "text";
  byId("sound-file").hidden = text;
  byId("sound-text").hidden = !text;
  countText();
}

function countText() {
  const left = textMost - [...byId("text").value].length;
  byId("text-left").textContent = left >= 0 ? `${left} characters are left`
                                            : `${-left} characters too many`;
  byId("text-left").classList.toggle("over", left < 0);
  showPreview();
  askAboutFiles();
}

// Of those that the server can speak in, one of the browser's language first.
async function prepareVoices() {
  const answer = await ask("GET", "/v1/voices");
  const wanted = navigator.language.toLowerCase();
  const fits = (id) => (id === wanted ? 0 : id === wanted.split("-")[0] ? 1
                        : id.split("-")[0] === wanted.split("-")[0] ? 2 : 3);
  const best = [...answer.voices].sort((a, b) => fits(a.id) - fits(b.id))[0];
  byId("voice").replaceChildren(...answer.voices.map(({ id, name }) =>
    new Option(`${name} (${id})`, id, false, id === best?.id)));
  textMost = answer.text_most;
  byId("sound-kinds").hidden = answer.voices.length === 0;
  for (const radio of document.querySelectorAll('[name="sound"]'))
    radio.addEventListener("change", showSoundKind);
  byId("text").addEventListener("input", countText);
  byId("voice").addEventListener("change", countText);
  byId("speak").addEventListener("click", listen);
  showSoundKind();
}

// ---- the face in a video ----

let face = null; // {piece, model, stream, words}

function askAboutFiles() {
  askForSpeech();
  askForFace();
}

// The video is looked at as soon as it is there; what was seen is kept, so that the video to be
// made need not look again.
function askForFace() {
  const piece = mode === "video" && person()?.modes.includes("video") && pieces.video?.whole
    ? pieces.video : null;
  if (face?.piece === piece && (!piece || face?.model === person().name))
    return;
  face?.stream.close();
  byId("face-picture").hidden = true;
  byId("face-progress").hidden = true;
  face = null;
  if (!piece) {
    byId("face-words").textContent = "";
    return;
  }
  const mine = { piece, model: person().name };
  face = mine;
  const tell = (text, aloud) => {
    byId("face-words").textContent = text;
    if (aloud)
      say(text);
  };
  const end = (text) => {
    mine.stream.close();
    byId("face-progress").hidden = true;
    tell(text, true);
  };
  tell("Looking for the face …", true);
  byId("face-progress").removeAttribute("value");
  byId("face-progress").hidden = false;
  const model = encodeURIComponent(mine.model);
  mine.stream = new EventSource(`/v1/uploads/${piece.id}/face?model=${model}`);
  mine.stream.addEventListener("progress", async (event) => {
    const sight = JSON.parse(event.data);
    await drawSight(byId("face-picture"), sight);
    if (face !== mine || mine.stream.readyState === EventSource.CLOSED)
      return;
    byId("face-picture").hidden = false;
    byId("face-progress").value = (sight.frame + 1) / sight.frames;
    tell(sightInWords(sight), false);
  });
  mine.stream.addEventListener("end", (event) => {
    const value = JSON.parse(event.data);
    end(value.error ? inWords(value.error, true) : endInWords(value));
  });
  mine.stream.onerror = () => end("It cannot be shown now; the face is looked for when the video " +
                                  "is made.");
}

function prepareDrop(kind) {
  const zone = byId(`${kind}-drop`);
  const input = byId(kind);
  input.addEventListener("change", () => {
    const [file] = input.files;
    input.value = ""; // so that choosing the same file again is a change, too
    if (file)
      take(kind, file);
  });
  for (const name of ["dragenter", "dragover"])
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("over");
    });
  for (const name of ["dragleave", "drop"])
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.remove("over");
    });
  zone.addEventListener("drop", (event) => event.dataTransfer.files[0] &&
                                           take(kind, event.dataTransfer.files[0]));
}

// ---- where the sound has speech ----

let speech = null; // {piece, answer, failed, stop}

// The plot belongs to the sound and to mode clips: what is shown, or asked for, and is not of the
// sound that is chosen now goes.
async function askForSpeech() {
  const piece = mode === "clips" && sound()?.whole ? sound() : null;
  if (speech?.piece === piece)
    return;
  speech?.stop.abort();
  speech = piece ? { piece, answer: null, failed: null, stop: new AbortController() } : null;
  showSpeech();
  if (!speech)
    return;
  const mine = speech;
  try {
    mine.answer = await ask("GET", `/v1/uploads/${piece.id}/vad`, undefined, {}, mine.stop.signal);
  } catch (error) {
    mine.failed = error;
  }
  if (speech === mine)
    showSpeech();
}

function showSpeech() {
  const canvas = byId("speech-plot");
  const words = byId("speech-words");
  const answer = speech?.answer;
  canvas.hidden = !answer;
  byId("speech-legend").hidden = !answer;
  if (answer) {
    const threshold = Number(byId("vad-threshold").value);
    const stretches = stretchesOf(answer, threshold, Number(byId("min-silence").value));
    drawSpeech(canvas, answer, stretches, threshold);
    words.textContent = speechInWords(answer, stretches);
  } else if (speech?.failed) {
    words.textContent = inWords(speech.failed);
  } else {
    words.textContent = speech ? "Listening for speech …"
                               : "With a sound, its speech and pauses are drawn here.";
  }
}

// ---- the form ----

const person = () => models.find((model) => model.name === byId("model").value);

const reasons = {
  training: "This person has no training frames here.",
  video: "To look for faces, networks are needed that are not here: synctalk models tells which.",
  clips: "This person has no clips: synctalk preprocess-clips makes them.",
};

function chooseMode(wanted) {
  mode = wanted;
  const possible = person()?.modes.includes(mode);
  for (const name of modes) {
    const chosen = name === mode;
    const tab = byId(`tab-${name}`);
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    byId(`panel-${name}`).hidden = !chosen || !possible;
  }
  byId("mode-reason").hidden = possible;
  byId("mode-reason").textContent = possible ? "" : reasons[mode];
  byId("make").disabled = sending || !possible;
  askAboutFiles();
}

function choosePerson() {
  const chosen = person();
  const slider = byId("start-frame");
  slider.max = String(Math.max(0, (chosen?.frames ?? 1) - 1));
  slider.value = silence["start-frame"] ?? "0";
  showStrip();
  showFrame();
  chooseMode(chosen && !chosen.modes.includes(mode) ? chosen.modes[0] ?? mode : mode);
}

const frameOf = (model, number) =>
  `/v1/frame?model=${encodeURIComponent(model)}&number=${number}`;

// Frames from all of the video: whoever points finds a place by them, the slider does it exactly.
function showStrip() {
  const last = Number(byId("start-frame").max);
  const count = person()?.frames > 0 ? Math.min(STRIP, last + 1) : 0;
  byId("strip").replaceChildren(...Array.from({ length: count }, (_, i) => {
    const picture = new Image();
    const number = count === 1 ? 0 : Math.round((i * last) / (count - 1));
    picture.src = frameOf(person().name, number);
    picture.alt = "";
    picture.loading = "lazy";
    picture.dataset.number = number;
    picture.addEventListener("click", () => {
      byId("start-frame").value = number;
      showFrame();
    });
    return picture;
  }));
}

function showFrame() {
  const number = byId("start-frame").value;
  const picture = byId("start-frame-picture");
  byId("start-frame-value").textContent = number;
  if (!(person()?.frames > 0))
    return;
  picture.src = frameOf(person().name, number);
  const pictures = [...byId("strip").children];
  const away = (other) => Math.abs(other.dataset.number - number);
  const near = pictures.reduce((a, b) => (away(b) < away(a) ? b : a), pictures[0]);
  pictures.forEach((other) => other.classList.toggle("near", other === near));
  picture.alt = `Frame ${number} of ${person().name}`;
}

// `first` is chosen, and a choice even where it is no value, like the name of an own encoder.
function fill(select, values, first) {
  const all = first === undefined || values.includes(first) ? values : [first, ...values];
  select.replaceChildren(...all.map((value) =>
    new Option(value, value, value === first, value === first)));
}

function prepareSlider(id, output, schema, value) {
  const slider = byId(id);
  slider.min = slider.min || String(schema.minimum);
  slider.max = slider.max || String(schema.maximum);
  slider.value = value;
  const tell = () => { byId(output).textContent = Number(slider.value).toFixed(2); };
  slider.addEventListener("input", () => {
    tell();
    showSpeech();
  });
  tell();
}

function prepareTabs() {
  for (const name of modes)
    byId(`tab-${name}`).addEventListener("click", () => chooseMode(name));
  document.querySelector(".tabs").addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step)
      return;
    const next = modes[(modes.indexOf(mode) + step + modes.length) % modes.length];
    chooseMode(next);
    byId(`tab-${next}`).focus();
  });
}

// Without the files. What would hold anyway is not said: a preset that is said also takes the place
// of what the server was told besides, such as its precision.
function wanted() {
  const options = { model: byId("model").value, mode };
  for (const name of ["preset", "encoder"])
    if (byId(name).value !== silence[name])
      options[name] = byId(name).value;
  if (mode === "training")
    return { ...options, "start-frame": Number(byId("start-frame").value),
             "loop-back": byId("loop-training").checked };
  if (mode === "video")
    return { ...options, "loop-back": byId("loop-video").checked };
  return { ...options, "vad-threshold": Number(byId("vad-threshold").value),
           "min-silence-duration": Number(byId("min-silence").value) };
}

// All that is chosen is taken at once: whoever waits may choose other things meanwhile.
async function ordered() {
  if (soundKind() === "file" && !pieces.audio)
    throw new Refusal(0, { code: "", message: "No sound is chosen yet" });
  if (mode === "video" && !pieces.video)
    throw new Refusal(0, { code: "", message: "No video is chosen yet" });
  const options = wanted();
  const files = { audio: sound() ?? speak(), ...(mode === "video" && { video: pieces.video }) };
  for (const [name, piece] of Object.entries(files)) {
    await piece.done;
    if (piece.failed)
      throw piece.failed;
    options[name] = piece.id;
  }
  return options;
}

async function make(event) {
  event.preventDefault();
  if (sending)
    return;
  const button = byId("make");
  const enable = disable(button);
  sending = true;
  button.textContent = "Sending …";
  try {
    const video = await ask("POST", "/v1/videos", await ordered(),
                            { "Idempotency-Key": crypto.randomUUID?.() ?? String(Math.random()) });
    showError(byId("new-error"), null);
    show(video, true);
    say("The video is in the queue");
    follow();
  } catch (error) {
    showError(byId("new-error"), error);
  }
  sending = false;
  button.textContent = "Make the video";
  enable();
  chooseMode(mode); // perhaps another, which cannot be
}

// ---- the list ----

const states = { queued: "waiting", in_progress: "in work", completed: "done", failed: "failed",
                 cancelled: "cancelled" };
const stages = { dataset: "Looking through the frames", faces: "Looking for the face",
                 sound: "Listening", features: "Listening", frames: "Drawing frames",
                 finish: "Closing the file" };

function inBytes(bytes) {
  return bytes < 1e6 ? `${Math.ceil(bytes / 1e3)}\u00a0kB` : `${(bytes / 1e6).toFixed(1)}\u00a0MB`;
}

function inTime(seconds) {
  const whole = Math.max(1, Math.round(seconds));
  return whole < 90 ? `${whole} s` : `${Math.round(whole / 60)} min`;
}

function progressText(video) {
  const progress = video.progress;
  if (video.state === "queued")
    return video.queue_place === 1 ? "Next in the queue"
                                   : `Place ${video.queue_place} in the queue`;
  const parts = [stages[progress.stage] ?? "Loading the person"];
  if (progress.stage === "frames")
    parts.push(`${progress.done} of ${progress.total}`);
  if (progress.fps > 0)
    parts.push(`${progress.fps.toFixed(1)} a second`);
  if (progress.eta_seconds !== null)
    parts.push(`${inTime(progress.eta_seconds)} left`);
  return parts.join(", ");
}

function factsText(video) {
  const settings = video.settings;
  const parts = [settings.model, settings.mode, settings.preset];
  if (video.result)
    parts.push(`${video.result.width}\u00a0×\u00a0${video.result.height}`,
               `${video.result.seconds.toFixed(1)}\u00a0s`,
               inBytes(video.result.bytes));
  return parts.filter(Boolean).join(" · ");
}

function newItem(video) {
  const item = byId("video-template").content.cloneNode(true).querySelector("li");
  item.dataset.id = video.id;
  item.dataset.number = video.number;
  item.querySelector("h3").textContent = video.audio.name;
  item.querySelector("progress").setAttribute("aria-label", `Progress of ${video.audio.name}`);
  for (const button of item.querySelectorAll(".actions > *"))
    button.setAttribute("aria-label", `${button.textContent} ${video.audio.name}`);
  item.querySelector(".cancel").addEventListener("click", () => act(item, "POST", "/cancel"));
  item.querySelector(".remove").addEventListener("click", () => act(item, "DELETE", ""));
  shown.set(video.id, item);
  return item;
}

function show(video, first) {
  const known = shown.get(video.id);
  const item = known ?? newItem(video);
  const active = video.state === "queued" || video.state === "in_progress";
  const film = item.querySelector("video");
  if (!known)
    byId("list")[first ? "prepend" : "append"](item);
  item.dataset.state = video.state;
  item.querySelector(".state").textContent = states[video.state];
  item.querySelector(".state").className = `state ${video.state}`;
  item.querySelector(".bar").hidden = !active;
  item.querySelector("progress").value = video.progress.percent;
  item.querySelector(".bar-text").textContent = active ? progressText(video) : "";
  item.querySelector(".facts").textContent = factsText(video);
  showActions(item, video.state, active);
  showError(item.querySelector(".error"), video.error);
  if (video.links.content && film.hidden) {
    film.src = `${video.links.content}#t=0.1`; // so that a picture is there before it plays
    film.hidden = false;
    film.setAttribute("aria-label", `Video to ${video.audio.name}`);
    const link = item.querySelector(".download");
    link.href = `${video.links.content}?download=1`;
    link.hidden = false;
  }
  if (video.links.speech_plot) {
    item.querySelector(".plot").hidden = false;
    item.querySelector(".plot img").src = video.links.speech_plot;
  }
  showThumbnail(item, video, film.hidden);
  byId("empty").hidden = shown.size > 0;
}

// Whoever cancels by the keyboard is led on to Delete. Where the video ended by itself, Enter may
// be on its way already, and must not delete.
function showActions(item, state, active) {
  const cancel = item.querySelector(".cancel");
  const left = !active && document.activeElement === cancel;
  item.querySelector(".remove").hidden = active;
  if (left)
    item.querySelector(state === "cancelled" ? ".remove" : "h3").focus();
  cancel.hidden = !active;
}

// Until there is a film, the person.
function showThumbnail(item, video, wanted) {
  const thumb = item.querySelector(".thumb");
  const { model, mode: way, "start-frame": start } = video.settings;
  const known = models.find(({ name, frames }) => name === model && frames > 0);
  thumb.hidden = !wanted || !known;
  if (!thumb.hidden && !thumb.src)
    thumb.src = frameOf(model, way === "training" ? start ?? 0 : 0);
}

async function act(item, method, below) {
  const id = item.dataset.id;
  const name = item.querySelector("h3").textContent;
  try {
    const video = await ask(method, `/v1/videos/${id}${below}`);
    if (method === "DELETE") {
      drop(id);
      say(`${name} is deleted`);
    } else {
      show(video);
      say(`${name}: ${states[video.state]}`);
    }
  } catch (error) {
    if (error.status === 404)
      drop(id);
    else
      showError(item.querySelector(".error"), error);
  }
  follow();
}

// The focus goes on to the next card's heading: to no button, which a second Enter would press.
function drop(id) {
  const item = shown.get(id);
  const next = item?.nextElementSibling ?? item?.previousElementSibling;
  const left = item?.contains(document.activeElement);
  item?.remove();
  shown.delete(id);
  byId("empty").hidden = shown.size > 0;
  if (left)
    (next?.querySelector("h3") ?? byId("made-title")).focus();
}

// The oldest first.
const idsIn = (...wantedStates) => [...shown.values()]
  .filter((item) => wantedStates.includes(item.dataset.state))
  .sort((a, b) => a.dataset.number - b.dataset.number).map((item) => item.dataset.id);

// The video in work, or the next one, by its events; those that wait behind it, and what others
// asked for, by looking.
function follow() {
  const [working] = [...idsIn("in_progress"), ...idsIn("queued")];
  if (stream && stream.id !== working) {
    stream.close();
    stream = null;
  }
  if (stream || !working)
    return;
  stream = new EventSource(`/v1/videos/${working}/events`);
  stream.id = working;
  stream.addEventListener("progress", (event) => show(JSON.parse(event.data)));
  stream.addEventListener("end", (event) => {
    const video = JSON.parse(event.data);
    stream?.close();
    stream = null;
    show(video);
    say(`${video.audio.name}: ${states[video.state]}`);
    look();
  });
}

async function look() {
  const page = await ask("GET", "/v1/videos?limit=50");
  for (const video of [...page.videos].reverse())
    show(video, true);
  // What is newer than the page's end, and not in it, is gone.
  const there = new Set(page.videos.map((video) => video.id));
  if (page.next_before === null)
    for (const id of shown.keys())
      if (!there.has(id))
        drop(id);
  follow();
  return page;
}

async function lookOn() {
  const hidden = document.visibilityState === "hidden";
  const active = idsIn("queued", "in_progress").length > 0;
  if (!hidden)
    await look().catch(() => {});
  setTimeout(lookOn, active ? 1000 : 5000);
}

async function showOlder() {
  const page = await ask("GET", `/v1/videos?limit=50&before=${oldest}`);
  page.videos.forEach((video) => show(video));
  oldest = page.next_before;
  byId("more").hidden = oldest === null;
}

// ---- beginning ----

async function begin() {
  let document_;
  try {
    const answer = await ask("GET", "/v1/models");
    models = answer.models;
    silence = answer.settings;
    mode = silence.mode;
    if (answer.speech)
      prepareVoices().catch(() => {}); // then there are files
    document_ = await ask("GET", "/openapi.json");
  } catch (error) {
    if (error.status !== 401) {
      byId("work").hidden = false;
      showError(byId("new-error"), error);
      return;
    }
    byId("login").hidden = false;
    byId("token").focus();
    return;
  }
  const options = document_.components.schemas.VideoRequest.properties;
  byId("login").hidden = true;
  byId("work").hidden = false;
  fill(byId("model"), models.map((model) => model.name));
  fill(byId("preset"), options.preset.enum, silence.preset);
  fill(byId("encoder"), options.encoder.examples, silence.encoder);
  prepareSlider("vad-threshold", "vad-threshold-value", options["vad-threshold"],
                silence["vad-threshold"]);
  prepareSlider("min-silence", "min-silence-value", options["min-silence-duration"],
                silence["min-silence-duration"]);
  for (const id of ["loop-training", "loop-video"])
    byId(id).checked = silence["loop-back"] === "1";
  choosePerson();
  oldest = (await look()).next_before;
  byId("more").hidden = oldest === null;
  lookOn();
}

async function open(event) {
  event.preventDefault();
  try {
    await ask("POST", "/v1/session", { token: byId("token").value });
    showError(byId("token-error"), null);
    begin();
  } catch (error) {
    if (error.code === "unauthorized")
      error.code = "wrong_token"; // it was entered
    showError(byId("token-error"), error);
  }
}

prepareDrop("audio");
prepareDrop("video");
prepareTabs();
byId("model").addEventListener("change", choosePerson);
byId("start-frame").addEventListener("input", showFrame);
byId("new").addEventListener("submit", make);
new ResizeObserver(() => requestAnimationFrame(showSpeech)).observe(byId("speech"));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showSpeech);
byId("more").addEventListener("click", showOlder);
byId("token-form").addEventListener("submit", open);
begin();
