/** The question before a link's account is opened in a browser that has another account or ratings of its own. */

import { Api } from "./api.js";
import { words } from "./language.js";
import { askYesOrNo } from "./question.js";

/**
 * Whether a link's account may be opened. The user is asked, unless the browser has nothing of its own or the account is the same.
 * null: the link opens none, and the browser has something of its own.
 * @param {string} token the link's
 * @param {string | null} before the tab's token
 * @param {boolean} empty whether the browser has no history of its own
 * @returns {Promise<boolean | null>}
 */
export async function mayOpen(token, before, empty) {
  if (token === before || (!before && empty)) return true;
  const [user, mine] = await Promise.all([token, before].map(findUser));
  if (user === null) return null;
  if (user === mine || (mine === null && empty)) return true;
  return ask(user, mine);
}

/** The user whom a token opens; null if it opens none. @param {string | null} token @returns {Promise<number | string | null>} */
async function findUser(token) {
  if (!token) return null;
  try {
    return (await new Api({ Authorization: `Bearer ${token}` }).get("/v1/me")).user ?? null;
  } catch {
    return null;
  }
}

/** Ask the user. Without an answer (Escape) everything stays. @param {number | string} user @param {number | string | null} mine @returns {Promise<boolean>} */
function ask(user, mine) {
  const { continueAs, opens, opensOther, yes, keepMine, stay } = words.account;
  return askYesOrNo("other-title", {
    heading: continueAs(user), text: mine === null ? opens(user) : opensOther(user, mine), yes: yes(user), no: mine === null ? keepMine : stay(mine),
  });
}
