/** Search view: films by title. */

import { byExpectedStars, orderButtons } from "../parts/order.js";
import { peopleFound, showPerson } from "../parts/people.js";
import { roving } from "../parts/roving.js";
import { keepFocus } from "../parts/focus.js";
import { words } from "../parts/language.js";
import { updateCards } from "../parts/rows.js";
import { emptyState, gridSkeleton } from "../parts/states.js";

export const title = words.views.search;

/** Maximum films shown. */
const MAX_RESULTS = 48;

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const { element } = app;
  const query = app.params.get("query")?.slice(0, 200) ?? "";
  const results = element("div", {});
  main.append(
    element("h1", {}, title),
    app.finder({
      label: words.search.label, value: query, visible: true,
      choose: (movie) => app.go("film", { movie: String(movie.movie) }),
      choosePerson: (name) => app.go("search", { person: name }),
      submit: (text) => app.go("search", { query: text }),
    }),
    results);
  const person = app.params.get("person");
  if (person) return showPerson(results, app, person.slice(0, 200));
  if (!query) {
    results.append(element("p", { class: "lead" }, words.search.hint));
    return;
  }
  results.append(element("p", { class: "lead" }, words.search.searching), gridSkeleton(words.search.searching));
  /** @returns {Promise<import("../parts/cards.js").Item[]>} */
  const fetch = async () => {
    const answer = await app.api.post("/v1/movies/search", { ...app.history.body(), query, n: MAX_RESULTS }, app.signal);
    people = answer.people;
    return answer.items.filter(app.allows, app);
  };
  /** @type {import("../parts/people.js").Person[]} */
  let people = [];
  let items = await fetch();
  app.announce(words.search.announced(items.length));
  if (!items.length) {
    results.replaceChildren(peopleFound(people) || emptyState(words.search.nothing, words.search.nothingWhy));
    return;
  }
  const list = roving(element("ul", { class: "grid-of-cards", tabindex: "-1" }));
  const draw = () => keepFocus(list, () => updateCards(app, list, { title, items: app.params.get("order") === "stars" ? byExpectedStars(items) : items, options: () => ({ heading: "h2", hide: false }) }));
  draw();
  const lead = element("p", { class: "lead" }, words.search.like(items.length, element("bdi", {}, query)));
  const choose = (/** @type {boolean} */ stars) => { app.keep({ order: stars ? "stars" : null }); draw(); };
  const found = peopleFound(people);
  results.replaceChildren(...(found ? [found] : []), element("div", { class: "list-head" }, lead, orderButtons(items, { first: words.filters.bestMatch, byStars: app.params.get("order") === "stars", choose })), list);
  app.history.on("change", async () => {
    items = await fetch().catch(() => items);
    draw();
  }, app.signal);
}
