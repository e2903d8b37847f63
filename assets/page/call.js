// A call from a browser: joins a room over Ayame and negotiates one direct connection with whoever is there.
// It tells its view what happens and knows nothing of the page.

const NEGOTIATION_LIMIT = 30_000; // ms from the peer's arrival to a connection, as in the native program
const RECONNECT_LIMIT = 15_000; // ms a broken path may take to heal
const JOIN_LIMIT = 60_000; // ms of trying to reach the server while nobody is on the line
const BYE_GRACE = 700; // ms without media after a bye until the peer counts as gone
const GOODBYE_FLUSH = 150; // ms for the goodbye to leave before the connection closes
const MAX_EARLY_CANDIDATES = 256; // a peer sends about ten

const wait = (ms) => new Promise((done) => setTimeout(done, ms));

/** Puts H.264 constrained baseline, packetization mode 1, first: the native program speaks it and nothing else. */
function preferH264(transceiver) {
  const codecs = RTCRtpReceiver.getCapabilities?.('video')?.codecs;
  if (!codecs || !transceiver.setCodecPreferences) return;
  const rank = ({ mimeType, sdpFmtpLine = '' }) => {
    if (mimeType.toLowerCase() !== 'video/h264') return 2;
    const fits = /packetization-mode=1/.test(sdpFmtpLine) && /profile-level-id=42e0/i.test(sdpFmtpLine);
    return fits ? 0 : 1;
  };
  try {
    transceiver.setCodecPreferences([...codecs].sort((a, b) => rank(a) - rank(b)));
  } catch (error) {
    console.warn('codec preferences were not taken:', error.message);
  }
}

/** Camera and microphone of this visitor, with what it took to get them. */
export class LocalMedia {
  stream = new MediaStream();

  track(kind) {
    return this.stream.getTracks().find((track) => track.kind === kind) ?? null;
  }

  /** Asks for the wanted kinds, goes on with what it gets, and returns a sentence for each that is missing. */
  async open(wanted) {
    if (!navigator.mediaDevices?.getUserMedia) {
      const reason = isSecureContext ? 'this browser has none to give' : 'browsers give them to https pages only';
      return [`No camera and no microphone: ${reason}. You can watch and listen.`];
    }
    let refusal = null;
    if (wanted.length > 1) {
      try {
        await this.#request(wanted);
        return [];
      } catch (error) {
        // One of the two may still work.
        if (error.name === 'NotAllowedError') refusal = error;
      }
    }
    const problems = [];
    for (const kind of wanted) {
      try {
        // Somebody who waved the question away is not asked a second time.
        if (refusal && await this.#permission(kind) === 'prompt') throw refusal;
        await this.#request([kind]);
      } catch (error) {
        problems.push(this.#explain(kind, error));
      }
    }
    return problems;
  }

  async #request(kinds) {
    const stream = await navigator.mediaDevices.getUserMedia({
      audio: kinds.includes('audio') && { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
      video: kinds.includes('video') && { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } },
    });
    for (const track of stream.getTracks()) this.stream.addTrack(track);
  }

  async #permission(kind) {
    try {
      const { state } = await navigator.permissions.query({ name: kind === 'audio' ? 'microphone' : 'camera' });
      return state;
    } catch {
      return 'unknown';
    }
  }

  #explain(kind, error) {
    const [device, effect] = kind === 'audio' ? ['microphone', 'hear'] : ['camera', 'see'];
    const reason = {
      NotAllowedError: `The ${device} was not allowed`,
      NotFoundError: `No ${device} was found`,
      NotReadableError: `The ${device} is in use by another program`,
    }[error.name] ?? `The ${device} does not work (${error.name})`;
    return `${reason}: the other side does not ${effect} you.`;
  }

  stop() {
    for (const track of this.stream.getTracks()) {
      track.stop();
      this.stream.removeTrack(track);
    }
  }
}

