/** People of films: links to them, their place in a search, and their films. */

import { element, icon } from "./dom.js";
import { words } from "./language.js";
import { byExpectedStars, orderButtons } from "./order.js";
import { roving } from "./roving.js";
import { updateCards } from "./rows.js";
import { emptyState, gridSkeleton } from "./states.js";
import { shorten } from "./titles.js";

/** @typedef {{name: string, directed: number, played: number}} Person */
/** @typedef {import("./cards.js").Item} Item */

/** The address of a person's films. @param {string} name */
export const personUrl = (name) => `/?${new URLSearchParams({ view: "search", person: name })}`;

/** Names as links to their films. @param {string[]} names @returns {(Node | string)[]} */
export const personLinks = (names) => names.flatMap((name, at) => [...(at ? [", "] : []), element("a", { href: personUrl(name) }, element("bdi", {}, shorten(name, 60)))]);

/** What a person did, in words. @param {Person} person */
function roles({ directed, played }) {
  return [directed && words.facts.directed(directed), played && words.facts.played(played)].filter(Boolean).join(", ");
}

/** A person as an entry of a list of results. @param {Person} person @returns {Node[]} */
export const personWords = (person) => [
  element("span", { class: "person" }, icon("person"), element("bdi", {}, shorten(person.name, 60))),
  element("span", { class: "facts" }, roles(person)),
];

/** The people found, as links; null if there are none. @param {Person[]} people */
export function peopleFound(people) {
  return people.length > 0 && element("ul", { class: "people-found", "aria-label": words.facts.people },
    people.map((person) => element("li", {}, element("a", { href: personUrl(person.name) }, personWords(person)))));
}

/** Show the films of a person below the search field. @param {HTMLElement} results @param {import("../app.js").App} app @param {string} name */
export async function showPerson(results, app, name) {
  results.replaceChildren(element("p", { class: "lead" }, words.search.searching), gridSkeleton(words.search.searching));
  const fetch = () => app.api.post("/v1/people/movies", { ...app.history.body(), name, n: 200 }, app.signal);
  const answer = await fetch();
  /** @type {Item[]} */
  let items = answer.items.filter((/** @type {Item} */ item) => app.allows(item));
  if (!items.length) return results.replaceChildren(emptyState(words.facts.none, words.facts.noneWhy(shorten(name, 60))));
  const list = roving(element("ul", { class: "grid-of-cards", tabindex: "-1" }));
  const heading = words.facts.filmsOf(shorten(answer.name, 60));
  document.title = `${heading} · Cinematrix`;
  const byStars = () => app.params.get("order") === "stars";
  const draw = () => updateCards(app, list, { title: heading, items: byStars() ? byExpectedStars(items) : items, options: () => ({ heading: "h3", hide: false }) });
  draw();
  const choose = (/** @type {boolean} */ stars) => { app.keep({ order: stars ? "stars" : null }); draw(); };
  results.replaceChildren(...[
    element("div", { class: "list-head person-head" }, element("h2", {}, heading), orderButtons(items, { first: words.filters.bestKnown, byStars: byStars(), choose })),
    element("p", { class: "lead" }, roles({ name, directed: answer.directed.length, played: answer.played.length })),
    list,
  ]);
  app.announce(`${heading}: ${words.film.count(items.length)}.`);
  app.history.on("change", async () => {
    const fresh = await fetch().catch(() => null);
    if (fresh) items = fresh.items.filter((/** @type {Item} */ item) => app.allows(item));
    draw();
  }, app.signal);
}
