/** What this tab keeps of her until it is closed; where the browser lends it no storage, nothing. */

/** Under which names. All of it goes when she deletes everything, or leaves her account. */
const NAMES = ["evening", "friends", "last-rows", "picks", "unseen", "upload"];

const PREFIX = "cinematrix-";

/** What is kept under a name, or null. @param {string} name @returns {any} */
export function kept(name) {
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + name) ?? "null");
  } catch {
    return null;
  }
}

/** @param {string} name one of `NAMES` @param {unknown} value */
export function keep(name, value) {
  try {
    sessionStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // A full disk, or a private window: it lasts as long as the view does.
  }
}

/** Forget all of it. */
export function forget() {
  for (const name of NAMES) {
    try {
      sessionStorage.removeItem(PREFIX + name);
    } catch {
      // Where nothing can be taken away, nothing was kept.
    }
  }
}
