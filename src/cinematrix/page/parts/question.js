/** A question to the user with two answers, in a dialog. */

import { element } from "./dom.js";

/**
 * Ask, and wait for the answer. Without one (Escape) it is no.
 * @param {string} id of the heading
 * @param {{heading: string, text: string, yes: string, no: string}} question
 * @returns {Promise<boolean>}
 */
export function askYesOrNo(id, { heading, text, yes, no }) {
  return new Promise((resolve) => {
    const answer = (/** @type {boolean} */ agreed) => () => {
      resolve(agreed);
      dialog.close();
    };
    const dialog = /** @type {HTMLDialogElement} */ (element("dialog", { class: "ask", "aria-labelledby": id, onclose: () => { resolve(false); dialog.remove(); } },
      element("h2", { id }, heading),
      element("p", {}, text),
      element("div", { class: "buttons" },
        element("button", { type: "button", class: "primary", onclick: answer(true) }, yes),
        element("button", { type: "button", class: "ghost", onclick: answer(false) }, no))));
    document.body.append(dialog);
    dialog.showModal();
  });
}
