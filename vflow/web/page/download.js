/** The conversation as a text file. */
import { make } from "./dom.js";

/**
 * Return the turns as text, with time and speaker; words that were not heard stand in brackets.
 * @param {import("./transcript.js").Turn[]} turns
 */
export function transcriptText(turns) {
  const lines = [`Conversation with vflow, ${new Date().toLocaleString()}`, ""];
  for (const turn of turns) {
    const time = turn.at.toLocaleTimeString();
    if (turn.user) lines.push(`[${time}] You: ${turn.user}`);
    if (turn.drawn > 0) lines.push(`[${time}] Agent: ${written(turn.reply, turn.drawn)}`);
    lines.push("");
  }
  return lines.join("\n");
}

function written(reply, shown) {
  const heard = reply.cutAfter ?? shown;
  const unheard = reply.text(heard, shown);
  return `${reply.text(0, heard)}${unheard && ` [not heard: ${unheard}]`}`.trim();
}

/** Have the browser save a text. */
export function save(text, name) {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  make("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
