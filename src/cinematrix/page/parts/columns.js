/** Form that maps the columns of an uploaded table, and sets its highest rating. */

import { shorten } from "./cards.js";
import { element, uniqueId } from "./dom.js";
import { words } from "./language.js";

/** Choices of the highest rating. */
const HIGHEST_RATINGS = [5, 10, 100];

/** Bytes read to find a table's header. */
const HEAD_BYTES = 10_000;

/** The form. */
export class ColumnForm {
  /** @param {() => void} read reads the last offered file with the form's values */
  constructor(read) {
    this.best = selectField(words.import.detected, HIGHEST_RATINGS.map(String));
    this.fields = element("div", { class: "buttons" });
    this.button = element("button", { type: "button", class: "primary", disabled: true, onclick: read }, words.import.readAgain);
    this.form = /** @type {HTMLDetailsElement} */ (element("details", { class: "why" },
      element("summary", {}, words.import.columns),
      element("div", { class: "add-body" },
        element("p", { class: "facts" }, words.import.columnsWhy),
        this.fields,
        element("div", { class: "buttons" }, labelledField(words.import.highest, this.best), this.button))));
  }

  /** Offer the columns of a file for mapping, if it is a table. @param {File} file */
  async offer(file) {
    const names = columnNames(await file.slice(0, HEAD_BYTES).text());
    this.fields.replaceChildren(...Object.entries(names.length ? words.import.meanings : {}).map(([meaning, label]) => labelledField(label, selectField(words.import.byName, names, meaning))));
    this.button.toggleAttribute("disabled", names.length === 0);
  }

  /** Whether the last offered file is a table. */
  get offered() {
    return this.fields.children.length > 0;
  }

  /** Query parameters of the upload. @returns {Record<string, string>} */
  get query() {
    const chosen = [...this.fields.querySelectorAll("select")].filter(({ value }) => value).map(({ name, value }) => `${name}=${value}`);
    return { ...(chosen.length && { columns: chosen.join(",") }), ...(this.best.value && { highest: this.best.value }) };
  }
}

/** Column names of a table's first line, without those that contain a comma; none if the text is no table. @param {string} text */
function columnNames(text) {
  if (text.startsWith("PK\u0003") || text.includes("\0") || /^\s*[<[{]/.test(text)) return [];
  const line = text.trimStart().split(/[\r\n]/)[0];
  const [delimiter] = [",", ";", "\t"].sort((one, other) => line.split(other).length - line.split(one).length);
  const fields = line.match(new RegExp(`"(?:[^"]|"")*"|[^${delimiter}]+`, "g")) ?? [];
  return fields.map((field) => field.replace(/^"|"$/g, "").replaceAll('""', '"').trim()).filter((name) => name && !name.includes(","));
}

/** @param {string} placeholder label of the empty choice @param {string[]} values */
function selectField(placeholder, values, name = "") {
  return /** @type {HTMLSelectElement} */ (element("select", { id: uniqueId("column"), name }, element("option", { value: "" }, placeholder), values.map((value) => element("option", { value }, shorten(value, 30)))));
}

/** @param {string} label @param {HTMLElement} field */
function labelledField(label, field) {
  return element("div", {}, element("label", { for: field.id, class: "label" }, label), field);
}
