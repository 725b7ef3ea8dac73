/** Operator's view: status of the service; refit, promotion, rollback and import of films. */

import { answer } from "../parts/answers.js";
import { barChart } from "../parts/charts.js";
import { shorten } from "../parts/cards.js";
import { splitCsv } from "../parts/csv.js";
import { format, words } from "../parts/language.js";
import { peopleSection } from "../parts/operator-people.js";
import { outcomesTable, trialSection } from "../parts/outcomes.js";

export const title = words.views.operator;

/** Maximum films per request. */
const MAX_FILMS = 5_000;

/** Polling interval in milliseconds, while a refit or promotion is running. */
const POLL_INTERVAL = 2000;

/** @typedef {{version: string, serves: boolean, before: boolean, model: string, refit: {state?: string, why?: string} | null}} Version */
/** @typedef {{versions: Version[], refits: {state: string, why: string}[]}} StoredVersions */
/**
 * @typedef {{version: string, trained: string | null, versions: Version[], users: number, ratings: number,
 *   days: {day: string, ratings: number}[], latency: {route: string, requests: number, p50: number, p99: number}[],
 *   shown: {lists: number, coverage: number | null, gini: number | null, popularity: number | null},
 *   outcomes: import("../parts/outcomes.js").Outcomes[],
 *   trial: import("../parts/outcomes.js").Trial | null}} Overview
 */

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const { element } = app;
  const body = element("div", { class: "operator" }, element("p", { class: "loading lead", role: "status" }, words.operator.loading));
  const films = element("div", { class: "operator", hidden: true }, importSection(app));
  let people = false;
  main.append(element("h1", {}, title), body, films);
  let timer = 0;
  app.signal.addEventListener("abort", () => clearTimeout(timer));
  const refresh = async () => {
    clearTimeout(timer);
    try {
      const [now, stored] = await Promise.all([app.operator.get("/v1/admin/overview", {}, app.signal), app.operator.get("/v1/admin/versions", {}, app.signal)]);
      await app.answeredBy(now.version);
      if (!body.querySelector("dialog[open]")) redraw(body, viewParts(app, now, stored, refresh));
      films.hidden = false;
      if (!people) films.prepend(peopleSection(app));
      people = true;
      if (isChanging(now, stored)) timer = window.setTimeout(refresh, POLL_INTERVAL);
    } catch (error) {
      if (app.signal.aborted) return;
      const { status } = /** @type {{status?: number}} */ (error);
      films.hidden = true;
      body.replaceChildren(status === 401 || status === 403 ? adminKeyForm(app, refresh) : app.failed(error, refresh));
    }
  };
  await refresh();
}

/** Replace the content; the focus stays. @param {HTMLElement} body @param {Node[]} parts */
function redraw(body, parts) {
  const focused = body.contains(document.activeElement) ? document.activeElement?.id : "";
  body.replaceChildren(...parts);
  if (focused) document.getElementById(focused)?.focus();
}

/** Whether a refit is running. @param {StoredVersions} versions */
const isRefitting = ({ refits: [last] }) => last !== undefined && ["asked", "running"].includes(last.state);

/** Whether a refit is running, or a promoted version isn't loaded yet. @param {Overview} now @param {StoredVersions} stored */
function isChanging(now, stored) {
  const [serving] = now.version.split(".");
  return isRefitting(stored) || stored.versions.some((one) => one.serves && one.version !== serving);
}

/** The form for an admin key; an accepted key is stored in this tab. @param {import("../app.js").App} app @param {() => void} again */
function adminKeyForm(app, again) {
  const { element } = app;
  const field = /** @type {HTMLInputElement} */ (element("input", { id: "admin-key", type: "password", autocomplete: "off", required: true }));
  const note = element("p", { role: "status" }, words.operator.keyNote);
  const open = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      await app.unlock(field.value.trim(), "/v1/admin/overview");
      again();
    } catch (error) {
      const { status, message } = /** @type {import("../parts/api.js").ApiError} */ (error);
      note.textContent = status === 401 || status === 403 ? words.operator.badKey : message;
    }
  };
  return element("section", { class: "state" }, element("h2", {}, words.operator.needsKey), note,
    element("form", { class: "buttons", onsubmit: open }, element("label", { for: "admin-key" }, words.account.key), field, element("button", { class: "primary" }, words.account.open)));
}

