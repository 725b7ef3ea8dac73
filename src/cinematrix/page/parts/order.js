/** Order of a list of films: as the server gave them, or by expected stars. */

import { element } from "./dom.js";
import { words } from "./language.js";

/** @typedef {import("./cards.js").Item} Item */

/**
 * Create the buttons that choose an order; null if the films have no stars. `choose` gets true for the order by stars.
 * @param {Item[]} items @param {{first: string, byStars?: boolean, choose: (byStars: boolean) => void}} options
 */
export function orderButtons(items, { first, byStars = false, choose }) {
  if (items.length < 2 || items.every(({ stars }) => stars === null || stars === undefined)) return null;
  const buttons = [first, words.filters.expectedStars].map((label, at) => element("button", {
    type: "button", class: "chip", "aria-pressed": String(at === Number(byStars)), onclick: () => {
      for (const each of buttons) each.setAttribute("aria-pressed", String(each === buttons[at]));
      choose(at === 1);
    },
  }, label));
  return element("div", { class: "order", role: "group", "aria-label": words.filters.order }, buttons);
}

/** Films by expected stars, the best first; those without stars last. @template {{stars?: number | null}} T @param {T[]} items */
export const byExpectedStars = (items) => [...items].sort((one, other) => (other.stars ?? -1) - (one.stars ?? -1));
