/** Shared lists: the requests that make and revoke a link, and the lists that this browser or account has shared. */

import { words } from "./language.js";

/** Name in localStorage of what a profile has shared, with the secrets that revoke it. */
const KEPT = "cinematrix-shared";

/** `secret`: what revokes it; an account needs none. Times are epoch seconds. @typedef {{share: string, name: string, films: number, expires: number, secret?: string}} Share */
/** @typedef {import("../app.js").App} App */

/** The address of a shared list. @param {string} share */
export const shareUrl = (share) => `${location.origin}/?${new URLSearchParams({ view: "shared", list: share })}`;

/** The lists that the profile has shared and that haven't expired, the newest first. @param {App} app @returns {Share[]} */
function keptShares({ history: { profiles } }) {
  const kept = profiles.read(KEPT);
  return (Array.isArray(kept) ? kept : []).filter(({ share, expires }) => typeof share === "string" && expires > Date.now() / 1000);
}

/** The lists that the user has shared. @param {App} app @returns {Promise<Share[]>} */
export async function ownShares(app) {
  const { account } = app.history;
  return account ? (await app.api.get(`/v1/users/${encodeURIComponent(account.user)}/shared`, {}, app.signal)).lists : keptShares(app);
}

/** Share films by a link. @param {App} app @param {{name: string, note: string, movies: (number | string)[]}} list @returns {Promise<Share>} */
export async function makeShare(app, list) {
  const { share, secret, expires, unknown } = await app.api.post("/v1/shared", list);
  const made = { share, name: list.name, films: list.movies.length - unknown.length, expires, secret };
  const { account, profiles } = app.history;
  if (!account && !profiles.write(KEPT, [made, ...keptShares(app)])) await revokeShare(app, made).then(() => { throw new Error(words.share.noStorage); });
  return made;
}

/** Revoke a link. One that is gone already is forgotten, too. @param {App} app @param {Share} shared */
export async function revokeShare(app, { share, secret }) {
  const { account, profiles } = app.history;
  try {
    await app.api.request("DELETE", `/v1/shared/${encodeURIComponent(share)}`, undefined, undefined, secret ? { "X-Share-Secret": secret } : {});
  } catch (error) {
    if (/** @type {{status?: number}} */ (error).status !== 404) throw error;
  }
  if (account) return;
  const left = keptShares(app).filter((each) => each.share !== share);
  profiles.write(KEPT, left.length ? left : null);
}

/** Revoke and forget all links of the profile in this browser; returns the number that couldn't be revoked. @param {App} app */
export async function revokeAll(app) {
  let left = 0;
  for (const each of keptShares(app)) await revokeShare(app, each).catch(() => { left += 1; });
  app.history.profiles.write(KEPT, null);
  return left;
}
