/** The socket to the server: `vflow.1`, as docs/serving.md has it. */

/** Audio that the network has not taken yet; beyond, a frame is dropped and counted: late words help nobody. */
const MOST_UNSENT = 32_768;
/** No other letters may stand in a subprotocol; a token with others is none. */
const TOKEN = /^[\w.~-]+$/;

/**
 * @typedef {object} Hears
 * @property {(message: {type: string}) => void} message
 * @property {(turn: number, pcm: Int16Array) => void} audio
 * @property {(closing: {close: number, code: string, text: string, ready: boolean}) => void} closed
 */

export class Connection {
  /** @param {Hears} hears */
  constructor(hears) {
    this.hears = hears;
    this.dropped = 0;
    this.socket = null;
    this.error = {};
  }

  /**
   * Connect; returns the server's `ready`, or null where it closed instead: then `closed` was told why.
   * @param {string} token
   * @param {number} rate of the microphone's audio, in Hz
   */
  open(token, rate) {
    const url = new URL("ws", document.baseURI);
    url.protocol = url.protocol.replace("http", "ws");
    url.hash = "";
    const socket = new WebSocket(url, TOKEN.test(token) ? ["vflow.1", `token.${token}`] : ["vflow.1"]);
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    this.error = {};
    return new Promise((opened) => {
      let ready = false;
      socket.onopen = () => this.tell("start", { input_rate: rate, played: true });
      socket.onmessage = ({ data }) => {
        if (data instanceof ArrayBuffer) return this.hearAudio(data);
        const message = JSON.parse(data);
        if (message.type === "error") this.error = message;
        this.hears.message(message);
        if (message.type === "ready") {
          ready = true;
          opened(message);
        }
      };
      socket.onclose = ({ code: close, reason }) => {
        if (this.socket === socket) this.socket = null;
        const { code = "", text = reason } = this.error;
        this.hears.closed({ close, code, text, ready });
        opened(null);
      };
    });
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /**
   * @param {string} type
   * @param {object} fields
   */
  tell(type, fields = {}) {
    if (this.isOpen) this.socket.send(JSON.stringify({ type, ...fields }));
  }

  /** @param {ArrayBuffer} pcm */
  sendAudio(pcm) {
    if (!this.isOpen) return;
    if (this.socket.bufferedAmount > MOST_UNSENT) this.dropped += 1;
    else this.socket.send(pcm);
  }

  /** @param {ArrayBuffer} data the turn's number in four bytes, then samples */
  hearAudio(data) {
    this.hears.audio(new DataView(data).getUint32(0, true), new Int16Array(data, 4));
  }
}
