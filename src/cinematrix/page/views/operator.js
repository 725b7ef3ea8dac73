/** Operator's view: status of the service; refit, promotion, rollback and import of films. */

import { barChart } from "../parts/charts.js";
import { shorten } from "../parts/cards.js";
import { splitCsv } from "../parts/csv.js";
import { peopleSection } from "../parts/operator-people.js";
import { outcomesTable, trialSection } from "../parts/outcomes.js";

export const title = "Operator";

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
  const body = element("div", { class: "operator" }, element("p", { class: "loading lead", role: "status" }, "Loading…"));
  const films = element("div", { class: "operator", hidden: true }, importSection(app));
  let people = false;
  main.append(element("h1", {}, "Operator"), body, films);
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
  const note = element("p", { role: "status" }, "Create one with “cinematrix key create --role admin”. It is stored in this tab only.");
  const open = async (/** @type {Event} */ event) => {
    event.preventDefault();
    try {
      await app.unlock(field.value.trim(), "/v1/admin/overview");
      again();
    } catch (error) {
      const { status, message } = /** @type {import("../parts/api.js").ApiError} */ (error);
      note.textContent = status === 401 || status === 403 ? "This is not an admin key. It was not stored." : message;
    }
  };
  return element("section", { class: "state" }, element("h2", {}, "This page needs an admin key"), note,
    element("form", { class: "buttons", onsubmit: open }, element("label", { for: "admin-key" }, "Key"), field, element("button", { class: "primary" }, "Open")));
}

/** The elements of the view. @param {import("../app.js").App} app @param {Overview} now @param {StoredVersions} stored @param {() => Promise<void>} refresh */
function viewParts(app, now, stored, refresh) {
  const { element } = app;
  const share = (/** @type {number | null} */ value) => (value === null ? "–" : `${Math.round(100 * value)} %`);
  const facts = /** @type {[string, string][]} */ ([
    ["ratings stored", now.ratings.toLocaleString("en")], ["users", now.users.toLocaleString("en")], ["lists sent", now.shown.lists.toLocaleString("en")],
    ["of the catalog shown", share(now.shown.coverage)], ["Gini of what was shown", now.shown.gini === null ? "–" : now.shown.gini.toFixed(2)],
  ]);
  const trained = now.trained ? new Date(now.trained).toLocaleString("en", { dateStyle: "long", timeStyle: "short" }) : "an unknown date";
  return [
    element("p", { class: "lead" }, `Version ${now.version} of ${trained}`),
    element("dl", { class: "counts" }, facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value)))),
    metrics(app),
    element("section", {}, element("h2", {}, "Ratings a day"), now.days.every(({ ratings }) => !ratings) ? element("p", { class: "facts" }, "None in the last 30 days.") : barChart("Ratings received a day", now.days.map(({ day, ratings }) => ({ label: day.slice(5), value: ratings })))),
    outcomesTable(app, now.outcomes),
    trialSection(app, now.trial),
    versions(app, stored, refresh),
    latency(app, now),
  ].filter((each) => each instanceof Node);
}

/** The model's stored metrics. @param {import("../app.js").App} app */
function metrics(app) {
  const { element, model: { metrics: measured = [] } } = app;
  return element("section", {}, element("h2", {}, "Metrics"),
    measured.length === 0 && element("p", { class: "facts" }, "This model has no stored metrics. “cinematrix evaluate” measures it on held-out ratings."),
    measured.flatMap(({ on, figures }) => [
      element("p", { class: "facts" }, `On ${on}`),
      element("dl", { class: "counts" }, Object.entries(figures).slice(0, 8).map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value.toFixed(3)))))]));
}

/** The table of versions, and the buttons to promote, refit and roll back. @param {import("../app.js").App} app @param {StoredVersions} stored @param {() => Promise<void>} refresh */
function versions(app, stored, refresh) {
  const { element } = app;
  const [last] = stored.refits;
  const running = isRefitting(stored);
  const status = element("p", { class: "facts", role: "status" }, last ? `Last refit: ${last.state}${last.why ? ` (${shorten(last.why, 200)})` : ""}.` : "No refit yet.");
  const act = (/** @type {string} */ path, /** @type {unknown} */ body, /** @type {string} */ done) => async () => {
    try {
      await app.operator.post(path, body);
      app.toast(done);
      await refresh();
    } catch (error) {
      status.textContent = /** @type {Error} */ (error).message;
    }
  };
  const promote = (/** @type {string} */ version, force = false) => act("/v1/admin/promotions", { version, force }, "Promoted: it serves within seconds.");
  const ask = dialog(app, (version) => promote(version, true)());
  return element("section", {}, element("h2", {}, "Versions"),
    element("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Stored versions" }, element("table", {},
      element("thead", {}, element("tr", {}, ["Version", "Model", "State", ""].map((name) => element(name ? "th" : "td", name ? { scope: "col" } : {}, name)))),
      element("tbody", {}, stored.versions.map((one) => element("tr", {},
        element("th", { scope: "row" }, one.version), element("td", {}, one.model), element("td", {}, one.serves ? "serves" : one.before ? "served before" : one.refit?.state ?? "stored"),
        element("td", {}, !one.serves && element("button", {
          type: "button", class: "ghost small", id: `promote-${one.version}`, "aria-label": `Promote ${one.version}`,
          onclick: one.refit?.state === "refused" ? () => ask.open(one) : promote(one.version),
        }, "Promote"))))))),
    element("div", { class: "buttons" },
      element("button", { type: "button", class: "primary", id: "refit", disabled: running, onclick: act("/v1/admin/refits", { force: false }, "Refit started.") }, running ? "Refit is running…" : "Refit now"),
      element("button", { type: "button", class: "ghost", id: "rollback", disabled: !stored.versions.some((one) => one.before), onclick: act("/v1/admin/rollbacks", undefined, "Rolled back: the previous version serves within seconds.") }, "Roll back")),
    status, ask.element);
}

