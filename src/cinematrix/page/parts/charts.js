/** Small bar charts, each with its values as a table for screen readers. */

import { element } from "./dom.js";
import { format } from "./language.js";

/**
 * Create a bar chart, such as the number of ratings per value.
 * @param {string} caption
 * @param {{label: string, value: number, mark?: boolean}[]} entries `mark`: the user's own rating
 * @param {(value: number) => string} [text]
 */
export function barChart(caption, entries, text = (/** @type {number} */ value) => format.number(value)) {
  const most = Math.max(...entries.map((bar) => bar.value), 1e-9);
  const drawn = entries.map((bar) => {
    const shape = element("span", { class: bar.mark ? "bar mine" : "bar", title: `${bar.label}: ${text(bar.value)}` });
    shape.style.setProperty("--size", `${(100 * bar.value) / most}%`);
    return element("span", { class: "column" }, shape, element("span", { class: "tick" }, bar.label));
  });
  return element("figure", { class: "chart" },
    element("div", { class: "bars", "aria-hidden": "true" }, drawn),
    element("div", { class: "quiet" }, element("table", {}, element("caption", {}, caption),
      element("tbody", {}, entries.map((bar) => element("tr", {}, element("th", { scope: "row" }, bar.label), element("td", {}, text(bar.value))))))));
}
