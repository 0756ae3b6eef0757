/** The time that each stage of a turn took: a bar for each, with a mark for the promise. */
import { find, make } from "./dom.js";

const NAMES = {
  endpoint: "Your end noticed",
  transcript: "Transcript",
  thinking: "Thinking",
  voice: "Voice",
  device: "Device",
  first_word: "First word",
  word_to_audio: "Word to sound",
  speaking: "Speaking",
  compute: "Noticed to sound",
  v2v: "Your end to sound",
  stop: "Cut to silence",
};
/** The last stage lasts as long as the reply: its bar is cut off at the picture's edge. */
const OPEN = "speaking";

export class Waterfall {
  constructor() {
    this.panel = find("times");
    this.select = find("times-turn");
    /** @type {Map<number, object>} turns that have ended, by number */
    this.turns = new Map();
    this.targets = {};
    this.select.onchange = () => this.show(Number(this.select.value));
  }

  /** @param {Record<string, number>} targets in ms, by the names of stages and latencies */
  begin(targets) {
    this.targets = targets ?? {};
    this.turns.clear();
    this.select.replaceChildren();
    this.select.disabled = true;
  }

  /** Show a turn that has ended. */
  add(ended) {
    const measured = ended.stages?.length || Object.values(ended.latencies_ms ?? {}).some((ms) => ms != null);
    if (!measured) return;
    if (!this.turns.has(ended.turn)) this.select.prepend(make("option", { value: ended.turn }, `Turn ${ended.turn}`));
    this.turns.set(ended.turn, ended);
    this.select.disabled = false;
    this.show(ended.turn);
  }

  /** Show a turn that the user asked for, and bring it into sight. */
  reveal(number) {
    const card = this.panel.closest("details");
    card.open = true;
    this.show(number);
    card.scrollIntoView({ block: "nearest" });
  }

  show(number) {
    const ended = this.turns.get(number);
    if (!ended) return;
    this.select.value = String(number);
    const stages = ended.stages ?? [];
    const shown = new Set(stages.map((stage) => stage.name));
    const others = Object.entries(ended.latencies_ms ?? {}).filter(([name, ms]) => ms != null && !shown.has(name));
    const head = ["stage", "", "took", "promised"].map((text) => make("th", { scope: "col" }, text));
    this.panel.replaceChildren(
      make(
        "table",
        {},
        make("thead", {}, make("tr", {}, ...head)),
        make("tbody", {}, ...this.bars(stages, ended.interrupted)),
        make("tbody", {}, ...others.map(([name, ms]) => this.row(name, ms, ""))),
      ),
    );
  }

  /**
   * @param {{name: string, start_ms: number, end_ms: number}[]} stages
   * @param {boolean} interrupted whether an interruption ended the last stage
   */
  bars(stages, interrupted) {
    const begin = Math.min(...stages.map((stage) => stage.start_ms));
    const whole = Math.max(1, ...stages.map((stage) => this.limit(stage) - begin));
    const share = (ms) => `${Math.min(100, Math.max(0, (100 * ms) / whole))}%`;
    return stages.map((stage, at) => {
      const cut = interrupted && at === stages.length - 1;
      const took = stage.end_ms - stage.start_ms;
      const bar = make("span", { class: `bar ${stage.name === OPEN ? "open" : this.verdict(stage.name, took)}` });
      bar.style.left = share(stage.start_ms - begin);
      bar.style.width = `max(3px, ${share(stage.name === OPEN ? whole : took)})`;
      const track = make("span", { class: "track", "aria-hidden": "true" }, bar);
      if (stage.name in this.targets) {
        const mark = make("span", { class: "mark" });
        mark.style.left = share(stage.start_ms + this.targets[stage.name] - begin);
        track.append(mark);
      }
      bar.classList.toggle("cut", cut);
      const row = this.row(stage.name, took, track);
      row.classList.toggle("cut", cut);
      return row;
    });
  }

  /** Return where a stage's row ends: at its bar or the mark of its promise, with some room after it. */
  limit({ name, start_ms: start, end_ms: end }) {
    if (name === OPEN) return start * 1.15;
    return Math.max(end, (start + (this.targets[name] ?? 0)) * 1.02);
  }

  row(name, took, track) {
    const verdict = this.verdict(name, took);
    const limit = verdict && lasting(this.targets[name]);
    const promised = { kept: `✓ ${limit}`, late: `✗ ${limit}`, "": "–" }[verdict];
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, NAMES[name] ?? name.replaceAll("_", " ")),
      make("td", { class: "bars" }, track),
      make("td", { class: "ms" }, lasting(took)),
      make("td", { class: `ms ${verdict}`, "aria-label": verdict !== "" && `${verdict}: ${limit} were promised` }, promised),
    );
  }

  /** Return `kept` or `late`; "" if nothing is promised. */
  verdict(name, took) {
    if (!(name in this.targets)) return "";
    return took <= this.targets[name] ? "kept" : "late";
  }
}

function lasting(ms) {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(2)} s`;
}
