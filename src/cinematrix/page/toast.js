/** Messages to everybody that stay for a while, and taking back the act that one of them names. */

import { element, icon } from "./dom.js";

/** @typedef {import("./history.js").History} History */
/** @typedef {History["undos"][number]} Act */

/** Milliseconds that a message stays. */
const STAYS = 10_000;

const KEYS = /Mac|iP/.test(navigator.platform) ? "⌘Z" : "Ctrl+Z";

/** What was said of each act that can be taken back. @type {WeakMap<Act, string>} */
const SAID = new WeakMap();

/** The act that the message in sight names. @type {Act | undefined} */
let named;

const place = () => /** @type {HTMLElement} */ (document.getElementById("toast"));

/** Say something to everybody. @param {string} text @param {...HTMLElement} actions */
export function toast(text, ...actions) {
  const box = place();
  named = undefined;
  box.replaceChildren(element("span", {}, text), ...actions);
  for (const left of ["pointerleave", "focusout"]) box.addEventListener(left, stay);
  stay();
}

/** Let the message go after a while, but not from under a pointer or the focus. */
function stay() {
  const box = place();
  clearTimeout(Number(box.dataset.timer));
  box.dataset.timer = String(setTimeout(() => { if (!box.matches(":focus-within, :hover")) box.replaceChildren(); }, STAYS));
}

/** Say what she has just done, and offer to take it back. @param {History} history @param {string} text */
export function told(history, text) {
  const act = history.undos.at(-1);
  if (!act) return toast(text);
  SAID.set(act, text);
  toast(text, element("button", { type: "button", class: "ghost", onclick: () => takeBack(history) }, icon("undo"), "Undo"), element("kbd", {}, KEYS));
  named = act;
}

/** Take the last act back and say which it was; one that no message named, such as an import, stays. @param {History} history */
export function takeBack(history) {
  const act = history.undos.at(-1);
  if (!act) return;
  const text = SAID.get(act);
  if (text === undefined) return toast(`${KEYS} takes back a rating or a mark, and the last change was more than that.`);
  toast(`Taken back: ${text}`);
  history.undo();
}

/** Let go of a message whose act isn't the last any more. @param {History} history */
export function outdated(history) {
  if (named && history.undos.at(-1) !== named) {
    named = undefined;
    place().replaceChildren();
  }
}
