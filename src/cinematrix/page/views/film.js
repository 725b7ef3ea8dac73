/** Film view: the expected rating, the distribution of ratings, and similar films. */

import { reasons, expectedRange, expectedStars, factsLine, shorten, titleElement } from "../parts/cards.js";
import { barChart } from "../parts/charts.js";
import { markButtons } from "../parts/mark-buttons.js";
import { cardRow } from "../parts/rows.js";
import { formatNumber } from "../parts/stars.js";
import { emptyState, filmSkeleton } from "../parts/states.js";

export const title = "Film";

/** Links to other sites. @type {Record<string, {name: string, to: (id: string) => string}>} */
const ELSEWHERE = {
  imdb: { name: "IMDb", to: (id) => `https://www.imdb.com/title/tt${id.replace(/^tt/, "").padStart(7, "0")}/` },
  tmdb: { name: "TMDB", to: (id) => `https://www.themoviedb.org/movie/${id}` },
};

/**
 * @typedef {import("../parts/history.js").Movie & {ratings: number, mean: number | null,
 *   histogram: {rating: number, count: number}[], links: Record<string, string | null>}} Film
 */

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const id = app.params.get("movie") ?? "";
  const path = `/v1/movies/${encodeURIComponent(id)}`;
  main.replaceChildren(filmSkeleton());
  /** @type {Film} */
  const film = await app.api.get(path, {}, app.signal);
  if (!app.allows(film)) return main.replaceChildren(emptyState("Not for this profile", "This film is outside the limit of the profile.", app.element("a", { class: "primary", href: "/" }, "To your films")));
  document.title = `${shorten(film.title ?? "")} · Cinematrix`;
  const prediction = app.element("div", { class: "guess" });
  let ratings = peopleSection(app, film);
  main.replaceChildren(head(app, film, prediction), ratings);
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

/** The film's poster, facts and controls. @param {import("../app.js").App} app @param {Film} film @param {HTMLElement} guess */
function head(app, film, guess) {
  const { element } = app;
  const links = Object.entries(ELSEWHERE).filter(([site]) => film.links[site]).map(([site, { name, to }]) =>
    element("a", { href: to(String(film.links[site])), rel: "noreferrer noopener" }, name));
  return element("article", { class: "film" },
    element("div", { class: "film-poster" }, app.poster(film)),
    element("div", { class: "feature-words large" },
      element("p", { class: "kicker" }, film.year ? String(film.year) : "Film"),
      element("h1", {}, titleElement(film)),
      element("p", { class: "facts" }, factsLine({ ...film, year: null })),
      guess,
      app.stars(film),
      markButtons(app, film),
      links.length > 0 && element("p", { class: "facts links" }, "More at ", links.flatMap((link, at) => (at ? [" and ", link] : [link])))));
}

/** The expected rating and its reasons. @param {import("../app.js").App} app @param {import("../parts/cards.js").Item & {yours: number | null}} prediction */
function predictionParts(app, prediction) {
  const { element } = app;
  const { scale } = app.model;
  const shown = expectedStars(prediction, scale);
  if (!shown || !scale) return [];
  const unpersonal = app.history.size === 0;
  const words = unpersonal ? "Average score. Rate a few films to see yours." : prediction.yours === null ? "Expected for you" : "Expected for you, without your own rating";
  return [element("p", { class: "facts" }, words), shown, expectedRange(prediction, scale), reasons(prediction)].filter((each) => each !== null);
}

/** The number, mean and distribution of ratings. @param {import("../app.js").App} app @param {Film} film */
function peopleSection(app, film) {
  const { element } = app;
  const { ratings: count, mean, histogram } = film;
  if (!count) return element("section", { class: "people" }, element("h2", {}, "How people rated it"), element("p", { class: "lead" }, "Nobody has rated it yet. The expected stars come from its genres, year and tags."));
  if (app.history.plain) return element("section", { class: "people" }, element("h2", {}, "Who watched it"), element("p", { class: "lead" }, count === 1 ? "One person" : `${count.toLocaleString("en")} people`));
  const rating = app.history.rating(film.movie);
  return element("section", { class: "people" },
    element("h2", {}, "How people rated it"),
    element("p", { class: "lead" }, `${count.toLocaleString("en")} ${count === 1 ? "rating" : "ratings"}`, mean !== null && `, ${formatNumber(mean)} on average`),
    histogram.length > 0 && barChart(`Ratings of ${shorten(film.title ?? "")}`, histogram.map((bar) => ({ label: formatNumber(bar.rating), value: bar.count, mark: bar.rating === rating }))));
}

/** The section of similar films, or null. @param {import("../app.js").App} app @param {string} path */
async function similarFilms(app, path) {
  const { items } = await app.api.get(`${path}/similar`, { n: 12 }, app.signal);
  const allowed = items.filter(app.allows, app);
  if (!allowed.length) return null;
  const films = allowed.map((/** @type {import("../parts/cards.js").Item} */ item) => ({ ...item, stars: undefined }));
  const reason = (/** @type {import("../parts/cards.js").Item & {why?: {genres: string[], both: number}}} */ { why }) => ({ reason: why && linkText(why), hide: false });
  const row = cardRow(app, { title: "Similar films", items: films, options: reason });
  row.classList.add("alike");
  return row;
}

/** The reasons of a similarity, as text. @param {{genres: string[], both: number}} why */
function linkText({ genres, both }) {
  const people = `${both.toLocaleString("en")} people rated both`;
  return [genres.length > 0 && `both ${genres.slice(0, 3).join(", ")}`, both > 0 && people].filter(Boolean).join("; ") || "close to each other in the model";
}
