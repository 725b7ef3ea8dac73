/** What the catalog knows of a film: names, tags, and its pages at other sites. */

import { shorten } from "./cards.js";
import { element } from "./dom.js";
import { knownRows } from "./known-facts.js";
import { words } from "./language.js";
import { otherNames } from "./titles.js";

/** Links to other sites. @type {Record<string, {name: string, to: (id: string) => string}>} */
const ELSEWHERE = {
  imdb: { name: "IMDb", to: (id) => `https://www.imdb.com/title/tt${id.replace(/^tt/, "").padStart(7, "0")}/` },
  tmdb: { name: "TMDB", to: (id) => `https://www.themoviedb.org/movie/${id}` },
};

/** @typedef {import("../views/film.js").Film} Film */

/** The catalog's facts as a list of terms; null if there are none. @param {Film} film @param {boolean} detailed whether TMDB's details are shown */
export function catalogFacts(film, detailed) {
  const { original, also } = otherNames(film.title ?? "");
  const rows = [
    ...knownRows(film.facts, detailed),
    [words.filmPage.originalTitle, original.join(", ")],
    [words.filmPage.alsoCalled, also.join(", ")],
    [words.filmPage.tags, film.tags.length > 0 && element("span", { class: "tags" }, film.tags.map((tag) => element("span", { class: "tag" }, element("bdi", {}, shorten(tag, 40)))))],
    [words.filmPage.moreAt, siteLinks(film)],
  ];
  return factList(rows);
}

/** A list of terms; rows without a value are left out. @param {(string | Node | (Node | string)[] | false | null)[][]} rows */
export function factList(rows) {
  const shown = rows.filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value));
  if (!shown.length) return null;
  return element("dl", { class: "fact-list" }, shown.map(([term, value]) =>
    element("div", {}, element("dt", {}, /** @type {string} */ (term)), element("dd", {}, typeof value === "string" ? element("bdi", {}, shorten(value, 300)) : /** @type {Node} */ (value)))));
}

/** @param {Film} film @returns {(Node | string)[]} */
function siteLinks(film) {
  const links = Object.entries(ELSEWHERE).filter(([site]) => film.links[site]).map(([site, { name, to }]) => outbound(to(String(film.links[site])), name));
  return links.flatMap((link, at) => (at ? [" · ", link] : [link]));
}

/** A link to another site, which learns nothing of this page. @param {string} address @param {string} label */
export const outbound = (address, label) => element("a", { href: address, rel: "noreferrer noopener" }, label);
