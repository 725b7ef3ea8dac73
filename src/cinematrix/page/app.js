/** The page's frame: which view is shown, what all of them share, and what stands around them. */

import { Api, ApiError, unreached } from "./api.js";
import { card, named, shortened } from "./cards.js";
import { combobox } from "./combobox.js";
import { element, icon } from "./dom.js";
import { History } from "./history.js";
import { poster } from "./posters.js";
import { follow, stars, written } from "./stars.js";
import { failed, headline, loading } from "./states.js";
import { forget } from "./tab.js";
import { outdated, takeBack, toast, told } from "./toast.js";

/** @typedef {import("./history.js").Movie} Movie */
/**
 * `early`: it asks for itself while the page still asks what the model is, and waits for `app.asked` before it needs that.
 * @typedef {{title: string, early?: boolean, show: (main: HTMLElement, app: App) => Promise<void>}} View
 */
/** @typedef {{version: string, model: string, trained: string | null, ratings: number, users?: number, movies?: number,
 *   scale: import("./stars.js").Scale | null, map: boolean, posters: boolean, genres?: string[],
 *   metrics?: {on: string, figures: Record<string, number>}[], attribution?: string | null}} Model */

/**
 * The views, in the navigation's order; one without a label is reached through others, and `needs` a parameter.
 * @type {Record<string, {label?: string, needs?: string, load: () => Promise<View>}>}
 */
const VIEWS = {
  "for-you": { label: "For you", load: () => import("./views/for-you.js") },
  search: { label: "Search", load: () => import("./views/search.js") },
  questions: { label: "Questions", load: () => import("./views/questions.js") },
  bring: { label: "Bring yours", load: () => import("./views/bring.js") },
  together: { label: "Together", load: () => import("./views/together.js") },
  map: { label: "Map", load: () => import("./views/map.js") },
  profile: { label: "Profile", load: () => import("./views/profile.js") },
  film: { needs: "movie", load: () => import("./views/film.js") },
  operator: { load: () => import("./views/operator.js") },
};

const FIRST = "for-you";

/** What is known of a model that couldn't be asked for. @type {Model} */
const NO_MODEL = { version: "", model: "", trained: null, ratings: 0, scale: { low: 0.5, high: 5, step: 0.5 }, map: true, posters: false };

/** Milliseconds without scrolling after which the place is kept. */
const STILL = 150;

/** What every view is given. */
export class App {
  /** @param {Shared} shared @param {URLSearchParams} params @param {AbortSignal} signal */
  constructor(shared, params, signal) {
    this.shared = shared;
    this.api = shared.api;
    /** Asks as the operator, with the tab's key also where an account is open. */
    this.operator = shared.operator;
    this.history = shared.history;
    /** The address's parameters. */
    this.params = params;
    /** Aborts when the view is left: give it to listeners and requests. */
    this.signal = signal;
    this.element = element;
  }

  /** What the server said of its model. */
  get model() {
    return this.shared.model;
  }

  /** Resolves once the server was asked what its model is. */
  get asked() {
    return this.shared.asked;
  }

  /** Show another view. @param {string} view @param {Record<string, string>} [params] */
  go(view, params = {}) {
    return navigate(`/?${new URLSearchParams({ view, ...params })}`);
  }

