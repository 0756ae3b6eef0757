/** The graph as `vflow graph` draws it, with live marks: how full queues are, how busy nodes, which of them warned. */
import { draw, find, make } from "./dom.js";
import { drawScene, write } from "./picture.js";

const METER = { width: 4, beside: 4 };
/** Above this share a queue is drawn as too full, and a node as too busy. */
const MUCH = 0.8;

export class GraphView {
  constructor() {
    this.panel = find("graph");
    this.large = find("graph-large");
    this.button = find("enlarge");
    this.button.onclick = () => this.enlarge();
    this.large.onclose = () => {
      this.panel.replaceChildren(this.svg);
      this.onShown?.();
    };
    find("graph-close").onclick = () => this.large.close();
    /** @type {Map<string, {fill: SVGElement, width: number, title: SVGElement, about: string}>} by the name of the link */
    this.levels = new Map();
    this.boxes = new Map();
    this.lines = new Map();
  }

  /** @param {{drawing: object | null, nodes: object[]}} graph `drawing` is a scene */
  show({ drawing, nodes = [] }) {
    this.large.close();
    this.levels.clear();
    this.button.disabled = !drawing;
    if (!drawing) {
      const sentence = `This graph has ${nodes.length} nodes, too many to draw here: vflow graph FILE -o graph.html draws it.`;
      this.panel.replaceChildren(make("p", { class: "empty" }, sentence));
      return;
    }
    const { svg, boxes, lines } = drawScene(drawing);
    [this.svg, this.boxes, this.lines] = [svg, boxes, lines];
    for (const [name, drawn] of lines) if (drawn.line.crosses) this.gauge(name, drawn);
    for (const drawn of boxes.values()) meter(drawn);
    this.panel.replaceChildren(svg);
  }

  /** Add the bar of a queue: its label's ground, which fills from the left. */
  gauge(name, { group, rect, texts }) {
    const at = { x: rect.x, y: rect.y - 1, height: rect.height, rx: 3 };
    const fill = draw("rect", { ...at, class: "filled", width: 0 });
    texts[0].before(draw("rect", { ...at, class: "queue", width: rect.width }), fill);
    const title = group.querySelector("title");
    const entry = { fill, width: rect.width, title, about: title.textContent, text: texts.length === 1 ? texts[0] : null };
    this.levels.set(name, entry);
    this.set(entry, 0);
  }

  /** @param {Record<string, number>} filled 0 to 1, by the names of links */
  update(filled) {
    for (const [name, share] of Object.entries(filled)) {
      const entry = this.levels.get(name);
      if (entry) this.set(entry, Math.min(1, Math.max(0, share)));
    }
  }

  set({ fill, width, title, about, text }, share) {
    fill.setAttribute("width", (share * width).toFixed(1));
    fill.classList.toggle("full", share > MUCH);
    title.textContent = `${about}\n${Math.round(share * 100)} % full`;
    if (text) write(text, `${Math.round(share * 100)} %`);
  }

  /** Show how busy a node is, 0 to 1. */
  busy(name, share) {
    const drawn = this.boxes.get(name);
    if (!drawn?.busy) return;
    const whole = drawn.rect.height - 2 * METER.beside;
    const height = Math.min(1, Math.max(0, share)) * whole;
    drawn.busy.setAttribute("height", height.toFixed(1));
    drawn.busy.setAttribute("y", (drawn.rect.y + METER.beside + whole - height).toFixed(1));
    drawn.busy.classList.toggle("full", share > MUCH);
  }

  /** Write the last lines of a node's box, or of a link's label; the rest stays. */
  write(part, ...lines) {
    part?.texts.slice(-lines.length).forEach((text, at) => write(text, lines[at]));
  }

  /** Mark a node or link that warned, with the text of its last warning. */
  warn(name, said) {
    const drawn = this.boxes.get(name) ?? this.lines.get(name);
    if (!drawn) return;
    if (!drawn.warning) {
      const { x, y, width } = drawn.rect;
      const [cx, cy] = this.boxes.has(name) ? [x + width - 4, y + 4] : [x + width + 6, y + 4];
      const circle = draw("circle", { cx, cy, r: 8 });
      drawn.warning = draw("g", { class: "warning" }, draw("title"), circle, draw("text", { x: cx, y: cy + 4.2 }, "!"));
      drawn.group.append(drawn.warning);
    }
    drawn.warning.querySelector("title").textContent = said;
  }

  /** Draw the picture at a scale. */
  scale(times) {
    if (this.svg) this.svg.style.width = `${Math.round(times * this.svg.viewBox.baseVal.width)}px`;
  }

  /** Return the scale at which the whole picture is in sight: at least `least`, at most 1. */
  fitting(least) {
    const { width, height } = this.svg?.viewBox.baseVal ?? { width: 1, height: 1 };
    const room = Math.min(this.panel.clientWidth / width, this.panel.clientHeight / height);
    return Math.min(1, Math.max(least, room));
  }

  /** Show the picture in the whole window, at its own size. */
  enlarge() {
    this.svg.style.width = "";
    const whole = find("graph-whole");
    whole.replaceChildren(this.svg);
    this.large.showModal();
    whole.scrollLeft = (whole.scrollWidth - whole.clientWidth) / 2;
  }
}

/** Return the meter at a box's left side, which fills upwards. */
function meter(drawn) {
  const { x, y, height } = drawn.rect;
  const at = { x: x + 3, width: METER.width, rx: 2 };
  drawn.busy = draw("rect", { ...at, class: "filled busy", y: y + height - METER.beside, height: 0 });
  drawn.group.append(drawn.busy);
}