/** One call, from joining the room to its end. */
export class Call {
  state = 'joining';
  pc = null;
  remoteStream = null;
  connectedAt = null;
  peer = {}; // what the other side said of its microphone and camera, true or false each

  #room; #key; #media; #view;
  #socket = null;
  #channels = {};
  #polite = true;
  #makingOffer = false;
  #ignoringOffer = false;
  #settingAnswer = false;
  #earlyCandidates = [];
  #work = Promise.resolve();
  #timer = null;
  #pulse = null;
  #arrived = { bytes: 0, flowing: false };
  #saidBye = false;
  #unreachableSince = null;
  #attempt = 0;

  constructor(room, key, media, view) {
    this.#room = room;
    this.#key = key;
    this.#media = media;
    this.#view = view;
    this.#connect();
  }

  // Signaling

  #connect() {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/signaling`);
    this.#socket = socket;
    const mine = () => this.#socket === socket && this.state !== 'ended';
    socket.onopen = () => this.#signal({
      type: 'register', roomId: this.#room, clientId: crypto.randomUUID?.() ?? `page-${Date.now()}`,
      ...(this.#key && { key: this.#key }), ayameClient: 'ringback-page', renewIceServers: true,
    });
    socket.onmessage = ({ data }) => {
      let message;
      try { message = JSON.parse(data); } catch { return; }
      if (mine() && message) this.#receive(message);
    };
    socket.onclose = () => { if (mine()) this.#signalingLost(); };
  }

  #signal(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #receive(message) {
    switch (message.type) {
      case 'accept': return this.#accepted(message);
      case 'reject': return this.#finish(message.reason === 'full' ? 'full' : 'rejected', message.reason);
      case 'iceServers': return this.#renewed(message);
      case 'ping': return this.#signal({ type: 'pong' });
      case 'offer':
      case 'answer': return this.#queue(() => this.#described(message));
      case 'candidate': return this.#queue(() => this.#candidate(message.ice));
      case 'bye': return this.#peerGone();
    }
  }

  #accepted({ isExistClient, isExistUser, iceServers }) {
    const second = Boolean(isExistClient ?? isExistUser);
    this.#unreachableSince = null;
    this.#attempt = 0;
    this.#polite = !second;
    this.#openPeer(iceServers ?? []);
    if (second) this.#offer();
    this.#enter(second ? 'connecting' : 'waiting');
  }

  /** Fresh credentials for the same servers, for the next ICE restart. */
  #renewed({ iceServers }) {
    if (this.pc && Array.isArray(iceServers)) this.pc.setConfiguration({ ...this.pc.getConfiguration(), iceServers });
  }

  /** The server is gone. A call that runs does not need it. */
  #signalingLost() {
    if (this.connectedAt) return this.#view.notice('The connection to the server is lost. The call goes on without it.');
    if (this.state === 'connecting') return;
    this.#unreachableSince ??= Date.now();
    if (Date.now() - this.#unreachableSince > JOIN_LIMIT) return this.#finish('unreachable');
    this.#enter('joining');
    const pause = Math.random() * Math.min(30_000, 500 * 2 ** this.#attempt++);
    setTimeout(() => { if (this.state === 'joining') this.#connect(); }, pause);
  }

  /** Ayame's `bye`: the peer left, or only its connection to the server is lost. The server closes ours as well. */
  async #peerGone() {
    if (!this.connectedAt) {
      this.#closePeer();
      this.#socket.onclose = null;
      this.#enter('joining');
      return this.#connect();
    }
    this.#saidBye = true;
    if (this.state === 'reconnecting') return this.#finish('left');
    if (!this.#arrived.flowing) return;
    const before = await this.#bytesReceived();
    await wait(BYE_GRACE);
    if (this.state !== 'ended' && await this.#bytesReceived() === before) this.#finish('left');
  }

  // Negotiation (W3C "perfect negotiation": the one who waited is polite, the one who came offers first)

  #openPeer(iceServers) {
    this.#closePeer();
    const pc = new RTCPeerConnection({ iceServers, bundlePolicy: 'max-bundle' });
    this.pc = pc;
    this.remoteStream = new MediaStream();
    this.peer = {};
    this.#earlyCandidates = [];
    pc.onicecandidate = ({ candidate }) => {
      if (candidate?.candidate) this.#signal({ type: 'candidate', ice: candidate.toJSON() });
    };
    pc.onnegotiationneeded = async () => {
      try {
        this.#makingOffer = true;
        await pc.setLocalDescription();
        this.#describe();
      } catch (error) {
        console.warn('no offer:', error.message);
      } finally {
        this.#makingOffer = false;
      }
    };
    pc.ontrack = ({ track }) => {
      this.remoteStream.addTrack(track);
      track.onmute = track.onunmute = () => this.#view.picture();
      this.#view.picture();
    };
    pc.ondatachannel = ({ channel }) => this.#adopt(channel);
    pc.onconnectionstatechange = () => { if (this.pc === pc) this.#pathChanged(); };
  }

  /** Everything in the first offer: microphone, camera and both channels; a muted side costs nothing. */
  #offer() {
    for (const kind of ['audio', 'video']) {
      const options = { direction: 'sendrecv', streams: [this.#media.stream] };
      const transceiver = this.pc.addTransceiver(this.#media.track(kind) ?? kind, options);
      if (kind === 'video') preferH264(transceiver);
    }
    this.#adopt(this.pc.createDataChannel('chat'));
    this.#adopt(this.pc.createDataChannel('control'));
  }

  #queue(work) {
    this.#work = this.#work.then(work).catch((error) => console.warn('signaling:', error.message));
  }

  async #described({ type, sdp }) {
    const pc = this.pc;
    if (!pc || typeof sdp !== 'string') return;
    const stable = pc.signalingState === 'stable' || (pc.signalingState === 'have-local-offer' && this.#settingAnswer);
    this.#ignoringOffer = type === 'offer' && !this.#polite && (this.#makingOffer || !stable);
    if (this.#ignoringOffer) return;
    if (this.state === 'waiting') this.#enter('connecting');
    try {
      this.#settingAnswer = type === 'answer';
      await pc.setRemoteDescription({ type, sdp });
    } finally {
      this.#settingAnswer = false;
    }
    for (const candidate of this.#earlyCandidates.splice(0)) await this.#addCandidate(candidate);
    if (type === 'offer') {
      await this.#attachMedia();
      await pc.setLocalDescription();
      this.#describe();
    }
  }

  /** Gives the transceivers that an offer made our camera and microphone. */
  async #attachMedia() {
    for (const kind of ['audio', 'video']) {
      const all = this.pc.getTransceivers().filter(({ receiver, stopped }) => receiver.track.kind === kind && !stopped);
      const transceiver = all.find(({ sender }) => sender.track) ?? all[0];
      if (!transceiver || transceiver.sender.track) continue;
      transceiver.direction = 'sendrecv';
      transceiver.sender.setStreams?.(this.#media.stream);
      await transceiver.sender.replaceTrack(this.#media.track(kind));
      if (kind === 'video') preferH264(transceiver);
    }
  }

  #describe() {
    const { type, sdp } = this.pc.localDescription;
    this.#signal({ type, sdp });
  }

  async #candidate(ice) {
    if (!this.pc || !ice?.candidate) return;
    if (this.pc.remoteDescription) return this.#addCandidate(ice);
    if (this.#earlyCandidates.length < MAX_EARLY_CANDIDATES) this.#earlyCandidates.push(ice);
  }

  async #addCandidate(ice) {
    try {
      await this.pc.addIceCandidate(ice);
    } catch (error) {
      if (!this.#ignoringOffer) console.warn('candidate:', error.message);
    }
  }

  #pathChanged() {
    const path = this.pc.connectionState;
    if (path === 'connected') {
      if (!this.connectedAt) {
        this.connectedAt = Date.now();
        this.#pulse = setInterval(() => this.#measure(), 1000);
      }
      this.#enter('connected');
    } else if (this.connectedAt && (path === 'disconnected' || path === 'failed')) {
      if (this.#saidBye) return this.#finish('left');
      if (this.state !== 'reconnecting') this.#enter('reconnecting');
      // A new path needs the server; without it the old one may still come back.
      if (path === 'failed' && this.#socket?.readyState === WebSocket.OPEN) this.pc.restartIce();
    } else if (path === 'failed') {
      this.#finish('no-path');
    }
  }

  async #bytesReceived() {
    let bytes = 0;
    for (const stat of (await this.pc?.getStats())?.values() ?? []) {
      if (stat.type === 'inbound-rtp') bytes += stat.bytesReceived ?? 0;
    }
    return bytes;
  }

  /** Once a second: whether media arrives, and how long the call has been. */
  async #measure() {
    const bytes = await this.#bytesReceived();
    this.#arrived.flowing = bytes > this.#arrived.bytes;
    this.#arrived.bytes = bytes;
    this.#view.second();
  }

  // Channels

  #adopt(channel) {
    const name = channel.label === 'control' ? 'control' : 'chat';
    this.#channels[name] = channel;
    channel.onopen = () => {
      this.#view.channels();
      this.tellState();
    };
    channel.onmessage = ({ data }) => {
      if (typeof data !== 'string') return;
      if (name === 'chat') return this.#view.message(data, false);
      let message;
      try { message = JSON.parse(data); } catch { return; }
      if (message?.type === 'goodbye') this.#finish('peer-hung-up', message.reason);
      if (message?.type === 'state') {
        this.peer = { microphone: message.microphone, camera: message.camera };
        this.#view.peer();
      }
    };
    channel.onclose = () => {
      this.#view.channels();
      if (this.connectedAt && this.#channels[name] === channel && name === 'control') this.#finish('left');
    };
  }

  get canChat() {
    return this.#channels.chat?.readyState === 'open';
  }

  say(text) {
    if (!this.canChat) return;
    this.#channels.chat.send(text);
    this.#view.message(text, true);
  }

  /** Sends a track that was opened after the call began. */
  async send(track) {
    const transceiver = this.pc?.getTransceivers().find(({ receiver }) => receiver.track.kind === track.kind);
    await transceiver?.sender.replaceTrack(track);
  }

  // States and the end

  #enter(state) {
    if (this.state === 'ended') return;
    this.state = state;
    clearTimeout(this.#timer);
    if (state === 'connecting') this.#timer = setTimeout(() => this.#finish('no-path'), NEGOTIATION_LIMIT);
    if (state === 'reconnecting') this.#timer = setTimeout(() => this.#finish('lost'), RECONNECT_LIMIT);
    this.#view.state(state);
  }

  hangUp() {
    this.goodbye('hung up');
    this.#finish('hung-up');
  }

  /** Tells the other side whether it can hear and see us: when the channel opens, and at each change. */
  tellState() {
    const on = (kind) => this.#media.track(kind)?.enabled ?? false;
    this.#control({ type: 'state', microphone: on('audio'), camera: on('video') });
  }

  #control(message) {
    const { control } = this.#channels;
    if (control?.readyState === 'open') control.send(JSON.stringify(message));
  }

  /** Tells the other side why, as far as it can be reached. */
  goodbye(reason) {
    this.#control({ type: 'goodbye', reason });
  }

  async #finish(end, detail) {
    if (this.state === 'ended') return;
    this.#enter('ended');
    clearInterval(this.#pulse);
    this.#view.ended(end, detail);
    const [socket, pc] = [this.#socket, this.pc];
    if (end === 'hung-up') await wait(GOODBYE_FLUSH);
    pc?.close();
    socket?.close(1000);
  }

  #closePeer() {
    for (const channel of Object.values(this.#channels)) channel.onclose = channel.onmessage = null;
    this.#channels = {};
    this.pc?.close();
    this.pc = null;
    this.remoteStream = null;
  }
}
