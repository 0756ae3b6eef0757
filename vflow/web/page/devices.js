/** The user's microphones and loudspeakers, and the choice among them, which the browser remembers. */
import { find, make } from "./dom.js";

const KEY = "vflow devices";

export class Devices {
  /**
   * @param {() => void} onMicrophone another microphone, or other processing of it, was chosen
   * @param {(device: string) => void} onSpeaker
   */
  constructor(onMicrophone, onSpeaker) {
    this.microphones = find("microphone");
    this.speakers = find("speaker");
    this.echo = find("cancels-echo");
    this.chosen = { microphone: "", speaker: "", cancelsEcho: true, ...stored() };
    this.echo.checked = this.chosen.cancelsEcho;
    this.microphones.onchange = () => this.choose({ microphone: this.microphones.value }, onMicrophone);
    this.echo.onchange = () => this.choose({ cancelsEcho: this.echo.checked }, onMicrophone);
    this.speakers.onchange = () =>
      this.choose({ speaker: this.speakers.value }, () => onSpeaker(this.speakers.value));
    const chooses = typeof AudioContext !== "undefined" && "setSinkId" in AudioContext.prototype;
    this.speakers.closest(".row").hidden = !chooses;
    navigator.mediaDevices?.addEventListener("devicechange", () => this.list());
  }

  choose(change, then) {
    Object.assign(this.chosen, change);
    localStorage.setItem(KEY, JSON.stringify(this.chosen));
    then();
  }

  /** List the devices; a browser gives no names before the microphone is allowed. */
  async list() {
    const found = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    this.fill(this.microphones, found, "audioinput", "microphone");
    this.fill(this.speakers, found, "audiooutput", "speaker");
  }

  fill(select, found, kind, key) {
    const devices = found.filter((device) => device.kind === kind && device.deviceId && device.deviceId !== "default");
    if (!devices.some((device) => device.deviceId === this.chosen[key])) this.chosen[key] = "";
    const options = devices.map((device, at) =>
      make("option", { value: device.deviceId }, device.label || `Device ${at + 1}`),
    );
    select.replaceChildren(make("option", { value: "" }, "Default"), ...options);
    select.value = this.chosen[key];
  }
}

function stored() {
  try {
    return JSON.parse(localStorage.getItem(KEY) ?? "{}");
  } catch {
    return {};
  }
}
