// The orders that the lab gives a caller in its environment, checked once.
// Whoever cannot follow them says why in one line and ends with the code that the lab expects.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Exit codes of a caller. */
export const Exit = { DONE: 0, FAILED: 1, BAD_ORDERS: 2, NOT_INSTALLED: 3 };

/** Tells why on stderr and ends. */
export function leave(code, reason) {
  process.stderr.write(`${reason}\n`);
  process.exit(code);
}

function text(name) {
  return process.env[name] || leave(Exit.BAD_ORDERS, `${name} is not set`);
}

function number(name, fallback) {
  const value = Number(process.env[name] || fallback);
  return value > 0 ? value : leave(Exit.BAD_ORDERS, `${name} is not a positive number`);
}

/** What every caller is told. */
export function callOrders() {
  return { folder: text('LAB_FOLDER'), server: text('LAB_SERVER'), room: text('LAB_ROOM'), wait: number('LAB_WAIT', 20) };
}

/** What a caller with picture and sound is told besides. */
export function mediaOrders() {
  const [width, height] = text('LAB_SIZE').split('x').map(Number);
  const codec = text('LAB_CODEC');
  if (!(width >= 40 && height >= 2) || width % 2 || height % 2) leave(Exit.BAD_ORDERS, 'LAB_SIZE is not an even WIDTHxHEIGHT');
  if (codec !== 'h264' && codec !== 'vp8') leave(Exit.BAD_ORDERS, 'LAB_CODEC is neither h264 nor vp8');
  const media = process.env.LAB_MEDIA || 'both';
  if (!['both', 'send', 'receive'].includes(media)) leave(Exit.BAD_ORDERS, 'LAB_MEDIA is neither both, send nor receive');
  const pause = (process.env.LAB_PAUSE || '0-0').split('-').map(Number);
  if (pause.length !== 2 || pause.some(Number.isNaN)) leave(Exit.BAD_ORDERS, 'LAB_PAUSE is not FROM-TO');
  return {
    ...callOrders(), media, pause, seconds: number('LAB_SECONDS'), scene: text('LAB_SCENE'), sound: text('LAB_SOUND'),
    width, height, codec, fps: number('LAB_FPS'), maxBitrate: number('LAB_MAX_BITRATE'),
  };
}

/** What a caller that measures data channels is told besides; `null` when it is to send picture and sound. */
export function dataOrders() {
  if (!process.env.LAB_DATA_BYTES) return null;
  return { ...callOrders(), bytes: number('LAB_DATA_BYTES'), message: number('LAB_DATA_MESSAGE', 16384) };
}

/** A package and its version out of the folder that LAB_MODULES names. */
export function installed(name) {
  const folder = text('LAB_MODULES');
  const require = createRequire(join(folder, 'package.json'));
  try {
    // By its path: not every package exports its description.
    const entry = require.resolve(name);
    const home = join('node_modules', name);
    const description = join(entry.slice(0, entry.lastIndexOf(home) + home.length), 'package.json');
    return { module: require(name), version: JSON.parse(readFileSync(description, 'utf8')).version };
  } catch (error) {
    const why = error.message.split('\n')[0];
    return leave(Exit.NOT_INSTALLED, `${name} cannot be loaded: ${why}; run npm install there with this caller's package.json`);
  }
}
