/** Profile: the user's taste compared with everyone's, the model's accuracy for them, and export and deletion of their data. */

import { MAX_RATINGS } from "../parts/body.js";
import { shorten } from "../parts/cards.js";
import { dataSection } from "../parts/data.js";
import { householdSection } from "../parts/household.js";
import { lackingList } from "../parts/lacking.js";
import { format, genreName, words } from "../parts/language.js";
import { showOwnShares } from "../parts/own-shares.js";
import { formatNumber } from "../parts/stars.js";
import { emptyState, loadingState } from "../parts/states.js";
import { youTabs } from "../parts/you-tabs.js";

export const title = words.views.you;

/** @typedef {{name: string, count: number, yours: number | null, everyone: number | null, love: number, share: number, usual: number}} Part */
/**
 * @typedef {{ratings: number, mean: number | null, everyone: number, histogram: {rating: number, yours: number, everyone: number}[],
 *   genres: Part[], decades: Part[], known: {rmse: number, baseline: number, n: number} | null}} Profile
 */

/** Values of MovieLens' genre column that aren't genres. */
const NO_GENRES = ["(no genres listed)", "IMAX"];

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const { element } = app;
  const body = element("div", { class: "profile" }, loadingState(words.profile.reading, 0));
  const household = householdSection(app);
  const data = element("div", { class: "profile" });
  const shares = element("section", { class: "own-shares", hidden: true });
  main.append(element("h1", {}, words.profile.title), youTabs(app, "profile"), moreViews(app), body, lackingList(app), data, shares);
  const refresh = async () => {
    const parts = await bodyParts(app).catch((error) => [app.failed(error, refresh)]);
    if (app.signal.aborted) return;
    const { empty: nothing, account } = app.history;
    body.replaceChildren(...parts);
    if (household && !household.isConnected) data.prepend(household); // below what was loading, so that it never moves
    data.querySelector(".yours")?.remove();
    if (!nothing || account) data.append(dataSection(app));
  };
  app.history.on("change", refresh, app.signal);
  await Promise.all([refresh(), showOwnShares(app, shares)]);
}

/** The elements of the profile, or of an empty one. @param {import("../app.js").App} app */
async function bodyParts(app) {
  if (!app.history.empty) return profileParts(app, await app.api.post("/v1/profile", app.history.body(), app.signal));
  return [emptyState(words.profile.empty, words.profile.emptyWhy,
    app.element("a", { class: "primary", href: "/?view=bring" }, words.yourFilms.importRatings), app.element("a", { class: "ghost", href: "/" }, words.watchlist.seeFilms))];
}

/** Links to the views that the navigation has no room for; a wide screen's has the map. @param {import("../app.js").App} app */
function moreViews({ element, model }) {
  const link = (/** @type {string} */ view, /** @type {string} */ label) => element("a", { class: "ghost", href: `/?view=${view}` }, label);
  return element("p", { class: "more-views" }, link("bring", words.profile.import), link("questions", words.profile.questions), model.map && element("a", { class: "ghost narrow", href: "/?view=map" }, words.profile.map));
}

/** The elements of the profile. @param {import("../app.js").App} app @param {Profile} profile */
function profileParts(app, profile) {
  const { element } = app;
  if (app.history.plain) return interactionParts(app, profile);
  const lead = profile.ratings === 0 ? words.profile.nothing : words.profile.lead(profile.ratings, profile.mean ?? 0, profile.everyone);
  return [
    element("p", { class: "lead" }, lead),
    truncationNote(app),
    accuracySection(app, profile),
    profile.ratings > 0 && histogramSection(app, profile),
    preferenceSection(app, words.profile.genres, profile.genres),
    preferenceSection(app, words.profile.decades, profile.decades, { name: decadeName }),
  ].filter((each) => each instanceof Node);
}