  /** Set parameters of the address without leaving the view; null takes one away. @param {Record<string, string | null>} changes */
  keep(changes) {
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === "") this.params.delete(name);
      else this.params.set(name, value);
    }
    this.shared.shown = this.params.size ? `/?${this.params}` : "/";
    history.replaceState(history.state, "", this.shared.shown);
  }

  /** A film as a card. @param {import("./cards.js").Item} item @param {import("./cards.js").Options} [options] */
  card(item, options) {
    return card(this, item, options);
  }

  /** A film's poster. @param {Movie} movie */
  poster(movie) {
    return poster(movie, this.model.posters);
  }

  /** The half-star radio buttons of a film, with her rating in them. @param {Movie} movie */
  stars(movie) {
    const name = shortened(movie.title ?? `film ${movie.movie}`, 80);
    return stars(name, () => this.history.rating(movie.movie), (rating) => this.rate(movie, rating), this.model.scale);
  }

  /** Rate, say so, and offer to undo it. @param {Movie} movie @param {number | null} rating */
  rate(movie, rating) {
    const name = named(movie, "the film");
    const said = this.history.plain ? "liked" : `${written(rating ?? 0)} ${rating === 1 ? "star" : "stars"}`;
    const kept = this.history.rate(movie, rating);
    this.toast(rating === null ? `Your rating of ${name} is gone.` : `${name}: ${said}.`, true);
    return kept;
  }

  /** Recommend it no more, say so, and offer to undo it. @param {Movie} movie @param {"seen" | "not_interested"} kind */
  hide(movie, kind) {
    const kept = this.history.hide(movie, kind);
    this.toast(`${named(movie, "The film")}: ${kind === "seen" ? "seen" : "not for you"}.`, true);
    return kept;
  }

  /** A field that finds films. @param {Parameters<typeof combobox>[1]} options */
  finder(options) {
    return combobox(this.api, options);
  }

  /** Say something to screen readers. @param {string} text */
  announce(text) {
    byId("announcer").textContent = text;
  }

  /** Say something to everybody for a while. @param {string} text @param {boolean} [undo] whether it names the act just done, and offers to undo it */
  toast(text, undo = false) {
    if (undo) told(this.history, text);
    else toast(text);
  }

  /** The view while it waits. @param {HTMLElement} main @param {string} words @param {number} [n] */
  loading(main, words, n) {
    main.replaceChildren(loading(words, n));
  }

  /** The view's error, with a way on: a key where one is asked for, else "Try again". @param {unknown} error */
  failed(error, again = () => navigate(location.href, false)) {
    if (/** @type {{status?: number}} */ (error).status !== 401 || this.signal.aborted) return failed(error, again);
    if (!this.shared.drop()) return asksForKey(this.shared);
    navigate(location.href, false);
    return loading("Going on without it");
  }

  /** Ask with a key from now on, once it has opened a path. @param {string} key @param {string} path */
  unlock(key, path) {
    return this.shared.unlock(key, path);
  }

  /** Leave her account: from now on the page is a stranger's. */
  leave() {
    this.shared.leave();
  }

  /** Tell which version of the model answered; another than before is news. @param {string} version */
  async answeredBy(version) {
    if (!version || version === this.model.version) return;
    const news = this.model.version !== "";
    await this.shared.askModel();
    if (news) this.toast("A newer model answers now.");
  }
}

/** What outlives a view. */
class Shared {
  constructor() {
    this.api = new Api();
    this.operator = new Api();
    this.history = new History();
    this.model = NO_MODEL;
    /** @type {Promise<void>} */
    this.asked = Promise.resolve();
    /** @type {AbortController} */
    this.view = new AbortController();
    /** The address that is shown, without its fragment. */
    this.shown = "";
  }

  /** Ask what the model is, and write it into the footer. */
  async askModel() {
    try {
      this.model = { ...NO_MODEL, .../** @type {Model} */ (await this.api.get("/v1/model")) };
      this.history.plain = this.model.scale === null;
    } catch {
      // The view that asks next says what is wrong; the page works with what it knows.
    }
    byId("views").querySelector("[data-view=map]")?.toggleAttribute("hidden", !this.model.map);
    foot(this.model, this.history);
  }

  /** Forget the token: one that opens nothing any more would have the server answer nobody. */
  leave() {
    session("cinematrix-token", "");
    this.identify();
    this.history.close();
    foot(this.model, this.history);
  }

  /** Ask with the token that this tab has, or else with its key; as the operator with the key. */
  identify() {
    const [token, key] = [session("cinematrix-token"), session("cinematrix-key")];
    this.operator.credentials = key ? { "X-API-Key": key } : {};
    this.api.credentials = token ? { Authorization: `Bearer ${token}` } : this.operator.credentials;
    return Boolean(token);
  }

  /** Ask with a key from now on, once it has opened a path; one that doesn't isn't kept. @param {string} key @param {string} path */
  async unlock(key, path) {
    const tried = new Api({ "X-API-Key": key });
    await tried.get(path);
    session("cinematrix-key", key);
    this.operator.credentials = tried.credentials;
    if (!this.api.credentials.Authorization) this.api.credentials = tried.credentials;
  }

  /** Forget the token, or else the key, that opens nothing any more; whether there was one. */
  drop() {
    const { Authorization: token, "X-API-Key": key } = this.api.credentials;
    if (token) {
      this.leave();
      banner("Your account can't be opened any more: it was deleted, or its link has ended. A new link opens one; until then, what you rate stays in this browser.");
    } else {
      session("cinematrix-key", "");
      this.identify();
    }
    return Boolean(token || key);
  }

