/** One row of "For you" as a grid, with more films. */

import { icon } from "../parts/dom.js";
import { keepFocus } from "../parts/focus.js";
import { words } from "../parts/language.js";
import { roving } from "../parts/roving.js";
import { updateCards } from "../parts/rows.js";
import { shareButton } from "../parts/share.js";
import { cardOptions, fetchWholeRow, lastRows, rowName } from "../parts/shelves.js";
import { emptyState, gridSkeleton } from "../parts/states.js";

export const title = words.views.row;

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const { element } = app;
  const name = app.params.get("of") ?? "";
  const known = lastRows(app)?.rows.find((row) => rowName(row) === name);
  const heading = element("h1", {}, known?.title ?? words.rows.more);
  /** @type {import("../parts/cards.js").Item[]} */
  let films = known?.items ?? [];
  const head = element("div", { class: "head-with-button" }, heading, shareButton(app, () => ({ name: heading.textContent ?? "", films })));
  const list = roving(element("ul", { class: "grid-of-cards", tabindex: "-1" }));
  const body = element("div", {}, gridSkeleton());
  const filters = new URLSearchParams([...app.params].filter(([key]) => key !== "view" && key !== "of"));
  main.append(element("p", {}, element("a", { class: "back", href: `/?${filters}` }, icon("left"), words.views.forYou)), head, body);
  const refresh = async () => {
    try {
      const row = await fetchWholeRow(app, name);
      if (!row?.items.length) return body.replaceChildren(emptyState(words.rows.gone, words.rows.goneWhy, element("a", { class: "primary", href: "/" }, words.trouble.toYourFilms)));
      heading.textContent = row.title;
      films = row.items;
      keepFocus(list, () => updateCards(app, list, { title: row.title, items: row.items, options: (item) => ({ ...cardOptions(row)(item), heading: "h2" }) }));
      if (!list.isConnected) body.replaceChildren(list);
    } catch (error) {
      if (!app.signal.aborted) body.replaceChildren(app.failed(error, refresh));
    }
  };
  app.history.on("change", refresh, app.signal);
  await refresh();
}
