// Work at absolute due times, and Unix time in microseconds, the same in the browser and in node.

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** Unix time in µs; `at` is a reading of performance.now(). */
export const unixMicros = (at = performance.now()) => Math.round((performance.timeOrigin + at) * 1000);

/** Calls `step(n)` at `first + n * interval` (performance.now(), ms) until it returns false; late steps follow at once. */
export async function pace(first, interval, step) {
  for (let n = 0; ; n++) {
    // Timers take whole milliseconds: rounded up, none comes early.
    const ahead = Math.ceil(first + n * interval - performance.now());
    if (ahead > 0) await sleep(ahead);
    if (await step(n) === false) return;
  }
}

/** Whether nothing is filmed `elapsed` ms after the first picture, by an order `[from, to]` in seconds. */
export const pauses = ([from, to], elapsed) => elapsed >= from * 1000 && elapsed < to * 1000;

/** The picture of the scene that is shown n-th: forwards, then backwards, and so on; the ends are not shown twice. */
export function sceneAt(n, count) {
  const round = Math.max(1, 2 * (count - 1));
  return Math.min(n % round, round - (n % round));
}

/** Samples of a WAV file of one channel, 16 bit. */
export function wavSamples(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tag = (at) => String.fromCharCode(...bytes.subarray(at, at + 4));
  for (let at = 12; at + 8 <= bytes.length; at += 8 + view.getUint32(at + 4, true)) {
    if (tag(at) === 'data') return new Int16Array(bytes.slice(at + 8, at + 8 + view.getUint32(at + 4, true)).buffer);
  }
  throw new Error('the sound file has no data chunk');
}
