/** The messages to the server that may not have arrived yet. */

/** Most bytes kept: five seconds of a microphone at 48 kHz. */
const MOST_BYTES = 480_000;

export class Said {
  constructor() {
    /** @type {(string | ArrayBuffer)[]} the newest messages */
    this.kept = [];
    this.bytes = 0;
    /** How many messages came before those that are kept. */
    this.before = 0;
  }

  /** @param {string | ArrayBuffer} data */
  add(data) {
    this.kept.push(data);
    this.bytes += sizeOf(data);
    while (this.bytes > MOST_BYTES && this.kept.length > 1) this.drop();
  }

  /**
   * Return the messages that the server lacks. Those no longer kept are lost: both sides count without them.
   * @param {number} received messages that the server has got
   */
  after(received) {
    while (this.kept.length && this.before < received) this.drop();
    this.before = received;
    return [...this.kept];
  }

  drop() {
    this.bytes -= sizeOf(this.kept.shift());
    this.before += 1;
  }
}

function sizeOf(data) {
  return typeof data === "string" ? data.length : data.byteLength;
}
