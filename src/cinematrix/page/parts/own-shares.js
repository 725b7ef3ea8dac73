/** The section of "You" with the lists that the user has shared. */

import { element } from "./dom.js";
import { words } from "./language.js";
import { dayText } from "./share.js";
import { ownShares, revokeShare, shareUrl } from "./shares.js";
import { shorten } from "./titles.js";

/** Show the section in a place, which stays empty without shared lists. @param {import("../app.js").App} app @param {HTMLElement} place */
export async function showOwnShares(app, place) {
  const lists = await ownShares(app).catch(() => []);
  if (app.signal.aborted) return;
  place.hidden = !lists.length;
  if (!lists.length) return place.replaceChildren();
  const items = lists.map((each) => element("li", {},
    element("a", { href: shareUrl(each.share) }, element("bdi", {}, shorten(each.name, 80) || words.share.unnamed)),
    element("span", { class: "facts" }, words.share.filmsUntil(each.films, dayText(each.expires))),
    element("button", { type: "button", class: "ghost small", "aria-label": words.share.revokeOf(shorten(each.name, 80)), onclick: () => revokeShare(app, each).then(() => showOwnShares(app, place), (error) => app.toast(error.message)) }, words.share.revoke)));
  place.replaceChildren(element("h2", {}, words.share.yours), element("p", { class: "facts" }, words.share.yoursWhy), element("ul", { class: "shared-lists" }, items));
}
