/** The figures of a run, written into its picture: queues by their links, calls by their nodes. */

export class Figures {
  /** @param {import("./graph.js").GraphView} graph */
  constructor(graph) {
    this.graph = graph;
  }

  /** @param {{links: Record<string, object>, threads: object[]}} found */
  show({ links, threads }) {
    const { graph } = this;
    for (const [name, { fill, age_ms: age, per_s: rate, dropped }] of Object.entries(links)) {
      const drawn = graph.lines.get(name);
      const old = age > 0 ? ` · ${lasting(age)} old` : "";
      const lost = dropped ? ` · ${dropped.toLocaleString("en")} lost` : "";
      graph.write(drawn, `${Math.round(100 * fill)} %${old}`, `${short(rate)}/s${lost}`);
      drawn?.texts.at(-1).classList.toggle("lost", dropped > 0);
    }
    graph.update(Object.fromEntries(Object.entries(links).map(([name, { fill }]) => [name, fill])));
    for (const { nodes, busy, p50_ms: p50, p99_ms: p99, per_s: rate } of threads) {
      const [head, ...others] = nodes;
      const calls = p99 > 0 ? `p50 ${short(p50)} · p99 ${short(p99)} ms` : `${short(rate)} calls/s`;
      graph.write(graph.boxes.get(head), `busy ${Math.round(100 * busy)} %`, calls);
      graph.busy(head, busy);
      for (const name of others) graph.write(graph.boxes.get(name), `in the thread of`, head);
    }
  }
}

/** A number in three digits or four. */
export function short(value) {
  if (value === 0) return "0";
  if (value < 0.1) return value.toFixed(2);
  return value < 99.95 ? value.toFixed(1) : Math.round(value).toLocaleString("en");
}

export function lasting(ms) {
  return ms < 999.5 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
