// The page around a call: shows what the call tells, and listens to buttons and keys.
// It holds no call state of its own.

import { Call, LocalMedia } from './call.js';

const MAX_MESSAGES = 500; // kept in the chat; older ones scroll out
const NOTICE_TIME = 8000; // ms, long enough to read two lines

const $ = (id) => document.getElementById(id);

const ENDINGS = {
  'hung-up': ['You hung up', ''],
  'peer-hung-up': ['The other side hung up', ''],
  left: ['The other side left', 'The connection ended without a goodbye.'],
  lost: ['The connection was lost', 'The network between the two of you broke and did not come back.'],
  'no-path': ['No connection could be made', 'The networks of the two sides do not let a direct connection through.'],
  full: ['This room is full', 'Two are already on the line. Try again later or take another room.'],
  rejected: ['The server did not let you in', ''],
  unreachable: ['The server cannot be reached', 'Check that it is still running, then join again.'],
};
const STATES = {
  joining: ['Joining', 'Joining…', ''],
  waiting: ['Waiting', 'Waiting for the other side', 'Open this link on another device, or send it to someone. The call starts as soon as they join.'],
  connecting: ['Connecting', 'Connecting…', ''],
  connected: ['Connected', 'Connected', ''],
  reconnecting: ['Reconnecting', 'Reconnecting…', 'The network is interrupted.'],
};
const REASONS = {
  InvalidSignalingKey: 'This server lets in only those who have its key. Enter the right one.',
  InvalidRoomId: 'This name cannot be a room: use up to 128 visible characters.',
  TooManyJoins: 'Too many attempts from your network. Wait a minute.',
};

let call = null;
let media = new LocalMedia();
let unread = 0;

// For tests and for a look from the console; nothing can be changed through it.
Object.defineProperty(window, 'ringback', {
  value: Object.freeze({
    get pc() { return call?.pc ?? null; },
    get state() { return call?.state ?? 'lobby'; },
  }),
});

function show(name) {
  document.body.dataset.view = name;
  for (const id of ['lobby', 'call', 'ended']) $(id).hidden = id !== name;
}

const view = {
  state(state) {
    if (state === 'ended') return;
    const [label, title, text] = STATES[state];
    $('state').textContent = label;
    $('state').dataset.state = state;
    $('nobody-title').textContent = title;
    $('nobody-text').textContent = text;
    $('copy-link').hidden = state !== 'waiting';
    $('clock').textContent = '';
    view.peer();
    view.channels();
  },

  picture() {
    const remote = $('remote');
    const stream = call?.remoteStream ?? null;
    if (remote.srcObject !== stream) remote.srcObject = stream;
    const filmed = call?.peer.camera !== false;
    const live = filmed && (stream?.getVideoTracks().some((track) => !track.muted) ?? false);
    if (call?.state === 'connected' && !filmed) $('nobody-text').textContent = 'The camera of the other side is off.';
    $('nobody').hidden = live && ['connected', 'reconnecting'].includes(call.state);
    if (stream?.getTracks().length && remote.paused) {
      remote.play().then(() => { $('unblock-sound').hidden = true; }, (error) => {
        if (error.name === 'NotAllowedError') $('unblock-sound').hidden = false;
      });
    }
  },

  /** What the other side says of its microphone and camera. */
  peer() {
    const { microphone, camera } = call?.peer ?? {};
    const here = ['connected', 'reconnecting'].includes(call?.state);
    const parts = [microphone === false && 'Muted', camera === false && 'Camera off'].filter(Boolean);
    $('peer-state').hidden = !here || !parts.length;
    $('peer-state').textContent = parts.length ? `The other side: ${parts.join(', ').toLowerCase()}` : '';
    view.picture();
  },

  channels() {
    const open = call?.canChat ?? false;
    $('chat-input').disabled = $('chat-send').disabled = !open;
    $('chat-input').placeholder = open ? 'Write a message' : 'Nobody there yet';
  },

  message(text, own) {
    const item = document.createElement('li');
    item.className = own ? 'own' : '';
    const author = document.createElement('span');
    author.className = 'hidden-text';
    author.textContent = own ? 'You: ' : 'Other side: ';
    item.append(author, text);
    $('messages').append(item);
    while ($('messages').children.length > MAX_MESSAGES) $('messages').firstChild.remove();
    item.scrollIntoView({ block: 'nearest' });
    if ($('chat').hidden) {
      unread += 1;
      view.notice(`Message: ${text.length > 120 ? `${text.slice(0, 120)}…` : text}`, 'message');
    }
    view.unread();
  },

  unread() {
    $('unread').hidden = unread === 0;
    $('unread').textContent = unread;
    $('chat-toggle').setAttribute('aria-label', unread ? `Chat, ${unread} unread` : 'Chat');
  },

  second() {
    const seconds = Math.floor((Date.now() - call.connectedAt) / 1000);
    const [minutes, rest] = [Math.floor(seconds / 60), String(seconds % 60).padStart(2, '0')];
    $('clock').textContent = `${minutes}:${rest}`;
    if (call.state === 'connected' && seconds >= 2 && call.peer.camera !== false) $('nobody-text').textContent = 'The other side sends no picture.';
  },

  notice(text, kind = '') {
    const note = document.createElement('p');
    note.className = kind;
    note.textContent = text;
    $('notices').append(note);
    while ($('notices').children.length > 3) $('notices').firstChild.remove();
    setTimeout(() => note.remove(), NOTICE_TIME);
  },

  ended(end, detail) {
    media.stop();
    $('local').srcObject = $('remote').srcObject = null;
    $('notices').replaceChildren();
    if (end === 'rejected' && detail === 'InvalidSignalingKey') {
      $('key-field').hidden = false;
      $('lobby-hint').textContent = REASONS[detail];
      call = null;
      show('lobby');
      return $('key').focus();
    }
    const [title, text] = ENDINGS[end];
    $('reason').textContent = title;
    const said = end === 'peer-hung-up' && detail && detail !== 'hung up' ? `They said: ${detail}` : '';
    $('ended-text').textContent = said || (end === 'rejected' ? REASONS[detail] ?? `It said: ${detail}` : text);
    document.title = `${title} – Ringback`;
    show('ended');
    $('again').focus();
  },
};