  /** Take the token of the address's fragment, or the one that this tab had, and open its user's history. */
  async enter() {
    const fragment = new URLSearchParams(location.hash.slice(1));
    const given = fragment.get("token");
    if (given) {
      const before = session("cinematrix-token");
      if (before && before !== given) forget();
      session("cinematrix-token", given);
      history.replaceState(null, "", location.pathname + location.search);
    }
    if (!this.identify()) return;
    try {
      const { user } = await this.api.get("/v1/me");
      if (user !== null && user !== undefined) await this.history.open(this.api, user);
      foot(this.model, this.history);
    } catch (error) {
      if (this.api.refused) this.drop();
      else banner(`Your account can't be opened: ${/** @type {Error} */ (error).message} What you rate stays in this browser.`);
    }
  }
}

/** Read or write the tab's storage, or take away with ""; without one, the page forgets. @param {string} name @param {string} [value] */
function session(name, value) {
  try {
    if (value !== undefined) sessionStorage.setItem(name, value);
    return sessionStorage.getItem(name);
  } catch {
    return value ?? null;
  }
}

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const shared = new Shared();

/**
 * Show what an address of the page names.
 * @param {string} url
 * @param {boolean} [push] whether it becomes an entry of the browser's history
 */
async function navigate(url, push = true) {
  const target = new URL(url, location.href);
  const { scroll = 0 } = (!push && history.state) || {};
  if (push && target.href !== location.href) {
    remember();
    history.pushState(null, "", target.pathname + target.search);
  }
  const name = target.searchParams.get("view") ?? FIRST;
  shared.shown = target.pathname + target.search;
  shared.view.abort();
  shared.view = new AbortController();
  const { signal } = shared.view;
  const app = new App(shared, target.searchParams, signal);
  const main = element("main", { id: "main", tabindex: "-1", "data-view": name });
  byId("main").replaceWith(main);
  mark(name);
  if (push) scrollTo(0, 0);
  try {
    const view = await loaded(name, target.searchParams);
    if (!view.early) await shared.asked;
    if (signal.aborted) return;
    document.title = name === FIRST ? "Cinematrix" : `${view.title} · Cinematrix`;
    const shown = view.show(main, app);
    if (push) main.focus({ preventScroll: true });
    await shown;
    if (!signal.aborted && scrollY === 0) scrollTo(0, scroll);
  } catch (error) {
    if (signal.aborted) return;
    document.title = "Cinematrix";
    main.replaceChildren();
    main.append(app.failed(error));
  }
}

/** Keep in the browser's history how far down the view is scrolled. */
const remember = () => history.replaceState({ scroll: scrollY }, "");

/** The view that an address names. @param {string} name @param {URLSearchParams} params @returns {Promise<View>} */
async function loaded(name, params) {
  const { load, needs } = Object.hasOwn(VIEWS, name) ? VIEWS[name] : {};
  if (!load) throw new ApiError(404, "The page has no such view.");
  if (needs && !params.get(needs)) throw new ApiError(404, "The address names no film; search for the one that you mean.");
  return load().catch(() => { throw unreached(); });
}

/** Mark the view in the navigation. @param {string} name */
function mark(name) {
  for (const link of byId("views").querySelectorAll("a")) {
    if (link.dataset.view === name) {
      link.setAttribute("aria-current", "page");
      byId("views").scrollLeft = link.offsetLeft - (byId("views").clientWidth - link.offsetWidth) / 2;
    } else link.removeAttribute("aria-current");
  }
}

/** A line above everything, until it is taken away with "". @param {string} text */
function banner(text) {
  byId("banner").textContent = text;
  byId("banner").hidden = !text;
}

/** @param {Model} model @param {History} held */
function foot(model, held) {
  const trained = model.trained && new Date(model.trained).toLocaleDateString("en", { dateStyle: "long" });
  const where = held.account ? `Your ratings are kept in the account “${shortened(String(held.account.user), 40)}” on this server.`
    : "What you rate stays in this browser: it goes along in questions to this server, which keeps none of it.";
  byId("foot").replaceChildren(...[
    element("p", {}, model.version && `Model ${trained ? `of ${trained}, ` : ""}trained on ${model.ratings.toLocaleString("en")} ${held.plain ? "viewings" : "ratings"}`, model.version && element("span", { class: "version" }, ` · ${model.model} ${model.version}`)),
    element("p", {}, where),
    element("p", {}, model.attribution, model.attribution && " ", model.posters ? "Where there is no poster, one is drawn" : "Posters are drawn", " from title, year and genre. Cinematrix is free software under the MIT licence."),
    model.posters && element("p", {}, "This product uses the ", element("a", { href: "https://www.themoviedb.org/", rel: "noreferrer noopener" }, "TMDB"), " API but is not endorsed or certified by TMDB."),
    element("p", {}, element("a", { href: "/?view=operator" }, "For the operator")),
  ].filter((each) => each instanceof Node));
}

