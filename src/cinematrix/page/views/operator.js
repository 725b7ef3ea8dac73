/** The operator's page: what serves, how it does, and the handles of refit, promotion, rollback and new films. */

import { bars } from "../charts.js";
import { shortened } from "../cards.js";

export const title = "Operator";

/** Milliseconds between two looks at a refit that runs. */
const LOOK = 3000;

/** @typedef {{version: string, serves: boolean, before: boolean, model: string, refit: {state?: string, made?: number} | null}} Version */
/**
 * @typedef {{version: string, trained: string | null, versions: Version[], users: number, ratings: number,
 *   days: {day: string, ratings: number}[], latency: {route: string, requests: number, p50: number, p99: number}[],
 *   shown: {lists: number, coverage: number | null, gini: number | null, popularity: number | null}}} Overview
 */

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const { element } = app;
  const body = element("div", { class: "operator" });
  main.append(element("h1", {}, "Operator"), body);
  const refresh = async () => {
    try {
      const [overview, kept] = await Promise.all([app.api.get("/v1/admin/overview", {}, app.signal), app.api.get("/v1/admin/versions", {}, app.signal)]);
      body.replaceChildren(...drawn(app, overview, kept, refresh));
    } catch (error) {
      if (app.signal.aborted) return;
      const { status } = /** @type {{status?: number}} */ (error);
      body.replaceChildren(status === 401 || status === 403 ? gate(app, refresh) : app.failed(error, refresh));
    }
  };
  await refresh();
}

/** Ask for the admin key; it stays in this tab. @param {import("../app.js").App} app @param {() => void} again */
function gate(app, again) {
  const { element } = app;
  const field = /** @type {HTMLInputElement} */ (element("input", { id: "admin-key", type: "password", autocomplete: "off", required: true }));
  return element("section", { class: "state" }, element("h2", {}, "This page needs an admin key"),
    element("p", {}, "Made by “cinematrix key create --role admin”. It stays in this tab."),
    element("form", { class: "buttons", onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault();
      const key = field.value.trim();
      app.api.credentials = { "X-API-Key": key };
      try {
        sessionStorage.setItem("cinematrix-key", key);
      } catch { /* it lasts as long as the page does */ }
      again();
    } }, element("label", { for: "admin-key" }, "Key"), field, element("button", { class: "primary" }, "Open")));
}

/** @param {import("../app.js").App} app @param {Overview} now @param {{versions: Version[], refits: any[]}} kept @param {() => Promise<void>} refresh */
function drawn(app, now, kept, refresh) {
  const { element } = app;
  const share = (/** @type {number | null} */ value) => (value === null ? "–" : `${Math.round(100 * value)} %`);
  const facts = /** @type {[string, string][]} */ ([
    ["ratings kept", now.ratings.toLocaleString("en")], ["users", now.users.toLocaleString("en")], ["lists sent", now.shown.lists.toLocaleString("en")],
    ["of the catalog shown", share(now.shown.coverage)], ["Gini of what was shown", now.shown.gini === null ? "–" : now.shown.gini.toFixed(2)],
  ]);
  const trained = now.trained ? new Date(now.trained).toLocaleString("en", { dateStyle: "long", timeStyle: "short" }) : "a date that isn’t known";
  return [
    element("p", { class: "lead" }, `Version ${now.version} of ${trained}`),
    element("dl", { class: "counts" }, facts.map(([name, value]) => element("div", {}, element("dt", {}, name), element("dd", {}, value)))),
    metrics(app),
    element("section", {}, element("h2", {}, "Ratings a day"), bars("Ratings received a day", now.days.map(({ day, ratings }) => ({ label: day.slice(5), value: ratings })))),
    versions(app, kept, refresh),
    latency(app, now),
    imports(app),
  ].filter((each) => each instanceof Node);
}

/** What was measured of the model, if anything. @param {import("../app.js").App} app */
function metrics(app) {
  const measured = Object.entries(/** @type {any} */ (app.model).metrics ?? {}).filter(([, value]) => typeof value === "number");
  if (!measured.length) return null;
  return app.element("section", {}, app.element("h2", {}, "Measured"),
    app.element("dl", { class: "counts" }, measured.slice(0, 8).map(([name, value]) => app.element("div", {}, app.element("dt", {}, name), app.element("dd", {}, Number(value).toFixed(3))))));
}

