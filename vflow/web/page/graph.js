/** The graph as boxes and lines, and how full the queue of each link is. */
import { draw, find } from "./dom.js";
import { layout } from "./graph_layout.js";

const HEIGHT = 40;
const GAP = 30; // between two ranks
const BETWEEN = 22; // between two lanes
const PADDING = 12; // beside a box's text
const EDGE = 10; // around all
const BAR = { width: 34, height: 6 };

export class GraphView {
  constructor() {
    this.panel = find("graph");
    /** @type {Map<string, {fill: SVGElement, title: SVGElement, about: string}>} by the name of the link */
    this.levels = new Map();
  }

  /**
   * @param {{nodes: {name: string, use: string, role?: string}[],
   *   links: {name: string, from: string, to: string, capacity_ms?: number, capacity?: number}[]}} graph
   */
  show({ nodes, links }) {
    const names = nodes.map((node) => node.name);
    this.levels.clear();
    const svg = draw("svg", { role: "img", "aria-label": described(nodes, links) });
    this.panel.replaceChildren(svg);
    const placed = layout(names, links);
    const boxes = this.boxes(svg, nodes, placed);
    const known = links.filter((link) => boxes.has(link.from) && boxes.has(link.to));
    const gutter = Math.max(...[...boxes.values()].map((box) => box.x + box.width)) + BETWEEN;
    let back = 0;
    for (const beside of grouped(known)) {
      const [link] = beside;
      const turned = placed.back.has(link);
      const route = path(boxes.get(link.from), boxes.get(link.to), placed, link, gutter + 10 * back);
      if (turned) back += 1;
      this.line(svg, beside, route, turned);
    }
    const width = gutter + 10 * back + EDGE;
    const height = Math.max(...[...boxes.values()].map((box) => box.y)) + HEIGHT + EDGE;
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.style.maxWidth = `${width}px`;
  }

  /** Draw a box for each node, as wide as the widest text of its lane. */
  boxes(svg, nodes, { rank, lane }) {
    const texts = new Map(nodes.map((node) => [node.name, labels(svg, node)]));
    const widths = [];
    for (const [name, group] of texts) {
      const width = Math.max(...[...group.children].map((text) => text.getComputedTextLength()));
      widths[lane.get(name)] = Math.max(widths[lane.get(name)] ?? 0, width + 2 * PADDING);
    }
    const boxes = new Map();
    for (const [name, group] of texts) {
      const left = widths.slice(0, lane.get(name)).reduce((sum, width) => sum + (width ?? 0) + BETWEEN, EDGE);
      const box = { x: left, y: EDGE + rank.get(name) * (HEIGHT + GAP), width: widths[lane.get(name)] };
      const rect = draw("rect", { class: "box", width: box.width, height: HEIGHT, rx: 8 });
      group.prepend(rect);
      for (const text of group.querySelectorAll("text")) text.setAttribute("x", box.width / 2);
      group.setAttribute("transform", `translate(${box.x} ${box.y})`);
      boxes.set(name, box);
    }
    return boxes;
  }

  /** Draw links between the same two nodes as one line, with a bar for each queue. */
  line(svg, links, route, turned) {
    const line = draw("path", { class: turned ? "link back" : "link", d: route });
    svg.prepend(line);
    const queues = links.filter((link) => link.capacity_ms || link.capacity); // others are direct calls
    queues.forEach((link, at) => {
      const place = line.getPointAtLength((line.getTotalLength() * (at + 1)) / (queues.length + 1));
      this.bar(svg, link, place);
    });
  }

  bar(svg, link, { x, y }) {
    const at = { x: x - BAR.width / 2, y: y - BAR.height / 2, height: BAR.height, rx: 3 };
    const fill = draw("rect", { ...at, class: "filled", width: 0 });
    const title = draw("title");
    svg.append(draw("g", {}, title, draw("rect", { ...at, class: "queue", width: BAR.width }), fill));
    const size = link.capacity_ms ? `${link.capacity_ms} ms` : `${link.capacity} packets`;
    const entry = { fill, title, about: `${link.from} to ${link.to}, at most ${size}` };
    this.levels.set(link.name, entry);
    this.set(entry, 0);
  }

  /** @param {Record<string, number>} filled 0 to 1, by the names of links */
  update(filled) {
    for (const [name, share] of Object.entries(filled)) {
      const entry = this.levels.get(name);
      if (entry) this.set(entry, Math.min(1, Math.max(0, share)));
    }
  }

  set({ fill, title, about }, share) {
    fill.setAttribute("width", (share * BAR.width).toFixed(1));
    fill.classList.toggle("full", share > 0.8);
    title.textContent = `${about}: ${Math.round(share * 100)} % full`;
  }
}

/** The two lines of a box: its name, and the node that it is. */
function labels(svg, { name, use }) {
  const group = draw("g", { class: "node" });
  group.append(draw("text", { y: 17, class: "name" }, name), draw("text", { y: 31, class: "use" }, use ?? ""));
  svg.append(group);
  return group;
}

/** Links in groups that lead from and to the same nodes. */
function grouped(links) {
  const groups = new Map();
  for (const link of links) {
    const key = `${link.from} ${link.to}`;
    groups.set(key, [...(groups.get(key) ?? []), link]);
  }
  return [...groups.values()];
}

/** The line of a link: straight down within a lane; into the side of a box of the main chain, else into its top. */
function path(from, to, { rank, lane, main, back }, link, gutter) {
  const [right, bottom, middle] = [from.x + from.width, from.y + HEIGHT, from.x + from.width / 2];
  const lanes = lane.get(link.to) - lane.get(link.from);
  const next = rank.get(link.to) - rank.get(link.from) === 1;
  if (lanes === 0 && next) return `M ${middle} ${bottom} V ${to.y}`;
  if (lanes === 0 || back.has(link)) {
    return round(right, from.y + HEIGHT / 2, to.x + to.width, to.y + HEIGHT / 2, gutter);
  }
  const bend = lanes > 0 ? 8 : -8;
  if (lane.get(link.to) === main) {
    const side = to.y + HEIGHT / 2;
    return `M ${middle} ${bottom} V ${side - 8} Q ${middle} ${side} ${middle + bend} ${side} H ${lanes > 0 ? to.x : to.x + to.width}`;
  }
  const side = from.y + HEIGHT / 2 + 6;
  const x = to.x + to.width / 2 + (next ? -8 : 8);
  return `M ${lanes > 0 ? right : from.x} ${side} H ${x - bend} Q ${x} ${side} ${x} ${side + 8} V ${to.y}`;
}

/** A line from the right side of one box to that of another, by way of the gutter. */
function round(x1, y1, x2, y2, gutter) {
  const bend = y2 < y1 ? -8 : 8;
  return (
    `M ${x1} ${y1} H ${gutter - 8} Q ${gutter} ${y1} ${gutter} ${y1 + bend} ` +
    `V ${y2 - bend} Q ${gutter} ${y2} ${gutter - 8} ${y2} H ${x2}`
  );
}

/** The graph in words, for those who do not see it. */
function described(nodes, links) {
  const chains = links.map((link) => `${link.from} to ${link.to}`);
  return `Graph of ${nodes.length} nodes. Links: ${chains.join("; ")}.`;
}
