/** Draw a graph from its scene, the output of `vflow graph --format json`. Nothing here knows what runs. */
import { draw } from "./dom.js";

/** Sizes and places of texts in pixels, as vflow/picture/svg.py has them. */
const LINE = 14;
const TEXT = { name: 14, use: 11.5, small: 10.5 };
const FONT = 'Helvetica, Arial, "Liberation Sans", "DejaVu Sans", sans-serif';
const HELD = "held until the turn ends";

/**
 * Draw a scene.
 * @param {object} scene
 * @returns {{svg: SVGElement, boxes: Map<string, {group: SVGElement, rect: object, texts: SVGElement[]}>,
 *   lines: Map<string, {group: SVGElement, rect: object, texts: SVGElement[], line: object}>}} `boxes` by the names
 *   of nodes, with the texts below a box's name; `lines` by the names of links, with the lines of their labels
 */
export function drawScene(scene) {
  const svg = draw("svg", {
    class: "picture",
    role: "img",
    "aria-label": described(scene),
    viewBox: `0 0 ${scene.width} ${scene.height}`,
    width: scene.width,
    height: scene.height,
  });
  for (const frame of scene.frames) svg.append(...drawFrame(frame));
  const lines = new Map(scene.lines.map((line) => [line.name, drawLine(line)]));
  const boxes = new Map(scene.boxes.map((box) => [box.name, drawBox(box)]));
  svg.append(...[...lines.values(), ...boxes.values()].map((part) => part.group));
  return { svg, boxes, lines };
}

function drawFrame({ name, resolved, rect }) {
  const { x, y, width, height } = rect;
  return [
    draw("rect", { class: "frame", x, y, width, height, rx: 10 }),
    text(`${name} · ${resolved}`, x + 8, y + LINE, "title", width - 16),
  ];
}

function drawBox(box) {
  const { x, y, width, height } = box.rect;
  const group = draw("g", { class: "node", "data-node": box.name });
  group.append(draw("title", {}, about(box)), draw("rect", { class: `box ${box.kind}`, x, y, width, height, rx: 7 }));
  for (const port of box.ports) group.append(text(port.name, port.x, port.above ? y + LINE - 2 : y + height - 5, "port"));
  const middle = x + width / 2;
  const above = box.ports.some((port) => port.above);
  const first = y + 4 + TEXT.name * 0.85 + (above ? LINE : 0);
  const most = width - 20;
  group.append(text(box.title, middle, first, "name", most));
  const texts = [box.what, ...box.notes].map((note, at) => text(note, middle, first + LINE * (at + 1) + 1, "use", most));
  group.append(...texts);
  return { group, rect: box.rect, texts };
}

function about({ name, what, properties }) {
  return [name, what, ...Object.entries(properties).map(([property, value]) => `${property}: ${value}`)].join("\n");
}

function drawLine(line) {
  const kinds = ["crosses", "back", "flushed"].filter((kind) => line[kind]);
  const group = draw("g", { class: "link", "data-link": line.name });
  group.append(draw("title", {}, [line.name, line.caps, line.queue].filter(Boolean).join("\n")));
  const rect = line.label_rect;
  const [first, label, ...rest] = line.stretches;
  const above = [first, { x: label.x, top: label.top, bottom: rect.y }];
  const below = [{ x: label.x, top: rect.y + rect.height, bottom: label.bottom }, ...rest];
  for (const part of [above, below]) group.append(draw("path", { class: ["line", ...kinds].join(" "), d: path(part) }));
  group.append(draw("path", { class: line.flushed ? "tip flushed" : "tip", d: tip(line) }));
  const middle = rect.x + rect.width / 2;
  const texts = line.label.map((each, at) =>
    text(each, middle, rect.y + LINE * at + TEXT.small, line.held && each === HELD ? "held" : "label", rect.width),
  );
  group.append(...texts);
  return { group, rect, texts, line };
}

/** Return the path of a line: straight down inside a row, curved between rows. */
function path(stretches) {
  let drawn = `M ${stretches[0].x} ${stretches[0].top} V ${stretches[0].bottom}`;
  for (let at = 1; at < stretches.length; at++) {
    const [from, to] = [stretches[at - 1], stretches[at]];
    const middle = (from.bottom + to.top) / 2;
    drawn += ` C ${from.x} ${middle} ${to.x} ${middle} ${to.x} ${to.top} V ${to.bottom}`;
  }
  return drawn;
}

/** Return the arrow of a line: at its end; at the upper end if the line leads back. */
function tip({ back, stretches }) {
  const end = back ? stretches[0] : stretches.at(-1);
  return back ? `M ${end.x} ${end.top} l -4.5 8 h 9 z` : `M ${end.x} ${end.bottom} l -4.5 -8 h 9 z`;
}

/** Draw a text at most `most` pixels wide: the browser may have another font than the one it was measured in. */
function text(content, x, y, kind, most) {
  const drawn = draw("text", { class: kind, x, y, "data-most": most });
  write(drawn, content);
  return drawn;
}

let measure = null;

/** Change a text, and keep it within its width. */
export function write(drawn, content) {
  if (drawn.textContent === content) return;
  drawn.textContent = content;
  const most = Number(drawn.dataset.most);
  if (!most) return;
  measure ??= document.createElement("canvas").getContext("2d");
  const kind = drawn.getAttribute("class");
  measure.font = `${kind === "name" || kind === "held" ? "bold " : ""}${TEXT[kind] ?? TEXT.small}px ${FONT}`;
  const wide = measure.measureText(content).width > most;
  if (wide) drawn.setAttribute("textLength", most);
  else drawn.removeAttribute("textLength");
  drawn.setAttribute("lengthAdjust", "spacingAndGlyphs");
}

/** Return the graph in words, for screen readers. */
function described({ boxes, lines }) {
  const chains = lines.map((line) => `${line.source} to ${line.target}`);
  return `Graph of ${boxes.length} nodes. Links: ${chains.join("; ")}.`;
}
