/** Profile: the user's taste compared with everyone's, the model's accuracy for them, and export and deletion of their data. */

import { MAX_RATINGS } from "../parts/body.js";
import { shorten } from "../parts/cards.js";
import { dataSection } from "../parts/data.js";
import { householdSection } from "../parts/household.js";
import { lackingList } from "../parts/lacking.js";
import { showOwnShares } from "../parts/own-shares.js";
import { formatNumber } from "../parts/stars.js";
import { emptyState, loadingState } from "../parts/states.js";
import { youTabs } from "../parts/you-tabs.js";

export const title = "You";

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
  const body = element("div", { class: "profile" }, loadingState("Reading your ratings", 0));
  const household = householdSection(app);
  const data = element("div", { class: "profile" });
  const shares = element("section", { class: "own-shares", hidden: true });
  main.append(element("h1", {}, "Your taste"), youTabs(app, "profile"), moreViews(app), body, lackingList(app), data, shares);
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
  return [emptyState("Nothing here yet", "Rate some films, or import your ratings, to see your taste here.",
    app.element("a", { class: "primary", href: "/?view=bring" }, "Import my ratings"), app.element("a", { class: "ghost", href: "/" }, "See films"))];
}

/** Links to the views that the navigation has no room for; a wide screen's has the map. @param {import("../app.js").App} app */
function moreViews({ element, model }) {
  const link = (/** @type {string} */ view, /** @type {string} */ words) => element("a", { class: "ghost", href: `/?view=${view}` }, words);
  return element("p", { class: "more-views" }, link("bring", "Import"), link("questions", "Questions"), model.map && element("a", { class: "ghost narrow", href: "/?view=map" }, "Map"));
}

/** The elements of the profile. @param {import("../app.js").App} app @param {Profile} profile */
function profileParts(app, profile) {
  const { element } = app;
  if (app.history.plain) return interactionParts(app, profile);
  const mean = profile.mean ?? 0;
  const generous = Math.abs(mean - profile.everyone) < 0.1 ? "as generous as others" : mean > profile.everyone ? "more generous than others" : "stricter than others";
  const lead = profile.ratings === 0 ? "You have rated nothing yet." : `${profile.ratings.toLocaleString("en")} ${profile.ratings === 1 ? "rating" : "ratings"}, ${fixed(mean)} on average: you are ${generous} (${fixed(profile.everyone)}).`;
  return [
    element("p", { class: "lead" }, lead),
    truncationNote(app),
    accuracySection(app, profile),
    profile.ratings > 0 && histogramSection(app, profile),
    preferenceSection(app, "Genres you love", profile.genres),
    preferenceSection(app, "Your decades", profile.decades, { ending: "s" }),
  ].filter((each) => each instanceof Node);
}

/** The profile of a model without stars: shares of films, compared with everyone's. @param {import("../app.js").App} app @param {Profile} profile */
function interactionParts(app, profile) {
  const more = (/** @type {Part[]} */ all) => all.map((part) => ({ ...part, love: 100 * (part.share - part.usual) })).sort((one, other) => other.love - one.love);
  const note = "Percentage points above or below the share among everyone’s films.";
  return [
    app.element("p", { class: "lead" }, `${profile.ratings.toLocaleString("en")} ${profile.ratings === 1 ? "film" : "films"} that you liked or have seen.`),
    truncationNote(app),
    preferenceSection(app, "Genres you watch", more(profile.genres), { note, digits: 0 }),
    preferenceSection(app, "Your decades", more(profile.decades), { note, digits: 0, ending: "s" }),
  ].filter((each) => each instanceof Node);
}

/** A note if the history is too long for one request. @param {import("../app.js").App} app */
function truncationNote({ element, history: { allRatings } }) {
  return allRatings.length > MAX_RATINGS && element("p", { class: "note" }, `The newest ${MAX_RATINGS.toLocaleString("en")} of your ${allRatings.length.toLocaleString("en")} films count. The others are not recommended again.`);
}

/** The model's error on the user's ratings. @param {import("../app.js").App} app @param {Profile} profile */
function accuracySection(app, { known: accuracy }) {
  const { element } = app;
  if (!accuracy) return element("p", { class: "note" }, "With five ratings or more, this page shows how well the model knows you.");
  const words = `Its guesses are off by ${fixed(accuracy.rmse, 2)} stars; guessing your average would be off by ${fixed(accuracy.baseline, 2)}.`;
  return element("section", { class: "known" },
    element("h2", {}, "How well the model knows you"),
    element("p", { class: "known-figure" }, element("strong", {}, `± ${fixed(accuracy.rmse, 2)}`), " stars"),
    element("p", {}, words, accuracy.rmse >= accuracy.baseline && " It doesn’t know you better than your average yet."));
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
    element("h2", {}, "How you rate"),
    element("p", { class: "key facts" }, element("span", { class: "dot mine" }), "you", element("span", { class: "dot theirs" }), "everyone"),
    element("figure", { class: "chart" },
      element("div", { class: "bars", "aria-hidden": "true" }, all.map((row) => element("span", { class: "column" },
        element("span", { class: "pair" }, bar("mine", row.yours), bar("", row.everyone)), element("span", { class: "tick" }, formatNumber(row.rating))))),
      element("div", { class: "quiet" }, element("table", {}, element("caption", {}, "Shares of ratings, yours and everyone’s"),
        element("tbody", {}, all.map((row) => element("tr", {}, element("th", { scope: "row" }, formatNumber(row.rating)), element("td", {}, percent(row.yours)), element("td", {}, percent(row.everyone)))))))));
}

/** Explanation of the stars of a genre or a decade. */
const LOVE_NOTE = "Stars that you give above or below what others would. With few films, the value is small.";

/** Bars of genres or decades: to the right if the user likes them more than others do. @param {import("../app.js").App} app @param {string} heading @param {Part[]} all */
function preferenceSection(app, heading, all, { note = LOVE_NOTE, digits = 2, ending = "" } = {}) {
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
      return element("li", {}, element("span", { class: "love-name" }, shorten(part.name, 30) + ending),
        element("span", { class: "love-track", "aria-hidden": "true" }, bar),
        element("span", { class: "love-figure" }, `${part.love < 0 ? "−" : "+"}${Math.abs(part.love).toFixed(digits)}`),
        element("span", { class: "facts" }, `${part.count.toLocaleString("en")} ${part.count === 1 ? "film" : "films"}`));
    })));
}

/** A number with a fixed number of decimals. @param {number} value */
function fixed(value, digits = 1) {
  return value.toFixed(digits);
}

/** A share as a percentage. @param {number} share */
function percent(share) {
  return `${Math.round(100 * share)} %`;
}
