/** Create elements. Text becomes text nodes; nothing in the page parses data as HTML. */

const SVG = "http://www.w3.org/2000/svg";

/** @typedef {Node | string | number | null | undefined | false} Child */

/**
 * Create an HTML element with attributes, listeners (`onclick: fn`) and children. Null, undefined and false are skipped.
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes] `class`, `aria-label`, …; true sets an empty attribute
 * @param {...(Child | Child[])} children
 * @returns {HTMLElement}
 */
export function element(tag, attributes = {}, ...children) {
  const created = document.createElement(tag);
  fill(created, attributes, children);
  return created;
}

/**
 * Create an SVG element, like `element`.
 * @param {string} tag
 * @param {Record<string, unknown>} [attributes]
 * @param {...(Child | Child[])} children
 * @returns {SVGElement}
 */
export function svg(tag, attributes = {}, ...children) {
  const created = document.createElementNS(SVG, tag);
  fill(created, attributes, children);
  return created;
}

/** Set attributes and listeners, and append children. @param {Element} target @param {Record<string, unknown>} attributes @param {(Child | Child[])[]} children */
function fill(target, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) target.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else target.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined && child !== false) target.append(/** @type {Node} */ (child));
  }
}

/** SVG paths of the icons, in a box of 24 × 24. */
const ICONS = {
  arrow: "M5 12h14M13 6l6 6-6 6",
  bookmark: "M6.5 4h11v16L12 15.8 6.5 20z",
  check: "M5 12.5l4.5 4.5L19 7.5",
  close: "M6 6l12 12M18 6L6 18",
  dials: "M4 7h10M18 7h2M4 17h2M10 17h10M16 4.5v5M8 14.5v5",
  dice: "M7 4.5h10A2.5 2.5 0 0 1 19.5 7v10a2.5 2.5 0 0 1-2.5 2.5H7A2.5 2.5 0 0 1 4.5 17V7A2.5 2.5 0 0 1 7 4.5zM9 9h.01M15 9h.01M12 12h.01M9 15h.01M15 15h.01",
  down: "M12 4v12M6.5 11L12 16.5 17.5 11M5 20h14",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6z",
  falling: "M6 5v14M2.5 15.5L6 19l3.5-3.5M13 6.5h8.5M13 12h6M13 17.5h3.5",
  heart: "M12 19.5S4 14.8 4 9.3A4.3 4.3 0 0 1 12 7a4.3 4.3 0 0 1 8 2.3c0 5.5-8 10.2-8 10.2z",
  left: "M14.5 5.5L8 12l6.5 6.5",
  link: "M10 14a4 4 0 0 0 5.7 0l3.1-3.1a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-5.7 0l-3.1 3.1a4 4 0 0 0 5.7 5.7l1-1",
  map: "M9 4.5L3.5 7v12.5L9 17l6 2.5 5.5-2.5V4.5L15 7 9 4.5zM9 4.5V17M15 7v12.5",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z",
  no: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17zM6 6l12 12",
  people: "M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 19.5c.5-4 3-6 6.5-6s6 2 6.5 6M16 5a3.2 3.2 0 0 1 0 6.3M17.5 13.8c2.3.6 3.7 2.6 4 5.7",
  person: "M12 11.5a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5c.6-4.4 3.3-6.5 7.5-6.5s6.9 2.1 7.5 6.5",
  rising: "M6 19V5M2.5 8.5L6 5l3.5 3.5M13 6.5h3.5M13 12h6M13 17.5h8.5",
  play: "M8 5.5v13l10.5-6.5L8 5.5z",
  right: "M9.5 5.5L16 12l-6.5 6.5",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5L20.5 20.5",
  share: "M12 15V4M7.5 8L12 3.5 16.5 8M6 11.5H5v9h14v-9h-1",
  star: "M12 3.5l2.6 5.5 6 .8-4.4 4.2 1.1 6L12 17.1 6.7 20l1.1-6L3.4 9.8l6-.8z",
  sun: "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2.5M12 19.5V22M2 12h2.5M19.5 12H22M4.9 4.9l1.8 1.8M17.3 17.3l1.8 1.8M4.9 19.1l1.8-1.8M17.3 6.7l1.8-1.8",
  undo: "M8.5 5L4 9.5 8.5 14M4.5 9.5H15a5 5 0 0 1 0 10h-4",
  up: "M12 20V8M6.5 13L12 7.5 17.5 13M5 4h14",
};

/**
 * Create an icon. It is hidden from screen readers, so its control needs a text or a label.
 * @param {keyof typeof ICONS} name
 */
export function icon(name) {
  return svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: ICONS[name] }));
}

let last = 0;

/** An ID that is unique on the page. @param {string} word */
export function uniqueId(word) {
  last += 1;
  return `${word}-${last}`;
}
