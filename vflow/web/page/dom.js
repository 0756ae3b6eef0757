/** Elements of the page, made and found. */

const SVG = "http://www.w3.org/2000/svg";

/** Return the element with an id. */
export function find(id) {
  return document.getElementById(id);
}

/**
 * Make an element.
 * @param {string} tag
 * @param {object} attributes `class`, `aria-label`, ...; false and null leave one out
 * @param {...(Node | string)} children
 */
export function make(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Make an element of SVG. */
export function draw(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}
