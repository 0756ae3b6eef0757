/**
 * Packs the microphone's audio into frames of 20 ms, on the browser's audio thread.
 *
 * Posts {pcm, level}: `pcm` is an ArrayBuffer of 16 bit samples, mono; `level` their root mean square, 0 to 1.
 */
const FRAME_S = 0.02;

class Capture extends AudioWorkletProcessor {
  constructor() {
    super();
    this.size = Math.round(FRAME_S * sampleRate);
    this.begin();
  }

  begin() {
    this.frame = new Int16Array(this.size);
    this.filled = 0;
    this.energy = 0;
  }

  process([channels]) {
    for (const sample of channels[0] ?? []) {
      const clipped = Math.max(-1, Math.min(1, sample));
      this.frame[this.filled++] = Math.round(clipped * 32767);
      this.energy += clipped * clipped;
      if (this.filled === this.size) this.post();
    }
    return true;
  }

  post() {
    const level = Math.sqrt(this.energy / this.size);
    this.port.postMessage({ pcm: this.frame.buffer, level }, [this.frame.buffer]);
    this.begin();
  }
}

registerProcessor("capture", Capture);
