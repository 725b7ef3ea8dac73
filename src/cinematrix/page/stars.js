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
 * The strip. A second press on what is chosen takes it back, and so do Delete and Backspace.
 * @param {string} title of the movie
 * @param {number | null} value
 * @param {(value: number | null) => void} rate
 * @param {Scale | null} scale
 */
export function stars(title, value, rate, scale) {
  const choices = steps(scale ?? LIKED);
  const name = fresh("stars");
  const strip = element("div", { class: "strip" });
  const show = (/** @type {number | null} */ shown) => {
    const share = shown === null ? 0 : (choices.indexOf(shown) + 1) / choices.length;
    strip.style.setProperty("--fill", `${share * 100}%`);
  };
  let held = value;
  const set = (/** @type {number | null} */ chosen) => {
    held = chosen;
    show(held);
    rate(held);
  };
  const radios = choices.map((choice) => radio(choice, { name, held, of: choices, scale }));
  strip.append(...radios);
  strip.style.setProperty("--stars", String(choices.length > 5 ? Math.ceil(choices.length / 2) : choices.length));
  strip.style.setProperty("--steps", String(choices.length));
  strip.addEventListener("change", (event) => set(Number(/** @type {HTMLInputElement} */ (event.target).value)));
  strip.addEventListener("pointerover", (event) => {
    if (event.pointerType === "mouse" && event.target instanceof HTMLInputElement) show(Number(event.target.value));
  });
  strip.addEventListener("pointerleave", () => show(held));
  strip.addEventListener("pointerdown", (event) => {
    const input = event.target;
    if (input instanceof HTMLInputElement && input.checked) {
      input.addEventListener("click", () => { input.checked = false; set(null); }, { once: true });
    }
  });
  strip.addEventListener("keydown", (event) => {
    if ((event.key !== "Delete" && event.key !== "Backspace") || held === null) return;
    for (const input of radios) input.checked = false;
    set(null);
  });
  show(held);
  return element("fieldset", { class: "stars" }, element("legend", { class: "quiet" }, `Your rating of ${title}`), strip);
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
