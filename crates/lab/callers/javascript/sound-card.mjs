// Where sound goes that a stack hands over for playing: a sound card with one buffer of 10 ms, and a record of what it played.
// Its clock is that of the handing over, smoothed, since a program may learn late of a buffer but not early.

const AHEAD_US = 10_000; // one buffer
const SAMPLE_US = 1e6 / 48_000;
const SECOND = 100; // buffers of 10 ms
const TOLERANCE_US = 1000; // by that much the clock may be off before the record is corrected

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

export class SoundCard {
  /** When the first sample was heard, µs; `null` while there was none. */
  origin = null;
  /** By how much the clock of the handing over was corrected in all. */
  correctedMs = 0;
  #write;
  #held = []; // a second that is not placed yet: [handed over at, samples]
  #written = 0;

  /** `write(samples)` takes what was played, 16 bit, without a gap. */
  constructor(write) {
    this.#write = write;
  }

  /** Samples were handed over at `atUs`. */
  play(atUs, samples) {
    this.#held.push([atUs, samples]);
    if (this.#held.length === SECOND) this.#place();
  }

  /** Writes what is still held. */
  finish() {
    if (this.#held.length) this.#place();
  }

  /** Writes a second at its time: one buffer may be late, but not the middle one of a hundred. */
  #place() {
    let count = 0;
    const start = AHEAD_US + median(this.#held.map(([atUs, samples]) => {
      const begun = atUs - count * SAMPLE_US;
      count += samples.length;
      return begun;
    }));
    this.origin ??= Math.round(start);
    // A clock that drifted, or a player that stood still, is made good by silence put in or samples left out.
    const off = start - (this.origin + this.#written * SAMPLE_US);
    const correction = this.#held.length === SECOND && Math.abs(off) > TOLERANCE_US ? Math.round(off / SAMPLE_US) : 0;
    this.correctedMs += Math.abs(correction * SAMPLE_US) / 1000;
    const all = new Int16Array(Math.max(0, count + correction));
    let to = correction;
    for (const [, samples] of this.#held) {
      for (const sample of samples) {
        if (to >= 0) all[to] = sample;
        to++;
      }
    }
    this.#held = [];
    this.#written += all.length;
    this.#write(all);
  }
}
