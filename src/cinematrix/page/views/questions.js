/** For somebody who brings nothing: one film after the other, each chosen by what her answer would tell. */

import { title as titled, facts } from "../cards.js";
import { icon } from "../dom.js";
import { empty, loading } from "../states.js";

export const title = "Questions";

/** Answers from which on a list is shown. */
const ENOUGH = 3;

/** Films she hasn't seen, as far as this visit knows. @type {Map<number | string, true>} */
const unseen = new Map();

/** @typedef {import("../history.js").Movie & {seen_chance: number, asked: number}} Question */

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const { element } = app;
  const place = element("section", { class: "question", "aria-live": "polite", "aria-label": "Question" }, loading("Choosing a film", 1));
  const list = element("section", { class: "row so-far", "aria-live": "polite" });
  const lead = element("p", { class: "lead" });
  main.append(element("h1", {}, "A few questions"), lead, place, list);

  const next = async () => {
    const n = app.history.size;
    lead.textContent = n < ENOUGH ? `Your list appears after ${words(ENOUGH - n)} more ${ENOUGH - n === 1 ? "answer" : "answers"}.` : "Each answer makes the list below better. Stop whenever you like.";
    try {
      const focused = place.contains(document.activeElement);
      /** @type {Question} */
      const question = await app.api.post("/v1/questions", { ...app.history.body(), unseen: [...unseen.keys()] }, app.signal);
      draw(question);
      if (focused) /** @type {HTMLElement | null} */ (place.querySelector("h2, input"))?.focus();
    } catch (error) {
      if (/** @type {Error} */ (error).name !== "AbortError") place.replaceChildren(app.failed(error, next));
    }
  };
  const draw = (/** @type {Question} */ question) => {
    if (question.movie === null) {
      place.replaceChildren(empty("That was all", "There is nothing left to ask.", element("a", { class: "primary", href: "/" }, "See your films")));
      return;
    }
    place.replaceChildren(
      element("div", { class: "question-poster" }, app.poster(question)),
      element("div", { class: "feature-words large" },
        element("p", { class: "kicker" }, "How did you like"),
        element("h2", { tabindex: "-1" }, titled(question)),
        element("p", { class: "facts" }, facts(question)),
        app.stars(question),
        element("div", { class: "hides" },
          element("button", { type: "button", class: "ghost", onclick: () => { unseen.set(question.movie, true); next(); } }, "Haven’t seen it", icon("arrow")))));
  };
  const recommend = async () => {
    if (app.history.size < ENOUGH) return list.replaceChildren();
    const { items, model_version } = await app.api.post("/v1/recommendations", { ...app.history.body(), n: 6 }, app.signal);
    list.replaceChildren(
      element("h2", {}, "Your list so far"),
      element("ul", { class: "strip-of-cards", tabindex: "-1" }, items.map((/** @type {import("../cards.js").Item} */ item) => element("li", {}, app.card(item, { rate: false, hide: false })))),
      element("p", {}, element("a", { class: "primary", href: "/" }, "See them all", icon("arrow"))));
    app.answeredBy(model_version);
  };
  app.history.on("change", () => {
    next();
    recommend().catch(() => list.replaceChildren());
  }, app.signal);
  await Promise.all([next(), recommend().catch(() => list.replaceChildren())]);
}

/** @param {number} n */
const words = (n) => ["no", "one", "two", "three"][n] ?? String(n);
