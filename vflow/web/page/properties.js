/** The fields for the hot properties of nodes, which may be changed while the agent talks. */
import { find, make } from "./dom.js";

/** Properties that a listener asks for first; the others are folded away. */
const FIRST = ["voice", "speed", "volume"];

export class Properties {
  /** @param {(node: string, property: string, value: unknown) => void} onSet */
  constructor(onSet) {
    this.onSet = onSet;
    this.first = find("properties");
    this.others = find("other-properties");
    this.sets = [];
  }

  /** Show a property's current value. */
  hold(node, name, value) {
    for (const set of this.sets) {
      if (set.node !== node || set.name !== name) continue;
      hold(set.field, set, value);
      set.held = set.before = stateOf(set.field);
      set.show();
    }
  }

  /**
   * @param {{node: string, name: string, type: string, value: any, doc?: string, unit?: string, choices?: any[],
   *   min?: number, max?: number}[]} list `type` is boolean, integer, number, text, duration or choice
   */
  show(list) {
    this.sets = [];
    const isFirst = ({ name }) => FIRST.includes(name);
    const order = (property) => FIRST.indexOf(property.name);
    const first = list.filter(isFirst).sort((a, b) => order(a) - order(b));
    this.first.replaceChildren(...first.map((property) => this.row(property)));
    const others = list.filter((property) => !isFirst(property));
    this.others.replaceChildren(...others.map((property) => this.row(property)));
    this.others.parentElement.hidden = others.length === 0;
  }

  /**
   * Take a warning of the server: if it refuses a new value, show the current one again.
   * @param {string} node
   * @param {string} text begins with the property's name if it refuses a value
   */
  refused(node, text) {
    for (const set of this.sets) {
      if (set.node !== node || !(text.startsWith(`${set.name} `) || text.startsWith(`${node}.${set.name} `))) continue;
      set.held = set.before;
      Object.assign(set.field, set.held);
      set.show();
    }
  }

  row(property) {
    const id = `property-${property.node}-${property.name}`;
    const shown = make("output", { for: id });
    const field = control(property);
    field.id = id;
    const show = () => (shown.textContent = field.type === "range" ? field.value : "");
    field.oninput = show;
    show();
    const set = { ...property, field, show, held: stateOf(field), before: stateOf(field) };
    field.onchange = () => {
      set.before = set.held;
      set.held = stateOf(field);
      this.onSet(property.node, property.name, valueOf(field, property));
    };
    this.sets.push(set);
    const unit = property.unit ? `, in ${property.unit}` : "";
    const label = make("label", { for: id }, named(property.name), " ", make("small", {}, property.node + unit));
    return make("div", { class: "row", title: property.doc }, label, field, shown);
  }
}

/** Return what a field shows, to be put back into it later. */
function stateOf(field) {
  return field.type === "checkbox" ? { checked: field.checked } : { value: field.value };
}

function named(name) {
  const words = name.replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

/** Make the field in which a property is set. */
function control({ type, value, choices, min, max }) {
  if (type === "choice") {
    const options = choices.map((choice) => make("option", { selected: choice === value && "" }, String(choice)));
    return make("select", {}, ...options);
  }
  if (type === "boolean") return make("input", { type: "checkbox", checked: value && "" });
  if (type === "integer" || type === "number") {
    const bounded = min != null && max != null && value != null;
    const step = type === "integer" ? 1 : 0.05;
    return make("input", { type: bounded ? "range" : "number", min, max, step, value });
  }
  return make("input", { type: "text", value: value ?? "" });
}

/** Have a field show a value. */
function hold(field, { type, choices }, value) {
  if (type === "boolean") field.checked = Boolean(value);
  else if (type === "choice") field.selectedIndex = choices.indexOf(value);
  else field.value = value ?? "";
}

/** Return a field's value as the server takes it; null for an empty field, which leaves the choice to the node. */
function valueOf(field, { type, choices }) {
  if (type === "boolean") return field.checked;
  if (type === "choice") return choices[field.selectedIndex];
  if (field.value === "" && type !== "text") return null;
  return type === "integer" || type === "number" ? Number(field.value) : field.value;
}
