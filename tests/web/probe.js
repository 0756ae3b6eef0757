/**
 * Watches a page from outside, before its own code runs: what its sockets carry, which words appear, and what
 * leaves for the loudspeaker, as `probe`.
 */
const probe = (globalThis.probe = { told: [], blocks: [], rate: 0, loud: 0, bytes: 0 });

function tell(kind, fields) {
  const frame = probe.context ? Math.round(probe.context.currentTime * probe.rate) : 0;
  probe.told.push({ kind, frame, ...fields });
}

globalThis.WebSocket = class extends WebSocket {
  constructor(...options) {
    super(...options);
    probe.socket = this;
    this.addEventListener("message", ({ data }) => {
      if (typeof data === "string") tell("received", { message: JSON.parse(data) });
    });
    this.addEventListener("close", ({ code }) => tell("closed", { code }));
  }

  send(data) {
    if (typeof data === "string") tell("sent", { message: JSON.parse(data) });
    else {
      probe.bytes += data.byteLength;
      if (new Int16Array(data).some((sample) => Math.abs(sample) > 300)) probe.loud += 1;
    }
    super.send(data);
  }
};

/** Runs on the audio thread: posts what is played in pieces of 1024 samples, without the silence before it. */
const RECORDER = `
  registerProcessor("recorder", class extends AudioWorkletProcessor {
    kept = [];
    process([[samples]]) {
      if (!samples) return true;
      this.begun ||= samples.some((sample) => sample !== 0);
      if (!this.begun) return true;
      if (this.first === undefined) this.port.postMessage((this.first = currentFrame));
      this.kept.push(...samples);
      if (this.kept.length >= 1024) this.port.postMessage(Float32Array.from(this.kept.splice(0)));
      return true;
    }
  });
`;

const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (target, ...rest) {
  if (globalThis.recordsAll && target instanceof AudioDestinationNode) record(this);
  return connect.call(this, target, ...rest);
};

/** Keep what a node plays. The page's policy forbids the module, so the window must be opened without one. */
async function record(node) {
  const { context } = node;
  const module = URL.createObjectURL(new Blob([RECORDER], { type: "text/javascript" }));
  await context.audioWorklet.addModule(module);
  const recorder = new AudioWorkletNode(context, "recorder", { numberOfOutputs: 0 });
  recorder.port.onmessage = ({ data }) => {
    if (typeof data === "number") probe.first = data;
    else probe.blocks.push(data);
  };
  probe.rate = context.sampleRate;
  probe.context = context;
  connect.call(node, recorder);
}

/** All that was played, as 16 bit samples in base64, without the silence before it. */
probe.played = () => {
  const blocks = probe.blocks.map((block) => [...block]).flat();
  const bytes = new Uint8Array(Int16Array.from(blocks, (x) => Math.max(-1, Math.min(1, x)) * 32767).buffer);
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return btoa(text);
};

/** From when the first interruption came to the last sound before a silence of 50 ms, in ms. */
probe.stop = () => {
  const cut = probe.told.find(({ message }) => message?.type === "interrupted").frame - probe.first;
  const sound = probe.blocks.map((block) => [...block]).flat();
  let last = cut;
  for (let at = cut; at < sound.length && at - last < probe.rate / 20; at++) if (sound[at] !== 0) last = at;
  return ((last - cut) * 1000) / probe.rate;
};

document.addEventListener("DOMContentLoaded", () => {
  new MutationObserver((changes) => {
    for (const node of changes.flatMap((change) => [...change.addedNodes])) {
      if (node.classList?.contains("word") && !node.parentElement?.closest("s")) tell("shown", { text: node.textContent });
    }
  }).observe(document.body, { childList: true, subtree: true });
});
