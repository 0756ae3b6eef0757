/** The words of one reply, and how many of them have sounded. Nothing here knows the page. */

/** Letters of scripts that put no space between words; the same as in vflow/scripts.py. */
const UNSPACED =
  /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\ua9e0-\ua9ff\uaa60-\uaa7f\u2e80-\u312f\u31a0-\u9fff\uf900-\ufaff\uff00-\uff9f\uffe0-\uffef]/u;

/** Return the space between two words; "" if their script has none, or one of them brings it. */
export function between(before, word) {
  const last = before.slice(-1);
  const first = word.slice(0, 1);
  if (!last || /\s/.test(last + first) || UNSPACED.test(last) || UNSPACED.test(first)) return "";
  return " ";
}

/** If no word was timed in this much sound of a reply, none will be. */
const PATIENCE_S = 1;

export class Reply {
  constructor() {
    /** @type {string[]} words in order; one that is still to come is undefined */
    this.words = [];
    /** @type {{index: number, from: number, to: number}[]} the place of each word in the audio, in seconds */
    this.spoken = [];
    this.seconds = 0;
    /** Whether words are shown as they come, because nothing tells when they sound. */
    this.untimed = false;
    /** How many words were heard before the reply was cut; null if it was not. */
    this.cutAfter = null;
    this.over = false;
  }

  add(index, text) {
    this.words[index] = text;
  }

  /** @param {[number, number, number][]} words index, begin and end in seconds of the reply's audio */
  time(words) {
    for (const [index, from, to] of words) this.spoken.push({ index, from, to });
  }

  /** Note how much has sounded in all. */
  play(seconds) {
    this.seconds = Math.max(this.seconds, seconds);
    if (this.seconds > PATIENCE_S && this.spoken.length === 0) this.untimed = true;
  }

  /** How many words to show: those that have begun to sound; all of a reply that is untimed, cut or over. */
  get shown() {
    if (this.untimed || this.over || this.cutAfter !== null) return this.words.length;
    return this.upTo(({ from }) => from);
  }

  /** How many words were heard: those of which half has sounded. */
  get heard() {
    if (this.cutAfter !== null) return this.cutAfter;
    return this.untimed ? this.words.length : this.upTo(({ from, to }) => (from + to) / 2);
  }

  /** Count the words up to the last one whose moment has passed; untimed words in between count too. */
  upTo(moment) {
    let count = 0;
    for (const span of this.spoken) if (moment(span) < this.seconds) count = Math.max(count, span.index + 1);
    return Math.min(count, this.words.length);
  }

  /** Return words `from` to `to` as a text. */
  text(from, to) {
    const words = this.words.slice(from, to).map((word) => word ?? "");
    return words.reduce((text, word) => text + between(text, word) + word, "");
  }

  cut() {
    this.cutAfter ??= this.heard;
  }

  /**
   * Take the end of the turn. `heard` is the server's account of what was heard, used if nothing was timed.
   * @param {{heard: string, interrupted: boolean}} turn
   */
  end({ heard, interrupted }) {
    this.over = true;
    if (!interrupted) return;
    this.cutAfter = this.untimed ? this.wordsOf(heard) : this.heard;
  }

  /** Count how many of the words a text holds. */
  wordsOf(text) {
    const bare = (part) => part.replace(/\s/g, "").length;
    let left = bare(text);
    let count = 0;
    while (count < this.words.length && left >= bare(this.words[count] ?? "") && left > 0) {
      left -= bare(this.words[count++] ?? "");
    }
    return count;
  }
}
