// The worker that reads the stamps of the pictures that come out of the call, and keeps every 30th.
// The page tells it when each was put on the screen; the two are joined by the RTP timestamp of the picture.

import { unixMicros } from '/javascript/pace.mjs';
import { readStamp, stampRows } from '/javascript/stamp.mjs';

const KEPT_EVERY = 30;
const MAX_WAITING = 300; // pictures without word of their rendering: ten seconds
const REPORT = 1000; // ms between reports

const waiting = new Map(); // RTP timestamp → picture, in the order of arrival
let rendered = [];
let presented = 0; // as the screen counts them
let last = 0; // when that was, µs
let [reading, posts] = [0, []];

onmessage = async ({ data }) => {
  if (data.pictures) read(data.pictures.getReader());
  if (data.shown) for (const one of data.shown) shown(...one);
  if (!data.stop) return;
  report();
  await Promise.all(posts);
  postMessage({ stopped: true, reading });
};
setInterval(report, REPORT);

function post(path, body) {
  posts = [...posts.slice(-8), fetch(`/record/${path}`, { method: 'POST', body }).catch(() => {})];
}

function report() {
  if (rendered.length) post('pictures', JSON.stringify(rendered));
  rendered = [];
}

async function read(reader) {
  let rows = new Uint8Array(0);
  for (;;) {
    const { done, value: frame } = await reader.read();
    if (done) return;
    const now = performance.now();
    const { width, height, x, y } = frame.visibleRect;
    const rect = { x, y, width, height: Math.min(stampRows(width), height) };
    const size = frame.allocationSize({ rect });
    if (rows.length < size) rows = new Uint8Array(size);
    const [{ offset, stride }] = await frame.copyTo(rows, { rect });
    const arrivedUs = unixMicros(now);
    const stamp = readStamp(rows.subarray(offset), stride, width, arrivedUs);
    waiting.set(frame.metadata().rtpTimestamp, { arrivedUs, stamp, width, height });
    if (waiting.size > MAX_WAITING) waiting.delete(waiting.keys().next().value);
    if (stamp && stamp.index % KEPT_EVERY === 0) await keep(frame, stamp.index, width, height);
    frame.close();
    reading += performance.now() - now;
  }
}

/** The screen's `count`-th picture was handed over at `atUs`. */
function shown(rtpTimestamp, atUs, count) {
  const picture = waiting.get(rtpTimestamp);
  if (!picture) return;
  const before = [];
  for (const [key, earlier] of waiting) {
    waiting.delete(key);
    if (earlier === picture) break;
    before.push(earlier);
  }
  // The page is not called for every picture when it is late. The count says how many it missed: those that arrived last,
  // since of two pictures that are due at once the screen skips the older.
  const missed = Math.min(count - presented - 1, before.length);
  for (const earlier of missed > 0 ? before.slice(-missed) : []) {
    render(earlier, Math.min(Math.max(earlier.arrivedUs, last), atUs));
  }
  render(picture, atUs);
  presented = count;
  last = atUs;
}

function render({ stamp, width, height }, atUs) {
  rendered.push([atUs, stamp?.index, stamp?.capturedUs, width, height]);
}

async function keep(frame, index, width, height) {
  const bytes = new Uint8Array(frame.allocationSize());
  const planes = await frame.copyTo(bytes);
  const body = frame.format === 'NV12' ? apart(bytes, planes, width, height) : packed(bytes, planes, width, height);
  post(`kept/${index}/${width}/${height}`, body);
}

/** I420 without the padding of its rows. */
function packed(bytes, planes, width, height) {
  const picture = new Uint8Array(width * height * 1.5);
  let to = 0;
  for (const [plane, { offset, stride }] of planes.entries()) {
    const [w, h] = plane ? [width / 2, height / 2] : [width, height];
    for (let row = 0; row < h; row++, to += w) picture.set(bytes.subarray(offset + row * stride, offset + row * stride + w), to);
  }
  return picture;
}

/** I420 of NV12, whose chroma is interleaved. */
function apart(bytes, [luma, chroma], width, height) {
  const picture = new Uint8Array(width * height * 1.5);
  for (let row = 0; row < height; row++) {
    picture.set(bytes.subarray(luma.offset + row * luma.stride, luma.offset + row * luma.stride + width), row * width);
  }
  const [u, size] = [width * height, (width / 2) * (height / 2)];
  for (let row = 0, to = 0; row < height / 2; row++) {
    for (let x = 0; x < width; x += 2, to++) {
      picture[u + to] = bytes[chroma.offset + row * chroma.stride + x];
      picture[u + size + to] = bytes[chroma.offset + row * chroma.stride + x + 1];
    }
  }
  return picture;
}
