/** Small charts of bars, with their figures as a table for whoever doesn't see them. */

import { element } from "./dom.js";

/**
 * Bars side by side, such as how many gave which rating.
 * @param {string} caption
 * @param {{label: string, value: number, mark?: boolean}[]} all `mark`: hers
 * @param {(value: number) => string} [say]
 */
export function bars(caption, all, say = (value) => value.toLocaleString("en")) {
  const most = Math.max(...all.map((bar) => bar.value), 1e-9);
  const drawn = all.map((bar) => {
    const made = element("span", { class: bar.mark ? "bar mine" : "bar", title: `${bar.label}: ${say(bar.value)}` });
    made.style.setProperty("--size", `${(100 * bar.value) / most}%`);
    return element("span", { class: "column" }, made, element("span", { class: "tick" }, bar.label));
  });
  return element("figure", { class: "chart" },
    element("div", { class: "bars", "aria-hidden": "true" }, drawn),
    element("div", { class: "quiet" }, element("table", {}, element("caption", {}, caption),
      element("tbody", {}, all.map((bar) => element("tr", {}, element("th", { scope: "row" }, bar.label), element("td", {}, say(bar.value))))))));
}
