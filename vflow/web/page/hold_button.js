/** A button to hold down: with a finger, a mouse, its own key, or the space bar anywhere on the page. */

const TYPES = "input, textarea, select, button, summary, a, [contenteditable]";

export class HoldButton {
  /**
   * @param {HTMLButtonElement} button
   * @param {() => void} onPress
   * @param {() => void} onRelease
   */
  constructor(button, onPress, onRelease) {
    this.button = button;
    this.onPress = onPress;
    this.onRelease = onRelease;
    this.held = false;
    /** Whether holding has an effect now; otherwise the button clicks like any other. */
    this.enabled = false;
    button.addEventListener("pointerdown", (event) => {
      if (event.button === 0 && this.press()) button.setPointerCapture(event.pointerId);
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
      button.addEventListener(name, () => this.release());
    }
    document.addEventListener("keydown", (event) => this.key(event, () => event.repeat || this.press()));
    document.addEventListener("keyup", (event) => this.key(event, () => this.release()));
    window.addEventListener("blur", () => this.release());
    document.addEventListener("visibilitychange", () => document.hidden && this.release());
  }

  key(event, act) {
    const onButton = event.target === this.button && ["Space", "Enter"].includes(event.code);
    const onPage = event.code === "Space" && !event.target.closest?.(TYPES);
    if (!this.enabled || !(onButton || onPage || (this.held && event.code === "Space"))) return;
    event.preventDefault(); // else the space bar scrolls, or clicks
    act();
  }

  press() {
    if (!this.enabled || this.held) return false;
    this.held = true;
    this.button.classList.add("held");
    this.onPress();
    return true;
  }

  release() {
    if (!this.held) return;
    this.held = false;
    this.button.classList.remove("held");
    this.onRelease();
  }
}
