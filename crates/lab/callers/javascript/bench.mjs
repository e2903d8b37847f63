// How fast a data channel is: bytes one way, and the round trip of small messages, idle and beside those bytes.
// Who came second makes the channels `bulk` and `ping` and sends; who came first counts and echoes.

import { sleep, unixMicros } from './pace.mjs';

export const CHANNELS = ['bulk', 'ping'];
const PING = 64; // bytes
const IDLE_PINGS = 200;
const PING_PAUSE = 5; // ms between an answer and the next ping
const HIGH = 1 << 20; // bytes that may wait in the stack: it never runs dry, and pings do not wait for ever
const LIMIT = 120_000; // ms for all of it
const FLUSH = 500; // ms for the last message to leave, and the last look at this process

/** The same face for the data channel of a browser. */
export function faceOf(channel) {
  channel.binaryType = 'arraybuffer';
  channel.bufferedAmountLowThreshold = HIGH / 4;
  return {
    label: channel.label,
    opened: new Promise((done) => (channel.readyState === 'open' ? done() : channel.addEventListener('open', done, { once: true }))),
    send: (data) => channel.send(data),
    buffered: () => channel.bufferedAmount,
    low: () => new Promise((done) => channel.addEventListener('bufferedamountlow', done, { once: true })),
    listen: (listener) => { channel.onmessage = ({ data }) => listener(data); },
  };
}

/** Measures and returns what belongs into data.json. */
export async function bench({ bulk, ping }, orders, sending) {
  let timer;
  const late = new Promise((_, failed) => {
    timer = setTimeout(() => failed(new Error(`the data did not arrive within ${LIMIT / 1000} s`)), LIMIT);
  });
  const work = sending ? send(bulk, ping, orders) : receive(bulk, ping, orders);
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

async function send(bulk, ping, { bytes, message }) {
  let answered = null;
  let counted;
  const count = new Promise((done) => { counted = done; });
  ping.listen((data) => (typeof data === 'string' ? counted(JSON.parse(data)) : answered?.()));
  await Promise.all([bulk.opened, ping.opened]);
  const trip = async () => {
    const sent = performance.now();
    const answer = new Promise((done) => { answered = done; });
    ping.send(new Uint8Array(PING));
    await answer;
    return performance.now() - sent;
  };
  const [idle, loaded] = [[], []];
  for (let n = 0; n < IDLE_PINGS; n++) {
    idle.push(await trip());
    await sleep(PING_PAUSE);
  }
  let done = false;
  const pinging = (async () => {
    while (!done) {
      loaded.push(await trip());
      await sleep(PING_PAUSE);
    }
  })();
  const from_us = unixMicros();
  const piece = new Uint8Array(message).fill(0x5a);
  for (let left = bytes; left > 0; left -= message) {
    bulk.send(left < message ? piece.subarray(0, left) : piece);
    if (bulk.buffered() > HIGH) await bulk.low();
  }
  const { throughput_bps } = await count;
  const to_us = unixMicros();
  done = true;
  await pinging;
  await sleep(FLUSH); // the lab looks at the processor time once more
  return {
    throughput_bps, rtt_idle_ms: percentiles(idle), rtt_loaded_ms: percentiles(loaded), message_bytes: message, from_us, to_us,
  };
}

async function receive(bulk, ping, { bytes, message }) {
  let [first, received, uncounted] = [null, 0, 0];
  let complete;
  const all = new Promise((done) => { complete = done; });
  ping.listen((data) => ping.send(data));
  bulk.listen((data) => {
    const length = data.byteLength;
    if (first === null) [first, uncounted] = [performance.now(), length];
    received += length;
    if (received >= bytes) complete(performance.now());
  });
  const end = await all;
  const throughput_bps = end > first ? Math.round(((received - uncounted) * 8000) / (end - first)) : null;
  ping.send(JSON.stringify({ throughput_bps }));
  await sleep(FLUSH);
  return { throughput_bps, rtt_idle_ms: null, rtt_loaded_ms: null, message_bytes: message, from_us: null, to_us: null };
}

function percentiles(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null;
  return { p50: at(0.5), p99: at(0.99) };
}
