/** Rows of cards, with a heading and arrows. A change keeps the cards that stay. */

import { updateCard } from "./cards.js";
import { element, icon } from "./dom.js";
import { updateChildren } from "./keyed.js";
import { words } from "./language.js";
import { buildNow, whenNear } from "./near.js";
import { keepOneStop, roving } from "./roving.js";

/** Cards of a row that are built at once if the row is in view; the others follow when they come near. */
const AT_ONCE = 6;

/** Share of the visible width that an arrow moves a row. */
const PAGE = 0.85;

/** @typedef {import("./cards.js").Item} Item */
/**
 * `all`: the address that shows all films of the row. `near`: the row is in view at once. `options`: of the cards.
 * @typedef {{title: string, items: Item[], all?: string, near?: boolean, options?: (item: Item) => import("./cards.js").Options}} CardRow
 */

/** Create a row. @param {import("../app.js").App} app @param {CardRow} row @returns {HTMLElement} */
export function cardRow(app, row) {
  const strip = roving(element("ul", { class: "strip-of-cards", tabindex: "-1" }));
  const section = element("section", { class: "row", "aria-label": row.title },
    element("div", { class: "row-head" },
      element("h2", {}, element("bdi", {}, row.title)),
      row.all && element("a", { class: "see-all", href: row.all, tabindex: "-1", "aria-hidden": "true" }, words.rows.all),
      arrows(strip)),
    strip);
  updateRow(app, section, row);
  return section;
}

/** Show other films in a row. @param {import("../app.js").App} app @param {HTMLElement} section @param {CardRow} row */
export function updateRow(app, section, row) {
  const strip = /** @type {HTMLElement} */ (section.querySelector(".strip-of-cards"));
  const heading = section.querySelector("h2 bdi");
  if (heading && heading.textContent !== row.title) {
    section.setAttribute("aria-label", row.title);
    heading.textContent = row.title;
    strip.querySelector(".all a")?.setAttribute("aria-label", words.rows.allOf(row.title));
  }
  updateCards(app, strip, row);
  if (row.all && !strip.querySelector(".all")) strip.append(element("li", { class: "all", "data-key": "all" }, element("a", { href: row.all, "aria-label": words.rows.allOf(row.title) }, words.rows.all, icon("arrow"))));
  keepOneStop(strip);
}

/** Show films in a list, each a card. @param {import("../app.js").App} app @param {HTMLElement} list @param {CardRow} row */
export function updateCards(app, list, { items, all, near = false, options = () => ({}) }) {
  const build = (/** @type {HTMLElement} */ place, /** @type {Item} */ item) => {
    place.replaceChildren(app.card(item, options(item)));
    keepOneStop(list);
  };
  /** @type {(Item | null)[]} */
  const values = all && list.querySelector(".all") ? [...items, null] : items;
  updateChildren(list, values, {
    key: (item) => (item ? String(item.movie) : "all"),
    make: (item) => {
      const place = element("li", {});
      return item ? whenNear(place, () => build(place, SHOWN.get(place) ?? item)) : place;
    },
    update: (place, item) => {
      if (!item) return;
      SHOWN.set(place, item);
      if (place.firstElementChild) updateCard(app, place.firstElementChild, item, options(item));
    },
  });
  if (near) for (const place of [...list.children].slice(0, AT_ONCE)) buildNow(place);
}

/** The newest item of a place that isn't built. @type {WeakMap<Element, Item>} */
const SHOWN = new WeakMap();

/** Buttons that scroll a row by mouse; the keyboard has its arrow keys. @param {HTMLElement} strip */
function arrows(strip) {
  const button = (/** @type {-1 | 1} */ way) => /** @type {HTMLButtonElement} */ (element("button", { type: "button", class: "ghost round", tabindex: "-1",
    onclick: () => strip.scrollBy({ left: way * PAGE * strip.clientWidth }) }, icon(way < 0 ? "left" : "right")));
  const [back, on] = [button(-1), button(1)];
  const box = element("div", { class: "arrows", "aria-hidden": "true" }, back, on);
  const show = () => {
    const most = strip.scrollWidth - strip.clientWidth;
    back.disabled = strip.scrollLeft < 8;
    on.disabled = strip.scrollLeft > most - 8;
    box.classList.toggle("needless", most < 8);
  };
  strip.addEventListener("scroll", show, { passive: true });
  new ResizeObserver(show).observe(strip);
  return box;
}
