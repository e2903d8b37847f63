// The page of a measurement of data channels: one connection with nothing else.

import { CHANNELS, bench, faceOf } from '/javascript/bench.mjs';
import { negotiate } from '/javascript/negotiation.mjs';
import { unixMicros } from '/javascript/pace.mjs';

const { tell } = window;

/** Makes ready; `window.start(offering)` connects, measures and tells the result. */
window.prepareData = (orders) => {
  const pc = new RTCPeerConnection();
  const faces = {};
  let complete;
  const channels = new Promise((done) => { complete = done; });
  const add = (channel) => {
    faces[channel.label] = faceOf(channel);
    if (CHANNELS.every((name) => faces[name])) complete(faces);
  };
  pc.ondatachannel = ({ channel }) => add(channel);
  pc.onconnectionstatechange = () => { if (pc.connectionState === 'connected') tell('connected', unixMicros()); };
  window.start = (offering) => {
    negotiate({
      pc, offering,
      signaling: { send: (message) => tell('signal', message), listen: (listener) => { window.fromPeer = listener; } },
      prepare: (first) => { if (first) for (const name of CHANNELS) add(pc.createDataChannel(name)); },
      offered: () => {},
      failed: (reason) => tell('failed', reason),
    });
    channels.then((found) => bench(found, orders, offering))
      .then((result) => tell('measured', result), (error) => tell('failed', error.message));
  };
};
