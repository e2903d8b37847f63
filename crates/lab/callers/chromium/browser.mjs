// Chromium without a window on a page of ours, served on loopback, and what the page posts back.
// The browser ends with this program, however that ends.

import { accessSync, constants, createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { delimiter, extname, join, normalize } from 'node:path';

import { Exit, installed, leave } from '../javascript/orders.mjs';

const CALLERS = join(import.meta.dirname, '..');
const KINDS = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript' };
const FLAGS = [
  // Addresses as they are: the namespaces of the lab have no mDNS.
  '--disable-features=WebRtcHideLocalIpsWithMdns,LocalNetworkAccessChecks',
  '--allow-loopback-in-peer-connection',
  '--autoplay-policy=no-user-gesture-required',
  '--enable-blink-features=MediaStreamInsertableStreams',
  '--disable-gpu',
];

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

/** Serves the callers' folder and `files` (path → file), and gives what is posted under `/record/` to `take`. */
async function serve(files, take) {
  const server = createServer(async (request, response) => {
    const { pathname } = new URL(request.url, 'http://localhost');
    // Isolation gives the page a clock of microseconds.
    response.setHeader('Cross-Origin-Opener-Policy', 'same-origin');
    response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp');
    try {
      if (pathname.startsWith('/record/')) {
        const parts = [];
        for await (const part of request) parts.push(part);
        take(pathname.split('/').slice(2), Buffer.concat(parts));
        response.end();
      } else if (files[pathname]) {
        createReadStream(files[pathname]).on('error', () => response.destroy()).pipe(response);
      } else {
        response.setHeader('Content-Type', KINDS[extname(pathname)] ?? 'application/octet-stream');
        response.end(await readFile(join(CALLERS, normalize(pathname))));
      }
    } catch (error) {
      response.writeHead(500).end(error.message);
    }
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}

/**
 * Opens the page; `told[what](value)` is called for what it tells, `take(path, bytes)` for what it posts,
 * `failed(reason)` when the page errs, `gone(reason)` when the browser ends before it is closed.
 */
export async function open({ files, take, told, failed, gone }) {
  const { module: playwright } = installed('playwright-core');
  const server = await serve(files, take);
  const browser = await playwright.chromium.launch({
    executablePath: chromium(), headless: true, args: FLAGS, chromiumSandbox: process.getuid?.() !== 0,
  }).catch((error) => leave(Exit.NOT_INSTALLED, `chromium does not start: ${error.message.split('\n')[0]}`));
  const origin = `http://127.0.0.1:${server.address().port}`;
  const context = await browser.newContext();
  // With this permission Chromium uses all its addresses, not only that of the default route, which the lab's namespaces lack.
  await context.grantPermissions(['camera', 'microphone'], { origin });
  const page = await context.newPage();
  page.on('pageerror', (error) => failed(`the page failed: ${error.message}`));
  page.on('crash', () => gone('the page crashed'));
  browser.on('disconnected', () => gone('the browser ended'));
  await page.exposeFunction('tell', (what, value) => { told[what]?.(value); });
  await page.goto(`${origin}/chromium/page.html`);
  await page.waitForFunction(() => window.prepare && window.prepareData);
  const close = async () => {
    await browser.close();
    server.close();
  };
  return { page, version: browser.version(), close };
}
