/** What users did about the films that their lists showed them, in words. */

/** @typedef {{kind: string, version: string, shown: number, high: number, low: number, vetoed: number, seen: number, watchlisted: number}} Outcomes */

/** Names of the kinds of lists. @type {Record<string, string>} */
const LISTS = {
  main: "Main list", similar: "Similar films", group: "List for a group", top: "Row “Top picks”", because: "Rows “Because you…”",
  gems: "Row of little-known films", genre: "Rows of genres", watchlist: "Row of the watchlist",
};

/** The outcomes of one kind of list. @param {Outcomes} row */
export function describe({ shown, high, low, vetoed, seen, watchlisted }) {
  const of100 = (/** @type {number} */ n) => `${((100 * n) / shown).toFixed(1)}`;
  const rated = high + low;
  const liked = rated ? `, ${Math.round((100 * high) / rated)} % of these at or above the user’s mean` : "";
  return `Of 100 films shown, ${of100(rated)} were rated within two weeks${liked}; ${of100(vetoed)} were refused, ${of100(seen)} marked as seen, ${of100(watchlisted)} put on the watchlist.`;
}

/** The table of outcomes. @param {import("../app.js").App} app @param {Outcomes[]} outcomes */
export function outcomesTable(app, outcomes) {
  const { element } = app;
  return element("section", {}, element("h2", {}, "Do the lists please?"),
    !outcomes.length && element("p", { class: "facts" }, "Nothing has been counted yet. Only lists of users are counted, not those of visitors."),
    outcomes.length > 0 && element("div", { class: "table", tabindex: "0", role: "region", "aria-label": "What followed on lists" }, element("table", {},
      element("thead", {}, element("tr", {}, ["List", "Version", "Films shown", "What followed"].map((name) => element("th", { scope: "col" }, name)))),
      element("tbody", {}, outcomes.map((row) => element("tr", {},
        element("th", { scope: "row" }, LISTS[row.kind] ?? row.kind), element("td", {}, row.version), element("td", {}, row.shown.toLocaleString("en")),
        element("td", {}, describe(row))))))));
}

/** @typedef {{value: number | null, low: number | null, high: number | null}} Rate */
/** @typedef {{version: string, users: number, shown: number, high: number, rate: Rate}} Arm */
/** @typedef {{share: number, served: Arm, candidate: Arm, difference: Rate, real: boolean}} Trial */

/** A share as a number of a hundred, with its interval. @param {Rate} rate */
function of100({ value, low, high }) {
  const text = (/** @type {number | null} */ each) => (each === null ? "–" : (100 * each).toFixed(1));
  return low === null ? text(value) : `${text(value)} (${text(low)} to ${text(high)})`;
}

/** The result of a comparison. @param {Trial} trial */
export function conclude({ difference, real, candidate }) {
  if (difference.low === null) return "There is too little to compare on yet: 50 users and 20 films rated high are needed on both sides.";
  if (!real) return "The difference may be chance. Wait, or look again any day: looking doesn’t make it less certain.";
  return `The difference is real: candidate ${candidate.version} pleases ${(difference.value ?? 0) > 0 ? "more" : "less"}.`;
}

/** The comparison of the candidate with the served version. @param {import("../app.js").App} app @param {Trial | null} trial */
export function trialSection(app, trial) {
  const { element } = app;
  if (!trial) return null;
  const line = (/** @type {string} */ who, /** @type {Arm} */ arm) => element("li", {},
    `${who} ${arm.version}: of 100 films shown, ${of100(arm.rate)} were rated at or above the user’s mean, by ${arm.users.toLocaleString("en")} users.`);
  return element("section", {}, element("h2", {}, "Two models side by side"),
    element("p", { class: "facts" }, `The candidate makes the lists of ${Math.round(100 * trial.share)} % of the users.`),
    element("ul", {}, line("Served", trial.served), line("Candidate", trial.candidate)),
    element("p", {}, conclude(trial)));
}
