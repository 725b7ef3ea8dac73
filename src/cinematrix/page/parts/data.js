/** The section of "You" about the user's data: its file, leaving an account, and the deletion of everything. */

import { plural } from "./cards.js";
import { MAX_RATINGS } from "./body.js";
import { element, icon, uniqueId } from "./dom.js";
import { downloadHistory } from "./history-file.js";
import { revokeAll } from "./shares.js";

/** @param {import("../app.js").App} app */
export function dataSection(app) {
  const { history, history: { account } } = app;
  const status = element("p", { role: "status" });
  const trying = (/** @type {() => Promise<unknown>} */ work, /** @type {string} */ failed) => () => work().catch((/** @type {Error} */ error) => { status.textContent = `${failed}: ${error.message}`; });
  const save = trying(() => downloadHistory(app), "Not saved");
  const deletion = () => ask("Delete everything?", [...deletionText(app), element("p", {}, "This can’t be undone.")],
    element("button", { type: "button", class: "ghost", onclick: save }, icon("down"), "Save my history first"),
    closing("Delete everything", "primary danger", trying(() => deleteAll(app), "Not deleted")));
  const leave = () => (history.waiting ? ask("Leave the account?", [element("p", {}, `${plural(history.waiting, "change")} of yours couldn’t be sent to the server yet. If you leave now, ${history.waiting === 1 ? "it is" : "they are"} lost.`)],
    closing("Leave", "primary danger", () => app.leave())) : app.leave());
  return element("section", { class: "yours" },
    element("h2", {}, "Your data"),
    !history.persistent && element("p", { class: "note" }, "This browser allows no storage. Your ratings last only as long as the page is open."),
    element("p", { class: "facts" }, "The file of your history has everything: ratings, films seen, your watchlist, and films that the catalog lacks. Import it on another device to go on there. The CSV can be imported at Letterboxd."),
    element("div", { class: "buttons" },
      element("button", { type: "button", class: "primary", onclick: save }, icon("down"), "Save my history"),
      element("button", { type: "button", class: "ghost", onclick: trying(() => downloadRatings(app), "Not exported") }, icon("down"), "Export my ratings"),
      account && element("button", { type: "button", class: "ghost", onclick: leave }, app.session.user === account.user ? "Sign out" : "Leave the account here"),
      element("button", { type: "button", class: "ghost danger", onclick: deletion }, "Delete everything")),
    status);
}

/** What a deletion takes away, in words. @param {import("../app.js").App} app */
function deletionText({ history }) {
  const { account, profiles } = history;
  const kinds = [...history.hidden.values()].map(({ kind }) => kind);
  const parts = [
    [history.ratings.size, "rating"], [kinds.filter((kind) => kind === "seen").length, "film", " seen"], [history.watchlist.size, "film", " on your watchlist"],
    [history.likes.size, "film", " liked elsewhere"], [kinds.filter((kind) => kind !== "seen").length, "film", " not for you"], [history.unmatched.size, "film", " that the catalog lacks"],
  ].filter(([n]) => Number(n) > 0).map(([n, one, rest = ""]) => plural(Number(n), String(one)) + rest);
  const lists = "the links to lists that you shared, the lists kept for the time without the server, your filters, and what this tab knows: friends, vetoes, your last import";
  const where = account ? "Your account on this server is deleted with all that is in it" : profiles.all.length > 1 ? `The profile “\u2068${profiles.current.name}\u2069” is deleted from this browser with all that is in it` : "All your data is deleted from this browser; the server has none of it";
  return [element("p", {}, `${where}:`), element("ul", { class: "gone" }, parts.map((words) => element("li", {}, words)), element("li", {}, lists))];
}

/** @param {import("../app.js").App} app */
async function deleteAll(app) {
  const { history, history: { account, profiles } } = app;
  if (account) {
    await app.api.delete(`/v1/users/${encodeURIComponent(account.user)}`);
    app.leave();
  } else {
    const left = await revokeAll(app);
    history.clear();
    if (profiles.all.length > 1) profiles.remove(history.profile);
    if (left) return app.toast(`All your data is deleted here. ${plural(left, "link")} to your shared lists couldn’t be revoked and will expire.`);
  }
  app.toast("All your data is deleted.");
}

/** A button of a dialog that closes it. @param {string} words @param {string} kind @param {() => unknown} act */
const closing = (words, kind, act) => element("button", { type: "button", class: kind, onclick: (/** @type {Event} */ event) => {
  /** @type {HTMLDialogElement} */ (/** @type {HTMLElement} */ (event.target).closest("dialog")).close();
  act();
} }, words);

/** Open a dialog with a question. @param {string} question @param {HTMLElement[]} words @param {...HTMLElement} answers */
function ask(question, words, ...answers) {
  const title = uniqueId("ask");
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog", { class: "ask", "aria-labelledby": title },
    element("h2", { id: title }, question), words, element("div", { class: "buttons" }, answers, closing("Keep it", "ghost", () => {}))));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** Download the ratings as CSV, in files of at most `MAX_RATINGS`. @param {import("../app.js").App} app */
async function downloadRatings(app) {
  const { allRatings } = app.history;
  for (let at = 0; at < Math.max(1, allRatings.length); at += MAX_RATINGS) {
    const text = await app.api.post("/v1/exports", { ratings: allRatings.slice(at, at + MAX_RATINGS) }, app.signal);
    const url = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    app.element("a", { href: url, download: `cinematrix-ratings${at ? `-${at / MAX_RATINGS + 1}` : ""}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }
}