/** The elements of the view. @param {import("../app.js").App} app @param {Overview} now @param {StoredVersions} stored @param {() => Promise<void>} refresh */
function viewParts(app, now, stored, refresh) {
  const { element } = app;
  const share = (/** @type {number | null} */ value) => (value === null ? "–" : format.percent(value));
  const named = words.operator.facts;
  const facts = /** @type {[string, string][]} */ ([
    [named.ratings, format.number(now.ratings)], [named.users, format.number(now.users)], [named.lists, format.number(now.shown.lists)],
    [named.coverage, share(now.shown.coverage)], [named.gini, now.shown.gini === null ? "–" : format.fixed(now.shown.gini, 2)],
  ]);
  const trained = now.trained ? format.longMinute(new Date(now.trained)) : words.operator.unknownDate;
  return [
    element("p", { class: "lead" }, words.operator.version(now.version, trained)),
    element("dl", { class: "counts" }, facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value)))),
    metrics(app),
    element("section", {}, element("h2", {}, words.operator.perDay), now.days.every(({ ratings }) => !ratings) ? element("p", { class: "facts" }, words.operator.noneLately) : barChart(words.operator.received, now.days.map(({ day, ratings }) => ({ label: day.slice(5), value: ratings })))),
    outcomesTable(app, now.outcomes),
    trialSection(app, now.trial),
    versions(app, stored, refresh),
    latency(app, now),
  ].filter((each) => each instanceof Node);
}

/** The model's stored metrics. @param {import("../app.js").App} app */
function metrics(app) {
  const { element, model: { metrics: measured = [] } } = app;
  return element("section", {}, element("h2", {}, words.operator.metrics),
    measured.length === 0 && element("p", { class: "facts" }, words.operator.noMetrics),
    measured.flatMap(({ on, figures }) => [
      element("p", { class: "facts" }, words.operator.measuredOn(answer(on))),
      element("dl", { class: "counts" }, Object.entries(figures).slice(0, 8).map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, format.fixed(value, 3)))))]));
}

/** The table of versions, and the buttons to promote, refit and roll back. @param {import("../app.js").App} app @param {StoredVersions} stored @param {() => Promise<void>} refresh */
function versions(app, stored, refresh) {
  const { element } = app;
  const [last] = stored.refits;
  const running = isRefitting(stored);
  const status = element("p", { class: "facts", role: "status" }, last ? words.operator.lastRefit(stateName(last.state), shorten(last.why ?? "", 200)) : words.operator.noRefit);
  const act = (/** @type {string} */ path, /** @type {unknown} */ body, /** @type {string} */ done) => async () => {
    try {
      await app.operator.post(path, body);
      app.toast(done);
      await refresh();
    } catch (error) {
      status.textContent = /** @type {Error} */ (error).message;
    }
  };
  const promote = (/** @type {string} */ version, force = false) => act("/v1/admin/promotions", { version, force }, words.operator.promoted);
  const ask = dialog(app, (version) => promote(version, true)());
  return element("section", {}, element("h2", {}, words.operator.versions),
    element("div", { class: "table", tabindex: "0", role: "region", "aria-label": words.operator.stored }, element("table", {},
      element("thead", {}, element("tr", {}, [...Object.values(words.operator.columns), ""].map((name) => element(name ? "th" : "td", name ? { scope: "col" } : {}, name)))),
      element("tbody", {}, stored.versions.map((one) => element("tr", {},
        element("th", { scope: "row" }, one.version), element("td", {}, one.model), element("td", {}, stateName(one.serves ? "serves" : one.before ? "before" : one.refit?.state ?? "stored")),
        element("td", {}, !one.serves && element("button", {
          type: "button", class: "ghost small", id: `promote-${one.version}`, "aria-label": words.operator.promoteOf(one.version),
          onclick: one.refit?.state === "refused" ? () => ask.open(one) : promote(one.version),
        }, words.operator.promote))))))),
    element("div", { class: "buttons" },
      element("button", { type: "button", class: "primary", id: "refit", disabled: running, onclick: act("/v1/admin/refits", { force: false }, words.operator.refitStarted) }, running ? words.operator.refitRuns : words.operator.refit),
      element("button", { type: "button", class: "ghost", id: "rollback", disabled: !stored.versions.some((one) => one.before), onclick: act("/v1/admin/rollbacks", undefined, words.operator.rolledBack) }, words.operator.rollBack)),
    status, ask.element);
}

