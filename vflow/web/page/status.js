/** Show the agent's state, and errors in sentences. */
import { find, make } from "./dom.js";

const STATES = {
  offline: "Not connected",
  connecting: "Connecting",
  loading: "Loading",
  reconnecting: "Reconnecting",
  idle: "Ready",
  listening: "Listening",
  processing: "Thinking",
  speaking: "Speaking",
  interrupted: "Interrupted",
};
/** How long an interruption is shown: it is over at once, but one needs time to read it. */
const INTERRUPTED_MS = 900;

export class Status {
  constructor() {
    this.pill = find("state");
    this.alerts = find("alerts");
    this.spoken = find("announcements");
    this.interruptedUntil = 0;
    this.set("offline");
  }

  /** @param {string} state of STATES */
  set(state) {
    clearTimeout(this.timer);
    const wait = this.interruptedUntil - performance.now();
    if (wait > 0 && ["idle", "listening", "processing"].includes(state)) {
      this.timer = setTimeout(() => this.set(state), wait);
      return;
    }
    this.interruptedUntil = state === "interrupted" ? performance.now() + INTERRUPTED_MS : 0;
    document.body.dataset.state = state;
    this.pill.textContent = STATES[state] ?? state;
  }

  /**
   * Show a sentence until it is dismissed or another of its kind comes; "" removes it.
   * @param {string} sentence
   * @param {string} kind `connection`, `microphone`, `sound`, `warning`
   */
  alert(sentence, kind) {
    this.alerts.querySelector(`[data-kind="${kind}"]`)?.remove();
    if (!sentence) return;
    const dismiss = make("button", { type: "button", "aria-label": "Dismiss" }, "×");
    const box = make("div", { class: "alert", role: "alert", "data-kind": kind }, make("p", {}, sentence), dismiss);
    dismiss.onclick = () => box.remove();
    this.alerts.append(box);
  }

  /** Have a screen reader say a text that is shown elsewhere on the page. */
  announce(text) {
    this.spoken.textContent = text;
  }
}
