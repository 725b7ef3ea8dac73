/** Short messages, which may offer to undo the last change. */

import { element, icon } from "./dom.js";
import { words } from "./language.js";

/** @typedef {import("./history.js").History} History */
/** @typedef {History["undos"][number]} Act */

/** Milliseconds that a message is shown. */
const DURATION = 10_000;

const KEYS = /Mac|iP/.test(navigator.platform) ? "⌘Z" : "Ctrl+Z";

/** The message of each change that can be undone. @type {WeakMap<Act, string>} */
const MESSAGES = new WeakMap();

/** The change that the visible message names. @type {Act | undefined} */
let shownAct;

const container = () => /** @type {HTMLElement} */ (document.getElementById("toast"));

/** Show a message. @param {string} text @param {...HTMLElement} actions */
export function toast(text, ...actions) {
  const box = container();
  shownAct = undefined;
  box.replaceChildren(element("span", {}, text), ...actions);
  for (const left of ["pointerleave", "focusout"]) box.addEventListener(left, restartTimer);
  restartTimer();
}

/** Hide the message after `DURATION`, unless it is hovered or has the focus. */
function restartTimer() {
  const box = container();
  clearTimeout(Number(box.dataset.timer));
  box.dataset.timer = String(setTimeout(() => { if (!box.matches(":focus-within, :hover")) box.replaceChildren(); }, DURATION));
}

/** Show a message about the last change with "Undo". @param {History} history @param {string} text */
export function toastWithUndo(history, text) {
  const act = history.undos.at(-1);
  if (!act) return toast(text);
  MESSAGES.set(act, text);
  toast(text, element("button", { type: "button", class: "ghost", onclick: () => undoLast(history) }, icon("undo"), words.marks.undo), element("kbd", {}, KEYS));
  shownAct = act;
}

/** Undo the last change and show which it was. A change without a message, such as an import, isn't undone. @param {History} history */
export function undoLast(history) {
  const act = history.undos.at(-1);
  if (!act) return;
  const text = MESSAGES.get(act);
  if (text === undefined) return toast(words.marks.nothingToUndo(KEYS));
  toast(words.marks.undone(text));
  history.undo();
}

/** Hide the message if its change is no longer the last one. @param {History} history */
export function dismissOutdated(history) {
  if (shownAct && history.undos.at(-1) !== shownAct) {
    shownAct = undefined;
    container().replaceChildren();
  }
}
