/** The user's microphone: frames of 20 ms, with the browser's echo cancellation. */
import { contextWith, resumed } from "./sound.js";

export class Microphone {
  /**
   * @param {(pcm: ArrayBuffer, level: number) => void} onFrame takes 16 bit samples, and their level, 0 to 1
   * @param {() => void} onUnplugged
   */
  constructor(onFrame, onUnplugged) {
    this.onFrame = onFrame;
    this.onUnplugged = onUnplugged;
    this.context = null;
    this.stream = null;
  }

  get isOpen() {
    return this.stream !== null;
  }

  /** Return the rate in Hz of the frames to come, which is the machine's. Call it in the handler of a click. */
  async prepare() {
    this.context ??= await contextWith("capture.worklet.js");
    return this.context.sampleRate;
  }

  /**
   * Ask for the microphone, and begin. Throws a DOMException if there is none, or it is not allowed.
   * @param {{device: string, cancelsEcho: boolean}} settings
   */
  async open({ device, cancelsEcho }) {
    const audio = {
      channelCount: 1,
      echoCancellation: cancelsEcho,
      noiseSuppression: cancelsEcho,
      autoGainControl: cancelsEcho,
      ...(device && { deviceId: { exact: device } }),
    };
    const stream = await navigator.mediaDevices.getUserMedia({ audio });
    this.close();
    await this.prepare();
    await resumed(this.context);
    this.stream = stream;
    this.source = this.context.createMediaStreamSource(stream);
    this.node = new AudioWorkletNode(this.context, "capture", { numberOfOutputs: 0 });
    this.node.port.onmessage = ({ data }) => this.stream && this.onFrame(data.pcm, data.level);
    this.source.connect(this.node);
    stream.getAudioTracks()[0].onended = () => {
      this.close();
      this.onUnplugged();
    };
  }

  close() {
    if (!this.stream) return;
    for (const track of this.stream.getTracks()) {
      track.onended = null;
      track.stop();
    }
    this.source.disconnect();
    this.stream = null;
  }
}
