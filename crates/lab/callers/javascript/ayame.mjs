// A room of an Ayame server: who came second offers, and what one sends reaches the other.
// It works with the WebSocket of a browser and with the one of node alike.

import { sleep } from './pace.mjs';

const RETRY = 250; // ms between attempts to reach a server that is not up yet
const MAX_EARLY = 256; // messages before the call listens; a peer sends about twenty

export class Ayame {
  #socket = null;
  #early = [];
  #listener = null;

  /** Enters the room; true when somebody is there already. Rejects when that failed until `deadline` (performance.now()). */
  async join(WebSocket, server, room, deadline) {
    for (;;) {
      try {
        return await this.#attempt(WebSocket, server, room, deadline);
      } catch (error) {
        if (error.final || performance.now() + RETRY > deadline) throw error;
        await sleep(RETRY);
      }
    }
  }

  #attempt(WebSocket, server, room, deadline) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(server);
      this.#socket = socket;
      const fail = (reason, final = false) => {
        clearTimeout(timer);
        reject(Object.assign(new Error(reason), { final }));
        socket.close();
      };
      const timer = setTimeout(() => fail('the server did not let us in'), Math.max(0, deadline - performance.now()));
      socket.onopen = () => this.send({ type: 'register', roomId: room, clientId: `lab-${Math.random().toString(36).slice(2)}` });
      socket.onerror = () => fail('the server cannot be reached');
      socket.onclose = () => fail('the server closed the connection');
      socket.onmessage = ({ data }) => {
        let message;
        try { message = JSON.parse(data); } catch { return; }
        if (message.type === 'ping') this.send({ type: 'pong' });
        else if (message.type === 'reject') fail(`the server rejects us: ${message.reason}`, true);
        else if (message.type === 'accept') {
          clearTimeout(timer);
          resolve(Boolean(message.isExistClient ?? message.isExistUser));
        } else if (this.#listener) this.#listener(message);
        else if (this.#early.length < MAX_EARLY) this.#early.push(message);
      };
    });
  }

  /** Hands every message of the peer to `listener`, those that came before included. */
  listen(listener) {
    this.#listener = listener;
    for (const message of this.#early.splice(0)) listener(message);
  }

  send(message) {
    if (this.open) this.#socket.send(JSON.stringify(message));
  }

  get open() {
    return this.#socket?.readyState === 1;
  }

  close() {
    if (this.#socket) this.#socket.onclose = null;
    this.#socket?.close(1000);
  }
}
