/** Questions for new users: a few films of one region of taste at a time, selected by how informative their ratings would be. */

import { dialParameters } from "../parts/dials.js";
import { icon } from "../parts/dom.js";
import { genreName, words } from "../parts/language.js";
import { roving } from "../parts/roving.js";
import { cardRow, updateCards } from "../parts/rows.js";
import { emptyState, gridSkeleton } from "../parts/states.js";
import { writeTab, readTab } from "../parts/tab.js";

export const title = words.views.questions;

/** Minimum ratings before a list is shown. */
const MIN_ANSWERS = 3;

/** Films asked about at a time. */
const PAGE = 6;

/** Maximum pages in a row whose films are all outside the profile's limit. */
const MAX_OUTSIDE = 20;

/** Tab-storage key of the films that the user hasn't seen. */
const UNSEEN_KEY = "unseen";

/** @typedef {import("../parts/cards.js").Item} Item */
/** @typedef {{items: Item[], region: string, years: [number, number] | null}} Page */

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const questions = new Questions(app);
  main.append(app.element("h1", {}, words.questions.title), questions.lead, questions.place, questions.list);
  app.history.on("change", () => questions.changed(), app.signal);
  await Promise.all([questions.next(), questions.recommend()]);
}

/** The page of films asked about, and the list so far. */
class Questions {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    const { element } = app;
    this.app = app;
    this.lead = element("p", { class: "lead" });
    this.place = element("section", { class: "question", "aria-label": words.questions.question }, gridSkeleton(words.questions.choosing, PAGE));
    this.list = element("div", { class: "so-far", "aria-live": "polite" });
    this.onward = element("button", { type: "button", class: "primary", onclick: () => this.go() });
    /** @type {(number | string)[]} */
    this.unseen = readTab(UNSEEN_KEY) ?? [];
    /** The page shown. @type {Page | null} */
    this.page = null;
    /** Pages before it, each with the films not seen. @type {{page: Page, unseen: (number | string)[]}[]} */
    this.before = [];
    this.asking = latestSignal(app.signal);
    this.recommending = latestSignal(app.signal);
  }

  /** Ask for the next films. */
  async next() {
    const signal = this.asking();
    this.count();
    try {
      this.draw(await this.ask(signal));
    } catch (error) {
      if (!signal.aborted) this.place.replaceChildren(this.app.failed(error, () => this.next()));
    }
  }

  /** Request a page; films outside the profile's limit aren't asked about. @param {AbortSignal} signal @param {number} [outside] pages before without any other @returns {Promise<Page>} */
  async ask(signal, outside = 0) {
    const page = await this.app.api.post("/v1/questions", { ...this.app.history.body(), unseen: this.unseen, n: PAGE }, signal);
    const items = page.items.filter(this.app.allows, this.app);
    if (items.length || !page.items.length || outside === MAX_OUTSIDE) return { ...page, items };
    this.store([...this.unseen, ...page.items.map((/** @type {Item} */ { movie }) => movie)]);
    return this.ask(signal, outside + 1);
  }

  /** Leave the page: the films not rated are films not seen. */
  go() {
    const { page } = this;
    if (!page) return;
    const unseen = page.items.map(({ movie }) => movie).filter((movie) => this.app.history.rating(movie) === null);
    this.before.push({ page, unseen });
    this.store([...this.unseen, ...unseen]);
    if (unseen.length) {
      this.app.history.pushUndo(() => { if (this.before.at(-1)?.page === page) this.back(); });
      this.app.toast(words.questions.notSeen(unseen.length), true);
    }
    this.next();
  }

  /** Show the page before again; its films count as not asked. */
  back() {
    const last = this.before.pop();
    if (!last) return;
    const again = new Set(last.unseen);
    this.store(this.unseen.filter((movie) => !again.has(movie)));
    this.asking();
    if (!this.app.signal.aborted) this.draw(last.page);
  }

  /** @param {(number | string)[]} unseen */
  store(unseen) {
    this.unseen = unseen;
    writeTab(UNSEEN_KEY, unseen);
  }

  /** Show a page; the focus stays in it. @param {Page} page */
  draw(page) {
    const { app, place } = this;
    const { element } = app;
    const focused = place.contains(document.activeElement);
    this.page = page;
    if (!page.items.length) {
      place.replaceChildren(emptyState(words.questions.all, words.questions.allWhy, this.backButton(), element("a", { class: "primary", href: "/" }, words.questions.seeYours)));
    } else {
      const list = roving(element("ul", { class: "grid-of-cards" }));
      updateCards(app, list, { title: "", items: page.items, near: true, options: () => ({ hide: false, reason: null }) });
      place.replaceChildren(
        element("p", { class: "kicker" }, words.questions.seenAny),
        element("h2", { tabindex: "-1" }, pageWords(page)),
        list,
        element("div", { class: "buttons" }, this.onward, this.backButton()));
      this.count();
    }
    if (focused) /** @type {HTMLElement | null} */ (place.querySelector("h2"))?.focus();
  }

  /** The button that undoes "None of these". */
  backButton() {
    return this.before.length > 0 && this.app.element("button", { type: "button", class: "ghost", onclick: () => this.back() }, icon("undo"), words.questions.before);
  }

  /** A rating has changed. */
  changed() {
    this.count();
    this.recommend();
  }

  /** Show how many ratings are missing, and what the button means. */
  count() {
    const left = MIN_ANSWERS - this.app.history.size;
    this.lead.textContent = left > 0 ? words.questions.left(left) : words.questions.enough;
    const rated = this.page?.items.some(({ movie }) => this.app.history.rating(movie) !== null);
    this.onward.replaceChildren(rated ? words.questions.next : words.questions.none, icon("arrow"));
  }

  /** Show the list so far. */
  async recommend() {
    const { app, list } = this;
    const signal = this.recommending();
    if (app.history.size < MIN_ANSWERS) return list.replaceChildren();
    try {
      const { items, model_version } = await app.api.post("/v1/recommendations", { ...app.history.body(), ...(await dialParameters(app)), n: 6 }, signal);
      list.replaceChildren(
        cardRow(app, { title: words.questions.soFar, items, near: true, options: () => ({ rate: false, hide: false }) }),
        app.element("p", {}, app.element("a", { class: "primary", href: "/" }, words.questions.seeAll, icon("arrow"))));
      app.answeredBy(model_version);
    } catch {
      if (!signal.aborted) list.replaceChildren();
    }
  }
}

/** `Film noir, 1941–1955`. @param {Page} page */
function pageWords({ region, years }) {
  const time = years && (years[0] === years[1] ? String(years[0]) : `${years[0]}–${years[1]}`);
  return [region && regionName(region), time].filter(Boolean).join(", ") || words.questions.films;
}

/** The name of a region, which the server says in English: a genre in small letters, or one of `words.regions`. @param {string} region */
function regionName(region) {
  const genre = Object.keys(words.genres).find((name) => name.toLowerCase() === region);
  const name = /** @type {Record<string, string>} */ (words.regions)[region] ?? (genre ? genreName(genre) : region);
  return name[0].toUpperCase() + name.slice(1);
}

/** Create signals, each aborted by the next one, so that no late response replaces a newer one. @param {AbortSignal} left */
function latestSignal(left) {
  let current = new AbortController();
  return () => {
    current.abort();
    current = new AbortController();
    return AbortSignal.any([current.signal, left]);
  };
}
