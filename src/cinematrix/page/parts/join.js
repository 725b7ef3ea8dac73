/** The question, after signing in, whether the films rated in this browser before join the account. */

import { fileText, filmsOf } from "./history-file.js";
import { words } from "./language.js";
import { askYesOrNo } from "./question.js";

/** Names in localStorage of a profile's films, and of what was made from them. */
const OWN = ["cinematrix-history", "cinematrix-unmatched", "cinematrix-lists", "cinematrix-matched"];

/**
 * What this browser has of its own, before an account is opened, to which its films can be moved then. Another account's
 * films aren't its own.
 * @param {import("../app.js").App} app
 */
export function ownFilms({ history, history: { profiles, profile } }) {
  const films = history.account ? [] : filmsOf(history);
  return { films, forget: () => { for (const name of OWN) localStorage.removeItem(profiles.key(name, profile)); } };
}

/**
 * Ask, and move the films. If the server refuses them, they stay in the browser.
 * @param {import("../app.js").App} app @param {ReturnType<typeof ownFilms>} own
 */
export async function offerToJoin(app, { films, forget }) {
  const { history, history: { account }, api, model } = app;
  if (!account || !films.length || !(await ask(films.length, account.user))) return;
  try {
    const file = new Blob([fileText(films, model.scale)], { type: "application/json" });
    await api.post(`/v1/users/${encodeURIComponent(account.user)}/imports?name=history.json`, file);
  } catch (error) {
    return app.toast(words.signIn.stayHere(/** @type {Error} */ (error).message));
  }
  forget();
  await history.open(api, account.user);
  app.toast(words.signIn.joined(films.length));
}

/** @param {number} n @param {number | string} user @returns {Promise<boolean>} */
function ask(n, user) {
  const { addFilms, addFilmsWhy, addThem, keepApart } = words.signIn;
  return askYesOrNo("join-title", { heading: addFilms, text: addFilmsWhy(n, user), yes: addThem, no: keepApart });
}