async function join() {
  const room = $('room').value.trim();
  if (!room) return $('room').focus();
  $('join').disabled = true;
  $('lobby-hint').textContent = '';
  const wanted = [];
  if ($('start-microphone').checked) wanted.push('audio');
  if ($('start-camera').checked) wanted.push('video');
  media = new LocalMedia();
  const problems = wanted.length ? await media.open(wanted) : [];
  $('join').disabled = false;

  const link = new URL(location.href);
  link.searchParams.set('room', room);
  history.replaceState(null, '', link);
  document.title = `${room} – Ringback`;
  $('room-name').textContent = room;
  $('messages').replaceChildren();
  $('notices').replaceChildren();
  unread = 0;
  view.unread();
  toggleChat(false);
  show('call');
  call = new Call(room, $('key').value, media, view);
  view.state(call.state);
  showOwn();
  problems.forEach((problem) => view.notice(problem));
  $('nobody-title').focus();
}

/** Brings the own picture and the two buttons in line with the tracks. */
function showOwn() {
  const [audio, video] = [media.track('audio'), media.track('video')];
  $('microphone').setAttribute('aria-pressed', String(!audio?.enabled));
  $('camera').setAttribute('aria-pressed', String(!video?.enabled));
  $('local').hidden = !video;
  $('local').classList.toggle('stopped', !video?.enabled);
  if (video && $('local').srcObject !== media.stream) $('local').srcObject = media.stream;
}

/** Turns camera or microphone on or off; one that is not there yet is asked for. */
async function toggleTrack(kind) {
  const current = call;
  const track = media.track(kind);
  if (track) {
    track.enabled = !track.enabled;
  } else {
    const problems = await media.open([kind]);
    problems.forEach((problem) => view.notice(problem));
    const opened = media.track(kind);
    if (call !== current || call.state === 'ended') return media.stop();
    if (opened) await call.send(opened);
  }
  call.tellState();
  showOwn();
}

function toggleChat(open = $('chat').hidden) {
  $('chat').hidden = !open;
  $('chat-toggle').setAttribute('aria-expanded', String(open));
  if (!open) return;
  document.querySelectorAll('#notices .message').forEach((note) => note.remove());
  unread = 0;
  view.unread();
  ($('chat-input').disabled ? $('messages') : $('chat-input')).focus();
}

function leave() {
  call = null;
  document.title = 'Ringback';
  show('lobby');
  $('room').select();
}

async function copyLink() {
  const link = new URL(location.href);
  link.hash = '';
  try {
    await navigator.clipboard.writeText(link.href);
    $('copy-text').textContent = 'Copied';
    setTimeout(() => { $('copy-text').textContent = 'Copy the link to this room'; }, 2000);
  } catch {
    view.notice(link.href);
  }
}

const actions = {
  m: () => toggleTrack('audio'),
  v: () => toggleTrack('video'),
  c: () => toggleChat(),
  q: () => call.hangUp(),
};
$('microphone').onclick = actions.m;
$('camera').onclick = actions.v;
$('chat-toggle').onclick = actions.c;
$('hang-up').onclick = actions.q;
$('copy-link').onclick = copyLink;
$('again').onclick = join;
$('leave').onclick = leave;
$('chat-close').onclick = () => { toggleChat(false); $('chat-toggle').focus(); };
$('unblock-sound').onclick = () => view.picture();
$('join-form').onsubmit = (event) => { event.preventDefault(); join(); };
$('chat-form').onsubmit = (event) => {
  event.preventDefault();
  const text = $('chat-input').value.trim();
  if (text) call?.say(text);
  $('chat-input').value = '';
};
document.addEventListener('keydown', (event) => {
  if ($('call').hidden || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  if (event.key === 'Escape' && !$('chat').hidden) return $('chat-close').click();
  if (event.target.closest('input, textarea')) return;
  const action = actions[event.key.toLowerCase()];
  if (action) {
    event.preventDefault();
    action();
  }
});
addEventListener('pagehide', () => call?.goodbye('closed the page'));

$('room').value = new URLSearchParams(location.search).get('room') ?? '';
$('key').value = new URLSearchParams(location.hash.slice(1)).get('key') ?? '';
if (!isSecureContext) $('lobby-hint').textContent = 'This page was not opened over https: browsers give it no camera and no microphone.';
($('room').value ? $('join') : $('room')).focus();
