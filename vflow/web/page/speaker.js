/** Play replies, and tell how much of each was heard. */
import { contextWith, resumed } from "./sound.js";

/** Longest believable latency of a loudspeaker: a browser that says more is mistaken. */
const MOST_LATENCY_S = 1;

export class Speaker {
  /**
   * @param {(progress: {turn: number, seconds: number, last: boolean}) => void} onProgress called about every
   *   20 ms while a reply sounds; `last` when it ends or is cut
   */
  constructor(onProgress) {
    this.onProgress = onProgress;
    this.context = null;
    this.cutUpTo = 0;
    this.underruns = 0;
    this.sessions = 0;
    this.level = 1;
  }

  /**
   * Begin; return false if the browser first waits for the user to click.
   * @param {number} rate of the audio to play, in Hz; the browser converts it
   * @param {string} device its id; "" is the machine's own choice
   */
  async open(rate, device) {
    if (this.context?.sampleRate !== rate) await this.make(rate);
    this.sessions += 1;
    this.node.port.postMessage({ do: "reset" });
    this.cutUpTo = 0;
    await this.use(device);
    return resumed(this.context);
  }

  async make(rate) {
    await this.context?.close();
    this.context = await contextWith("playback.worklet.js", { sampleRate: rate });
    this.node = new AudioWorkletNode(this.context, "playback", { numberOfInputs: 0, outputChannelCount: [1] });
    this.node.port.onmessage = ({ data }) => {
      this.underruns = data.underruns;
      this.left({ turn: data.turn, seconds: data.frames / rate, last: data.last });
    };
    this.volume = new GainNode(this.context, { gain: this.level });
    this.node.connect(this.volume).connect(this.context.destination);
  }

  /** Report what has left for the loudspeaker, but only once it sounds: over Bluetooth a third of a second later. */
  left(progress) {
    const { baseLatency = 0, outputLatency = 0 } = this.context;
    const latency = Math.min(MOST_LATENCY_S, baseLatency + outputLatency);
    const { sessions } = this;
    setTimeout(() => sessions === this.sessions && this.onProgress(progress), 1000 * latency);
  }

  /** Begin if the browser was waiting for a click. */
  async wake() {
    if (this.context?.state === "suspended") await resumed(this.context);
    return this.context?.state === "running";
  }

  /** Play on another device, if the browser can choose one. */
  async use(device) {
    if (this.context?.setSinkId && device !== (this.context.sinkId ?? "")) await this.context.setSinkId(device);
  }

  /**
   * @param {number} turn
   * @param {Int16Array} pcm
   */
  play(turn, pcm) {
    if (turn <= this.cutUpTo || !this.context) return;
    const samples = Float32Array.from(pcm, (sample) => sample / 32768);
    this.node.port.postMessage({ do: "add", turn, samples }, [samples.buffer]);
  }

  /** Cut the replies up to `turn`, and drop their audio. */
  cut(turn) {
    this.cutUpTo = Math.max(this.cutUpTo, turn);
    this.node?.port.postMessage({ do: "flush", turn });
  }

  /** Pause, and keep the unplayed audio. */
  hold() {
    this.node?.port.postMessage({ do: "hold" });
  }

  goOn() {
    this.node?.port.postMessage({ do: "goOn" });
  }

  /** @param {number} level 0 to 1 */
  setVolume(level) {
    this.level = level;
    this.volume?.gain.setTargetAtTime(level, this.context.currentTime, 0.01);
  }
}
