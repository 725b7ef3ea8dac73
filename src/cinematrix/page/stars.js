/** Rating by half stars: real radio buttons over a strip of stars, as many as the scale has steps. */

import { element, fresh } from "./dom.js";

/** @typedef {{low: number, high: number, step: number}} Scale */

/** Used where the model learned from plain interactions: watched it, or not. @type {Scale} */
export const LIKED = { low: 1, high: 1, step: 1 };

/** Most radios that a strip may hold; a finer scale is asked for in coarser steps. */
const MOST = 10;

/**
 * The ratings that a scale offers.
 * @param {Scale} scale
 * @returns {number[]}
 */
export function steps({ low, high, step }) {
  if (high <= low) return [high];
  const fine = step > 0 ? step : (high - low) / MOST;
  const times = Math.ceil(Math.round((high - low) / fine + 1) / MOST);
  const found = [];
  for (let value = high; value >= low - 1e-9; value -= fine * times) found.unshift(Math.round(value * 1e6) / 1e6);
  return found;
}

/** A number as people write it: at most one decimal. @param {number} value */
export function written(value) {
  return value.toLocaleString("en", { maximumFractionDigits: 1 });
}

/**
 * The strip. A second press on what is chosen takes it back, and so do Delete and Backspace; arrow keys choose, and
 * Enter, Space or going on rates.
 * @param {string} title of the movie
 * @param {() => number | null} read her rating of it as it is now
 * @param {(value: number | null) => void} rate
 * @param {Scale | null} scale
 */
export function stars(title, read, rate, scale) {
  const choices = steps(scale ?? LIKED);
  const name = fresh("stars");
  const strip = element("div", { class: "strip" });
  const show = (/** @type {number | null} */ shown) => {
    const share = shown === null ? 0 : choices.filter((choice) => choice <= shown).length / choices.length;
    strip.style.setProperty("--fill", `${share * 100}%`);
  };
  let held = read();
  const set = (/** @type {number | null} */ chosen) => {
    held = chosen;
    show(held);
    rate(held);
  };
  const radios = choices.map((choice) => radio(choice, { name, held, of: choices, scale }));
  const checked = () => radios.find((each) => each.checked) ?? null;
  const commit = () => {
    const chosen = checked();
    if (chosen && Number(chosen.value) !== held) set(Number(chosen.value));
  };
  const clear = () => {
    for (const each of radios) each.checked = false;
    if (held !== null) set(null);
  };
  strip.append(...radios);
  strip.style.setProperty("--stars", String(choices.length > 5 ? Math.ceil(choices.length / 2) : choices.length));
  byPointer(strip, { show, held: () => held, commit, clear });
  byKeys(strip, { show, checked, commit, clear });
  show(held);
  const made = element("fieldset", { class: "stars" }, element("legend", { class: "quiet" }, `Your rating of ${title}`), strip);
  FOLLOWS.set(made, () => {
    held = read();
    for (const each of radios) each.checked = Number(each.value) === held;
    show(held);
  });
  return made;
}

/** How each strip takes up a rating that changed elsewhere. @type {WeakMap<Element, () => void>} */
const FOLLOWS = new WeakMap();

/** Let all strips of the page show her ratings as they are now. */
export function follow() {
  for (const each of document.querySelectorAll("fieldset.stars")) FOLLOWS.get(each)?.();
}

/**
 * @param {HTMLElement} strip
 * @param {{show: (value: number | null) => void, held: () => number | null, commit: () => void, clear: () => void}} on
 */
function byPointer(strip, { show, held, commit, clear }) {
  /** @type {EventTarget | null} */
  let pressed = null;
  strip.addEventListener("pointerdown", (event) => { pressed = event.target; });
  strip.addEventListener("click", (event) => {
    const input = event.target;
    if (!(input instanceof HTMLInputElement) || pressed !== input) return;
    pressed = null;
    if (Number(input.value) === held()) clear();
    else commit();
  });
  strip.addEventListener("pointerover", (event) => {
    if (event.pointerType === "mouse" && event.target instanceof HTMLInputElement) show(Number(event.target.value));
  });
  strip.addEventListener("pointerleave", () => show(held()));
}

/**
 * @param {HTMLElement} strip
 * @param {{show: (value: number | null) => void, checked: () => HTMLInputElement | null, commit: () => void, clear: () => void}} on
 */
function byKeys(strip, { show, checked, commit, clear }) {
  let choosing = false;
  strip.addEventListener("keydown", (event) => {
    choosing = event.key.startsWith("Arrow");
    if (event.key === "Delete" || event.key === "Backspace") clear();
    if (event.key === "Enter" || (event.key === " " && checked())) commit();
  });
  strip.addEventListener("keyup", () => { choosing = false; });
  strip.addEventListener("change", () => {
    if (choosing) show(Number(checked()?.value));
    else commit();
  });
  strip.addEventListener("focusout", (event) => {
    if (strip.isConnected && !strip.contains(/** @type {Node | null} */ (event.relatedTarget))) commit();
  });
}

/**
 * @param {number} choice
 * @param {{name: string, held: number | null, of: number[], scale: Scale | null}} among
 */
function radio(choice, { name, held, of, scale }) {
  const label = scale === null ? "liked it" : `${written(choice)} of ${written(of[of.length - 1])}`;
  const made = /** @type {HTMLInputElement} */ (
    element("input", { type: "radio", name, value: choice, "aria-label": label, title: label, checked: choice === held }));
  return made;
}
