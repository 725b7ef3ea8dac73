/** Star ratings: radio buttons over a strip of stars, one per step of the scale. */

import { element, uniqueId } from "./dom.js";
import { format, words } from "./language.js";

/** @typedef {{low: number, high: number, step: number}} Scale */

/** Scale of a model without stars: liked or not. @type {Scale} */
export const LIKE_SCALE = { low: 1, high: 1, step: 1 };

/** Maximum radio buttons per strip; a finer scale gets coarser steps. */
const MAX_RADIOS = 10;

/**
 * The ratings that a strip offers for a scale.
 * @param {Scale} scale
 * @returns {number[]}
 */
export function ratingSteps({ low, high, step }) {
  if (high <= low) return [high];
  const fine = step > 0 ? step : (high - low) / MAX_RADIOS;
  const times = Math.ceil(Math.round((high - low) / fine + 1) / MAX_RADIOS);
  const values = [];
  for (let value = high; value >= low - 1e-9; value -= fine * times) values.unshift(Math.round(value * 1e6) / 1e6);
  return values;
}

/** Format a number with at most one decimal. @param {number} value */
export function formatNumber(value) {
  return format.number(value);
}

/**
 * Create a strip of stars. A click on the current rating, Delete or Backspace removes it. Arrow keys select; Enter,
 * Space or leaving the strip saves.
 * @param {string} title of the movie
 * @param {() => number | null} read returns the current rating
 * @param {(value: number | null) => void} rate
 * @param {Scale | null} scale
 */
export function stars(title, read, rate, scale) {
  const choices = ratingSteps(scale ?? LIKE_SCALE);
  const name = uniqueId("stars");
  const strip = element("div", { class: "strip" });
  const show = (/** @type {number | null} */ shown) => {
    const share = shown === null ? 0 : choices.filter((choice) => choice <= shown).length / choices.length;
    strip.style.setProperty("--fill", `${share * 100}%`);
  };
  let current = read();
  const set = (/** @type {number | null} */ chosen) => {
    current = chosen;
    show(current);
    rate(current);
  };
  const radios = choices.map((choice) => radio(choice, { name, rating: current, of: choices, scale }));
  const checked = () => radios.find((each) => each.checked) ?? null;
  const commit = () => {
    const chosen = checked();
    if (chosen && Number(chosen.value) !== current) set(Number(chosen.value));
  };
  const clear = () => {
    for (const each of radios) each.checked = false;
    if (current !== null) set(null);
  };
  strip.append(...radios);
  strip.style.setProperty("--stars", String(choices.length > 5 ? Math.ceil(choices.length / 2) : choices.length));
  listenToPointer(strip, { show, current: () => current, commit, clear });
  listenToKeys(strip, { show, checked, commit, clear });
  show(current);
  const fieldset = element("fieldset", { class: "stars" }, element("legend", { class: "quiet" }, words.film.rating(title)), strip);
  return onRefresh(fieldset, () => {
    if (read() === current) return;
    current = read();
    for (const each of radios) each.checked = Number(each.value) === current;
    show(current);
  });
}

/** Functions that show a rating changed elsewhere, by element. @type {WeakMap<Element, () => void>} */
const REFRESHERS = new WeakMap();

/** Call `show` when ratings have changed, as long as an element is on the page. @template {Element} T @param {T} shown @param {() => void} show @returns {T} */
export function onRefresh(shown, show) {
  shown.setAttribute("data-rating", "");
  REFRESHERS.set(shown, show);
  return shown;
}

/** Show the current ratings everywhere on the page. */
export function refreshStars() {
  for (const each of document.querySelectorAll("[data-rating]")) REFRESHERS.get(each)?.();
}

/**
 * Preview on hover, rate or clear on click.
 * @param {HTMLElement} strip
 * @param {{show: (value: number | null) => void, current: () => number | null, commit: () => void, clear: () => void}} on
 */
function listenToPointer(strip, { show, current, commit, clear }) {
  /** @type {EventTarget | null} */
  let pressed = null;
  strip.addEventListener("pointerdown", (event) => { pressed = event.target; });
  strip.addEventListener("click", (event) => {
    const input = event.target;
    if (!(input instanceof HTMLInputElement) || pressed !== input) return;
    pressed = null;
    if (Number(input.value) === current()) clear();
    else commit();
  });
  strip.addEventListener("pointerover", (event) => {
    if (event.pointerType === "mouse" && event.target instanceof HTMLInputElement) show(Number(event.target.value));
  });
  strip.addEventListener("pointerleave", () => show(current()));
}

/**
 * Select, rate and clear by keyboard.
 * @param {HTMLElement} strip
 * @param {{show: (value: number | null) => void, checked: () => HTMLInputElement | null, commit: () => void, clear: () => void}} on
 */
function listenToKeys(strip, { show, checked, commit, clear }) {
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
 * Create one radio button.
 * @param {number} choice
 * @param {{name: string, rating: number | null, of: number[], scale: Scale | null}} among
 */
function radio(choice, { name, rating, of, scale }) {
  const label = scale === null ? words.film.likedIt : words.film.outOf(choice, of[of.length - 1]);
  const input = /** @type {HTMLInputElement} */ (
    element("input", { type: "radio", name, value: choice, "aria-label": label, title: label, checked: choice === rating }));
  return input;
}
