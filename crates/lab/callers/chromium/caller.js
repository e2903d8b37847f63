// The page of a measured call: one connection with stamped pictures and marked sound both ways.
// Its program beside the browser does the signaling and keeps the records; see caller.mjs.

import { attach, negotiate, secondOf, totalsOf } from '/javascript/negotiation.mjs';
import { sleep, unixMicros } from '/javascript/pace.mjs';

const FLUSH = 300; // ms for the last pictures to be shown and reported
const MAX_HELD = 30; // pictures or pieces of sound that may wait for their reader before some are lost to the record

const { tell } = window;
const worker = (name) => new Worker(`/chromium/${name}.js`, { type: 'module' });
const answer = (to, message, transfer = []) => new Promise((done) => {
  to.onmessage = ({ data }) => done(data);
  to.postMessage(message, transfer);
});

/** Loads what is to be sent and makes ready; `window.start(offering)` and `window.hangUp()` do the rest. */
window.prepare = async (orders) => {
  const [camera, screen, speaker] = ['camera', 'screen', 'speaker'].map(worker);
  const tracks = await filmed(camera, orders);
  const stream = new MediaStream(tracks);
  const pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
  show(pc, screen, speaker);

  window.start = (offering) => {
    const { codec, maxBitrate, media } = orders;
    if (media !== 'receive') camera.postMessage({ start: true });
    const capabilities = RTCRtpReceiver.getCapabilities('video');
    negotiate({
      pc, offering,
      signaling: { send: (message) => tell('signal', message), listen: (listener) => { window.fromPeer = listener; } },
      prepare: (first) => attach({ pc, tracks, stream, capabilities, offering: first, codec, maxBitrate, media }),
      offered: () => tell('offered', unixMicros()),
      failed: (reason) => tell('failed', reason),
    });
  };

  let seconds = null;
  pc.onconnectionstatechange = () => {
    if (pc.connectionState !== 'connected' || seconds) return;
    tell('connected', unixMicros());
    seconds = setInterval(async () => tell('second', secondOf(await pc.getStats(), unixMicros())), 1000);
  };

  window.hangUp = async () => {
    clearInterval(seconds);
    const totals = { ...totalsOf(await pc.getStats()), ended_us: unixMicros() };
    const { drawing } = await answer(camera, { stop: true });
    await sleep(FLUSH);
    const [{ reading }, { origin, corrected }] = await Promise.all([screen, speaker].map((to) => answer(to, { stop: true })));
    pc.close();
    return { totals: { ...totals, sound_origin_us: origin }, cost: { drawing, reading, corrected } };
  };
};

/** The tracks of camera and microphone, ready to start. */
async function filmed(camera, orders) {
  const [audio, video] = ['audio', 'video'].map((kind) => new MediaStreamTrackGenerator({ kind }));
  const ends = { audio: audio.writable, video: video.writable };
  await answer(camera, { orders, ...ends }, Object.values(ends));
  camera.onmessage = ({ data }) => { if (data.soundOrigin) tell('sound-sent', data.soundOrigin); };
  return [audio, video];
}

/** Plays what comes in, as a page does, and has it written down. */
function show(pc, screen, speaker) {
  const element = document.getElementById('remote');
  const remote = new MediaStream();
  pc.ontrack = ({ track }) => {
    remote.addTrack(track);
    element.srcObject = remote;
    const { readable } = new MediaStreamTrackProcessor({ track, maxBufferSize: MAX_HELD });
    if (track.kind === 'video') screen.postMessage({ pictures: readable }, [readable]);
    else speaker.postMessage({ sound: readable }, [readable]);
  };
  const seen = (_, { rtpTimestamp, presentationTime, presentedFrames }) => {
    screen.postMessage({ shown: [[rtpTimestamp, unixMicros(presentationTime), presentedFrames]] });
    element.requestVideoFrameCallback(seen);
  };
  element.requestVideoFrameCallback(seen);
}
