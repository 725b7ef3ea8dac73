/** Keyboard in a long list: only the current row's controls are tab stops; up and down, Home and End move between rows. */

import { words } from "./language.js";
import { buildNow } from "./near.js";

const CONTROLS = "a, input, button";

/** The list's explanation for screen readers. */
export const ROWS_HINT = words.frame.rowKeys;

/** Listen to the keys of a list. @param {HTMLElement} list */
export function rowStops(list) {
  list.addEventListener("focusin", ({ target }) => enter(list, /** @type {Element} */ (target).closest("li")));
  list.addEventListener("keydown", (event) => {
    const target = /** @type {Element} */ (event.target);
    const row = target.closest("li");
    if (!row || event.altKey || event.ctrlKey || event.metaKey) return;
    const to = { ArrowDown: row.nextElementSibling, ArrowUp: row.previousElementSibling, Home: list.firstElementChild, End: list.lastElementChild }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (!to) return;
    buildNow(to);
    (sameControl(row, to, target) ?? controls(to)[0])?.focus({ preventScroll: true });
    to.scrollIntoView({ block: "nearest" });
  });
  return list;
}

/** Make a new row no tab stop, unless it is the only one. @param {HTMLElement} list @param {Element} row */
export function addRow(list, row) {
  if (list.querySelector("[data-current]")) setStops(row, -1);
  else row.toggleAttribute("data-current", true);
}

/** Make sure that a row is the current one, after rows have gone. @param {HTMLElement} list */
export function keepCurrent(list) {
  if (!list.querySelector("[data-current]")) enter(list, list.querySelector("li:not(:empty)"));
}

/** @param {HTMLElement} list @param {Element | null} row */
function enter(list, row) {
  if (!row || row.hasAttribute("data-current")) return;
  for (const other of list.querySelectorAll("[data-current]")) {
    other.removeAttribute("data-current");
    setStops(other, -1);
  }
  row.setAttribute("data-current", "");
  setStops(row, 0);
}

/** @param {Element} row @param {number} index */
function setStops(row, index) {
  for (const control of row.querySelectorAll(CONTROLS)) if (!control.matches("[aria-hidden]")) control.setAttribute("tabindex", String(index));
}

/** The visible controls of a row. @param {Element} row */
const controls = (row) => /** @type {HTMLElement[]} */ ([...row.querySelectorAll(CONTROLS)]).filter((control) => !control.matches("[aria-hidden]") && control.checkVisibility());

/** The control of another row that a control corresponds to: its stars for stars, else the one of the same class. @param {Element} row @param {Element} to @param {Element} target */
function sameControl(row, to, target) {
  if (target.matches("input")) return /** @type {HTMLElement | null} */ (to.querySelector("input:checked") ?? to.querySelector("input"));
  const [own, others] = [row, to].map((each) => controls(each).filter((control) => !control.matches("input")));
  return others[own.indexOf(/** @type {HTMLElement} */ (target))];
}
