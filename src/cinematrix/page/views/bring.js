/** Bring the ratings that you already have: a file in, what became of each row, and what is left to say by hand. */

import { facts, shortened, title as titled } from "../cards.js";
import { icon } from "../dom.js";
import { written } from "../stars.js";

export const title = "Bring your ratings";

/** Bytes that the server takes. */
const MOST = 20_000_000;

/** How the sites that the server knows write themselves. @type {Record<string, string>} */
const SITES = {
  letterboxd: "Letterboxd", imdb: "IMDb", trakt: "Trakt", movielens: "MovieLens", tmdb: "TMDB", criticker: "Criticker", filmtipset: "Filmtipset",
};

/** Unmatched rows shown at a time. */
const PAGE = 20;

/** @typedef {import("../history.js").Movie} Movie */
/** @typedef {{row: string, title: string, year: number | null, rating: number | null, candidates: Movie[]}} Unmatched */
/**
 * @typedef {{source: string, read: number, imported: number, updated: number, duplicates: number,
 *   skipped: {row: string, reason: string, title: string}[], unmatched: Unmatched[],
 *   warnings: string[]} & import("../history.js").Said} Outcome
 */

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const { element } = app;
  const outcome = element("div", { class: "outcome", "aria-live": "polite" });
  const input = /** @type {HTMLInputElement} */ (element("input", { type: "file", id: "file", class: "quiet", accept: ".zip,.csv,.xml,.json,.tsv,.txt" }));
  const drop = element("label", { class: "drop", for: "file" },
    icon("up"), element("strong", {}, "Drop your export here"), element("span", {}, "or choose the file: as you downloaded it, zipped or not"));
  const columns = /** @type {HTMLInputElement} */ (element("input", { type: "text", maxlength: 500, placeholder: "title=Film,year=Year,rating=Score" }));
  const bring = async (/** @type {File | undefined} */ file) => {
    if (!file) return;
    outcome.replaceChildren(element("p", { class: "lead", role: "status" }, `Reading ${shortened(file.name, 60)} …`));
    drop.classList.add("busy");
    try {
      outcome.replaceChildren(...told(app, await send(app, file, columns.value.trim())));
    } catch (error) {
      if (/** @type {Error} */ (error).name !== "AbortError") outcome.replaceChildren(app.failed(error, () => bring(file)));
    }
    drop.classList.remove("busy");
    input.value = "";
  };
  input.addEventListener("change", () => bring(input.files?.[0]));
  for (const kind of ["dragenter", "dragover"]) drop.addEventListener(kind, (event) => { event.preventDefault(); drop.classList.add("over"); });
  drop.addEventListener("dragleave", () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    bring(/** @type {DragEvent} */ (event).dataTransfer?.files[0]);
  });
  main.append(
    element("h1", {}, "Bring your ratings"),
    element("p", { class: "lead" }, app.history.account ? "They go into your account on this server." : "The server reads the file and forgets it; your ratings stay in this browser."),
    element("div", { class: "drop-place" }, input, drop,
      element("details", { class: "why" }, element("summary", {}, "A table of your own? Name its columns"),
        element("label", { class: "columns" }, element("span", { class: "label" }, "What is what in it, where it isn’t called title, year and rating"), columns))),
    outcome,
    sources(app));
}

/** Where the exports are found. @param {import("../app.js").App} app */
function sources(app) {
  const ways = [
    ["Letterboxd", "Settings → Data → Export: the ZIP as it is"], ["IMDb", "Your ratings → Export: the CSV"],
    ["Trakt", "Settings → Data → Export: the ZIP"], ["MovieLens", "Account → Import / Export: ratings as CSV"],
    ["TMDB", "Settings → Account → Export: the CSV"], ["Criticker", "Your ratings → Export: the XML"],
    ["Anything else", "a CSV with columns for title, year and rating"],
  ];
  return app.element("section", { class: "sources" }, app.element("h2", {}, "Where to get it"),
    app.element("dl", {}, ways.map(([name, way]) => app.element("div", {}, app.element("dt", {}, name), app.element("dd", {}, way)))));
}

/** @param {import("../app.js").App} app @param {File} file @param {string} columns @returns {Promise<Outcome>} */
async function send(app, file, columns) {
  if (file.size > MOST) throw new Error("The file is larger than 20 MB; an export of ratings hardly is.");
  const query = new URLSearchParams({ name: file.name.slice(0, 200), ...(columns && { columns }) });
  const { account } = app.history;
  if (account) {
    const outcome = await app.api.post(`/v1/users/${encodeURIComponent(account.user)}/imports?${query}`, file, app.signal);
    await app.history.open(app.api, account.user);
    return outcome;
  }
  const outcome = await app.api.post(`/v1/imports?${query}`, file, app.signal);
  const { created, updated } = app.history.take(outcome);
  return { ...outcome, imported: created, updated, duplicates: outcome.duplicates + outcome.imported - created - updated };
}

