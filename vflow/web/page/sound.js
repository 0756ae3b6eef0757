/** Begin the browser's audio, for microphone and speaker. */

/** Time for `resume`: it never returns in a browser that waits for a click. */
const PATIENCE_MS = 2000;

/**
 * Make a context of the browser's audio, and load a worklet into it. Throws a DOMException, SecurityError, if the
 * browser allows none: on pages that are neither from localhost nor over https.
 * @param {string} worklet its file, beside this one
 * @param {AudioContextOptions} options
 */
export async function contextWith(worklet, options = {}) {
  if (!isSecureContext) throw new DOMException("needs https or localhost", "SecurityError");
  const context = new AudioContext({ latencyHint: "interactive", ...options });
  await context.audioWorklet.addModule(new URL(worklet, import.meta.url));
  return context;
}

/**
 * Begin; return false if the browser first waits for the user to click or press a key.
 * @param {AudioContext} context
 */
export async function resumed(context) {
  let timer;
  const late = new Promise((done) => (timer = setTimeout(done, PATIENCE_MS)));
  await Promise.race([context.resume().catch(() => {}), late]);
  clearTimeout(timer);
  return context.state === "running";
}
