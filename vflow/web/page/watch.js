/** The page of `vflow run --watch`: shows a run while it goes on. */
import { Connection } from "./connection.js";
import { find } from "./dom.js";
import { Figures } from "./figures.js";
import { GraphView } from "./graph.js";
import { Properties } from "./properties.js";
import { Status } from "./status.js";
import { token } from "./token.js";
import { Transcript } from "./transcript.js";
import { Waterfall } from "./waterfall.js";

/** Rate in Hz that this page announces: any valid one, for it sends no audio. */
const RATE = 16_000;
const OVER = "The run has ended. What you see is how it was then.";
const LOST = "The run cannot be reached. Check that it still runs, then reload this page.";
const CLOSED = {
  token: "The token is missing or wrong. Open the whole address that 'vflow run --watch' printed, with the part after the #.",
  full: "Too many pages watch this run. Close one of them, then reload this page.",
  slow_reader: "This page was too slow to take its messages. Reload it.",
};

const status = new Status();
const waterfall = new Waterfall();
const graph = new GraphView();
const figures = new Figures(graph);
const transcript = new Transcript(find("turns"), (turn) => waterfall.reveal(turn));
const connection = new Connection({ message, audio() {}, closed });
const properties = new Properties((node, property, value) => connection.tell("set", { node, property, value }));
let ended = false;
/** The picture's scale; null until the user has chosen one. */
let chosen = null;
const LEAST = 0.7;
const STEP = 1.2;

function begin(about) {
  document.title = `${about.file} – vflow`;
  find("file").textContent = about.file;
  transcript.begin(true); // show words as they are written: their sound is elsewhere
  waterfall.begin(about.targets);
  graph.show(about.graph);
  zoom();
  properties.show(about.properties);
  find("no-settings").hidden = about.properties.length > 0;
}

const TAKES = {
  state: ({ state }) => status.set(state),
  figures(found) {
    if (document.body.dataset.state !== "loading") figures.show(found);
  },
  progress({ node, text, fraction }) {
    graph.write(graph.boxes.get(node), text, fraction == null ? "" : `${Math.round(100 * fraction)} %`);
  },
  user: ({ turn, text }) => said(() => transcript.say(turn, text)),
  word: ({ turn, index, text }) => said(() => transcript.word(turn, index, text)),
  interrupted({ turn }) {
    transcript.cut(turn);
    status.set("interrupted");
  },
  turn_ended(turn) {
    said(() => transcript.end(turn));
    waterfall.add(turn);
  },
  warning({ node, text }) {
    status.alert(`${node}: ${headline(text)}`, "warning");
    graph.warn(node, text);
  },
  property({ node, property, value }) {
    properties.hold(node, property, value);
  },
  bye: () => (ended = true),
};

function message(told) {
  TAKES[told.type]?.(told);
}

function said(show) {
  find("silence").hidden = true;
  show();
}

function closed({ code, text }) {
  if (ended && !code) status.alert(OVER, "ended");
  else status.alert(CLOSED[code] ?? (text ? `${text}. Reload this page.` : LOST), "connection");
  status.set("offline");
}

/** Return a warning's text without the lines of code. */
function headline(text) {
  return text.split('\n  File "')[0].replace(/,( and is)? at$/, "");
}

function zoom(times = 1) {
  if (times !== 1) chosen = Math.min(2, Math.max(0.3, (chosen ?? graph.fitting(LEAST)) * times));
  graph.scale(chosen ?? graph.fitting(LEAST));
}

find("larger").onclick = () => zoom(STEP);
find("smaller").onclick = () => zoom(1 / STEP);
graph.onShown = () => zoom();
addEventListener("resize", () => zoom());

status.set("connecting");
connection.open(token(), RATE).then((about) => about && begin(about));
