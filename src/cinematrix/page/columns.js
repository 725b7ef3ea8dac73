/** What is what in a table of her own: its columns, as its head names them, and how good its best rating is. */

import { shortened } from "./cards.js";
import { element, fresh } from "./dom.js";

/** What a column may be, by the server's names. @type {Record<string, string>} */
const MEANINGS = { title: "Title", year: "Year", rating: "Rating", date: "Date", imdb: "IMDb’s number", tmdb: "TMDB’s number" };

const BEST = [5, 10, 100];

/** Bytes in which the head of a table stands. */
const HEAD = 10_000;

export class Columns {
  /** @param {() => void} read reads the file that was offered last, as the form says */
  constructor(read) {
    this.best = select("as the ratings seem", BEST.map(String));
    this.fields = element("div", { class: "buttons" });
    this.button = element("button", { type: "button", class: "primary", disabled: true, onclick: read }, "Read it so");
    this.form = /** @type {HTMLDetailsElement} */ (element("details", { class: "why" },
      element("summary", {}, "A table of your own? Say what its columns are"),
      element("div", { class: "add-body" },
        element("p", { class: "facts" }, "Columns called title, year, rating, date, imdb_id or tmdb_id are found. Choose the file, and others can be named here."),
        this.fields,
        element("div", { class: "buttons" }, labelled("The best rating is", this.best), this.button))));
  }

  /** Offer the columns of a file, if it is a table. @param {File} file */
  async offer(file) {
    const names = columnsOf(await file.slice(0, HEAD).text());
    this.fields.replaceChildren(...Object.entries(names.length ? MEANINGS : {}).map(([meaning, words]) => labelled(words, select("by its name", names, meaning))));
    this.button.toggleAttribute("disabled", names.length === 0);
  }

  /** Whether the file that was offered last is a table. */
  get offered() {
    return this.fields.children.length > 0;
  }

  /** What is said, as the server takes it. @returns {Record<string, string>} */
  get query() {
    const named = [...this.fields.querySelectorAll("select")].filter(({ value }) => value).map(({ name, value }) => `${name}=${value}`);
    return { ...(named.length && { columns: named.join(",") }), ...(this.best.value && { highest: this.best.value }) };
  }
}

/** The columns that a table's first line names and a query can; none if the text is no table. @param {string} text */
function columnsOf(text) {
  if (text.startsWith("PK\u0003") || text.includes("\0") || /^\s*[<[{]/.test(text)) return [];
  const line = text.trimStart().split(/[\r\n]/)[0];
  const [delimiter] = [",", ";", "\t"].sort((one, other) => line.split(other).length - line.split(one).length);
  const fields = line.match(new RegExp(`"(?:[^"]|"")*"|[^${delimiter}]+`, "g")) ?? [];
  return fields.map((field) => field.replace(/^"|"$/g, "").replaceAll('""', '"').trim()).filter((name) => name && !name.includes(","));
}

/** @param {string} rest what is meant where nothing is chosen @param {string[]} values */
function select(rest, values, name = "") {
  return /** @type {HTMLSelectElement} */ (element("select", { id: fresh("column"), name }, element("option", { value: "" }, rest), values.map((value) => element("option", { value }, shortened(value, 30)))));
}

/** @param {string} words @param {HTMLElement} field */
function labelled(words, field) {
  return element("div", {}, element("label", { for: field.id, class: "label" }, words), field);
}
