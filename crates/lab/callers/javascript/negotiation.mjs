// Offer and answer between two W3C peer connections with fixed roles, and the one codec that pictures may use.

const MAX_EARLY_CANDIDATES = 256; // a peer sends about ten
const SOUND_SHARE = 40_000; // bits per second that Opus takes of the limit for sound and picture together

/** Negotiates `pc` over `signaling`. `prepare(offering)` adds media or channels; `offered()` is told when the offer is there. */
export function negotiate({ signaling, pc, offering, prepare, offered, failed }) {
  const early = [];
  let work = Promise.resolve();
  const queue = (step) => { work = work.then(step).catch((error) => failed(`negotiation: ${error.message}`)); };

  async function describe(description) {
    await pc.setLocalDescription(description);
    signaling.send({ type: description.type, sdp: description.sdp });
  }
  async function add(candidate) {
    // A candidate that does not fit is one path less, not the end.
    await pc.addIceCandidate(candidate).catch((error) => console.warn('candidate:', error.message));
  }
  async function described({ type, sdp }) {
    if (type === 'offer') offered();
    await pc.setRemoteDescription({ type, sdp });
    for (const candidate of early.splice(0)) await add(candidate);
    if (type !== 'offer') return;
    await prepare(false);
    await describe(await pc.createAnswer());
  }
  signaling.listen((message) => {
    if (message.type === 'offer' || message.type === 'answer') queue(() => described(message));
    if (message.type !== 'candidate' || !message.ice?.candidate) return;
    queue(async () => {
      if (pc.remoteDescription) return add(message.ice);
      if (early.length < MAX_EARLY_CANDIDATES) early.push(message.ice);
    });
  });
  pc.onicecandidate = ({ candidate }) => {
    if (!candidate?.candidate) return;
    const { sdpMid, sdpMLineIndex } = candidate;
    signaling.send({ type: 'candidate', ice: { candidate: candidate.candidate, sdpMid, sdpMLineIndex } });
  };
  if (!offering) return;
  queue(async () => {
    await prepare(true);
    offered();
    await describe(await pc.createOffer());
  });
  // As every calling page does: a path that failed is looked for anew.
  pc.addEventListener('iceconnectionstatechange', () => {
    if (pc.iceConnectionState === 'failed') queue(async () => describe(await pc.createOffer({ iceRestart: true })));
  });
}

/**
 * Sends the tracks over the transceivers that an offer made, or over new ones, with pictures in `codec` below `maxBitrate`;
 * with `media` 'receive' it only takes what comes, with 'send' it takes nothing.
 */
export async function attach({ pc, tracks, stream, capabilities, offering, codec, maxBitrate, media }) {
  const direction = { both: 'sendrecv', send: 'sendonly', receive: 'recvonly' }[media];
  const sends = media !== 'receive';
  for (const track of tracks) {
    const found = pc.getTransceivers().find(({ receiver }) => receiver.track.kind === track.kind);
    if (!offering && !found) throw new Error(`the offer has no ${track.kind}`);
    const streams = sends ? [stream] : [];
    const transceiver = offering ? pc.addTransceiver(sends ? track : track.kind, { direction, streams }) : found;
    if (!offering) {
      transceiver.direction = direction;
      if (sends) {
        transceiver.sender.setStreams?.(stream);
        await transceiver.sender.replaceTrack(track);
      }
    }
    if (track.kind !== 'video') continue;
    transceiver.setCodecPreferences(only(codec, capabilities.codecs));
    if (!sends) continue;
    const parameters = transceiver.sender.getParameters();
    for (const encoding of parameters.encodings) encoding.maxBitrate = Math.max(maxBitrate - SOUND_SHARE, SOUND_SHARE);
    await transceiver.sender.setParameters(parameters);
  }
}

/** The codec with what repairs its losses (retransmission and error correction), as the stack offers it. */
function only(codec, all) {
  const repair = /\/(rtx|red|ulpfec)$/i;
  const fits = ({ mimeType, sdpFmtpLine = '' }) => mimeType.toLowerCase() === `video/${codec}`
    && (codec !== 'h264' || (/packetization-mode=1/.test(sdpFmtpLine) && /profile-level-id=42e01f/i.test(sdpFmtpLine)));
  const wanted = all.filter(fits);
  if (!wanted.length) throw new Error(`there is no ${codec} here`);
  return [...wanted, ...all.filter(({ mimeType }) => repair.test(mimeType))];
}

/** What a statistics report says now, as a line of seconds.csv. */
export function secondOf(report, atUs) {
  const second = { at_us: atUs };
  let pair = null;
  for (const stat of report.values()) {
    const video = (stat.kind ?? stat.mediaType) === 'video';
    if (stat.type === 'outbound-rtp' && video) [second.frames_encoded, second.qp_sum] = [stat.framesEncoded, stat.qpSum];
    if (stat.type === 'inbound-rtp' && video) second.frames_decoded = stat.framesDecoded;
    if (stat.type === 'candidate-pair' && stat.nominated && (stat.bytesSent ?? 0) >= (pair?.bytesSent ?? 0)) pair = stat;
  }
  if (pair?.currentRoundTripTime !== undefined) second.rtt_ms = pair.currentRoundTripTime * 1000;
  second.target_bps = pair?.availableOutgoingBitrate;
  return second;
}

/** What a statistics report says at the end, as members of peer.json. */
export function totalsOf(report) {
  const totals = {};
  const stats = [...report.values()];
  const codecs = new Map(stats.filter(({ type }) => type === 'codec').map((codec) => [codec.id, codec]));
  for (const stat of stats) {
    const kind = stat.kind ?? stat.mediaType;
    if (stat.type === 'outbound-rtp' && kind === 'video') {
      totals.codec = codecs.get(stat.codecId)?.mimeType.replace('video/', '').toLowerCase();
    }
    if (stat.type !== 'inbound-rtp') continue;
    if (kind === 'video') totals.own_freezes = stat.freezeCount;
    if (kind === 'audio') {
      totals.sound_samples = stat.totalSamplesReceived;
      totals.sound_concealed_samples = stat.concealedSamples;
    }
  }
  return totals;
}
