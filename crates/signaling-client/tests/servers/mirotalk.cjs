// A server that is to its clients what MiroTalk P2P was recorded to be: rooms, relays and refusals, and nothing else of it.
// node mirotalk.cjs PORT, with socket.io in NODE_PATH.
'use strict';

const { createServer } = require('node:http');
const { Server } = require('socket.io');

const port = Number(process.argv[2]);
const http = createServer();
// Milliseconds. Pings come often, so that a test need not wait for them, and their answers may take long, as machines can be busy.
const io = new Server(http, { pingInterval: 100, pingTimeout: 30000 });

// By room: what is known of each member, by its id.
const rooms = new Map();
const iceServers = [
  { urls: 'stun:127.0.0.1:3478' },
  { urls: 'turn:127.0.0.1:3478', username: 'user', credential: 'secret' },
];

function refusal(room, password) {
  if (room === 'members only') return 'unauthorized';
  if (room === 'locked' && password !== 'swordfish') return 'roomIsLocked';
  if (room === 'closed') return 'roomIsJoinLocked';
  return null;
}

io.on('connection', (socket) => {
  let room = null;

  // What waits for the answer to the third ping.
  let patient = null;
  let pongs = 0;
  socket.conn.on('packet', ({ type }) => {
    if (type === 'pong' && ++pongs === 3) patient?.();
  });

  socket.on('join', (request) => {
    if (request.channel === 'patient' && pongs < 3) patient = () => join(request);
    else join(request);
  });

  const join = (request) => {
    const { osName, osVersion, browserName, browserVersion } = request.peer_info;
    const no = refusal(request.channel, request.channel_password);
    if (no) return socket.emit(no);
    room = rooms.get(request.channel) ?? new Map();
    rooms.set(request.channel, room);
    const others = [...room.keys()];
    room.set(socket.id, {
      peer_name: request.peer_name,
      peer_presenter: others.length === 0,
      peer_video: request.peer_video,
      peer_audio: request.peer_audio,
      os: `${osName} ${osVersion}`,
      browser: `${browserName} ${browserVersion}`,
    });
    const peers = Object.fromEntries(room);
    for (const other of others) {
      io.to(other).emit('addPeer', { peer_id: socket.id, peers, should_create_offer: false, iceServers });
      socket.emit('addPeer', { peer_id: other, peers, should_create_offer: true, iceServers });
    }
    socket.emit('serverInfo', { peers_count: room.size, join_locked: false });
  };

  const relay = (from, to, member) =>
    socket.on(from, ({ peer_id, [member]: what }) => io.to(peer_id).emit(to, { peer_id: socket.id, [member]: what }));
  relay('relaySDP', 'sessionDescription', 'session_description');
  relay('relayICE', 'iceCandidate', 'ice_candidate');

  socket.on('disconnect', () => {
    if (!room?.delete(socket.id)) return;
    for (const other of room.keys()) io.to(other).emit('removePeer', { peer_id: socket.id });
  });
});

http.listen(port, '127.0.0.1');
