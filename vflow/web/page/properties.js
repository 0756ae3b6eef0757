/** What may be changed while the agent talks: the hot properties of its nodes. */
import { find, make } from "./dom.js";

/** Those that a listener asks for first; the others fold. */
const FIRST = ["voice", "speed", "volume"];

export class Properties {
  /** @param {(node: string, property: string, value: unknown) => void} onSet */
  constructor(onSet) {
    this.onSet = onSet;
    this.first = find("properties");
    this.others = find("other-properties");
    /** @type {Map<string, (value: unknown) => void>} what shows another value, by node and property */
    this.shown = new Map();
  }

  /** Show the value that holds now. */
  hold(node, name, value) {
    this.shown.get(`${node} ${name}`)?.(value);
  }

  /**
   * @param {{node: string, name: string, type: string, value: any, doc?: string, unit?: string, choices?: any[],
   *   min?: number, max?: number}[]} list `type` is boolean, integer, number, text, duration or choice
   */
  show(list) {
    const isFirst = ({ name }) => FIRST.includes(name);
    const order = (property) => FIRST.indexOf(property.name);
    const first = list.filter(isFirst).sort((a, b) => order(a) - order(b));
    this.first.replaceChildren(...first.map((property) => this.row(property)));
    const others = list.filter((property) => !isFirst(property));
    this.others.replaceChildren(...others.map((property) => this.row(property)));
    this.others.parentElement.hidden = others.length === 0;
  }

  row(property) {
    const id = `property-${property.node}-${property.name}`;
    const shown = make("output", { for: id });
    const field = control(property);
    field.id = id;
    field.onchange = () => this.onSet(property.node, property.name, valueOf(field, property));
    if (field.type === "range") {
      const show = () => (shown.textContent = field.value);
      field.oninput = show;
      show();
    }
    this.shown.set(`${property.node} ${property.name}`, (value) => {
      hold(field, property, value);
      field.oninput?.();
    });
    const unit = property.unit ? `, in ${property.unit}` : "";
    const label = make("label", { for: id }, named(property.name), " ", make("small", {}, property.node + unit));
    return make("div", { class: "row", title: property.doc }, label, field, shown);
  }
}

function named(name) {
  const words = name.replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
}

/** The field in which a property is set. */
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

/** What a field holds, as the server takes it; null of an empty one, which is the node's own choice. */
function valueOf(field, { type, choices }) {
  if (type === "boolean") return field.checked;
  if (type === "choice") return choices[field.selectedIndex];
  if (field.value === "" && type !== "text") return null;
  return type === "integer" || type === "number" ? Number(field.value) : field.value;
}
