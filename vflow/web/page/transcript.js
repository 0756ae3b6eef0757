/** The conversation on the page: what the user said, and the reply, word by word as it is heard. */
import { make } from "./dom.js";
import { Reply, between } from "./reply.js";

/** Distance in pixels from the end within which the page scrolls to new words. */
const NEAR = 80;

export class Transcript {
  /**
   * @param {HTMLElement} list an <ol>
   * @param {(turn: number) => void} onChosen called when the user wants to see a turn's times
   */
  constructor(list, onChosen) {
    this.list = list;
    this.onChosen = onChosen;
    /** @type {Map<number, Turn>} turns of the session that runs, by number */
    this.turns = new Map();
    /** @type {Turn[]} turns of all sessions */
    this.all = [];
    this.silent = false;
  }

  /**
   * Begin another session: its turns are numbered from 1 again.
   * @param {boolean} silent whether its replies are text alone
   */
  begin(silent) {
    this.silent = silent;
    this.leave();
    for (const turn of this.all) turn.times.disabled = true; // from now on their numbers mean other turns
  }

  /** End the session: nothing more comes of its turns. */
  leave() {
    for (const turn of this.turns.values()) turn.leave();
    this.turns.clear();
  }

  /** Return the turn of a number; show it if it is new. */
  turn(number) {
    let turn = this.turns.get(number);
    if (!turn) {
      turn = new Turn(number, () => this.onChosen(number));
      turn.reply.untimed = this.silent;
      this.turns.set(number, turn);
      this.all.push(turn);
      this.follow(() => this.list.append(turn.element));
    }
    return turn;
  }

  say(number, text) {
    this.follow(() => this.turn(number).say(text));
  }

  word(number, index, text) {
    const turn = this.turn(number);
    turn.reply.add(index, text);
    this.show(turn);
  }

  time(number, words) {
    this.turn(number).reply.time(words);
  }

  progress(number, seconds) {
    const turn = this.turns.get(number);
    if (!turn || turn.reply.cutAfter !== null) return;
    turn.reply.play(seconds);
    this.show(turn);
  }

  /** Cut the replies up to a turn. */
  cut(number) {
    for (const [other, turn] of this.turns) {
      if (other > number || turn.reply.over) continue;
      turn.reply.cut();
      this.show(turn);
    }
  }

  end(ended) {
    if (!this.turns.has(ended.turn) && !ended.user && !ended.reply) return; // a cough
    const turn = this.turn(ended.turn);
    if (ended.user) turn.say(ended.user);
    turn.reply.end(ended);
    turn.note(ended);
    this.show(turn);
  }

  show(turn) {
    this.follow(() => turn.show());
  }

  /** Change the page, and keep its end in sight if the user sees it now. */
  follow(change) {
    const scroller = this.list.parentElement;
    const near = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;
    change();
    if (near) scroller.scrollTop = scroller.scrollHeight;
  }
}

/** One utterance of the user, and the reply to it. */
export class Turn {
  constructor(number, onChosen) {
    this.number = number;
    this.at = new Date();
    this.user = "";
    this.ended = null;
    this.reply = new Reply();
    this.drawn = 0;
    this.asked = make("p", { class: "asked", hidden: "" });
    this.answer = make("p", { class: "answer", hidden: "" });
    this.times = make("button", { type: "button", class: "times", hidden: "" });
    this.times.onclick = onChosen;
    this.remark = make("span", { class: "remark" });
    const foot = make("div", { class: "foot" }, this.times, this.remark);
    this.element = make("li", { class: "turn" }, this.asked, this.answer, foot);
  }

  say(text) {
    this.user = text;
    this.asked.replaceChildren(make("span", { class: "hidden" }, "You: "), text);
    this.asked.hidden = !text;
  }

  /** Show the words that have been heard by now. */
  show() {
    const { reply } = this;
    if (this.drawn === 0 && reply.shown > 0) {
      this.answer.append(make("span", { class: "hidden" }, "Agent: "));
      this.answer.hidden = false;
    }
    for (; this.drawn < reply.shown; this.drawn++) {
      const word = reply.words[this.drawn] ?? "";
      const space = between(reply.words[this.drawn - 1] ?? "", word);
      this.answer.append(space, make("span", { class: "word" }, word));
    }
    if (reply.cutAfter !== null) this.strike(reply.cutAfter);
  }

  /** Strike through the words after the first `count`. */
  strike(count) {
    const unheard = [...this.answer.querySelectorAll(":scope > .word")].slice(count);
    if (unheard.length === 0) return;
    let line = this.answer.querySelector("s");
    if (!line) {
      line = make("s", {}, make("span", { class: "hidden" }, "not heard: "));
      unheard[0].before(line);
    }
    const parts = [];
    for (let node = line.nextSibling; node; node = node.nextSibling) parts.push(node);
    line.append(...parts);
  }

  note(ended) {
    this.ended = ended;
    const wait = ended.latencies_ms?.v2v ?? ended.latencies_ms?.compute;
    this.times.hidden = !ended.stages?.length && wait == null;
    this.times.replaceChildren(wait == null ? "times" : `answered after ${(wait / 1000).toFixed(2)} s`);
    this.times.setAttribute("aria-label", `Turn ${this.number}: show its times`);
    this.remark.textContent = remarkOn(ended);
    this.element.classList.toggle("taken-back", Boolean(ended.taken_back));
  }

  /** End the turn: its session is over. */
  leave() {
    if (!this.reply.over) this.reply.cut();
    this.show();
  }
}

function remarkOn({ interrupted, taken_back: takenBack, reply }) {
  if (takenBack) return "taken back: you spoke on";
  if (interrupted) return "interrupted";
  return reply === "" ? "no reply" : "";
}