/** The confirmation before a refused version is promoted. @param {import("../app.js").App} app @param {(version: string) => void} force */
function dialog(app, force) {
  const { element } = app;
  const why = element("p", {});
  let version = "";
  const made = /** @type {HTMLDialogElement} */ (element("dialog", { class: "ask", "aria-labelledby": "force-title" },
    element("h2", { id: "force-title" }, "Promote a refused version?"), why,
    element("div", { class: "buttons" },
      element("button", { type: "button", class: "primary danger", onclick: () => { made.close(); force(version); } }, "Promote anyway"),
      element("button", { type: "button", class: "ghost", onclick: () => made.close() }, "Cancel"))));
  const open = (/** @type {Version} */ one) => {
    version = one.version;
    why.textContent = `The gate refused ${one.version}${one.refit?.why ? `: ${shorten(one.refit.why, 300)}` : ""}.`;
    made.showModal();
  };
  return { element: made, open };
}

/** The table of latencies by route. @param {import("../app.js").App} app @param {Overview} now */
function latency(app, now) {
  const { element } = app;
  if (!now.latency.length) return null;
  return element("section", {}, element("h2", {}, "Latency"),
    element("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Latency by route" }, element("table", {},
      element("thead", {}, element("tr", {}, ["Route", "Requests", "Median", "99th percentile"].map((name) => element("th", { scope: "col" }, name)))),
      element("tbody", {}, [...now.latency].sort((a, b) => b.requests - a.requests).slice(0, 12).map((one) => element("tr", {},
        element("th", { scope: "row" }, one.route), element("td", {}, one.requests.toLocaleString("en")), element("td", {}, `${one.p50.toFixed(1)} ms`), element("td", {}, `${one.p99.toFixed(1)} ms`)))))));
}

/** The form that imports films from a CSV. @param {import("../app.js").App} app */
function importSection(app) {
  const { element } = app;
  const file = /** @type {HTMLInputElement} */ (element("input", { id: "films-file", type: "file", accept: ".csv" }));
  const status = element("p", { role: "status" });
  return element("section", {}, element("h2", {}, "New films"),
    element("label", { class: "label", for: "films-file" }, "A CSV with movie, title, year and genres. New films are recommended at once, based on their content."), file,
    element("div", { class: "buttons" }, element("button", { type: "button", class: "ghost", onclick: async (/** @type {Event} */ event) => {
      const [given] = file.files ?? [];
      if (!given) return void (status.textContent = "Choose a file first.");
      const button = /** @type {HTMLButtonElement} */ (event.currentTarget);
      button.disabled = true;
      status.textContent = await importFilms(app, given, (words) => { status.textContent = words; });
      button.disabled = false;
      file.value = "";
    } }, "Import films")), status);
}

/** Send a CSV of films in parts; returns the result as text. @param {import("../app.js").App} app @param {File} file @param {(words: string) => void} report */
async function importFilms(app, file, report) {
  const count = (/** @type {number} */ n) => n.toLocaleString("en");
  const sum = { created: 0, updated: 0 };
  const summary = () => `${count(sum.created)} new, ${count(sum.updated)} updated.`;
  try {
    const all = await splitCsv(file, MAX_FILMS);
    for (const { blob, last } of all) {
      report(`Importing ${count(last)} of ${count(all[all.length - 1].last)}…`);
      const { created, updated } = await app.operator.post("/v1/movies", blob, app.signal);
      sum.created += created;
      sum.updated += updated;
    }
    return summary();
  } catch (error) {
    const { message } = /** @type {Error} */ (error);
    return sum.created + sum.updated ? `Imported in part: ${summary()} Then: ${message}` : `Not imported: ${message}`;
  }
}
