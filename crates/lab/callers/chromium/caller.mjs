// A measured call by Chromium, or a measurement of its data channels: signaling, order of events, records.
// The page does the rest; see caller.js and data.js.

import { Ayame } from '../javascript/ayame.mjs';
import { Exit, dataOrders, installed, leave, mediaOrders } from '../javascript/orders.mjs';
import { sleep, unixMicros } from '../javascript/pace.mjs';
import { Record } from '../javascript/record.mjs';
import { open } from './browser.mjs';

const SLACK = 40; // s beyond its orders that a run may take, browser start and all, before it is cut off
const DATA_LIMIT = 120; // s for the data

const data = dataOrders();
const orders = data ?? mediaOrders();
const { module: WebSocket } = installed('ws');
const record = new Record(orders.folder, { media: !data });
const peer = { name: 'chromium', version: '', ...(!data && { started_us: unixMicros(0) }) };
setTimeout(() => leave(Exit.FAILED, 'the run took too long'), (orders.wait + (orders.seconds ?? DATA_LIMIT) + SLACK) * 1000).unref();

/** What the page tells once, and the failure that comes instead. */
function awaited() {
  const one = {};
  one.promise = new Promise((resolve, reject) => Object.assign(one, { resolve, reject }));
  one.promise.catch(() => {}); // awaited later than it may fail
  return one;
}

const signaling = new Ayame();
const [connected, measured, over] = [awaited(), awaited(), awaited()];
// A call that stands outlives what fails in it, but not the browser.
const failed = (reason) => [connected, measured].forEach((one) => one.reject(new Error(reason)));
const gone = (reason) => [connected, measured, over].forEach((one) => one.reject(new Error(reason)));
process.once('SIGTERM', () => gone('ended from outside'));
const told = {
  'signal': (message) => signaling.send(message),
  'offered': (at) => { peer.offer_us ??= at; },
  'sound-sent': (at) => { peer.sound_sent_origin_us = at; },
  'connected': connected.resolve,
  'second': (second) => record.second(second),
  'measured': measured.resolve,
  failed,
};

/** Keeps what the page posts. */
function take([what, ...details], bytes) {
  if (what === 'sent' || what === 'pictures') record.lines(`${what}.csv`, JSON.parse(bytes));
  if (what === 'kept') record.kept(...details.map(Number), bytes);
  if (what === 'sound') record.sound(bytes);
}

async function connect(page) {
  const deadline = performance.now() + orders.wait * 1000;
  const offering = await signaling.join(WebSocket, orders.server, orders.room, deadline);
  await page.evaluate((offering) => window.start(offering), offering);
  signaling.listen((message) => page.evaluate((message) => window.fromPeer(message), message).catch(() => {}));
  const timer = setTimeout(() => connected.reject(new Error(`no connection after ${orders.wait} s`)), deadline - performance.now());
  return connected.promise.finally(() => clearTimeout(timer));
}

async function call(page) {
  await page.evaluate((orders) => window.prepare(orders), orders);
  peer.connected_us = await connect(page);
  await Promise.race([sleep(orders.seconds * 1000 - (unixMicros() - peer.connected_us) / 1000), over.promise]);
  const { totals, cost } = await page.evaluate(() => window.hangUp());
  Object.assign(peer, totals);
  // What the measuring itself took of the time of its workers.
  process.stderr.write(`drawing stamps ${cost.drawing.toFixed(0)} ms, reading them ${cost.reading.toFixed(0)} ms; `
    + `clock of the sound corrected by ${cost.corrected.toFixed(1)} ms\n`);
}

async function measure(page) {
  await page.evaluate((orders) => window.prepareData(orders), orders);
  await connect(page);
  Object.assign(peer, await measured.promise);
}

const files = data ? {} : { '/scene': orders.scene, '/sound': orders.sound };
let browser = null;
try {
  browser = await open({ files, take, told, failed, gone });
  peer.version = browser.version;
  await (data ? measure : call)(browser.page);
} catch (error) {
  peer.error = error.message.split('\n')[0];
}
signaling.close();
await browser?.close();
record.finish(peer, data ? 'data.json' : 'peer.json');
if (peer.error) leave(Exit.FAILED, peer.error);
process.exit(Exit.DONE);
