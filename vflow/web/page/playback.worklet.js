/**
 * Plays replies on the browser's audio thread, and tells how much of each it has played.
 *
 * It takes {do: "add", turn, samples}, {do: "flush", turn}, {do: "hold"}, {do: "goOn"}, and {do: "reset"} for
 * another session. It posts {turn, frames, last, underruns}: how many frames of that turn's reply were played, and
 * whether it stops there (`last`).
 */

/** Audio to collect before a reply begins, so that jitter makes no gap. */
const PREBUFFER_S = 0.04;
/** A reply shorter than PREBUFFER_S begins when nothing more has come for this long. */
const PATIENCE_S = 0.06;
/** Length of the fade at a cut or a hold: a jump to zero would click. */
const FADE_S = 0.005;
const REPORT_S = 0.02;
/** Most audio that waits: more than a server that keeps to the protocol sends ahead. The rest is dropped. */
const MOST_S = 30;

class Playback extends AudioWorkletProcessor {
  constructor() {
    super();
    this.underruns = 0;
    this.sinceReport = 0;
    this.reset();
    this.port.onmessage = ({ data }) => this[data.do](data);
  }

  reset() {
    /** @type {{turn: number, samples: Float32Array}[]} audio that waits, in order; the first piece is being played */
    this.pieces = [];
    this.offset = 0; // frames of the first piece that were played
    this.waiting = 0; // frames not played yet, of all pieces
    this.turn = 0;
    this.frames = 0; // frames of `turn` that were played
    this.playing = false;
    this.held = false;
    this.gain = 1;
    this.sinceAdded = 0;
    this.ranDry = 0; // the turn whose audio ran out
  }

  add({ turn, samples }) {
    if (this.waiting + samples.length > MOST_S * sampleRate) return;
    if (turn === this.ranDry) this.underruns += 1;
    this.ranDry = 0;
    this.pieces.push({ turn, samples });
    this.waiting += samples.length;
    this.sinceAdded = 0;
  }

  /** Drop the audio of the turns up to `turn`, except for a short fade. */
  flush({ turn }) {
    const fade = this.fade(turn);
    this.pieces = this.pieces.filter((piece) => piece.turn > turn);
    if (fade) this.pieces.unshift(fade);
    this.offset = 0;
    this.waiting = this.pieces.reduce((sum, piece) => sum + piece.samples.length, 0);
    this.ranDry = 0;
    if (!fade) this.stop();
  }

  hold() {
    this.held = true;
  }

  goOn() {
    this.held = false;
  }

  /** Return the next few milliseconds of the sounding reply, faded to silence; null if none up to `turn` sounds. */
  fade(turn) {
    const [first] = this.pieces;
    if (!this.playing || !first || first.turn > turn || this.gain === 0) return null;
    const samples = first.samples.slice(this.offset, this.offset + Math.round(FADE_S * sampleRate));
    for (let i = 0; i < samples.length; i++) samples[i] *= 1 - (i + 1) / samples.length;
    return { turn: first.turn, samples };
  }

  process(_inputs, [[out]]) {
    this.sinceAdded += out.length;
    this.sinceReport += out.length;
    this.playing ||= this.ready();
    let at = 0;
    while (at < out.length && this.playing && !(this.held && this.gain === 0)) at = this.copy(out, at);
    if (this.playing && this.sinceReport >= REPORT_S * sampleRate) this.report(false);
    return true;
  }

  ready() {
    const enough = this.waiting >= PREBUFFER_S * sampleRate;
    return enough || (this.waiting > 0 && this.sinceAdded >= PATIENCE_S * sampleRate);
  }

  /** Copy from the first piece into `out` from `at` on; return the index after the last frame copied. */
  copy(out, at) {
    const { turn, samples } = this.pieces[0];
    if (turn !== this.turn) {
      this.report(true);
      this.turn = turn;
      this.frames = 0;
    }
    const step = 1 / (FADE_S * sampleRate);
    const from = this.offset;
    while (at < out.length && this.offset < samples.length) {
      this.gain = this.held ? Math.max(0, this.gain - step) : Math.min(1, this.gain + step);
      if (this.held && this.gain === 0) break;
      out[at++] = samples[this.offset++] * this.gain;
    }
    this.frames += this.offset - from;
    this.waiting -= this.offset - from;
    if (this.offset === samples.length) this.next();
    return at;
  }

  next() {
    this.pieces.shift();
    this.offset = 0;
    if (this.pieces.length > 0) return;
    this.ranDry = this.turn;
    this.stop();
  }

  stop() {
    this.playing = false;
    this.gain = this.held ? 0 : 1;
    this.report(true);
  }

  report(last) {
    this.sinceReport = 0;
    if (this.turn) this.port.postMessage({ turn: this.turn, frames: this.frames, last, underruns: this.underruns });
  }
}

registerProcessor("playback", Playback);
