// SPDX-License-Identifier: Apache-2.0
// Where a sound has speech, from the probabilities that /v1/uploads/ID/vad gives: the rules are
// those of the program (src/audio/vad_rules.c), so that what is drawn is what will be made.

const HYSTERESIS = 0.15;
const LEAST_LEAVE = 0.01;

// Stretches of speech in samples, [start, end), each padded, in order.
export function speechOf(sound, threshold) {
  const samples = (ms) => Math.trunc((ms * sound.hz) / 1000);
  const leave = Math.max(threshold - HYSTERESIS, LEAST_LEAVE);
  const minSpeech = samples(sound.rules.min_speech_ms);
  const minSilence = samples(sound.rules.min_silence_ms);
  const pad = samples(sound.rules.speech_pad_ms);
  const parts = [];
  let start = -1; // of the stretch in work; -1: there is none
  let end = -1; // where it may have ended

  const keep = (from, to) => {
    if (to - from > minSpeech)
      parts.push({ start: from, end: to });
  };
  sound.probabilities.forEach((number, chunk) => {
    const p = Math.fround(number); // as the program holds it
    const now = chunk * sound.chunk;
    if (p >= threshold) {
      end = -1;
      if (start < 0)
        start = now;
      return;
    }
    if (start < 0 || p >= leave)
      return;
    if (end < 0)
      end = now;
    if (now - end < minSilence)
      return;
    keep(start, end);
    start = -1;
    end = -1;
  });
  if (start >= 0)
    keep(start, sound.samples);

  parts.forEach((part, i) => {
    if (i === 0) {
      part.start = Math.max(0, part.start - pad);
      return;
    }
    const gap = part.start - parts[i - 1].end;
    const share = gap < 2 * pad ? Math.trunc(gap / 2) : pad;
    parts[i - 1].end += share;
    part.start -= share;
  });
  const last = parts.at(-1);
  if (last)
    last.end = Math.min(sound.samples, last.end + pad);
  return parts;
}

// All of the sound, speech and silence in turn; a silence shorter than `minSilence` seconds is
// spoken through.
export function stretchesOf(sound, threshold, minSilence) {
  const least = Math.round(minSilence * sound.hz);
  const stretches = [];
  let at = 0;

  const add = (start, end, speech) => {
    const last = stretches.at(-1);
    if (end <= start)
      return;
    if (last?.speech === speech)
      last.end = end;
    else
      stretches.push({ start, end, speech });
  };
  const parts = speechOf(sound, threshold);
  for (const part of parts) {
    add(at, part.start, part.start - at < least);
    add(part.start, part.end, true);
    at = part.end;
  }
  add(at, sound.samples, parts.length > 0 && sound.samples - at < least);
  return stretches;
}

// What the plot shows, for those who do not see it.
export function inWords(sound, stretches) {
  const speech = stretches.filter((stretch) => stretch.speech);
  const pauses = stretches.length - speech.length;
  const talk = speech.reduce((sum, part) => sum + part.end - part.start, 0) / sound.hz;
  const count = (number, one, more) => `${number} ${number === 1 ? one : more}`;
  return `${count(speech.length, "stretch of speech", "stretches of speech")} and ` +
         `${count(pauses, "pause", "pauses")}: ${talk.toFixed(1)} of ` +
         `${sound.seconds.toFixed(1)} seconds are speech.`;
}

const LINE = 4; // pixels of the page: over speech, as its shade alone is too faint to be told

// Waveform over shaded stretches, probability and threshold below. Colours are the page's.
export function drawSpeech(canvas, sound, stretches, threshold) {
  const ratio = window.devicePixelRatio || 1;
  const style = getComputedStyle(canvas);
  const colour = (name) => style.getPropertyValue(name).trim();
  const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const paint = canvas.getContext("2d");
  const across = (sample) => (sample / sound.samples) * width;
  const middle = height * 0.32; // of the waveform; below 0.6 the probability
  paint.clearRect(0, 0, width, height);
  for (const { start, end } of stretches.filter(({ speech }) => speech)) {
    const wide = Math.max(1, across(end) - across(start));
    paint.fillStyle = colour("--speech");
    paint.fillRect(across(start), 0, wide, height);
    paint.fillStyle = colour("--accent");
    paint.fillRect(across(start), 0, wide, LINE * ratio);
  }

  paint.fillStyle = colour("--text");
  const perLevel = sound.chunk * sound.chunks_of_level;
  const loudest = Math.max(1, ...sound.levels);
  sound.levels.forEach((level, i) => {
    const tall = Math.max(ratio, (level / loudest) * height * 0.56);
    const x = across(i * perLevel);
    paint.fillRect(x, middle - tall / 2, Math.max(1, across((i + 1) * perLevel) - x), tall);
  });

  const down = (p) => height * (0.98 - 0.34 * p);
  paint.strokeStyle = colour("--accent");
  paint.lineWidth = 1.5 * ratio;
  paint.beginPath();
  const step = Math.max(1, Math.floor(sound.probabilities.length / (2 * width)));
  for (let i = 0; i < sound.probabilities.length; i += step) {
    let most = 0;
    for (let n = i; n < i + step && n < sound.probabilities.length; n++)
      most = Math.max(most, sound.probabilities[n]);
    paint.lineTo(across((i + step / 2) * sound.chunk), down(most));
  }
  paint.stroke();
  paint.strokeStyle = colour("--bad");
  paint.setLineDash([6 * ratio, 4 * ratio]);
  paint.beginPath();
  paint.moveTo(0, down(threshold));
  paint.lineTo(width, down(threshold));
  paint.stroke();
  paint.setLineDash([]);
}
