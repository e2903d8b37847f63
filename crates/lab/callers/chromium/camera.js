// The worker that stands in for camera and microphone: stamped pictures and the marked sound, at absolute due times.
// In a worker, because the timers of a page wait for its layout and statistics.

import { pace, pauses, sceneAt, unixMicros, wavSamples } from '/javascript/pace.mjs';
import { clearChroma, drawStamp } from '/javascript/stamp.mjs';

const SAMPLE_RATE = 48_000;
const CHUNK = 480; // samples: 10 ms, what a microphone hands over at a time
const REPORT = 1000; // ms between reports

const load = async (path) => new Uint8Array(await (await fetch(path)).arrayBuffer());
const post = (rows) => fetch('/record/sent', { method: 'POST', body: JSON.stringify(rows) }).catch(() => {});

let [stopped, drawing, sent] = [false, 0, []];

onmessage = async ({ data: { orders, video, audio } }) => {
  const [scene, sound] = await Promise.all([load('/scene'), load('/sound')]);
  const film = camera(orders, scene, video.getWriter());
  const listen = microphone(wavSamples(sound), audio.getWriter());
  onmessage = async ({ data: { start, stop } }) => {
    if (start) {
      const now = performance.now();
      film(now);
      listen(now);
      setInterval(() => post(sent.splice(0)), REPORT);
    }
    if (stop) {
      stopped = true;
      await post(sent.splice(0));
      postMessage({ drawing });
    }
  };
  postMessage({ ready: true });
};

function camera({ width, height, fps, pause }, scene, writer) {
  const size = width * height * 1.5;
  const count = Math.floor(scene.length / size);
  const pictures = Array.from({ length: count }, (_, at) => scene.subarray(at * size, (at + 1) * size));
  for (const picture of pictures) clearChroma(picture, width, height);
  const interval = 1000 / fps;
  let index = 0;
  return (first) => pace(first, interval, async (n) => {
    if (stopped) return false;
    const now = performance.now();
    // A camera that was held up has lost a picture; it does not send two at once.
    if (now > first + (n + 1) * interval || pauses(pause, n * interval)) return true;
    const picture = pictures[sceneAt(index, count)];
    const capturedUs = unixMicros(now);
    // Into the scene itself: the next stamp covers this one.
    drawStamp(picture, width, index, capturedUs);
    const format = { format: 'I420', codedWidth: width, codedHeight: height, timestamp: Math.round(now * 1000) };
    const frame = new VideoFrame(picture, format);
    sent.push([index++, capturedUs]);
    drawing += performance.now() - now;
    await writer.write(frame);
    return true;
  });
}

/** Ten milliseconds are handed over when the last of them was captured, as by a microphone. */
function microphone(sound, writer) {
  const length = (CHUNK * 1000) / SAMPLE_RATE;
  const format = { format: 's16', sampleRate: SAMPLE_RATE, numberOfChannels: 1, numberOfFrames: CHUNK };
  return (first) => {
    postMessage({ soundOrigin: unixMicros(first) });
    return pace(first + length, length, async (n) => {
      if (stopped) return false;
      const data = new Int16Array(CHUNK);
      for (let at = 0; at < CHUNK; at++) data[at] = sound[(n * CHUNK + at) % sound.length];
      await writer.write(new AudioData({ ...format, timestamp: Math.round((first + n * length) * 1000), data }));
      return true;
    });
  };
}