/** The versions and what can be done with them. @param {import("../app.js").App} app @param {{versions: Version[], refits: any[]}} kept @param {() => Promise<void>} refresh */
function versions(app, kept, refresh) {
  const { element } = app;
  const last = kept.refits[0];
  const running = last && ["asked", "running"].includes(last.state);
  const said = element("p", { class: "facts", role: "status" }, last ? `Last refit: ${last.state}${last.why ? ` (${shortened(last.why, 200)})` : ""}.` : "No refit yet.");
  if (running) setTimeout(() => { if (!app.signal.aborted) refresh(); }, LOOK);
  const act = (/** @type {string} */ path, /** @type {unknown} */ body, /** @type {string} */ done) => async () => {
    try {
      await app.api.post(path, body);
      app.toast(done);
      await refresh();
    } catch (error) {
      said.textContent = /** @type {Error} */ (error).message;
    }
  };
  return element("section", {}, element("h2", {}, "Versions"),
    element("div", { class: "table" , tabindex: "0", role: "region", "aria-label": "Versions that are kept" }, element("table", {},
      element("thead", {}, element("tr", {}, ["Version", "Model", "State", ""].map((name) => element(name ? "th" : "td", name ? { scope: "col" } : {}, name)))),
      element("tbody", {}, kept.versions.map((one) => element("tr", {},
        element("th", { scope: "row" }, one.version), element("td", {}, one.model), element("td", {}, one.serves ? "serves" : one.before ? "served before" : one.refit?.state ?? "kept"),
        element("td", {}, !one.serves && element("button", { type: "button", class: "ghost small", "aria-label": `Promote ${one.version}`, onclick: act("/v1/admin/promotions", { version: one.version, force: false }, "Promoted: it serves within seconds.") }, "Promote"))))))),
    element("div", { class: "buttons" },
      element("button", { type: "button", class: "primary", disabled: running || app.history.plain, onclick: act("/v1/admin/refits", { force: false }, "A refit has begun.") }, running ? "Refit runs…" : "Refit now"),
      element("button", { type: "button", class: "ghost", onclick: act("/v1/admin/rollbacks", {}, "Rolled back: the version before serves within seconds.") }, "Roll back")),
    said);
}

/** @param {import("../app.js").App} app @param {Overview} now */
function latency(app, now) {
  const { element } = app;
  if (!now.latency.length) return null;
  return element("section", {}, element("h2", {}, "How fast it answers"),
    element("div", { class: "table", tabindex: "0", role: "region", "aria-label": "Latency by route" }, element("table", {},
      element("thead", {}, element("tr", {}, ["Route", "Requests", "Half within", "99 % within"].map((name) => element("th", { scope: "col" }, name)))),
      element("tbody", {}, [...now.latency].sort((a, b) => b.requests - a.requests).slice(0, 12).map((one) => element("tr", {},
        element("th", { scope: "row" }, one.route), element("td", {}, one.requests.toLocaleString("en")), element("td", {}, `${one.p50.toFixed(1)} ms`), element("td", {}, `${one.p99.toFixed(1)} ms`)))))));
}

/** New films from a CSV. @param {import("../app.js").App} app */
function imports(app) {
  const { element } = app;
  const file = /** @type {HTMLInputElement} */ (element("input", { id: "films-file", type: "file", accept: ".csv" }));
  const said = element("p", { role: "status" });
  return element("section", {}, element("h2", {}, "New films"),
    element("label", { class: "label", for: "films-file" }, "A CSV with movie, title, year and genres; they are recommended at once, by what they are"), file,
    element("div", { class: "buttons" }, element("button", { type: "button", class: "ghost", onclick: async () => {
      const [given] = file.files ?? [];
      if (!given) return void (said.textContent = "Choose a file first.");
      try {
        const answer = await fetch("/v1/movies", { method: "POST", headers: { "Content-Type": "text/csv", Accept: "application/json", ...app.api.credentials }, body: given, credentials: "omit" });
        const told = await answer.json();
        said.textContent = answer.ok ? Object.entries(told).map(([name, value]) => `${value} ${name}`).join(", ") : told.detail;
      } catch {
        said.textContent = "The server can’t be reached.";
      }
    } }, "Import films")), said);
}
