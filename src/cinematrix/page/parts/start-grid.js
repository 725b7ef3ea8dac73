/** The start for newcomers: posters of all tastes and decades to tap, and a bar that counts the taps. */

import { element, icon } from "./dom.js";
import { words } from "./language.js";
import { addTiles, tileList } from "./tiles.js";

/** Films of a page, and liked films that are enough for a list. */
const [PAGE, ENOUGH] = [24, 5];

/** Maximum pages in a row of which the profile's limit leaves few films. */
const MAX_PAGES = 10;

/**
 * Create the grid. `done` is called by "Show my films". If the films can't be loaded, the grid is replaced with `failed`; by default it is hidden.
 * @param {import("../app.js").App} app @param {() => void} done @param {(error: unknown) => HTMLElement} [failed] @returns {HTMLElement}
 */
export function startGrid(app, done, failed) {
  const list = tileList(words.start.films);
  const progress = element("p", { class: "start-words", role: "status" });
  const others = /** @type {HTMLButtonElement} */ (element("button", { type: "button", class: "ghost", onclick: () => more(true) }, words.start.others));
  const ready = /** @type {HTMLButtonElement} */ (element("button", { type: "button", class: "primary", onclick: done }, words.start.ready, icon("arrow")));
  const dots = element("span", { class: "dots", "aria-hidden": "true" }, Array.from({ length: ENOUGH }, () => element("i")));
  const section = element("section", { class: "start", "aria-label": words.start.films }, list,
    element("div", { class: "start-bar" }, dots, progress, element("div", { class: "buttons" }, others, ready)));
  placeholders(list);

  let skip = 0;
  /** The next films that the profile's limit allows, and whether more are left. */
  const allowed = async () => {
    const items = [];
    let left = true;
    for (let page = 0; left && page < MAX_PAGES && items.length < PAGE / 2; page++) {
      const answer = await app.api.get("/v1/starters", { n: PAGE, skip }, app.signal);
      items.push(...answer.items.filter(app.allows, app));
      skip += answer.items.length;
      left = answer.more;
    }
    return { items, left };
  };
  const more = async (/** @type {boolean} */ focus) => {
    others.disabled = true;
    try {
      const { items, left } = await allowed();
      await app.asked;
      if (!list.querySelector("[data-movie]")) list.replaceChildren();
      const shown = list.children.length;
      addTiles(app, list, items);
      others.hidden = !left;
      if (focus) /** @type {HTMLElement | undefined} */ (list.children[shown]?.querySelector("button"))?.focus();
      app.announce(words.start.shown(items.length));
    } catch (error) {
      if (app.signal.aborted) return;
      if (list.querySelector("[data-movie]")) app.toast(/** @type {Error} */ (error).message);
      else if (failed) section.replaceWith(failed(error));
      else section.hidden = true;
    }
    others.disabled = false;
  };
  const count = () => {
    const n = app.history.size;
    progress.textContent = words.start.progress(n, ENOUGH);
    ready.disabled = n === 0;
    [...dots.children].forEach((dot, at) => dot.classList.toggle("on", at < n));
  };
  app.history.on("change", count, app.signal);
  count();
  more(false);
  return section;
}

/** Grey posters, as many and as large as those to come. @param {HTMLElement} list */
function placeholders(list) {
  list.append(...Array.from({ length: PAGE }, () => element("li", { class: "tile skeleton" }, element("div", { class: "poster" }))));
}
