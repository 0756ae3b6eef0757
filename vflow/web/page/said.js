/** What was said to the server, for as long as it may not have arrived. */

/** Five seconds of a microphone at 48 kHz. */
const MOST_BYTES = 480_000;

export class Said {
  constructor() {
    /** @type {(string | ArrayBuffer)[]} the newest */
    this.kept = [];
    this.bytes = 0;
    /** Messages before those that are kept. */
    this.before = 0;
  }

  /** @param {string | ArrayBuffer} data */
  add(data) {
    this.kept.push(data);
    this.bytes += sizeOf(data);
    while (this.bytes > MOST_BYTES && this.kept.length > 1) this.drop();
  }

  /**
   * What the server lacks. Messages that are not kept any more are lost: from now on both count without them.
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
