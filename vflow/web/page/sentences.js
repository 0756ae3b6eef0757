/** Each error in a sentence: what happened, and what to do. */

const MICROPHONE = {
  NotAllowedError:
    "This page may not use the microphone. Allow it by the symbol beside the address, then press Talk again. You can type meanwhile.",
  NotFoundError: "No microphone was found. Plug one in and press Talk again, or type.",
  NotReadableError:
    "Another program has the microphone, or the system refuses it. Close that program and press Talk again.",
  OverconstrainedError: "The chosen microphone is gone. Choose another under Settings, then press Talk again.",
  SecurityError:
    "Browsers give the microphone only to pages from localhost or by https. Open the address on the machine itself, or start the server with --certfile and --keyfile. You can type meanwhile.",
};

const CLOSED = {
  1001: "The server ended the session. Press Talk to begin a new one.",
  1003: "The server did not understand this page. Reload it, and start again.",
  1007: "The server did not understand this page. Reload it, and start again.",
  1008: "The server refused this page. Open the address that 'vflow serve' printed, with its token.",
  1009: "This page sent too much at once. Reload it, and start again.",
  1011: "Something failed in the server; its terminal says what. Press Talk to begin a new session.",
  1012: "The server stops. Start it again with 'vflow serve', then open the address that it prints.",
  1013: "All places are taken. Wait until somebody leaves, then press Talk again.",
};

export const UNPLUGGED = "The microphone was unplugged. Plug it in, or choose another under Settings, then press Talk.";
export const NEEDS_A_CLICK = "The browser waits for a click before it plays sound: click anywhere on this page.";
export const SLOW = "The connection is too slow: some of what you said was lost. Come closer to the network, and say it again.";

/** @param {DOMException} error of asking for the microphone */
export function microphoneSentence(error) {
  return MICROPHONE[error.name] ?? `The microphone cannot be used (${error.message}). Choose another, or type.`;
}

/**
 * The sentence on a connection that closed; "" where that was in order.
 * @param {{code: number, text: string, ready: boolean}} close `text` is what the server said of it
 */
export function closeSentence({ code, text, ready }) {
  if (code === 1000) return "";
  if (code === 1006 || code === 1005) {
    return ready
      ? "The connection was lost. Look whether 'vflow serve' still runs, then press Talk to begin anew."
      : "The server cannot be reached. Start it with 'vflow serve', then open the address that it prints.";
  }
  const refusedLater = code === 1008 && ready;
  const sentence = (refusedLater ? CLOSED[1001] : CLOSED[code]) ?? `The connection was closed (code ${code}). Press Talk to begin anew.`;
  return text ? `${sentence} (Server: ${text})` : sentence;
}
