/** Each error in a sentence or two: what happened, and what to do. */

const MICROPHONE = {
  NotAllowedError:
    "This page may not use the microphone. Allow it with the symbol beside the address, then press Talk again. You can type meanwhile.",
  NotFoundError: "No microphone was found. Plug one in and press Talk again, or type.",
  NotReadableError:
    "Another program has the microphone, or the system refuses it. Close that program and press Talk again.",
  OverconstrainedError: "The chosen microphone is gone. Choose another under Settings, then press Talk again.",
  SecurityError:
    "Browsers allow sound only on pages from localhost or over https. Open the address on the machine itself, or start the server with --certfile and --keyfile.",
};

/** Sentences by the server's word for a close, or by its code. */
const CLOSED = {
  token: "The token is missing or wrong. Open the whole address that 'vflow serve' printed, with the part after the #.",
  full: "All places are taken. Wait until somebody leaves, then press Talk again.",
  busy: "The server is at its limit: those who talk with it already wait too long. Try again in a minute.",
  resume: "The connection was lost for too long, so the session has ended. Press Talk to begin another.",
  missed: "The connection was lost, and with it too many messages to go on. Press Talk to begin another session.",
  replaced: "This conversation goes on elsewhere. Press Talk to begin another here.",
  idle: "Nothing was said for a while, so the session has ended. Press Talk, or type, to begin another.",
  stopping: "The server is stopping. Start it again with 'vflow serve', then open the address that it prints.",
  slow_reader: "The connection is too slow for the agent's voice. Come closer to the network, then press Talk again.",
  failed: "The agent failed; the server's terminal says where. Press Talk to begin another session.",
  1001: "The server has ended the session. Press Talk, or type, to begin another.",
  1008: "The server does not accept this page's messages. Reload the page, then press Talk again.",
  1011: "The server failed, or did not hear from this page. Press Talk to begin another session.",
  1012: "The server is stopping. Start it again with 'vflow serve', then open the address that it prints.",
  1013: "The server accepts nobody at present. Try again in a minute.",
};

export const UNPLUGGED = "The microphone was unplugged. Plug it in, or choose another under Settings, then press Talk.";
export const NEEDS_A_CLICK = "The browser waits for a click before it plays sound: click anywhere on this page.";
export const SLOW = "The connection is too slow: some of what you said was lost. Come closer to the network, and say it again.";

/** @param {DOMException} error of asking for the microphone */
export function microphoneSentence(error) {
  return MICROPHONE[error.name] ?? `The microphone cannot be used (${error.message}). Choose another, or type.`;
}

/**
 * Return the sentence for a connection that closed; "" if it closed in order.
 * @param {{close: number, code: string, text: string, ready: boolean}} closing the number, the server's word and
 *   its text, and whether a session had begun
 */
export function closeSentence({ close, code, text, ready }) {
  if (close === 1000) return "";
  const known = CLOSED[code] ?? CLOSED[close];
  if (known) return known;
  if (text) return `The connection was closed: ${text}. Reload the page, then press Talk again.`;
  return ready
    ? "The connection was lost. Check that 'vflow serve' still runs, then press Talk to begin another session."
    : "The server cannot be reached. Start it with 'vflow serve', then open the address that it prints.";
}
