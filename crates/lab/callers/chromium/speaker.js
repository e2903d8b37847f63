// The worker that writes down the sound of the call as it is pulled for playing, and when.
// A sample counts as heard one buffer of a sound card, 10 ms, after it was pulled.

import { unixMicros } from '/javascript/pace.mjs';

const CHUNK = 480; // samples that WebRTC gives at a time
const CHUNK_US = 10_000;
const SAMPLE_US = CHUNK_US / CHUNK;
const AHEAD_US = 10_000; // one buffer of a sound card
const SECOND = 100; // chunks
const TOLERANCE_US = 1000; // the clock of the sound may be off by that before the record is corrected

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

let held = []; // chunks of the second that runs: [pulled at, samples]
let [origin, written] = [null, 0];
let last = Promise.resolve();

onmessage = async ({ data }) => {
  if (data.sound) read(data.sound.getReader());
  if (!data.stop) return;
  flush();
  await last;
  postMessage({ stopped: true, origin: origin && Math.round(origin + AHEAD_US) });
};

async function read(reader) {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const samples = new Int16Array(value.numberOfFrames);
    mono(value, samples);
    value.close();
    held.push([unixMicros(), samples]);
    if (held.length === SECOND) flush();
  }
}

/** The first channel as 16 bit. */
function mono(data, samples) {
  const planar = new Float32Array(samples.length);
  data.copyTo(planar, { planeIndex: 0, format: 'f32-planar' });
  for (let at = 0; at < samples.length; at++) samples[at] = Math.max(-1, Math.min(1, planar[at])) * 32767;
}

/** Writes a second at its place: a pull may be reported late, but the middle one of a hundred is not. */
function flush() {
  if (!held.length) return;
  let at = 0;
  const start = median(held.map(([pulled, samples]) => {
    const begun = pulled - at * SAMPLE_US;
    at += samples.length;
    return begun;
  }));
  origin ??= start;
  // A clock that drifted, or a player that stood still, is made good by silence put in or samples left out.
  const off = start - (origin + written * SAMPLE_US);
  const correction = held.length === SECOND && Math.abs(off) > TOLERANCE_US ? Math.round(off / SAMPLE_US) : 0;
  const all = new Int16Array(Math.max(0, at + correction));
  let to = correction;
  for (const [, samples] of held) {
    for (const sample of samples) {
      if (to >= 0) all[to] = sample;
      to++;
    }
  }
  held = [];
  written += all.length;
  last = last.then(() => fetch('/record/sound', { method: 'POST', body: all })).catch(() => {});
}
