/** What TMDB tells of a film: plot, people, running time, trailer, and where to watch it. Nothing is drawn without the operator's key. */

import { shorten } from "./cards.js";
import { countryName, preferredCountry, storeCountry } from "./countries.js";
import { element, icon } from "./dom.js";
import { factList, outbound } from "./film-facts.js";
import { format, language, words } from "./language.js";
import { personLinks } from "./people.js";

/**
 * @typedef {{plot: string | null, original_title: string | null, directors: string[], cast: string[], minutes: number | null,
 *   languages: string[], trailer: string | null, watch: Record<string, {link: string | null, stream: string[], rent: string[], buy: string[]}>,
 *   translations?: Record<string, {title: string | null, plot: string | null}>}} Details
 */

/** Codes that may be one of a language: `aa` to `zz`. */
const LETTERS = [..."abcdefghijklmnopqrstuvwxyz"];
const LANGUAGE_CODES = LETTERS.flatMap((first) => LETTERS.map((second) => first + second));

/** The place of the details, filled once they are there; null without them. @param {import("../app.js").App} app @param {import("../views/film.js").Film} film */
export function detailsSection(app, film) {
  if (!app.model.details || !film.links.tmdb) return null;
  const place = element("div", { class: "details", "aria-busy": "true" }, [1, 2, 3].map(() => element("span", { class: "bone" })));
  app.api.get(`/v1/movies/${encodeURIComponent(film.movie)}/details`, {}, app.signal)
    .then((/** @type {Details} */ details) => place.replaceChildren(...detailParts(details, film)))
    .catch(() => { if (!app.signal.aborted) place.replaceChildren(element("p", { class: "facts" }, words.filmPage.noDetails)); })
    .finally(() => place.removeAttribute("aria-busy"));
  return place;
}

/** @param {Details} details @param {import("../views/film.js").Film} film */
function detailParts(details, film) {
  const { title = null, plot = null } = details.translations?.[language] ?? {};
  const original = details.original_title && !(film.title ?? "").includes(details.original_title) ? details.original_title : null;
  return [
    details.plot && element("p", { class: "plot" }, element("bdi", { lang: plot ? language : "en" }, shorten(plot ?? details.plot, 1200))),
    factList([
      [words.filmPage.titleHere, title !== null && !(film.title ?? "").includes(title) && title],
      [words.filmPage.director, personLinks(details.directors)],
      [words.filmPage.cast, personLinks(details.cast)],
      [words.filmPage.originalAtTmdb, original],
      [words.filmPage.runningTime, details.minutes ? runningTime(details.minutes) : null],
      [words.filmPage.languages(details.languages.length), details.languages.map(languageName).join(", ")],
    ]),
    details.trailer && element("p", {}, element("a", { class: "ghost", href: `https://www.youtube.com/watch?v=${encodeURIComponent(details.trailer)}`, rel: "noreferrer noopener" }, icon("play"), words.filmPage.trailer)),
    watchPart(details.watch),
  ].filter((each) => each instanceof Node);
}

/** `1 h 47 min`. @param {number} minutes */
export const runningTime = (minutes) => [minutes >= 60 && words.filmPage.hours(Math.floor(minutes / 60)), minutes % 60 > 0 && words.filmPage.minutes(minutes % 60)].filter(Boolean).join(" ");

/** Where to watch the film, in the country chosen. @param {Details["watch"]} watch */
function watchPart(watch) {
  const countries = Object.keys(watch).sort((one, other) => countryName(one).localeCompare(countryName(other)));
  if (!countries.length) return null;
  const wanted = preferredCountry();
  const select = /** @type {HTMLSelectElement} */ (element("select", { id: "country", onchange: () => { storeCountry(select.value); show(); } },
    !countries.includes(wanted) && element("option", { value: "" }, words.filmPage.notIn(countryName(wanted))),
    countries.map((code) => element("option", { value: code, selected: code === wanted }, countryName(code)))));
  const shown = element("div", {});
  const show = () => {
    const { link = null, stream = [], rent = [], buy = [] } = watch[select.value] ?? {};
    shown.replaceChildren(...[factList([[words.filmPage.stream, stream.join(", ")], [words.filmPage.rent, rent.join(", ")], [words.filmPage.buy, buy.join(", ")]]), link && outbound(link, words.filmPage.offers)].filter((each) => each instanceof Node));
  };
  show();
  return element("div", { class: "watch" }, element("h3", {}, words.filmPage.whereToWatch), element("label", { for: "country", class: "label" }, words.filmPage.country), select, shown,
    element("p", { class: "facts" }, words.filmPage.offersBy(outbound("https://www.justwatch.com/", "JustWatch"))));
}

/** The name of a language, which TMDB names in English. @param {string} english */
function languageName(english) {
  if (language === "en") return english;
  const [here, inEnglish] = [format.locale, "en"].map((locale) => new Intl.DisplayNames(locale, { type: "language" }));
  const code = LANGUAGE_CODES.find((each) => inEnglish.of(each) === english);
  return code ? here.of(code) ?? english : english;
}
