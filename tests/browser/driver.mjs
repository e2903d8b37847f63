// Drives one page of headless Chromium. Reads one JSON question a line on standard input and answers each with one
// line, {"id":…,"value":…} or {"id":…,"error":…}; what the page logs goes to standard error.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

const { chromium } = createRequire(path.join(process.env.DRIVER_MODULES, '/'))('playwright-core');

// Longer than any wait that can still end well; shorter than the harness's own patience.
const PATIENCE = 40_000;

const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'ringback-browser-'));
const browser = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.DRIVER_CHROMIUM,
  headless: true,
  ignoreHTTPSErrors: true,
  viewport: { width: 1100, height: 700 },
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--use-fake-device-for-media-stream',
    '--use-fake-ui-for-media-stream',
    '--autoplay-policy=no-user-gesture-required',
  ],
});
browser.setDefaultTimeout(PATIENCE);
const page = browser.pages()[0] ?? (await browser.newPage());
page.on('console', (message) => console.error(`[page] ${message.text()}`));
page.on('pageerror', (error) => console.error(`[page error] ${error.message}`));

// Whatever peer connections the page makes are remembered, so that they can be measured from outside.
await browser.addInitScript(() => {
  const made = [];
  const Original = window.RTCPeerConnection;
  window.RTCPeerConnection = class extends Original {
    constructor(...rest) {
      super(...rest);
      made.push(this);
    }
  };
  window.ringbackFigures = async () => {
    const figures = { connections: [], frames: 0, energy: 0, framesSent: 0, audioPackets: 0, codecs: [], iceUsers: [] };
    for (const connection of made) {
      figures.connections.push(connection.connectionState);
      figures.iceUsers.push(...connection.getConfiguration().iceServers.map(({ username }) => username));
      for (const entry of (await connection.getStats()).values()) {
        if (entry.type === 'inbound-rtp' && entry.kind === 'video') figures.frames += entry.framesDecoded ?? 0;
        if (entry.type === 'inbound-rtp' && entry.kind === 'audio') {
          figures.energy += entry.totalAudioEnergy ?? 0;
          figures.audioPackets += entry.packetsReceived ?? 0;
        }
        if (entry.type === 'outbound-rtp' && entry.kind === 'video') figures.framesSent += entry.framesSent ?? 0;
        if (entry.type === 'codec') figures.codecs.push(entry.mimeType);
      }
    }
    return figures;
  };
});

// Once a tenth of a second is often enough: the figures change once a picture, and the page has work of its own.
async function receives({ frames, energy }) {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    const figures = await page.evaluate(() => window.ringbackFigures());
    if (figures.frames >= frames && figures.energy >= energy) return figures;
    if (Date.now() > deadline) throw new Error(`received only ${JSON.stringify(figures)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const actions = {
  open: ({ url }) => page.goto(url).then(() => null),
  click: ({ role, name }) => page.getByRole(role, { name, exact: true }).click(),
  enter: async ({ label, text }) => {
    await page.getByLabel(label, { exact: true }).fill(text);
    await page.getByLabel(label, { exact: true }).press('Enter');
  },
  shows: ({ text }) => page.getByText(text).first().waitFor({ state: 'visible' }),
  receives,
  resize: ({ width, height }) => page.setViewportSize({ width, height }),
  keep: ({ path: file }) => page.screenshot({ path: file }).then(() => null),
};

console.log(JSON.stringify({ id: 0, value: 'ready' }));
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { id, do: name, ...options } = JSON.parse(line);
  try {
    const value = (await actions[name](options)) ?? null;
    console.log(JSON.stringify({ id, value }));
  } catch (error) {
    console.log(JSON.stringify({ id, error: error.message }));
  }
}
await browser.close();
fs.rmSync(profile, { recursive: true, force: true });
