/** The session with the server, by the protocol `vflow.1` of docs/serving.md. It outlives a socket that is lost. */
import { Said } from "./said.js";

/** Most audio that waits for the network. Beyond, frames are dropped and counted: late words help nobody. */
const MOST_UNSENT = 400_000;
/** After this long without a message the network is gone: the server tells the fill of its links four times a second. */
const SILENT_MS = 3000;
const LOOK_MS = 500;
/** Time between two attempts to connect again. */
const RETRY_MS = [0, 250, 500, 1000, 2000];
/** Close codes of a socket that nobody has closed: no close frame came, or no pong. */
const LOST = [1006, 1011];
/** Close code of this page for a socket on which nothing comes: the session goes on by another one. */
const COMING_BACK = 4001;
/** The server's words for a close after which the session can go on. */
const COMES_BACK = ["slow_reader"];
/** The letters that a subprotocol, and so a token, may have. */
const TOKEN = /^[\w.~-]+$/;

/**
 * @typedef {object} Hears
 * @property {(message: {type: string}) => void} message
 * @property {(turn: number, pcm: Int16Array) => void} audio
 * @property {(closing: {close: number, code: string, text: string, ready: boolean}) => void} closed
 * @property {(away: boolean) => void} away called when the socket is lost, and when there is another one
 */

export class Connection {
  /** @param {Hears} hears */
  constructor(hears) {
    this.hears = hears;
    this.dropped = 0;
    /** How many messages came since `ready`. */
    this.got = 0;
    this.socket = null;
    this.session = null;
    this.said = new Said();
    this.lostAt = null;
    addEventListener("online", () => this.lostAt !== null && this.seek());
    setInterval(() => this.look(), LOOK_MS);
  }

  /**
   * Begin a session; return the server's `ready`, or null if it closed instead, after calling `closed`.
   * @param {string} token
   * @param {number} rate of the microphone's audio, in Hz
   */
  open(token, rate) {
    this.token = token;
    this.session = null;
    this.said = new Said();
    this.got = 0;
    return new Promise((opened) => {
      this.opened = opened;
      this.connect(JSON.stringify({ type: "start", input_rate: rate, played: true }));
    });
  }

  get isOpen() {
    return this.session !== null;
  }

  /**
   * @param {string} type
   * @param {object} fields
   */
  tell(type, fields = {}) {
    this.say(JSON.stringify({ type, ...fields }));
  }

  /** @param {ArrayBuffer} pcm */
  sendAudio(pcm) {
    if (this.lostAt === null && this.socket?.bufferedAmount > MOST_UNSENT) this.dropped += 1;
    else this.say(pcm);
  }

  /** Send a message, and keep it until it has surely arrived. */
  say(data) {
    if (!this.session) return;
    this.said.add(data);
    if (this.lostAt === null && this.socket?.readyState === WebSocket.OPEN) this.socket.send(data);
  }

  /** @param {string} first message */
  connect(first) {
    const url = new URL("ws", document.baseURI);
    url.protocol = url.protocol.replace("http", "ws");
    url.hash = "";
    const socket = new WebSocket(url, TOKEN.test(this.token) ? ["vflow.1", `token.${this.token}`] : ["vflow.1"]);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.heardAt = performance.now();
    let error = {};
    let ready = false;
    socket.onopen = () => socket.send(first);
    socket.onmessage = ({ data }) => {
      this.heardAt = performance.now();
      if (ready) this.got += 1;
      if (data instanceof ArrayBuffer) return this.hearAudio(data);
      const message = JSON.parse(data);
      if (message.type === "error") error = message;
      if (message.type === "ready") {
        ready = true;
        return this.begin(message);
      }
      this.hears.message(message);
    };
    socket.onclose = ({ code: close, reason }) => {
      this.socket = null;
      const { code = "", text = reason } = error;
      if (this.mayComeBack(close, code)) return this.lose();
      const began = this.session !== null;
      this.forget();
      this.hears.closed({ close, code, text, ready: began });
      this.opened(null);
    };
  }

  /** Take the server's `ready`: a session begins, or goes on. */
  begin(ready) {
    if (this.lostAt === null) {
      const { session, resume, resume_for_s } = ready;
      this.session = { name: session, token: resume, for_ms: 1000 * (resume_for_s ?? 0) };
      return this.opened(ready);
    }
    this.lostAt = null;
    for (const data of this.said.after(ready.received)) this.socket.send(data);
    this.hears.away(false);
  }

  mayComeBack(close, code) {
    return Boolean(this.session?.token) && (COMES_BACK.includes(code) || (!code && LOST.includes(close)));
  }

  /** Note that the socket is gone, and begin to connect again: the session waits for a while. */
  lose() {
    if (this.lostAt === null) {
      this.lostAt = performance.now();
      this.attempts = 0;
      this.hears.away(true);
    }
    if (performance.now() - this.lostAt > this.session.for_ms) {
      this.forget();
      return this.hears.closed({ close: 1006, code: "", text: "", ready: true });
    }
    const wait = RETRY_MS[Math.min(this.attempts, RETRY_MS.length - 1)];
    this.attempts += 1;
    this.retry = setTimeout(() => this.seek(), wait);
  }

  /** Try now to connect again. */
  seek() {
    clearTimeout(this.retry);
    this.abandon();
    const { name: session, token } = this.session;
    this.connect(JSON.stringify({ type: "resume", session, token, received: this.got }));
  }

  /** Let go of the current socket, and ignore what still comes from it. */
  abandon() {
    if (!this.socket) return;
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
    this.socket.close(COMING_BACK);
    this.socket = null;
  }

  /** Close the socket if the server has been silent for too long. */
  look() {
    if (!this.session?.token || !this.socket || performance.now() - this.heardAt < SILENT_MS) return;
    this.abandon();
    this.lose();
  }

  forget() {
    this.session = null;
    this.lostAt = null;
    clearTimeout(this.retry);
  }

  /** @param {ArrayBuffer} data the turn's number in four bytes, then samples */
  hearAudio(data) {
    this.hears.audio(new DataView(data).getUint32(0, true), new Int16Array(data, 4));
  }
}
