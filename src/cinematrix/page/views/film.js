/** Film view: the expected rating, the distribution of ratings, and similar films. */

import { ageOf } from "../parts/ages.js";
import { reasons, expectedRange, expectedStars, genresLine, shorten, titleElement } from "../parts/cards.js";
import { barChart } from "../parts/charts.js";
import { preferredCountry } from "../parts/countries.js";
import { detailsSection } from "../parts/film-details.js";
import { catalogFacts } from "../parts/film-facts.js";
import { genreName, words } from "../parts/language.js";
import { markButtons } from "../parts/mark-buttons.js";
import { byExpectedStars, orderButtons } from "../parts/order.js";
import { cardRow, updateRow } from "../parts/rows.js";
import { formatNumber } from "../parts/stars.js";
import { emptyState, filmSkeleton } from "../parts/states.js";
import { titleParts } from "../parts/titles.js";

export const title = words.views.film;

/**
 * @typedef {import("../parts/history.js").Movie & {ratings: number, mean: number | null,
 *   histogram: {rating: number, count: number}[], links: Record<string, string | null>, tags: string[], facts?: import("../parts/known-facts.js").KnownFacts}} Film
 */

/** @typedef {import("../parts/cards.js").Item & {why: {genres: string[], both: number}}} Similar */

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const id = app.params.get("movie") ?? "";
  const path = `/v1/movies/${encodeURIComponent(id)}`;
  main.replaceChildren(filmSkeleton());
  /** @type {Film} */
  const film = await app.api.get(path, { country: preferredCountry() }, app.signal);
  if (!app.allows(film)) return main.replaceChildren(emptyState(words.filmPage.notForProfile, whyNot(app, film), app.element("a", { class: "primary", href: "/" }, words.trouble.toYourFilms)));
  document.title = `${shorten(film.title ?? "")} · Cinematrix`;
  const prediction = app.element("div", { class: "guess" });
  let ratings = peopleSection(app, film);
  main.replaceChildren(head(app, film, prediction), app.element("div", { class: "film-more" }, ratings, aboutSection(app, film)));
  const refresh = async () => {
    const answer = await app.api.post(`${path}/prediction`, app.history.body(), app.signal);
    prediction.replaceChildren(...predictionParts(app, answer));
  };
  app.history.on("change", () => {
    ratings.replaceWith(ratings = peopleSection(app, film));
    refresh().catch(() => prediction.replaceChildren());
  }, app.signal);
  const [, alike] = await Promise.all([refresh().catch(() => null), similarFilms(app, path).catch(() => null)]);
  if (alike) main.append(alike);
}

/** Why the profile's limit leaves a film out. @param {import("../app.js").App} app @param {Film} film */
const whyNot = ({ history: { limit } }, { movie }) => (limit.age !== null && ageOf(movie) === undefined ? words.filmPage.unknownAge : words.filmPage.outsideLimit);

/** The film's poster, facts and controls. @param {import("../app.js").App} app @param {Film} film @param {HTMLElement} guess */
function head(app, film, guess) {
  const { element } = app;
  return element("article", { class: "film" },
    element("div", { class: "film-poster" }, app.poster(film)),
    element("div", { class: "feature-words large" },
      element("p", { class: "kicker" }, film.year ? String(film.year) : title),
      element("h1", {}, titleElement({ ...film, title: film.title && titleParts(film.title).name })),
      element("p", { class: "facts" }, genresLine(film, film.genres ?? [])),
      guess,
      app.stars(film),
      markButtons(app, film)));
}

/** What the catalog and TMDB know of the film; null if that is nothing. @param {import("../app.js").App} app @param {Film} film */
function aboutSection(app, film) {
  const details = detailsSection(app, film);
  const parts = [details, catalogFacts(film, details !== null)].filter((each) => each !== null);
  return parts.length > 0 && app.element("section", { class: "about" }, app.element("h2", {}, words.filmPage.about), parts);
}

/** The expected rating and its reasons. @param {import("../app.js").App} app @param {import("../parts/cards.js").Item & {yours: number | null}} prediction */
function predictionParts(app, prediction) {
  const { element } = app;
  const { scale } = app.model;
  const shown = expectedStars(prediction, scale);
  if (!shown || !scale) return [];
  const unpersonal = app.history.size === 0;
  const meaning = unpersonal ? words.filmPage.average : prediction.yours === null ? words.filmPage.forYou : words.filmPage.withoutYours;
  return [element("p", { class: "facts" }, meaning), shown, expectedRange(prediction, scale), reasons(prediction, scale)].filter((each) => each !== null);
}

/** The number, mean and distribution of ratings. @param {import("../app.js").App} app @param {Film} film */
function peopleSection(app, film) {
  const { element } = app;
  const { ratings: count, mean, histogram } = film;
  if (!count) return element("section", { class: "people" }, element("h2", {}, words.filmPage.people), element("p", { class: "lead" }, words.filmPage.nobody));
  if (app.history.plain) return element("section", { class: "people" }, element("h2", {}, words.filmPage.watchers), element("p", { class: "lead" }, words.filmPage.watched(count)));
  const rating = app.history.rating(film.movie);
  return element("section", { class: "people" },
    element("h2", {}, words.filmPage.people),
    element("p", { class: "lead" }, words.filmPage.ratings(count, mean)),
    histogram.length > 0 && barChart(words.filmPage.histogram(shorten(film.title ?? "")), histogram.map((bar) => ({ label: formatNumber(bar.rating), value: bar.count, mark: bar.rating === rating }))));
}

/** The section of similar films, or null. @param {import("../app.js").App} app @param {string} path */
async function similarFilms(app, path) {
  /** @returns {Promise<Similar[]>} */
  const fetch = async () => (await app.api.post(`${path}/similar`, { ...app.history.body(), n: 12 }, app.signal)).items.filter(app.allows, app);
  let items = await fetch();
  if (!items.length) return null;
  let byStars = false;
  const options = (/** @type {import("../parts/cards.js").Item} */ item) => ({ reason: linkText(/** @type {Similar} */ (item).why), hide: false });
  const shown = () => ({ title: words.filmPage.similar, items: byStars ? byExpectedStars(items) : items, options });
  const row = cardRow(app, shown());
  const order = orderButtons(items, { first: words.filters.mostSimilar, choose: (stars) => { byStars = stars; updateRow(app, row, shown()); } });
  if (order) row.querySelector("h2")?.after(order);
  row.classList.add("alike");
  app.history.on("change", async () => {
    items = await fetch().catch(() => items);
    updateRow(app, row, shown());
  }, app.signal);
  return row;
}

/** The reasons of a similarity, as text. @param {{genres: string[], both: number}} why */
function linkText({ genres, both }) {
  const { bothGenres, bothRated, nearInModel } = words.filmPage;
  return [genres.length > 0 && bothGenres(genres.slice(0, 3).map(genreName)), both > 0 && bothRated(both)].filter(Boolean).join("; ") || nearInModel;
}
