/** The section of "You" with the lists that the user has shared. */

import { plural } from "./cards.js";
import { element } from "./dom.js";
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
    element("a", { href: shareUrl(each.share) }, element("bdi", {}, shorten(each.name, 80) || "Without a name")),
    element("span", { class: "facts" }, `${plural(each.films, "film")}, until ${dayText(each.expires)}`),
    element("button", { type: "button", class: "ghost small", "aria-label": `Revoke the link: ${shorten(each.name, 80)}`, onclick: () => revokeShare(app, each).then(() => showOwnShares(app, place), (error) => app.toast(error.message)) }, "Revoke")));
  place.replaceChildren(element("h2", {}, "Shared lists"), element("p", { class: "facts" }, "Anybody with the link can see them. Revoke a link to end that."), element("ul", { class: "shared-lists" }, items));
}
