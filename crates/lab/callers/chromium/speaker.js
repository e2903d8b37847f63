// The worker that writes down the sound of the call as it is pulled for playing, and when.

import { unixMicros } from '/javascript/pace.mjs';
import { SoundCard } from '/javascript/sound-card.mjs';

let last = Promise.resolve();
const card = new SoundCard((samples) => {
  last = last.then(() => fetch('/record/sound', { method: 'POST', body: samples })).catch(() => {});
});

onmessage = async ({ data }) => {
  if (data.sound) read(data.sound.getReader());
  if (!data.stop) return;
  card.finish();
  await last;
  postMessage({ stopped: true, origin: card.origin, corrected: card.correctedMs });
};

async function read(reader) {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    card.play(unixMicros(), firstChannel(value));
    value.close();
  }
}

/** As 16 bit; the browser plays at 48 kHz what WebRTC decodes. */
function firstChannel(data) {
  const planar = new Float32Array(data.numberOfFrames);
  data.copyTo(planar, { planeIndex: 0, format: 'f32-planar' });
  return Int16Array.from(planar, (sample) => Math.max(-1, Math.min(1, sample)) * 32767);
}
