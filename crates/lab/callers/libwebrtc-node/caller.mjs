// A measured call by libwebrtc in node (@roamhq/wrtc), with the sources and sinks that it adds to the browser's interface.
// It has no renderer: a picture counts as rendered, and sound goes to the sound card, when the sink is called.

import { readFileSync } from 'node:fs';

import { Ayame } from '../javascript/ayame.mjs';
import { attach, negotiate, secondOf, totalsOf } from '../javascript/negotiation.mjs';
import { Exit, installed, leave, mediaOrders } from '../javascript/orders.mjs';
import { pace, pauses, sceneAt, sleep, unixMicros, wavSamples } from '../javascript/pace.mjs';
import { Record } from '../javascript/record.mjs';
import { SoundCard } from '../javascript/sound-card.mjs';
import { clearChroma, drawStamp, readStamp } from '../javascript/stamp.mjs';

const SLACK = 20; // s beyond its orders that a run may take before it is cut off
const SAMPLE_RATE = 48_000;
const CHUNK = 480; // samples: 10 ms, the only length that the source takes
const KEPT_EVERY = 30;

const orders = mediaOrders();
const { module: wrtc, version } = installed('@roamhq/wrtc');
const { module: WebSocket } = installed('ws');
const { nonstandard, MediaStream, RTCPeerConnection, RTCRtpReceiver, RTCRtpSender } = wrtc;
const capabilities = (RTCRtpReceiver.getCapabilities ?? RTCRtpSender.getCapabilities)('video');
if (!capabilities.codecs.some(({ mimeType }) => mimeType.toLowerCase() === `video/${orders.codec}`)) {
  leave(Exit.NOT_INSTALLED, `@roamhq/wrtc is built without ${orders.codec}; run it with LAB_CODEC=vp8`);
}
const record = new Record(orders.folder);
const peer = { name: 'libwebrtc-node', version, started_us: unixMicros(0) };
setTimeout(() => leave(Exit.FAILED, 'the run took too long'), (orders.wait + orders.seconds + SLACK) * 1000).unref();

let stopped = false;

function camera(source) {
  const { width, height, fps } = orders;
  const bytes = readFileSync(orders.scene);
  const size = width * height * 1.5;
  const count = Math.floor(bytes.length / size);
  // A buffer for each: the source takes the whole of a buffer.
  const pictures = Array.from({ length: count }, (_, at) => Uint8ClampedArray.from(bytes.subarray(at * size, (at + 1) * size)));
  for (const picture of pictures) clearChroma(picture, width, height);
  const interval = 1000 / fps;
  let index = 0;
  return (first) => pace(first, interval, (n) => {
    if (stopped) return false;
    const now = performance.now();
    // A camera that was held up has lost a picture; it does not send two at once.
    if (now > first + (n + 1) * interval || pauses(orders.pause, n * interval)) return true;
    const data = pictures[sceneAt(index, count)];
    const capturedUs = unixMicros(now);
    drawStamp(data, width, index, capturedUs);
    record.lines('sent.csv', [[index++, capturedUs]]);
    source.onFrame({ width, height, data });
    return true;
  });
}

/** Ten milliseconds are handed over when the last of them was captured, as by a microphone. */
function microphone(source) {
  const sound = wavSamples(readFileSync(orders.sound));
  const length = (CHUNK * 1000) / SAMPLE_RATE;
  return (first) => {
    peer.sound_sent_origin_us = unixMicros(first);
    return pace(first + length, length, (n) => {
      if (stopped) return false;
      const samples = Int16Array.from({ length: CHUNK }, (_, at) => sound[(n * CHUNK + at) % sound.length]);
      source.onData({ samples, sampleRate: SAMPLE_RATE, bitsPerSample: 16, channelCount: 1, numberOfFrames: CHUNK });
      return true;
    });
  };
}

function watch(track) {
  const sink = new nonstandard.RTCVideoSink(track);
  sink.onframe = ({ frame: { width, height, data } }) => {
    const now = unixMicros();
    const stamp = readStamp(data, width, width, now);
    record.lines('pictures.csv', [[now, stamp?.index, stamp?.capturedUs, width, height]]);
    if (stamp && stamp.index % KEPT_EVERY === 0) record.kept(stamp.index, width, height, data);
  };
  return sink;
}

function listen(track, card) {
  const sink = new nonstandard.RTCAudioSink(track);
  sink.ondata = ({ samples, channelCount, sampleRate }) => card.play(unixMicros(), at48(samples, channelCount, sampleRate));
  return sink;
}

/** The first channel at 48 kHz: the sink gives the rate that the stack happens to play at. */
function at48(samples, channels, rate) {
  const count = samples.length / channels;
  return Int16Array.from({ length: Math.round((count * SAMPLE_RATE) / rate) }, (_, at) => {
    const exact = (at * rate) / SAMPLE_RATE;
    const here = Math.min(Math.floor(exact), count - 1);
    const [a, b] = [samples[here * channels], samples[Math.min(here + 1, count - 1) * channels]];
    return a + (b - a) * (exact - here);
  });
}

const [videoSource, audioSource] = [new nonstandard.RTCVideoSource(), new nonstandard.RTCAudioSource()];
const tracks = [audioSource.createTrack(), videoSource.createTrack()];
const [film, speak] = [camera(videoSource), microphone(audioSource)];
const card = new SoundCard((samples) => record.sound(samples));
const sinks = [];
const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
pc.ontrack = ({ track }) => sinks.push(track.kind === 'video' ? watch(track) : listen(track, card));

const signaling = new Ayame();
let seconds = null;
try {
  const deadline = performance.now() + orders.wait * 1000;
  const offering = await signaling.join(WebSocket, orders.server, orders.room, deadline);
  const now = performance.now();
  if (orders.media !== 'receive') {
    film(now);
    speak(now);
  }
  await new Promise((connected, failed) => {
    const late = () => failed(new Error(`no connection after ${orders.wait} s`));
    setTimeout(late, deadline - performance.now()).unref();
    pc.addEventListener('connectionstatechange', () => { if (pc.connectionState === 'connected') connected(); });
    negotiate({
      signaling, pc, offering,
      prepare: (first) => attach({
        pc, tracks, stream: new MediaStream(tracks), capabilities, offering: first,
        codec: orders.codec, maxBitrate: orders.maxBitrate, media: orders.media,
      }),
      offered: () => { peer.offer_us ??= unixMicros(); },
      failed: (reason) => failed(new Error(reason)),
    });
  });
  peer.connected_us = unixMicros();
  seconds = setInterval(async () => record.second(secondOf(await pc.getStats(), unixMicros())), 1000);
  await sleep(orders.seconds * 1000);
  clearInterval(seconds);
  Object.assign(peer, totalsOf(await pc.getStats()));
} catch (error) {
  peer.error = error.message;
}
stopped = true;
peer.ended_us = unixMicros();
for (const sink of sinks) sink.stop();
card.finish();
peer.sound_origin_us = card.origin;
pc.close();
signaling.close();
record.finish(peer);
if (peer.error) process.stderr.write(`${peer.error}\n`);
// The library crashes when node takes it down in order; everything is written.
process.reallyExit(peer.error ? Exit.FAILED : Exit.DONE);
