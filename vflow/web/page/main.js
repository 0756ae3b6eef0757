/** The page: joins the session, the microphone, the speaker and everything shown. */
import { Connection } from "./connection.js";
import { Controls } from "./controls.js";
import { Devices } from "./devices.js";
import { find } from "./dom.js";
import { save, transcriptText } from "./download.js";
import { GraphView } from "./graph.js";
import { HoldButton } from "./hold_button.js";
import { Microphone } from "./microphone.js";
import { Properties } from "./properties.js";
import { NEEDS_A_CLICK, SLOW, UNPLUGGED, closeSentence, microphoneSentence } from "./sentences.js";
import { Speaker } from "./speaker.js";
import { Status } from "./status.js";
import { token } from "./token.js";
import { Transcript } from "./transcript.js";
import { Waterfall } from "./waterfall.js";

/** Time between two reports of what was played. */
const REPORT_MS = 100;
/** Send something every ALIVE_MS, for a server ends a silent session; stop AWAY_MS after the user's last act. */
const ALIVE_MS = 15_000;
const AWAY_MS = 600_000;

const status = new Status();
const controls = new Controls();
const waterfall = new Waterfall();
const graph = new GraphView();
const transcript = new Transcript(find("turns"), (turn) => waterfall.reveal(turn));
const connection = new Connection({ message, audio: (turn, pcm) => speaker.play(turn, pcm), closed, away });
const speaker = new Speaker(played);
const microphone = new Microphone(heardUser, unplugged);
const properties = new Properties((node, property, value) => connection.tell("set", { node, property, value }));
const devices = new Devices(changeMicrophone, (device) => speaker.use(device).catch(speakerFails));
const hold = new HoldButton(find("talk"), press, release);

let ready = null;
let opening = null;
let ended = false;
/** The agent's state, as the server told it last. */
let state = "idle";
let lastAct = Date.now();
let lastReport = { turn: 0, seconds: 0, at: 0 };
let dropped = 0;

// The session

/** Begin a session if none runs. Return false if that fails; the page then shows the reason. */
function connected() {
  if (connection.isOpen && ready) return Promise.resolve(true);
  opening ??= open().finally(() => (opening = null));
  return opening;
}

async function open() {
  status.alert("", "connection");
  status.set("connecting");
  let rate;
  try {
    rate = await microphone.prepare();
  } catch (error) {
    status.alert(microphoneSentence(error), "microphone");
    status.set("offline");
    return false;
  }
  ready = await connection.open(token(), rate);
  if (!ready) return false;
  const silent = !ready.output_rate;
  transcript.begin(silent);
  waterfall.begin(ready.targets);
  graph.show(ready.graph);
  properties.show(ready.properties ?? []);
  lastReport = { turn: 0, seconds: 0, at: 0 };
  dropped = connection.dropped;
  state = "idle";
  status.set(state);
  find("text").disabled = ready.text === false;
  find("talk").disabled = ready.audio === false;
  find("push-to-talk").disabled = ready.push_to_talk;
  if (ready.push_to_talk) find("push-to-talk").checked = hold.enabled = true;
  showMode();
  if (!silent) await openSpeaker();
  return connection.isOpen;
}

async function openSpeaker() {
  try {
    if (!(await speaker.open(ready.output_rate, devices.chosen.speaker))) status.alert(NEEDS_A_CLICK, "sound");
  } catch (error) {
    speakerFails(error);
  }
}

function speakerFails(error) {
  status.alert(`This loudspeaker does not play (${error.message}). Choose another under Settings.`, "sound");
}

function closed(closing) {
  microphone.close();
  speaker.cut(Infinity);
  transcript.leave();
  ready = null;
  find("text").disabled = find("talk").disabled = false;
  ended = closing.ready;
  status.alert(closeSentence(closing), "connection");
  status.set("offline");
  hold.release();
  showMode();
}

/** Show that the network is gone, or that it is back. */
function away(gone) {
  status.set(gone ? "reconnecting" : state);
}

// Messages of the server

const TAKES = {
  state: (told) => {
    state = told.state;
    status.set(state);
    find("interrupt").disabled = !["speaking", "processing"].includes(state);
  },
  user: ({ turn, text }) => {
    shown();
    transcript.say(turn, text);
    status.announce(`You said: ${text}`);
  },
  word: ({ turn, index, text }) => {
    shown();
    transcript.word(turn, index, text);
  },
  spoken: ({ turn, words }) => transcript.time(turn, words),
  interrupted: ({ turn }) => {
    speaker.cut(turn);
    transcript.cut(turn);
    status.set("interrupted");
  },
  held: () => speaker.hold(),
  goes_on: () => speaker.goOn(),
  turn_ended: (turn) => {
    transcript.end(turn);
    waterfall.add(turn);
    if (!ready?.output_rate) status.announce(`Agent: ${turn.reply}`);
  },
  levels: ({ links }) => graph.update(links),
  warning: ({ node, text }) => {
    properties.refused(node, text);
    status.alert(`${node}: ${text}`, "warning");
    graph.warn(node, text);
  },
};

