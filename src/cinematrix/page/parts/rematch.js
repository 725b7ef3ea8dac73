/** Match films of earlier imports again when the model is new: its catalog may have them now. */

import { fileText, unmatchedFilms } from "./history-file.js";
import { readTab, writeTab } from "./tab.js";

/** Where the version is kept with which the films were last matched: of a profile, and of an account in the tab. */
const [KEPT, IN_TAB] = ["cinematrix-matched", "matched"];

/**
 * Match the unmatched films of a history through the import, unless this version of the model has done so.
 * @param {import("./api.js").Api} api @param {import("./history.js").History} history @param {import("../app.js").Model} model
 * @returns {Promise<import("./history.js").Movie[]>} the films that were found
 */
export async function rematch(api, history, { version, scale }) {
  const { account, profiles, unmatched } = history;
  const [owner, before] = [history.owner, account ? readTab(IN_TAB) : profiles.read(KEPT)];
  if (!unmatched.size || !version || before === version) return [];
  const films = [...unmatched.values()].map((film) => (scale || film.kind !== "rating" ? film : { ...film, kind: "seen", rating: null }));
  const file = new Blob([fileText(unmatchedFilms(films), scale)], { type: "application/json" });
  const path = account ? `/v1/users/${encodeURIComponent(account.user)}/imports` : "/v1/imports";
  const outcome = await api.post(`${path}?name=history.json`, file);
  if (history.owner !== owner) return [];
  if (account) {
    writeTab(IN_TAB, version);
    if (outcome.films.length) await history.follow(account.user);
  } else {
    profiles.write(KEPT, version);
    if (outcome.films.length) history.importMatched(outcome);
  }
  return outcome.films;
}