/** A state in words. @param {string} state */
const stateName = (state) => /** @type {Record<string, string>} */ (words.operator.states)[state] ?? state;

/** The confirmation before a refused version is promoted. @param {import("../app.js").App} app @param {(version: string) => void} force */
function dialog(app, force) {
  const { element } = app;
  const why = element("p", {});
  let version = "";
  const made = /** @type {HTMLDialogElement} */ (element("dialog", { class: "ask", "aria-labelledby": "force-title" },
    element("h2", { id: "force-title" }, words.operator.askForce), why,
    element("div", { class: "buttons" },
      element("button", { type: "button", class: "primary danger", onclick: () => { made.close(); force(version); } }, words.operator.force),
      element("button", { type: "button", class: "ghost", onclick: () => made.close() }, words.operator.cancel))));
  const open = (/** @type {Version} */ one) => {
    version = one.version;
    why.textContent = words.operator.gateRefused(one.version, shorten(one.refit?.why ?? "", 300));
    made.showModal();
  };
  return { element: made, open };
}

/** The table of latencies by route. @param {import("../app.js").App} app @param {Overview} now */
function latency(app, now) {
  const { element } = app;
  if (!now.latency.length) return null;
  return element("section", {}, element("h2", {}, words.operator.latency),
    element("div", { class: "table", tabindex: "0", role: "region", "aria-label": words.operator.latencyByRoute }, element("table", {},
      element("thead", {}, element("tr", {}, Object.values(words.operator.latencyColumns).map((name) => element("th", { scope: "col" }, name)))),
      element("tbody", {}, [...now.latency].sort((a, b) => b.requests - a.requests).slice(0, 12).map((one) => element("tr", {},
        element("th", { scope: "row" }, one.route), element("td", {}, format.number(one.requests)), element("td", {}, `${format.oneDecimal(one.p50)} ms`), element("td", {}, `${format.oneDecimal(one.p99)} ms`)))))));
}

/** The form that imports films from a CSV. @param {import("../app.js").App} app */
function importSection(app) {
  const { element } = app;
  const file = /** @type {HTMLInputElement} */ (element("input", { id: "films-file", type: "file", accept: ".csv" }));
  const status = element("p", { role: "status" });
  return element("section", {}, element("h2", {}, words.operator.newFilms),
    element("label", { class: "label", for: "films-file" }, words.operator.csv), file,
    element("div", { class: "buttons" }, element("button", { type: "button", class: "ghost", onclick: async (/** @type {Event} */ event) => {
      const [given] = file.files ?? [];
      if (!given) return void (status.textContent = words.operator.chooseFirst);
      const button = /** @type {HTMLButtonElement} */ (event.currentTarget);
      button.disabled = true;
      status.textContent = await importFilms(app, given, (text) => { status.textContent = text; });
      button.disabled = false;
      file.value = "";
    } }, words.operator.import)), status);
}

/** Send a CSV of films in parts; returns the result as text. @param {import("../app.js").App} app @param {File} file @param {(text: string) => void} report */
async function importFilms(app, file, report) {
  const sum = { created: 0, updated: 0 };
  const summary = () => words.operator.imported(sum.created, sum.updated);
  try {
    const all = await splitCsv(file, MAX_FILMS);
    for (const { blob, last } of all) {
      report(words.operator.importing(last, all[all.length - 1].last));
      const { created, updated } = await app.operator.post("/v1/movies", blob, app.signal);
      sum.created += created;
      sum.updated += updated;
    }
    return summary();
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    return sum.created + sum.updated ? words.operator.inPart(summary(), message) : words.operator.notImported(message);
  }
}
