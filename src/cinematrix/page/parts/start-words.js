/** Words around the films to tap. */

import { element, icon } from "./dom.js";

/** What a tap means. @param {import("../app.js").App} app */
export function startWords({ history }) {
  return element("p", { class: "lead" }, "Tap the films you like. ", history.plain ? "Tap again to take it back." : "Tap again for those you love, once more to take it back.");
}

/** Other ways to begin. */
export function startLinks() {
  return element("p", { class: "buttons starts" },
    element("a", { class: "ghost", href: "/?view=bring" }, icon("up"), "Import your films"),
    element("a", { class: "ghost", href: "/?view=questions" }, "Answer a few questions", icon("arrow")));
}
