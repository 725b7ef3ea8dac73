/** The section of "You" about the user's data: its file, leaving an account, and the deletion of everything. */

import { MAX_RATINGS } from "./body.js";
import { element, icon, uniqueId } from "./dom.js";
import { downloadHistory } from "./history-file.js";
import { words } from "./language.js";
import { revokeAll } from "./shares.js";

/** @param {import("../app.js").App} app */
export function dataSection(app) {
  const { history, history: { account } } = app;
  const status = element("p", { role: "status" });
  const trying = (/** @type {() => Promise<unknown>} */ work, /** @type {(why: string) => string} */ failed) => () => work().catch((/** @type {Error} */ error) => { status.textContent = failed(error.message); });
  const save = trying(() => downloadHistory(app), words.data.notSaved);
  const deletion = () => ask(words.data.askDelete, [...deletionText(app), element("p", {}, words.data.noUndo)],
    element("button", { type: "button", class: "ghost", onclick: save }, icon("down"), words.data.saveFirst),
    closing(words.data.delete, "primary danger", trying(() => deleteAll(app), words.data.notDeleted)));
  const leave = () => (history.waiting ? ask(words.data.askLeave, [element("p", {}, words.data.unsent(history.waiting))],
    closing(words.data.leaveNow, "primary danger", () => app.leave())) : app.leave());
  return element("section", { class: "yours" },
    element("h2", {}, words.data.title),
    !history.persistent && element("p", { class: "note" }, words.data.noStorage),
    element("p", { class: "facts" }, words.data.lead),
    element("div", { class: "buttons" },
      element("button", { type: "button", class: "primary", onclick: save }, icon("down"), words.data.save),
      element("button", { type: "button", class: "ghost", onclick: trying(() => downloadRatings(app), words.data.notExported) }, icon("down"), words.data.export),
      account && element("button", { type: "button", class: "ghost", onclick: leave }, app.session.user === account.user ? words.signIn.out : words.data.leave),
      element("button", { type: "button", class: "ghost danger", onclick: deletion }, words.data.delete)),
    status);
}

/** What a deletion takes away, in words. @param {import("../app.js").App} app */
function deletionText({ history }) {
  const { account, profiles } = history;
  const kinds = [...history.hidden.values()].map(({ kind }) => kind);
  const { gone } = words.data;
  const parts = /** @type {[number, (n: number) => string][]} */ ([
    [history.ratings.size, gone.ratings], [kinds.filter((kind) => kind === "seen").length, gone.seen], [history.watchlist.size, gone.watchlist],
    [history.likes.size, gone.likes], [kinds.filter((kind) => kind !== "seen").length, gone.refused], [history.unmatched.size, gone.unmatched],
  ]).filter(([n]) => n > 0).map(([n, say]) => say(n));
  const where = account ? words.data.goneFromAccount : profiles.all.length > 1 ? words.data.goneProfile(`\u2068${profiles.current.name}\u2069`) : words.data.goneHere;
  return [element("p", {}, where), element("ul", { class: "gone" }, [...parts, gone.rest].map((text) => element("li", {}, text)))];
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
    if (left) return app.toast(words.data.linksLeft(left));
  }
  app.toast(words.data.deleted);
}

/** A button of a dialog that closes it. @param {string} label @param {string} kind @param {() => unknown} act */
const closing = (label, kind, act) => element("button", { type: "button", class: kind, onclick: (/** @type {Event} */ event) => {
  /** @type {HTMLDialogElement} */ (/** @type {HTMLElement} */ (event.target).closest("dialog")).close();
  act();
} }, label);

/** Open a dialog with a question. @param {string} question @param {HTMLElement[]} text @param {...HTMLElement} answers */
function ask(question, text, ...answers) {
  const title = uniqueId("ask");
  const dialog = /** @type {HTMLDialogElement} */ (element("dialog", { class: "ask", "aria-labelledby": title },
    element("h2", { id: title }, question), text, element("div", { class: "buttons" }, answers, closing(words.data.keep, "ghost", () => {}))));
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
