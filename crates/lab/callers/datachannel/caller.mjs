// The data channels of libdatachannel (node-datachannel) under measurement: joins, connects, and leaves data.json.

import { Ayame } from '../javascript/ayame.mjs';
import { CHANNELS, bench } from '../javascript/bench.mjs';
import { Exit, dataOrders, installed, leave } from '../javascript/orders.mjs';
import { Record } from '../javascript/record.mjs';

const LOW = 256 * 1024; // bytes that wait, below which more is sent
const CUT_OFF = 150; // s beyond the wait for a connection

const orders = dataOrders() ?? leave(Exit.BAD_ORDERS, 'LAB_DATA_BYTES is not set: this caller has data channels only');
const { module: datachannel, version } = installed('node-datachannel');
const { module: WebSocket } = installed('ws');
setTimeout(() => leave(Exit.FAILED, 'the run took too long'), (orders.wait + CUT_OFF) * 1000).unref();

/** The face that the bench knows. */
function faceOf(channel) {
  channel.setBufferedAmountLowThreshold(LOW);
  return {
    label: channel.getLabel(),
    opened: new Promise((done) => (channel.isOpen() ? done() : channel.onOpen(done))),
    send: (data) => (typeof data === 'string' ? channel.sendMessage(data) : channel.sendMessageBinary(data)),
    buffered: () => channel.bufferedAmount(),
    // Asked again after setting the listener: it may have become low in between, on the thread of the library.
    low: () => new Promise((done) => {
      channel.onBufferedAmountLow(done);
      if (channel.bufferedAmount() <= LOW) done();
    }),
    listen: (listener) => channel.onMessage(listener),
  };
}

function connect(pc, signaling, offering) {
  pc.onLocalDescription((sdp, type) => signaling.send({ type, sdp }));
  pc.onLocalCandidate((candidate, mid) => {
    signaling.send({ type: 'candidate', ice: { candidate: candidate.replace(/^a=/, ''), sdpMid: mid, sdpMLineIndex: 0 } });
  });
  const early = [];
  let described = false;
  signaling.listen(({ type, sdp, ice }) => {
    if (type === 'offer' || type === 'answer') {
      pc.setRemoteDescription(sdp, type);
      described = true;
      for (const one of early.splice(0)) pc.addRemoteCandidate(one.candidate, one.sdpMid);
    } else if (type === 'candidate' && ice?.candidate) {
      if (described) pc.addRemoteCandidate(ice.candidate, ice.sdpMid);
      else early.push(ice);
    }
  });
  return new Promise((ready, failed) => {
    const channels = {};
    const add = (channel) => {
      const face = faceOf(channel);
      channels[face.label] = face;
      if (CHANNELS.every((name) => channels[name])) ready(channels);
    };
    pc.onStateChange((state) => { if (state === 'failed') failed(new Error('no path to the peer')); });
    pc.onDataChannel(add);
    if (offering) for (const name of CHANNELS) add(pc.createDataChannel(name));
    setTimeout(() => failed(new Error(`no connection after ${orders.wait} s`)), orders.wait * 1000).unref();
  });
}

const record = new Record(orders.folder, { media: false });
const signaling = new Ayame();
const pc = new datachannel.PeerConnection('lab', { iceServers: [] });
const data = { name: 'datachannel', version };
try {
  const offering = await signaling.join(WebSocket, orders.server, orders.room, performance.now() + orders.wait * 1000);
  Object.assign(data, await bench(await connect(pc, signaling, offering), orders, offering));
} catch (error) {
  data.error = error.message;
}
pc.close();
signaling.close();
datachannel.cleanup();
record.finish(data, 'data.json');
if (data.error) leave(Exit.FAILED, data.error);
process.exit(Exit.DONE);
