/**
 * Where the boxes of a graph stand: downwards in ranks, its longest chain on the left. It knows nothing of the page.
 */

/** @typedef {{name: string, from: string, to: string}} Link `from` and `to` are names of nodes */

/**
 * Return each node's rank (from the top) and lane (from the left), the lane of the main chain, and which links lead back.
 * @param {string[]} nodes
 * @param {Link[]} links
 */
export function layout(nodes, links) {
  const onwards = new Map(nodes.map((name) => [name, []]));
  const known = links.filter((link) => onwards.has(link.from) && onwards.has(link.to));
  for (const link of known) onwards.get(link.from).push(link);
  const back = backLinks(nodes, known, onwards);
  /** @type {Map<string, string[]>} the nodes right below each */
  const below = new Map();
  for (const name of nodes) {
    const targets = onwards.get(name).filter((link) => !back.has(link));
    below.set(name, [...new Set(targets.map((link) => link.to))]);
  }
  const roots = nodes.filter((name) => !nodes.some((other) => below.get(other).includes(name)));
  const [first, ...beside] = roots.sort((a, b) => depth(b, below) - depth(a, below));
  const rank = ranks(nodes, below, reached(first, below));
  const lane = lanes(first, beside, below, rank);
  return { rank, lane, main: lane.get(first) ?? 0, back };
}

/** The links that close a cycle, as one meets them from the sources on. */
function backLinks(nodes, links, onwards) {
  const fed = new Set(links.map((link) => link.to));
  const order = [...nodes.filter((name) => !fed.has(name)), ...nodes];
  const back = new Set();
  const seen = new Set();
  const open = new Set();
  const visit = (name) => {
    seen.add(name);
    open.add(name);
    for (const link of onwards.get(name)) {
      if (open.has(link.to)) back.add(link);
      else if (!seen.has(link.to)) visit(link.to);
    }
    open.delete(name);
  };
  for (const name of order) if (!seen.has(name)) visit(name);
  return back;
}

/** How many nodes the longest chain from a node on has. */
function depth(name, below) {
  return 1 + Math.max(0, ...below.get(name).map((target) => depth(target, below)));
}

function reached(name, below, found = new Set()) {
  if (name === undefined || found.has(name)) return found;
  found.add(name);
  for (const target of below.get(name)) reached(target, below, found);
  return found;
}

/** The length of the longest chain to each node; a source beside the `main` ones stands right above what it feeds. */
function ranks(nodes, below, main) {
  const rank = new Map(nodes.map((name) => [name, 0]));
  const sink = (name) => {
    for (const target of below.get(name)) {
      if (rank.get(target) > rank.get(name)) continue;
      rank.set(target, rank.get(name) + 1);
      sink(target);
    }
  };
  for (const name of nodes) sink(name);
  const others = nodes.filter((name) => !main.has(name) && below.get(name).length > 0);
  for (const name of others.sort((a, b) => rank.get(b) - rank.get(a))) {
    rank.set(name, Math.min(...below.get(name).map((target) => rank.get(target))) - 1);
  }
  return rank;
}

/** The chain with most below it goes straight down, what branches off is on its right, other sources on its left. */
function lanes(first, beside, below, rank) {
  const lane = new Map();
  const taken = new Set();
  const place = (name, wanted, step) => {
    let free = wanted;
    while (taken.has(`${rank.get(name)} ${free}`)) free += step;
    taken.add(`${rank.get(name)} ${free}`);
    lane.set(name, free);
    const targets = [...below.get(name)].sort((a, b) => depth(b, below) - depth(a, below));
    targets.forEach((target, at) => lane.has(target) || place(target, free + (at > 0 ? step : 0), step));
  };
  if (first !== undefined) place(first, 0, 1);
  for (const name of beside) place(name, -1, -1);
  const leftmost = Math.min(0, ...lane.values());
  for (const [name, at] of lane) lane.set(name, at - leftmost);
  return lane;
}