/** A view's place where the server asks who is there. @param {Shared} of */
function asksForKey(of) {
  const field = /** @type {HTMLInputElement} */ (element("input", { id: "key", type: "password", autocomplete: "off", required: true }));
  const said = element("p", { role: "status" }, "Whoever runs it can give you one, or a link that opens your own account.");
  return element("section", { class: "state" },
    headline("This server asks for a key"),
    said,
    element("form", { class: "buttons", onsubmit: async (/** @type {Event} */ event) => {
      event.preventDefault();
      try {
        await of.unlock(field.value.trim(), "/v1/model");
        of.asked = of.askModel();
        navigate(location.href, false);
      } catch (error) {
        const { status, message } = /** @type {ApiError} */ (error);
        said.textContent = status === 401 ? "It doesn't know the key that you gave." : message;
      }
    } }, element("label", { for: "key" }, "Key"), field, element("button", { class: "primary" }, "Open")));
}

/** The switch between light and dark. */
function themeSwitch() {
  const root = document.documentElement;
  const dark = () => (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const button = element("button", { type: "button", class: "ghost round" });
  const show = () => {
    button.replaceChildren(icon(dark() ? "sun" : "moon"));
    button.setAttribute("aria-label", dark() ? "Light colours" : "Dark colours");
  };
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try {
      localStorage.setItem("cinematrix-theme", root.dataset.theme);
    } catch { /* it lasts as long as the page does */ }
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  show();
  return button;
}

/** Whether a click on a link is one that the page answers itself. @param {MouseEvent} event @param {HTMLAnchorElement} link */
function ours(event, link) {
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  return plain && link.origin === location.origin && link.pathname === "/" && !link.hash && !link.hasAttribute("download");
}

/** A file beside every place for files is refused; the browser would leave the page to open it. @param {Event} event */
function beside(event) {
  const { dataTransfer } = /** @type {DragEvent} */ (event);
  const place = event.target instanceof Element && event.target.closest("input[type=file]");
  if (event.defaultPrevented || place || !dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  dataTransfer.dropEffect = "none";
}

function listen() {
  history.scrollRestoration = "manual"; // the browser would do it before the view is there
  let still = 0;
  addEventListener("scroll", () => {
    clearTimeout(still);
    still = setTimeout(remember, STILL);
  });
  addEventListener("popstate", () => {
    if (location.pathname + location.search !== shared.shown) navigate(location.href, false);
  });
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || !ours(event, link)) return;
    event.preventDefault();
    navigate(link.href);
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.closest("input:not([type=radio]), textarea, select");
    if (!typing && (event.ctrlKey || event.metaKey) && event.key === "z") takeBack(shared.history);
    if (!typing && event.key === "/") {
      event.preventDefault();
      byId("tools").querySelector("input")?.focus();
    }
  });
  for (const kind of ["dragover", "drop"]) document.addEventListener(kind, beside);
  addEventListener("offline", () => banner(`You are offline: what you see is from before, and what you rate ${shared.history.account ? "can't reach your account" : "is kept"}.`));
  addEventListener("online", () => { banner(""); navigate(location.href, false); });
  shared.history.addEventListener("change", () => { follow(); outdated(shared.history); });
  shared.history.addEventListener("failed", (event) => {
    const { status, message } = /** @type {CustomEvent<ApiError>} */ (event).detail;
    toast(`Not kept: ${status === 401 ? "your account can't be opened any more." : message}`);
    if (status !== 401 || !shared.history.account) return; // a view may have left the account already
    shared.drop();
    navigate(location.href, false);
  });
  shared.history.addEventListener("full", () => banner("Not kept: this browser lends the page no room, so what you say lasts as long as the page is open."));
}

async function start() {
  byId("views").append(...Object.entries(VIEWS).filter(([, view]) => view.label).map(([name, { label }]) =>
    element("a", { href: name === FIRST ? "/" : `/?view=${name}`, "data-view": name }, label)));
  const choose = (/** @type {Movie} */ movie) => navigate(`/?${new URLSearchParams({ view: "film", movie: String(movie.movie) })}`);
  const submit = (/** @type {string} */ query) => navigate(`/?${new URLSearchParams({ view: "search", query })}`);
  byId("tools").append(combobox(shared.api, { label: "Search films", choose, submit }), themeSwitch());
  listen();
  const entered = shared.enter();
  shared.asked = shared.askModel();
  await entered;
  await navigate(location.href, false);
}

start();
