/**
 * Keyboard in a list of cards: the list is one tab stop. Left and right, Home and End move between the cards, up and down
 * between the controls of a card; in the stars, left and right choose a rating. Tab leaves the list.
 */

import { buildNow } from "./near.js";

const CONTROLS = "a, input, button";

/** Explanation for screen readers; the frame has an element with this ID. */
export const KEYS_HINT = "list-keys";

/** Listen to the keys of a list of cards. @param {HTMLElement} list @returns {HTMLElement} the list */
export function roving(list) {
  list.setAttribute("aria-describedby", KEYS_HINT);
  list.addEventListener("keydown", move);
  list.addEventListener("focusin", ({ target }) => {
    for (const control of list.querySelectorAll("[tabindex='0']")) setStop(control, -1);
    setStop(/** @type {Element} */ (target), 0);
  });
  return list;
}

/** Leave one tab stop in a list whose cards have changed. @param {Element} list */
export function keepOneStop(list) {
  const stop = list.querySelector("[tabindex='0']") ?? list.querySelector(CONTROLS);
  for (const control of list.querySelectorAll(CONTROLS)) setStop(control, control === stop ? 0 : -1);
}

/** @param {Element} control @param {number} index */
function setStop(control, index) {
  if (control.matches(CONTROLS)) control.setAttribute("tabindex", String(index));
}

/** Move the focus by a key. @param {KeyboardEvent} event */
function move(event) {
  const [target, list] = [/** @type {Element} */ (event.target), /** @type {Element} */ (event.currentTarget)];
  const item = target.closest("li");
  if (!item || event.altKey || event.ctrlKey || event.metaKey) return;
  const next = destination(event.key, { target, item, list });
  if (!next) return;
  event.preventDefault();
  next.focus({ preventScroll: true });
  next.closest("li")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/**
 * The control that a key leads to; null if the key has another meaning, or there is none.
 * @param {string} key @param {{target: Element, item: HTMLElement, list: Element}} from @returns {HTMLElement | null | undefined}
 */
function destination(key, { target, item, list }) {
  const own = controls(item);
  const at = own.findIndex((control) => control === target || control.closest(".strip")?.contains(target));
  if (key === "ArrowDown" || key === "ArrowUp") return own[at + (key === "ArrowDown" ? 1 : -1)] ?? own[at];
  if (target.matches("input")) return null;
  const items = /** @type {HTMLElement[]} */ ([...list.children]);
  const to = { ArrowRight: item.nextElementSibling, ArrowLeft: item.previousElementSibling, Home: items[0], End: items[items.length - 1] }[key];
  if (!to) return null;
  buildNow(to);
  return controls(to)[at] ?? controls(to)[0];
}

/** The visible controls of a card; its stars count as one. @param {Element} item */
function controls(item) {
  const all = /** @type {HTMLElement[]} */ ([...item.querySelectorAll(CONTROLS)]).filter((control) => control.checkVisibility());
  const stars = /** @type {HTMLInputElement[]} */ (all.filter((control) => control.matches("input")));
  const chosen = stars.find((star) => star.checked) ?? stars[0];
  return all.filter((control) => !control.matches("input") || control === chosen);
}
