/** Words around the films to tap. */

import { element, icon } from "./dom.js";
import { words } from "./language.js";

/** What a tap means. @param {import("../app.js").App} app */
export function startWords({ history }) {
  return element("p", { class: "lead" }, words.start.tap, history.plain ? words.start.tapBack : words.start.tapLoved);
}

/** Other ways to begin. */
export function startLinks() {
  return element("p", { class: "buttons starts" },
    element("a", { class: "ghost", href: "/?view=bring" }, icon("up"), words.start.import),
    element("a", { class: "ghost", href: "/?view=questions" }, words.start.questions, icon("arrow")));
}
