/** The buttons under the conversation, and how each looks in each state. */
import { find } from "./dom.js";

const HINTS = {
  offline: "The browser will ask for your microphone.",
  over: "Press Talk, or type, to begin another session.",
  off: "The microphone is off. Press Talk, or type.",
  on: "Speak, also while the agent speaks.",
  hold: "Hold the button, or the space bar, while you speak.",
  held: "Speak, then let go.",
};
const LABELS = { on: "Mute", hold: "Hold", held: "Hold" };
/** The meter shows sound below this level as silence. */
const QUIETEST_DB = -55;
/** Time between two values that a screen reader is told. */
const TOLD_MS = 500;

export class Controls {
  constructor() {
    this.talk = find("talk");
    this.label = find("talk-label");
    this.hint = find("hint");
    this.level = find("level");
    this.toldAt = 0;
  }

  /** @param {"offline" | "over" | "off" | "on" | "hold" | "held"} mode of the microphone */
  show(mode) {
    const connected = !["offline", "over"].includes(mode);
    this.hint.textContent = HINTS[mode];
    this.label.textContent = LABELS[mode] ?? "Talk";
    this.talk.classList.toggle("on", mode === "on");
    find("end").disabled = !connected;
    if (mode !== "on" && mode !== "held") this.hear(0);
  }

  /** Show how loud the microphone is. @param {number} level root mean square, 0 to 1 */
  hear(level) {
    const db = 20 * Math.log10(Math.max(level, 1e-6));
    const share = Math.max(0, Math.min(1, 1 - db / QUIETEST_DB));
    document.body.style.setProperty("--level", share.toFixed(2));
    if (performance.now() - this.toldAt < TOLD_MS) return;
    this.toldAt = performance.now();
    this.level.setAttribute("aria-valuenow", Math.round(100 * share));
  }
}
