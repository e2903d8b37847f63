// The folder that a caller leaves: tables as they grow, kept pictures, the sound that was played, and peer.json at the end.

import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

const HEADERS = {
  'sent.csv': 'index,captured_us',
  'pictures.csv': 'rendered_us,index,captured_us,width,height',
  'seconds.csv': 'at_us,target_bps,frames_encoded,qp_sum,frames_decoded,rtt_ms',
};
const SAMPLE_RATE = 48_000;
const WAV_HEADER = 44; // bytes

export class Record {
  #folder;
  #tables = {};
  #sound = null;
  #soundBytes = 0;

  constructor(folder, { media = true } = {}) {
    this.#folder = folder;
    if (!media) return;
    mkdirSync(join(folder, 'kept'), { recursive: true });
    for (const [name, header] of Object.entries(HEADERS)) {
      this.#tables[name] = openSync(join(folder, name), 'w');
      writeSync(this.#tables[name], `${header}\n`);
    }
    this.#sound = openSync(join(folder, 'sound.wav'), 'w');
    writeSync(this.#sound, wavHeader(0));
  }

  /** Lines of cells, empty where a cell is `null` or missing. */
  lines(table, rows) {
    if (rows.length) writeSync(this.#tables[table], rows.map((row) => `${row.map((cell) => cell ?? '').join(',')}\n`).join(''));
  }

  second(second) {
    this.lines('seconds.csv', [HEADERS['seconds.csv'].split(',').map((column) => second[column])]);
  }

  kept(index, width, height, i420) {
    writeFileSync(join(this.#folder, 'kept', `${index}-${width}x${height}.i420`), i420);
  }

  /** Appends samples (16 bit) to what was played. */
  sound(samples) {
    this.#soundBytes += writeSync(this.#sound, samples);
  }

  /** Completes the folder with the caller's account of itself. */
  finish(peer, name = 'peer.json') {
    if (this.#sound !== null) {
      writeSync(this.#sound, wavHeader(this.#soundBytes), 0, WAV_HEADER, 0);
      for (const file of [this.#sound, ...Object.values(this.#tables)]) closeSync(file);
    }
    writeFileSync(join(this.#folder, name), `${JSON.stringify(peer, null, 2)}\n`);
  }
}

function wavHeader(bytes) {
  const header = Buffer.alloc(WAV_HEADER);
  header.write('RIFF', 0);
  header.writeUInt32LE(WAV_HEADER - 8 + bytes, 4);
  header.write('WAVEfmt ', 8);
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(SAMPLE_RATE, 24);
  header.writeUInt32LE(SAMPLE_RATE * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36);
  header.writeUInt32LE(bytes, 40);
  return header;
}
