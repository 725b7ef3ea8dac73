/** Import view: upload an export, show the counts of its rows, and match the unmatched rows. */

import { answer } from "../parts/answers.js";
import { shorten } from "../parts/cards.js";
import { ColumnForm } from "../parts/columns.js";
import { icon } from "../parts/dom.js";
import { format, words } from "../parts/language.js";
import { emptyState } from "../parts/states.js";
import { writeTab, readTab } from "../parts/tab.js";
import { unmatchedSection, unsureDetails } from "../parts/unmatched.js";
import { MAX_UNMATCHED } from "../parts/unmatched-films.js";

export const title = words.views.import;

/** Maximum file size in bytes. */
const MAX_BYTES = 20_000_000;

/** Names of the sites, by the server's sources. @type {Record<string, string>} */
const SITES = {
  letterboxd: "Letterboxd", imdb: "IMDb", trakt: "Trakt", movielens: "MovieLens", tmdb: "TMDB", criticker: "Criticker", filmtipset: "Filmtipset",
  movietweetings: "MovieTweetings", jellyfin: "Jellyfin", netflix: "Netflix", simkl: "Simkl", tvtime: "TV Time", movary: "Movary", yamtrack: "Yamtrack",
  ryot: "Ryot", watcharr: "Watcharr", kodi: "Kodi", plex: "Plex", tautulli: "Tautulli", prime: "Prime Video", filmweb: "Filmweb", kinopoisk: "Kinopoisk",
  kinorium: "Kinorium", douban: "Douban", rym: "Rate Your Music", icheckmovies: "iCheckMovies",
};

/** Tab-storage key of the last upload's result. */
const UPLOAD_KEY = "upload";

/** @typedef {import("../parts/uploads.js").UnmatchedRow} Row */
/**
 * @typedef {{source: string, read: number, imported: number, updated: number, duplicates: number,
 *   skipped: {row: string, reason: string, title: string}[], unlisted: Record<string, number>, unmatched: Row[], newer?: unknown[], unsure?: import("../parts/uploads.js").UnsureRow[],
 *   warnings: string[]} & import("../parts/uploads.js").Upload} Outcome
 */
/** The shown result of an upload: the counts, by their names in `words`, and the reasons of skipped rows. @typedef {{source: string, counts: [keyof typeof words.import.counts, number][], reasons: [string, number][], unmatched: Row[], unsure?: import("../parts/uploads.js").UnsureRow[], warnings: string[]}} Summary */

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const { element } = app;
  const outcome = element("div", { class: "outcome", "aria-live": "polite" });
  const input = /** @type {HTMLInputElement} */ (element("input", { type: "file", id: "file", class: "quiet", accept: ".zip,.csv,.xml,.json,.jsonl,.tsv,.txt,.dat" }));
  const drop = element("label", { class: "drop", for: "file" },
    icon("up"), element("strong", {}, words.import.drop), element("span", {}, words.import.choose));
  /** @type {File | undefined} */
  let last;
  /** Undoes the merge of the last file. @type {import("../parts/history.js").History["undos"][number] | undefined} */
  let undo;
  const columns = new ColumnForm(() => read(last, undo));
  const bring = async (/** @type {File | undefined} */ file) => {
    if (file) await columns.offer(file);
    await read(last = file, undefined);
  };
  const read = async (/** @type {File | undefined} */ file, /** @type {import("../parts/history.js").History["undos"][number] | undefined} */ before, /** @type {Record<string, string>} */ answers = {}) => {
    if (!file) return;
    outcome.replaceChildren(element("p", { class: "lead", role: "status" }, words.import.reading(shorten(file.name, 60))));
    drop.classList.add("busy");
    try {
      const result = summary(app, await send(app, file, { ...columns.query, ...answers }, before));
      undo = app.history.undos.at(-1);
      writeTab(UPLOAD_KEY, { user: app.history.account?.user ?? null, ...result });
      outcome.replaceChildren(...resultParts(app, result));
      app.announce(result.counts.map(([name, n]) => `${format.number(n)} ${words.import.counts[name]}`).join(", "));
    } catch (error) {
      if (app.signal.aborted) return;
      const { ask: kinds, profiles } = /** @type {{body?: {ask?: string[], profiles?: string[]}}} */ (error).body ?? {};
      outcome.replaceChildren(kinds ? kindQuestion(app, kinds, (answer) => read(file, before, { ...answers, as: answer }))
        : profiles?.length ? profileQuestion(app, profiles, (answer) => read(file, before, { ...answers, profile: answer }))
        : app.failed(error, () => read(file, before, answers)));
      columns.form.open ||= !kinds && !profiles && /** @type {{status?: number}} */ (error).status === 422 && columns.offered;
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
    element("h1", {}, title),
    element("p", { class: "lead" }, storageText(app.history)),
    element("div", { class: "drop-place" }, input, drop,
      columns.form),
    outcome,
    sources(app));
  const before = readTab(UPLOAD_KEY);
  if (before && before.user === (app.history.account?.user ?? null)) outcome.append(...resultParts(app, before));
}

