// The stamp of a picture: its number and capture time as two rows of cells, as the lab's media module defines it.
// The same code draws and reads in the browser and in node.

const COLUMNS = 40;
const ROWS = 2;
const BYTES = (COLUMNS * ROWS) / 8;
const [BLACK, WHITE, MIDDLE, GREY] = [16, 235, 125, 128];
const CYCLE = 2 ** 40; // µs after which the capture time begins anew

/** CRC-16/CCITT-FALSE of the bytes before the last two. */
function checksum(bytes) {
  let crc = 0xffff;
  for (let at = 0; at < BYTES - 2; at++) {
    crc ^= bytes[at] << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
  }
  return crc;
}

/** Rows of luma that hold the stamp in a picture that wide; even, as chroma wants it. */
export function stampRows(width) {
  return Math.ceil((ROWS * width) / COLUMNS / 2) * 2;
}

const edge = (cell, width) => Math.floor((cell * width) / COLUMNS);

/** Makes the chroma under the stamp grey; once is enough for a picture that is stamped again and again. */
export function clearChroma(i420, width, height) {
  const luma = width * height;
  const length = Math.ceil(edge(ROWS, width) / 2) * (width / 2);
  for (const plane of [luma, luma + luma / 4]) i420.fill(GREY, plane, plane + length);
}

/** Draws the stamp into the luma of a picture without padding. */
export function drawStamp(luma, width, index, capturedUs) {
  const bytes = new Uint8Array(BYTES);
  let time = capturedUs % CYCLE;
  for (let at = 7; at >= 3; at--, time = Math.floor(time / 256)) bytes[at] = time % 256;
  for (let at = 0; at < 3; at++) bytes[at] = index >> (8 * (2 - at));
  const crc = checksum(bytes);
  bytes[8] = crc >> 8;
  bytes[9] = crc;
  for (let row = 0; row < ROWS; row++) {
    const first = edge(row, width) * width;
    for (let column = 0; column < COLUMNS; column++) {
      const bit = row * COLUMNS + column;
      const value = (bytes[bit >> 3] >> (7 - (bit & 7))) & 1 ? WHITE : BLACK;
      luma.fill(value, first + edge(column, width), first + edge(column + 1, width));
    }
    for (let y = edge(row, width) + 1; y < edge(row + 1, width); y++) luma.copyWithin(y * width, first, first + width);
  }
}

/** Number and capture time of a picture by its luma, the time within half a cycle of `nowUs`; `null` when unreadable. */
export function readStamp(luma, stride, width, nowUs) {
  if (width < 2 * COLUMNS) return null;
  const bytes = new Uint8Array(BYTES);
  const cell = width / COLUMNS;
  const inner = (at) => [Math.ceil((at + 0.25) * cell), Math.ceil((at + 0.75) * cell)];
  for (let row = 0; row < ROWS; row++) {
    const [top, bottom] = inner(row);
    for (let column = 0; column < COLUMNS; column++) {
      const [left, right] = inner(column);
      let sum = 0;
      for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += luma[y * stride + x];
      const bit = row * COLUMNS + column;
      if (sum > MIDDLE * (bottom - top) * (right - left)) bytes[bit >> 3] |= 0x80 >> (bit & 7);
    }
  }
  if (checksum(bytes) !== bytes[8] * 256 + bytes[9]) return null;
  let time = 0;
  for (let at = 3; at < 8; at++) time = time * 256 + bytes[at];
  return { index: (bytes[0] << 16) | (bytes[1] << 8) | bytes[2], capturedUs: time + CYCLE * Math.round((nowUs - time) / CYCLE) };
}
