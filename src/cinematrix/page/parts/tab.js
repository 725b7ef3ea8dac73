/** The tab's storage, kept until the tab is closed; without sessionStorage nothing is stored. */

/** Names of the stored values. All are deleted with the history, and when the account is left. */
const NAMES = ["account", "evening", "friends", "last-rows", "matched", "picks", "unseen", "upload"];

const PREFIX = "cinematrix-";

/** The value of a name, or null. @param {string} name @returns {any} */
export function readTab(name) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + name) ?? "null");
  } catch {
    return null;
  }
}

/** Store a value. @param {string} name one of `NAMES` @param {unknown} value */
export function writeTab(name, value) {
  try {
    sessionStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // No storage (private window, full disk): the value lasts as long as the view.
  }
}

/** Delete all values. */
export function clearTab() {
  for (const name of NAMES) {
    try {
      sessionStorage.removeItem(PREFIX + name);
    } catch {
      // Without storage nothing was stored.
    }
  }
}
