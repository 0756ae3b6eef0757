/** The figures of a run, written into its picture: queues by their links, calls by their nodes. */

export class Figures {
  /** @param {import("./graph.js").GraphView} graph */
  constructor(graph) {
    this.graph = graph;
  }

  /** @param {{links: Record<string, object>, threads: object[], nodes: Record<string, object>}} found */
  show({ links, threads, nodes }) {
    const { graph } = this;
    for (const [name, { fill, age_ms: age, per_s: rate, dropped }] of Object.entries(links)) {
      const drawn = graph.lines.get(name);
      const old = age > 0 ? ` · ${lasting(age)} old` : "";
      const lost = dropped ? ` · ${dropped.toLocaleString("en")} lost` : "";
      graph.write(drawn, `${Math.round(100 * fill)} %${old}`, `${short(rate)}/s${lost}`);
      drawn?.texts.at(-1).classList.toggle("lost", dropped > 0);
    }
    graph.update(Object.fromEntries(Object.entries(links).map(([name, { fill }]) => [name, fill])));
    for (const { nodes: names, ...thread } of threads) {
      const [head, ...others] = names;
      this.node(head, thread);
      for (const name of others) graph.write(graph.boxes.get(name), "in the thread of", head);
    }
    for (const [name, found] of Object.entries(nodes)) this.node(name, found); // they know more than their thread
  }

  /** Write how busy a node is, and how long its calls take. */
  node(name, { busy, p50_ms: p50, p99_ms: p99, per_s: rate }) {
    const calls = p99 > 0 ? `p50 ${short(p50)} · p99 ${short(p99)} ms` : `${short(rate)} calls/s`;
    this.graph.write(this.graph.boxes.get(name), `busy ${Math.round(100 * busy)} %`, calls);
    this.graph.busy(name, busy);
  }
}

/** Return a number in three or four digits. */
export function short(value) {
  if (value === 0) return "0";
  if (value < 0.1) return value.toFixed(2);
  return value < 99.95 ? value.toFixed(1) : Math.round(value).toLocaleString("en");
}

export function lasting(ms) {
  return ms < 999.5 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
