/** Start view: films to tap, for those who come back to it. */

import { element } from "../parts/dom.js";
import { words } from "../parts/language.js";
import { startGrid } from "../parts/start-grid.js";
import { startLinks, startWords } from "../parts/start-words.js";

export const title = words.views.start;

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  main.append(element("h1", {}, words.start.title), startWords(app), startGrid(app, () => app.go("for-you"), (error) => app.failed(error)), startLinks());
}