/** What became of the rows. @param {import("../app.js").App} app @param {Outcome} outcome */
function told(app, outcome) {
  const { element } = app;
  const { read, imported, updated, duplicates, skipped, unmatched } = outcome;
  const counts = /** @type {[string, number][]} */ ([["rows read", read], ["new", imported], ["changed", updated], ["there already", duplicates], ["left out", skipped.length], ["not found", unmatched.length]]);
  app.announce(`${read} rows read, ${imported} new, ${unmatched.length} not found.`);
  return [
    element("section", { class: "result" },
      element("h2", {}, imported + updated ? "There they are" : "Nothing new in it"),
      element("p", { class: "lead" }, `From ${SITES[outcome.source] ?? "a table"}.`),
      element("dl", { class: "counts" }, counts.map(([name, n]) => element("div", {}, element("dt", {}, name), element("dd", {}, n.toLocaleString("en"))))),
      element("p", { class: "buttons" }, element("a", { class: "primary", href: "/" }, "See your films", icon("arrow")))),
    ...outcome.warnings.map((warning) => element("p", { class: "note" }, warning)),
    skipped.length ? reasons(app, skipped) : null,
    unmatched.length ? missing(app, unmatched) : null,
  ].filter((each) => each !== null);
}

/** Why rows were left out, with how many each. @param {import("../app.js").App} app @param {Outcome["skipped"]} skipped */
function reasons(app, skipped) {
  const { element } = app;
  const counts = new Map();
  for (const { reason } of skipped) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return element("details", { class: "why" }, element("summary", {}, `Why ${skipped.length.toLocaleString("en")} ${skipped.length === 1 ? "row was" : "rows were"} left out`),
    element("ul", {}, [...counts].map(([reason, n]) => element("li", {}, `${n.toLocaleString("en")} × ${reason}`))));
}

/** The rows that no film was found for, each with a way to say which it is. @param {import("../app.js").App} app @param {Unmatched[]} unmatched */
function missing(app, unmatched) {
  const { element } = app;
  const list = element("ul", { class: "unmatched" });
  const more = element("button", { type: "button", class: "ghost", onclick: () => grow() }, "Show more");
  let shown = 0;
  const grow = () => {
    list.append(...unmatched.slice(shown, shown + PAGE).map((row) => choice(app, row)));
    shown += PAGE;
    more.hidden = shown >= unmatched.length;
  };
  grow();
  return element("section", { class: "missing" },
    element("h2", {}, "Which films are these?"),
    element("p", { class: "lead" }, "Nothing is guessed: these titles fit no film here, or several."),
    list,
    element("p", { class: "buttons" }, more, element("button", { type: "button", class: "ghost", onclick: () => download(unmatched) }, icon("down"), "Download this list")));
}

/** @param {import("../app.js").App} app @param {Unmatched} row */
function choice(app, row) {
  const { element } = app;
  const name = shortened(row.title || `row ${row.row}`, 120);
  const item = element("li", {});
  const pick = async (/** @type {Movie} */ movie) => {
    if (row.rating === null) await app.hide(movie, "seen");
    else await app.rate(movie, row.rating);
    item.replaceChildren(element("span", {}, icon("check"), " ", titled(movie)), element("span", { class: "facts" }, facts(movie)));
  };
  item.append(
    element("div", {}, element("strong", {}, element("bdi", {}, name)), element("span", { class: "facts" }, [row.year, row.rating === null ? "seen" : `${written(row.rating)} stars`].filter(Boolean).join(" · "))),
    element("div", { class: "buttons" },
      row.candidates.slice(0, 3).map((movie) => element("button", { type: "button", class: "ghost small", onclick: () => pick(movie) }, shortened(movie.title ?? "", 50), movie.year ? ` (${movie.year})` : "")),
      app.finder({ label: `The film that ${name} is`, placeholder: "Another film", choose: pick })));
  return item;
}

/** The unmatched rows as a CSV file, made here. @param {Unmatched[]} unmatched */
function download(unmatched) {
  const cell = (/** @type {string | number | null} */ value) => {
    const text = String(value ?? "");
    return `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;
  };
  const lines = ["row,title,year,rating", ...unmatched.map((row) => [row.row, row.title, row.year, row.rating].map(cell).join(","))];
  save(new Blob([`${lines.join("\r\n")}\r\n`], { type: "text/csv" }), "not-found.csv");
}

/** @param {Blob} content @param {string} name */
function save(content, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
