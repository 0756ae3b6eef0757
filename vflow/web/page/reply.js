/** The words of one reply, and how many of them have sounded. It knows nothing of the page. */

/** Scripts that put no space between words, as vflow/scripts.py has them. */
const UNSPACED =
  /[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff\ua9e0-\ua9ff\uaa60-\uaa7f\u2e80-\u312f\u31a0-\u9fff\uf900-\ufaff\uff00-\uff9f\uffe0-\uffef]/u;

/** The space between two words; "" where their script has none, or one of them brings it. */
export function between(before, word) {
  const last = before.slice(-1);
  const first = word.slice(0, 1);
  if (!last || /\s/.test(last + first) || UNSPACED.test(last) || UNSPACED.test(first)) return "";
  return " ";
}

/** A reply of which so much has sounded, and no word of it was timed, has words that nothing times. */
const PATIENCE_S = 1;

export class Reply {
  constructor() {
    /** @type {string[]} in order; one that is still to come is undefined */
    this.words = [];
    /** @type {{index: number, from: number, to: number}[]} where words lie in the audio, in seconds */
    this.spoken = [];
    this.seconds = 0;
    /** Whether words are shown as they come: nothing says when they sound. */
    this.untimed = false;
    /** How many words were heard, of a reply that was cut; null of another. */
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

  /** So much has sounded in all. */
  play(seconds) {
    this.seconds = Math.max(this.seconds, seconds);
    if (this.seconds > PATIENCE_S && this.spoken.length === 0) this.untimed = true;
  }

  /** Words that have begun to sound, or are to be shown for another reason. */
  get shown() {
    if (this.untimed || this.over || this.cutAfter !== null) return this.words.length;
    return this.upTo(({ from }) => from);
  }

  /** Words that were heard: those of which half has sounded. */
  get heard() {
    if (this.cutAfter !== null) return this.cutAfter;
    return this.untimed ? this.words.length : this.upTo(({ from, to }) => (from + to) / 2);
  }

  /** Words up to the last one whose moment has passed; those in between that have no sound count too. */
  upTo(moment) {
    let count = 0;
    for (const span of this.spoken) if (moment(span) < this.seconds) count = Math.max(count, span.index + 1);
    return Math.min(count, this.words.length);
  }

  /** Words `from` to `to` as a text. */
  text(from, to) {
    const words = this.words.slice(from, to).map((word) => word ?? "");
    return words.reduce((text, word) => text + between(text, word) + word, "");
  }

  cut() {
    this.cutAfter ??= this.heard;
  }

  /**
   * The turn has ended; `heard` is the server's account, for a reply that nothing timed.
   * @param {{heard: string, interrupted: boolean}} turn
   */
  end({ heard, interrupted }) {
    this.over = true;
    if (!interrupted) return;
    this.cutAfter = this.untimed ? this.wordsOf(heard) : this.heard;
  }

  /** How many of the words a text holds. */
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
