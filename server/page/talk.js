// SPDX-License-Identifier: Apache-2.0
// Requests to the server, and what goes wrong in words.

export const byId = (id) => document.getElementById(id);

export class Refusal extends Error {
  constructor(status, error) {
    super(error.message);
    this.status = status;
    this.code = error.code;
  }
}

export const unreachable = () =>
  new Refusal(0, { code: "unreachable", message: "The server does not answer" });

// Of what stands before the server, and does not answer in its form.
const codesOfOthers = { 413: "too_large", 429: "too_many_requests", 502: "unreachable",
                        503: "unreachable", 504: "unreachable" };

// The value of an answer; throws the refusal that it is, whatever sent it.
export function valueOf(status, text) {
  let data;
  try {
    data = status === 204 ? null : JSON.parse(text);
  } catch {
    data = undefined;
  }
  if (status >= 200 && status < 300 && data !== undefined)
    return data;
  throw new Refusal(status, data?.error?.message ? data.error : {
    code: codesOfOthers[status] ?? "foreign",
    message: `Something before the server, such as a proxy, answered with status ${status}` });
}

export async function ask(method, path, value, headers = {}, signal = undefined) {
  let answer;
  let text;
  try {
    answer = await fetch(path, {
      method,
      signal,
      headers: value === undefined ? headers : { "Content-Type": "application/json", ...headers },
      body: value === undefined ? undefined : JSON.stringify(value),
    });
    text = await answer.text();
  } catch {
    throw unreachable();
  }
  return valueOf(answer.status, text);
}

// What someone can do about a refusal.
const remedies = {
  bad_file: "Choose another file: WAV, MP3, M4A, FLAC, Ogg, or a video with sound.",
  bad_model: "The person's network has to be trained or converted again.",
  foreign: "Whoever runs the server can look into it.",
  insufficient_storage: "Delete videos, or let whoever runs the server make room, and try again.",
  invalid_argument: "Change what the sentence names, and try again.",
  io: "The disk of the server may be full: delete videos, and try again.",
  missing: "Whoever runs the server can bring what is missing.",
  out_of_memory: "Try again with the preset low_memory, or when less is going on.",
  queue_full: "Try again when some of the waiting videos are made.",
  too_large: "Choose a shorter or a smaller file.",
  too_many_requests: "Wait a moment, and try again.",
  unauthorized: "Load this page again: it then asks for the token.",
  unreachable: "Is it still running? Nothing that was asked for is lost.",
  unsupported: "Whoever runs the server can install what is needed.",
  worker_died: "Try another file, or the preset low_memory.",
  wrong_token: "Whoever runs the server knows it.",
};

// Of a video, what fits sounds does not.
const remediesOfVideos = {
  ...remedies,
  bad_file: "Choose another video: one in which the person's face is seen from the front.",
};

export function inWords(error, video = false) {
  const remedy = (video ? remediesOfVideos : remedies)[error.code];
  return remedy ? `${error.message}. ${remedy}` : `${error.message}.`;
}

export function showError(where, error) {
  where.textContent = error ? inWords(error) : "";
  where.hidden = !error;
}

export function say(text) {
  byId("said").textContent = text;
}