/** The question what the films of a file are, which the file doesn't say. @param {import("../app.js").App} app @param {string[]} kinds @param {(kind: string) => void} answer */
function kindQuestion({ element }, kinds, answer) {
  return emptyState(words.import.whatAreThey, words.import.whatWhy,
    ...kinds.map((kind) => element("button", { type: "button", class: "ghost", onclick: () => answer(kind) }, /** @type {Record<string, any>} */ (words.import)[kind] ?? kind)));
}

/** The question whose films of a file are to be read. @param {import("../app.js").App} app @param {string[]} profiles @param {(profile: string) => void} answer */
function profileQuestion({ element }, profiles, answer) {
  return emptyState(words.import.whose, words.import.whoseWhy,
    ...profiles.map((profile) => element("button", { type: "button", class: "ghost", onclick: () => answer(profile) }, shorten(profile, 40))));
}

/** Text about the place where the ratings are stored. @param {import("../parts/history.js").History} history */
function storageText({ account, persistent }) {
  return account ? words.import.intoAccount : persistent ? words.import.here : words.import.whileOpen;
}

/** The list of sites, with the path to each site's export. @param {import("../app.js").App} app */
function sources(app) {
  const ways = [...Object.entries(words.import.ways), [words.import.anythingElse, words.import.anythingWay]];
  return app.element("section", { class: "sources" }, app.element("h2", {}, words.import.where),
    app.element("dl", {}, ways.map(([name, way]) => app.element("div", {}, app.element("dt", {}, name), app.element("dd", {}, way)))));
}

/**
 * Upload a file, and merge it into the account or the browser's history.
 * @param {import("../app.js").App} app @param {File} file @param {Record<string, string>} columns
 * @param {import("../parts/history.js").History["undos"][number] | undefined} before undoes the earlier merge of the same file, read with other settings
 * @returns {Promise<Outcome>}
 */
async function send(app, file, columns, before) {
  if (file.size > MAX_BYTES) throw new Error(words.import.tooLarge);
  const query = new URLSearchParams({ name: file.name.slice(0, 200), ...columns });
  const { account } = app.history;
  if (account) {
    const outcome = await app.api.post(`/v1/users/${encodeURIComponent(account.user)}/imports?${query}`, file, app.signal);
    await app.history.open(app.api, account.user, app.signal);
    return outcome;
  }
  const outcome = await app.api.post(`/v1/imports?${query}`, file, app.signal);
  if (before) await app.history.revoke(before);
  const { created, updated } = app.history.importUpload(outcome);
  return { ...outcome, imported: created, updated, duplicates: outcome.duplicates + outcome.imported - created - updated };
}

/** Summarize an upload, without counts of 0; rows with an earlier pick count as already there. @param {import("../app.js").App} app @param {Outcome} outcome @returns {Summary} */
function summary(app, { source, read, imported, updated, duplicates, skipped, unlisted = {}, unmatched, newer = [], unsure = [], warnings }) {
  const open = unmatched.filter((row) => !app.history.pickFor(row));
  const reasons = new Map(Object.entries(unlisted));
  for (const { reason } of skipped) reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  return {
    source, warnings: app.history.unmatched.size < MAX_UNMATCHED ? warnings : [...warnings, words.import.keptAtMost(MAX_UNMATCHED)],
    unsure, unmatched: open, reasons: [...reasons],
    counts: /** @type {Summary["counts"]} */ ([["read", read], ["new", imported], ["changed", updated], ["there", duplicates + unmatched.length - open.length],
      ["skipped", [...reasons.values()].reduce((sum, n) => sum + n, 0)], ["notFound", open.length], ["newer", newer.length]]).filter(([, n]) => n),
  };
}

/** The elements of the result. @param {import("../app.js").App} app @param {Summary} result */
function resultParts(app, { source, counts, reasons, unmatched, unsure = [], warnings }) {
  const { element } = app;
  const { new: fresh = 0, changed = 0 } = Object.fromEntries(counts);
  return [
    element("section", { class: "result" },
      element("h2", {}, fresh + changed ? words.import.done : words.import.nothingNew),
      element("p", { class: "lead" }, words.import.from(source.split(", ").map((each) => (each === "cinematrix" ? words.import.ownHistory : SITES[each] ?? words.import.aTable)))),
      element("dl", { class: "counts" }, counts.map(([name, n]) => element("div", {}, element("dt", {}, words.import.counts[name]), element("dd", {}, format.number(n))))),
      element("p", { class: "buttons" }, element("a", { class: "primary", href: "/" }, words.import.seeFilms, icon("arrow")))),
    ...warnings.map((warning) => element("p", { class: "note" }, answer(warning))),
    reasons.length ? skippedDetails(app, reasons) : null,
    unsure.length ? unsureDetails(app, unsure) : null,
    unmatched.length ? unmatchedSection(app, unmatched) : null,
  ].filter((each) => each !== null);
}

/** The reasons of skipped rows, with their counts. @param {import("../app.js").App} app @param {Summary["reasons"]} reasons */
function skippedDetails({ element }, reasons) {
  const n = reasons.reduce((sum, [, count]) => sum + count, 0);
  return element("details", { class: "why" }, element("summary", {}, words.import.whySkipped(n)),
    element("ul", {}, reasons.map(([reason, count]) => element("li", {}, `${format.number(count)} × `, answer(reason)))));
}
