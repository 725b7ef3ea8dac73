/** What users did about the films that their lists showed them, in words. */

import { format, words } from "./language.js";

/** @typedef {{kind: string, version: string, shown: number, high: number, low: number, vetoed: number, seen: number, watchlisted: number}} Outcomes */

/** The outcomes of one kind of list. @param {Outcomes} row */
export function describe({ shown, high, low, vetoed, seen, watchlisted }) {
  const of100 = (/** @type {number} */ n) => (100 * n) / shown;
  const rated = high + low;
  return words.operator.ofHundred(of100(rated), rated ? high / rated : null, of100(vetoed), of100(seen), of100(watchlisted));
}

/** The table of outcomes. @param {import("../app.js").App} app @param {Outcomes[]} outcomes */
export function outcomesTable(app, outcomes) {
  const { element } = app;
  return element("section", {}, element("h2", {}, words.operator.outcomes),
    !outcomes.length && element("p", { class: "facts" }, words.operator.noOutcomes),
    outcomes.length > 0 && element("div", { class: "table", tabindex: "0", role: "region", "aria-label": words.operator.followed }, element("table", {},
      element("thead", {}, element("tr", {}, Object.values(words.operator.outcomeColumns).map((name) => element("th", { scope: "col" }, name)))),
      element("tbody", {}, outcomes.map((row) => element("tr", {},
        element("th", { scope: "row" }, /** @type {Record<string, string>} */ (words.operator.lists)[row.kind] ?? row.kind), element("td", {}, row.version), element("td", {}, format.number(row.shown)),
        element("td", { class: "sentence" }, describe(row))))))));
}

/** @typedef {{value: number | null, low: number | null, high: number | null}} Rate */
/** @typedef {{version: string, users: number, shown: number, high: number, rate: Rate}} Arm */
/** @typedef {{share: number, served: Arm, candidate: Arm, difference: Rate, real: boolean}} Trial */

/** A share as a number of a hundred, with its interval. @param {Rate} rate */
function of100({ value, low, high }) {
  const text = (/** @type {number | null} */ each) => (each === null ? "–" : format.oneDecimal(100 * each));
  return low === null ? text(value) : words.operator.interval(text(value), text(low), text(high));
}

/** The result of a comparison. @param {Trial} trial */
export function conclude({ difference, real, candidate }) {
  if (difference.low === null) return words.operator.tooLittle;
  if (!real) return words.operator.chance;
  return words.operator.real(candidate.version, (difference.value ?? 0) > 0);
}

/** The comparison of the candidate with the served version. @param {import("../app.js").App} app @param {Trial | null} trial */
export function trialSection(app, trial) {
  const { element } = app;
  if (!trial) return null;
  const line = (/** @type {string} */ who, /** @type {Arm} */ arm) => element("li", {}, words.operator.arm(who, arm.version, of100(arm.rate), arm.users));
  return element("section", {}, element("h2", {}, words.operator.trial),
    element("p", { class: "facts" }, words.operator.trialShare(trial.share)),
    element("ul", {}, line(words.operator.served, trial.served), line(words.operator.candidate, trial.candidate)),
    element("p", {}, conclude(trial)));
}