/** The profile of a model without stars: shares of films, compared with everyone's. @param {import("../app.js").App} app @param {Profile} profile */
function interactionParts(app, profile) {
  const more = (/** @type {Part[]} */ all) => all.map((part) => ({ ...part, love: 100 * (part.share - part.usual) })).sort((one, other) => other.love - one.love);
  const note = words.profile.shareNote;
  return [
    app.element("p", { class: "lead" }, words.profile.plainLead(profile.ratings)),
    truncationNote(app),
    preferenceSection(app, words.profile.genresWatched, more(profile.genres), { note, digits: 0 }),
    preferenceSection(app, words.profile.decades, more(profile.decades), { note, digits: 0, name: decadeName }),
  ].filter((each) => each instanceof Node);
}

/** A note if the history is too long for one request. @param {import("../app.js").App} app */
function truncationNote({ element, history: { allRatings } }) {
  return allRatings.length > MAX_RATINGS && element("p", { class: "note" }, words.profile.newest(MAX_RATINGS, allRatings.length));
}

/** The model's error on the user's ratings. @param {import("../app.js").App} app @param {Profile} profile */
function accuracySection(app, { known: accuracy }) {
  const { element } = app;
  if (!accuracy) return element("p", { class: "note" }, words.profile.tooFew);
  return element("section", { class: "known" },
    element("h2", {}, words.profile.accuracy),
    element("p", { class: "known-figure" }, element("strong", {}, `± ${format.fixed(accuracy.rmse, 2)}`), ` ${words.profile.stars}`),
    element("p", {}, words.profile.off(accuracy.rmse, accuracy.baseline), accuracy.rmse >= accuracy.baseline && words.profile.noBetter));
}

/** The histogram of the user's and of everyone's ratings. @param {import("../app.js").App} app @param {Profile} profile */
function histogramSection(app, { histogram: all }) {
  const { element } = app;
  const most = Math.max(...all.flatMap((bar) => [bar.yours, bar.everyone]), 1e-9);
  const bar = (/** @type {string} */ kind, /** @type {number} */ value) => {
    const made = element("span", { class: `bar ${kind}` });
    made.style.setProperty("--size", `${(100 * value) / most}%`);
    return made;
  };
  return element("section", {},
    element("h2", {}, words.profile.histogram),
    element("p", { class: "key facts" }, element("span", { class: "dot mine" }), words.profile.you, element("span", { class: "dot theirs" }), words.profile.everyone),
    element("figure", { class: "chart" },
      element("div", { class: "bars", "aria-hidden": "true" }, all.map((row) => element("span", { class: "column" },
        element("span", { class: "pair" }, bar("mine", row.yours), bar("", row.everyone)), element("span", { class: "tick" }, formatNumber(row.rating))))),
      element("div", { class: "quiet" }, element("table", {}, element("caption", {}, words.profile.shares),
        element("tbody", {}, all.map((row) => element("tr", {}, element("th", { scope: "row" }, formatNumber(row.rating)), element("td", {}, format.percent(row.yours)), element("td", {}, format.percent(row.everyone)))))))));
}

/** `1990s` for "1990". @param {string} year */
const decadeName = (year) => words.because.decade(Number(year));

/** Bars of genres or decades: to the right if the user likes them more than others do. @param {import("../app.js").App} app @param {string} heading @param {Part[]} all */
function preferenceSection(app, heading, all, { note = words.profile.loveNote, digits = 2, name = genreName } = {}) {
  const { element } = app;
  const shown = all.filter((part) => part.count > 0 && !NO_GENRES.includes(part.name));
  if (!shown.length) return null;
  const most = Math.max(...shown.map((part) => Math.abs(part.love)), 25 / 10 ** digits);
  return element("section", {},
    element("h2", {}, heading),
    element("p", { class: "facts" }, note),
    element("ul", { class: "loves" }, shown.map((part) => {
      const bar = element("span", { class: part.love >= 0 ? "love" : "love less", "aria-hidden": "true" });
      bar.style.setProperty("--size", `${(50 * Math.abs(part.love)) / most}%`);
      return element("li", {}, element("span", { class: "love-name" }, shorten(name(part.name), 30)),
        element("span", { class: "love-track", "aria-hidden": "true" }, bar),
        element("span", { class: "love-figure" }, format.signed(part.love, digits)),
        element("span", { class: "facts" }, words.film.count(part.count)));
    })));
}
