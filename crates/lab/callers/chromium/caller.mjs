// A measured call by Chromium: serves the page, starts the browser without a window, does the signaling, keeps the records.
// The browser ends with this program, however that ends.

import { accessSync, constants, createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { delimiter, extname, join, normalize } from 'node:path';

import { Ayame } from '../javascript/ayame.mjs';
import { Exit, installed, leave, mediaOrders } from '../javascript/orders.mjs';
import { sleep, unixMicros } from '../javascript/pace.mjs';
import { Record } from '../javascript/record.mjs';

const CALLERS = join(import.meta.dirname, '..');
const SLACK = 20; // s beyond its orders that a run may take, browser start and all, before it is cut off
const KINDS = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript' };
const FLAGS = [
  // Addresses as they are: namespaces of the lab have no mDNS, and some no route but the link under test.
  '--disable-features=WebRtcHideLocalIpsWithMdns,LocalNetworkAccessChecks',
  '--allow-loopback-in-peer-connection',
  '--autoplay-policy=no-user-gesture-required',
  '--disable-background-timer-throttling',
  '--disable-renderer-backgrounding',
  '--disable-backgrounding-occluded-windows',
  '--enable-blink-features=MediaStreamInsertableStreams',
  '--disable-gpu',
];

const orders = mediaOrders();
const { module: playwright } = installed('playwright-core');
const { module: WebSocket } = installed('ws');
const record = new Record(orders.folder);
const peer = { name: 'chromium', version: '', started_us: unixMicros(0) };

setTimeout(() => leave(Exit.FAILED, 'the run took too long'), (orders.wait + orders.seconds + SLACK) * 1000).unref();

function chromium() {
  if (process.env.LAB_CHROMIUM) return process.env.LAB_CHROMIUM;
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
      try {
        accessSync(join(folder, name), constants.X_OK);
        return join(folder, name);
      } catch { /* not there */ }
    }
  }
  return leave(Exit.NOT_INSTALLED, 'chromium is not on the path; install it or set LAB_CHROMIUM');
}

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

/** Keeps what the page reports. */
async function take([what, ...details], request) {
  const bytes = await body(request);
  if (what === 'sent') record.lines('sent.csv', JSON.parse(bytes));
  if (what === 'pictures') record.lines('pictures.csv', JSON.parse(bytes));
  if (what === 'kept') record.kept(...details.map(Number), bytes);
  if (what === 'sound') record.sound(bytes);
}

const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  // Isolation gives the page a clock of microseconds.
  response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
  response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
  try {
    if (pathname.startsWith('/record/')) {
      await take(pathname.split('/').slice(2), request);
      return response.end();
    }
    if (pathname === '/scene' || pathname === '/sound') return createReadStream(orders[pathname.slice(1)]).pipe(response);
    response.setHeader('Content-Type', KINDS[extname(pathname)] ?? 'application/octet-stream');
    response.end(await readFile(join(CALLERS, normalize(pathname))));
  } catch (error) {
    response.writeHead(500).end(error.message);
  }
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));

const browser = await playwright.chromium.launch({
  executablePath: chromium(), headless: true, args: FLAGS, chromiumSandbox: process.getuid?.() !== 0,
}).catch((error) => leave(Exit.NOT_INSTALLED, `chromium does not start: ${error.message.split('\n')[0]}`));
peer.version = browser.version();

const origin = `http://127.0.0.1:${server.address().port}`;
const context = await browser.newContext();
// With this permission Chromium tells all its addresses, not only that of the default route.
await context.grantPermissions(['camera', 'microphone'], { origin });
const page = await context.newPage();
page.on('pageerror', (error) => fail(`the page failed: ${error.message}`));

const signaling = new Ayame();
let connected;
let fail;
const connection = new Promise((resolve, reject) => [connected, fail] = [resolve, (reason) => reject(new Error(reason))]);
connection.catch(() => {}); // it is raced below, and may fail before
const TOLD = {
  'signal': (message) => signaling.send(message),
  'offered': (at) => { peer.offer_us ??= at; },
  'sound-sent': (at) => { peer.sound_sent_origin_us = at; },
  'connected': (at) => {
    peer.connected_us = at;
    connected();
  },
  'second': (second) => record.second(second),
  'failed': (reason) => fail(reason),
};
await page.exposeFunction('tell', (what, value) => { TOLD[what]?.(value); });
try {
  await page.goto(`${origin}/chromium/page.html`);
  await page.waitForFunction(() => window.prepare);
  await page.evaluate((orders) => window.prepare(orders), orders);
  const offering = await signaling.join(WebSocket, orders.server, orders.room, performance.now() + orders.wait * 1000);
  await page.evaluate((offering) => window.start(offering), offering);
  signaling.listen((message) => page.evaluate((message) => window.fromPeer(message), message).catch(() => {}));
  await Promise.race([connection, sleep(orders.wait * 1000).then(() => fail(`no connection after ${orders.wait} s`))]);
  await sleep(orders.seconds * 1000 - (unixMicros() - peer.connected_us) / 1000);
  const { totals, cost } = await page.evaluate(() => window.hangUp());
  Object.assign(peer, totals);
  // What the measuring itself took of the two workers' time.
  process.stderr.write(`drawing stamps ${cost.drawing.toFixed(0)} ms, reading them ${cost.reading.toFixed(0)} ms\n`);
} catch (error) {
  peer.error = error.message.split('\n')[0];
}
signaling.close();
await browser.close();
server.close();
record.finish(peer);
if (peer.error) leave(Exit.FAILED, peer.error);
process.exit(Exit.DONE);
