/** The large card of one film: tonight's first, or a random pick. */

import { expectedStars, factsElement, filmUrl, reasons, titleElement } from "./cards.js";
import { element } from "./dom.js";
import { markButtons } from "./mark-buttons.js";

/** Create the card. @param {import("../app.js").App} app @param {import("./cards.js").Item} item @param {string} label */
export function feature(app, item, label) {
  return element("article", { class: "feature card", "data-movie": item.movie, "aria-label": label },
    element("a", { class: "feature-poster", href: filmUrl(item.movie), tabindex: "-1", "aria-hidden": "true" }, app.poster(item)),
    element("div", { class: "feature-words large" },
      element("p", { class: "kicker" }, label),
      element("h2", {}, element("a", { href: filmUrl(item.movie) }, titleElement(item))),
      factsElement(app, item, true),
      expectedStars(item, app.model.scale),
      reasons(item, app.model.scale),
      app.stars(item),
      markButtons(app, item)));
}