function message(said) {
  TAKES[said.type]?.(said);
}

/** Show that the transcript is no longer empty. */
function shown() {
  find("welcome").hidden = true;
  find("download").disabled = false;
}

function played({ turn, seconds, last }) {
  transcript.progress(turn, seconds);
  const now = performance.now();
  if (!last && turn === lastReport.turn && now - lastReport.at < REPORT_MS) return;
  lastReport = { turn, seconds, at: now };
  connection.tell("played", { turn, seconds, received: connection.got });
}

// Acts of the user

async function talk() {
  if (microphone.isOpen) {
    microphone.close();
    showMode();
  } else {
    await listen();
  }
}

/** Turn the microphone on. Return false if that fails. */
async function listen() {
  if (!(await connected())) return false;
  try {
    await microphone.open(devices.chosen);
  } catch (error) {
    status.alert(microphoneSentence(error), "microphone");
    return false;
  }
  if (!connection.isOpen) microphone.close();
  status.alert("", "microphone");
  devices.list();
  showMode();
  return microphone.isOpen;
}

async function press() {
  if (!(microphone.isOpen || (await listen())) || !hold.held) return showMode();
  if (ready.push_to_talk) connection.tell("press");
  else if (!find("interrupt").disabled) connection.tell("interrupt");
  showMode();
}

function release() {
  if (ready?.push_to_talk && microphone.isOpen) connection.tell("release");
  showMode();
}

function heardUser(pcm, level) {
  const open = !hold.enabled || hold.held;
  connection.sendAudio(open ? pcm : new ArrayBuffer(pcm.byteLength));
  if (open) controls.hear(level);
  lastAct = Date.now();
  if (connection.dropped > dropped) {
    dropped = connection.dropped;
    status.alert(SLOW, "warning");
  }
}

function unplugged() {
  status.alert(UNPLUGGED, "microphone");
  showMode();
}

async function changeMicrophone() {
  if (microphone.isOpen) await listen();
}

async function ask(event) {
  event.preventDefault();
  const field = find("text");
  const text = field.value.trim();
  if (!text || !(await connected())) return;
  connection.tell("ask", { text });
  field.value = "";
}

function interrupt() {
  connection.tell("interrupt");
}

function end() {
  microphone.close();
  connection.tell("interrupt");
  connection.tell("end");
  showMode();
}

/** Note that the user has acted: a browser that waited for that may play from now on. */
async function acted() {
  lastAct = Date.now();
  if (await speaker.wake()) status.alert("", "sound");
}

function chooseMode() {
  hold.release();
  hold.enabled = find("push-to-talk").checked;
  showMode();
}

function showMode() {
  if (!ready) return controls.show(ended ? "over" : hold.enabled ? "hold" : "offline");
  if (hold.enabled) return controls.show(hold.held && microphone.isOpen ? "held" : "hold");
  controls.show(microphone.isOpen ? "on" : "off");
}

// Its fields and keys

find("talk").onclick = () => hold.enabled || talk();
find("push-to-talk").onchange = chooseMode;
find("typed").onsubmit = ask;
find("interrupt").onclick = interrupt;
find("end").onclick = end;
find("download").onclick = () =>
  save(transcriptText(transcript.all), `vflow-${new Date().toISOString().slice(0, 16).replace(":", "-")}.txt`);
find("volume").oninput = ({ target }) => {
  speaker.setVolume(Number(target.value));
  target.nextElementSibling.textContent = `${Math.round(100 * target.value)} %`;
};
document.addEventListener("keydown", (event) => {
  acted();
  if (event.key === "Escape" && !find("interrupt").disabled && !find("graph-large").open) interrupt();
});
document.addEventListener("pointerdown", acted);
setInterval(() => {
  const { turn, seconds } = lastReport;
  if (Date.now() - lastAct < AWAY_MS) connection.tell("played", { turn, seconds, received: connection.got });
}, ALIVE_MS);

if (matchMedia("(max-width: 860px)").matches) {
  for (const card of document.querySelectorAll(".card")) card.open = false;
}
token();
devices.list();
