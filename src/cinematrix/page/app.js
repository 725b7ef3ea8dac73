/** The page's frame: which view is shown, what all of them share, and what stands around them. */

import { Api, ApiError, connectionError } from "./parts/api.js";
import { card, titleText, shorten } from "./parts/cards.js";
import { combobox } from "./parts/combobox.js";
import { element, icon } from "./parts/dom.js";
import { History } from "./parts/history.js";
import { poster } from "./parts/posters.js";
import { refreshStars, stars, formatNumber } from "./parts/stars.js";
import { errorState, headingElement, loadingState } from "./parts/states.js";
import { clearTab } from "./parts/tab.js";
import { dismissOutdated, undoLast, toast, toastWithUndo } from "./parts/toast.js";

/** @typedef {import("./parts/history.js").Movie} Movie */
/**
 * `early`: it asks for itself while the page still asks what the model is, and waits for `app.asked` before it needs that.
 * @typedef {{title: string, early?: boolean, show: (main: HTMLElement, app: App) => Promise<void>}} View
 */
/** @typedef {{version: string, model: string, trained: string | null, ratings: number, users?: number, movies?: number,
 *   scale: import("./parts/stars.js").Scale | null, map: boolean, posters: boolean, genres?: string[],
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

const FIRST_VIEW = "for-you";

/** What is known of a model that couldn't be asked for. @type {Model} */
const NO_MODEL = { version: "", model: "", trained: null, ratings: 0, scale: { low: 0.5, high: 5, step: 0.5 }, map: true, posters: false };

/** Milliseconds without scrolling after which the place is kept. */
const SCROLL_PAUSE = 150;

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
    this.shared.address = this.params.size ? `/?${this.params}` : "/";
    history.replaceState(history.state, "", this.shared.address);
  }

  /** A film as a card. @param {import("./parts/cards.js").Item} item @param {import("./parts/cards.js").Options} [options] */
  card(item, options) {
    return card(this, item, options);
  }

  /** A film's poster. @param {Movie} movie */
  poster(movie) {
    return poster(movie, this.model.posters);
  }

  /** The half-star radio buttons of a film, with her rating in them. @param {Movie} movie */
  stars(movie) {
    const name = shorten(movie.title ?? `film ${movie.movie}`, 80);
    return stars(name, () => this.history.rating(movie.movie), (rating) => this.rate(movie, rating), this.model.scale);
  }

  /** Rate, say so, and offer to undo it. @param {Movie} movie @param {number | null} rating */
  rate(movie, rating) {
    const name = titleText(movie, "the film");
    const text = this.history.plain ? "liked" : `${formatNumber(rating ?? 0)} ${rating === 1 ? "star" : "stars"}`;
    const change = this.history.rate(movie, rating);
    this.toast(rating === null ? `Your rating of ${name} is gone.` : `${name}: ${text}.`, true);
    return change;
  }

  /** Recommend it no more, say so, and offer to undo it. @param {Movie} movie @param {"seen" | "not_interested"} kind */
  hide(movie, kind) {
    const change = this.history.hide(movie, kind);
    this.toast(`${titleText(movie, "The film")}: ${kind === "seen" ? "seen" : "not for you"}.`, true);
    return change;
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
    if (undo) toastWithUndo(this.history, text);
    else toast(text);
  }

  /** The view while it waits. @param {HTMLElement} main @param {string} words @param {number} [n] */
  loading(main, words, n) {
    main.replaceChildren(loadingState(words, n));
  }

  /** The view's error, with a way on: a key where one is asked for, else "Try again". @param {unknown} error */
  failed(error, again = () => navigate(location.href, false)) {
    if (/** @type {{status?: number}} */ (error).status !== 401 || this.signal.aborted) return errorState(error, again);
    if (!this.shared.dropCredentials()) return keyForm(this.shared);
    navigate(location.href, false);
    return loadingState("Going on without it");
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
    this.address = "";
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
    showFooter(this.model, this.history);
  }

  /** Forget the token: one that opens nothing any more would have the server answer nobody. */
  leave() {
    tabItem("cinematrix-token", "");
    this.identify();
    this.history.close();
    showFooter(this.model, this.history);
  }

  /** Ask with the token that this tab has, or else with its key; as the operator with the key. */
  identify() {
    const [token, key] = [tabItem("cinematrix-token"), tabItem("cinematrix-key")];
    this.operator.credentials = key ? { "X-API-Key": key } : {};
    this.api.credentials = token ? { Authorization: `Bearer ${token}` } : this.operator.credentials;
    return Boolean(token);
  }

  /** Ask with a key from now on, once it has opened a path; one that doesn't isn't kept. @param {string} key @param {string} path */
  async unlock(key, path) {
    const api = new Api({ "X-API-Key": key });
    await api.get(path);
    tabItem("cinematrix-key", key);
    this.operator.credentials = api.credentials;
    if (!this.api.credentials.Authorization) this.api.credentials = api.credentials;
  }

  /** Forget the token, or else the key, that opens nothing any more; whether there was one. */
  dropCredentials() {
    const { Authorization: token, "X-API-Key": key } = this.api.credentials;
    if (token) {
      this.leave();
      showBanner("Your account can't be opened any more: it was deleted, or its link has ended. A new link opens one; until then, what you rate stays in this browser.");
    } else {
      tabItem("cinematrix-key", "");
      this.identify();
    }
    return Boolean(token || key);
  }

  /** Take the token of the address's fragment, or the one that this tab had, and open its user's history. */
  async openAccount() {
    const fragment = new URLSearchParams(location.hash.slice(1));
    const token = fragment.get("token");
    if (token) {
      const before = tabItem("cinematrix-token");
      if (before && before !== token) clearTab();
      tabItem("cinematrix-token", token);
      history.replaceState(null, "", location.pathname + location.search);
    }
    if (!this.identify()) return;
    try {
      const { user } = await this.api.get("/v1/me");
      if (user !== null && user !== undefined) await this.history.open(this.api, user);
      showFooter(this.model, this.history);
    } catch (error) {
      if (this.api.unauthorized) this.dropCredentials();
      else showBanner(`Your account can't be opened: ${/** @type {Error} */ (error).message} What you rate stays in this browser.`);
    }
  }
}

/** Read or write the tab's storage, or take away with ""; without one, the page forgets. @param {string} name @param {string} [value] */
function tabItem(name, value) {
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
    rememberScroll();
    history.pushState(null, "", target.pathname + target.search);
  }
  const name = target.searchParams.get("view") ?? FIRST_VIEW;
  shared.address = target.pathname + target.search;
  shared.view.abort();
  shared.view = new AbortController();
  const { signal } = shared.view;
  const app = new App(shared, target.searchParams, signal);
  const main = element("main", { id: "main", tabindex: "-1", "data-view": name });
  byId("main").replaceWith(main);
  markInNavigation(name);
  if (push) scrollTo(0, 0);
  try {
    const view = await loadView(name, target.searchParams);
    if (!view.early) await shared.asked;
    if (signal.aborted) return;
    document.title = name === FIRST_VIEW ? "Cinematrix" : `${view.title} · Cinematrix`;
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
const rememberScroll = () => history.replaceState({ scroll: scrollY }, "");

/** The view that an address names. @param {string} name @param {URLSearchParams} params @returns {Promise<View>} */
async function loadView(name, params) {
  const { load, needs } = Object.hasOwn(VIEWS, name) ? VIEWS[name] : {};
  if (!load) throw new ApiError(404, "The page has no such view.");
  if (needs && !params.get(needs)) throw new ApiError(404, "The address names no film; search for the one that you mean.");
  return load().catch(() => { throw connectionError(); });
}

/** Mark the view in the navigation. @param {string} name */
function markInNavigation(name) {
  for (const link of byId("views").querySelectorAll("a")) {
    if (link.dataset.view === name) {
      link.setAttribute("aria-current", "page");
      byId("views").scrollLeft = link.offsetLeft - (byId("views").clientWidth - link.offsetWidth) / 2;
    } else link.removeAttribute("aria-current");
  }
}

/** A line above everything, until it is taken away with "". @param {string} text */
function showBanner(text) {
  byId("banner").textContent = text;
  byId("banner").hidden = !text;
}

/** @param {Model} model @param {History} history */
function showFooter(model, history) {
  const trained = model.trained && new Date(model.trained).toLocaleDateString("en", { dateStyle: "long" });
  const where = history.account ? `Your ratings are kept in the account “${shorten(String(history.account.user), 40)}” on this server.`
    : "What you rate stays in this browser: it goes along in questions to this server, which keeps none of it.";
  byId("foot").replaceChildren(...[
    element("p", {}, model.version && `Model ${trained ? `of ${trained}, ` : ""}trained on ${model.ratings.toLocaleString("en")} ${history.plain ? "viewings" : "ratings"}`, model.version && element("span", { class: "version" }, ` · ${model.model} ${model.version}`)),
    element("p", {}, where),
    element("p", {}, model.attribution, model.attribution && " ", model.posters ? "Where there is no poster, one is drawn" : "Posters are drawn", " from title, year and genre. Cinematrix is free software under the MIT licence."),
    model.posters && element("p", {}, "This product uses the ", element("a", { href: "https://www.themoviedb.org/", rel: "noreferrer noopener" }, "TMDB"), " API but is not endorsed or certified by TMDB."),
    element("p", {}, element("a", { href: "/?view=operator" }, "For the operator")),
  ].filter((each) => each instanceof Node));
}

/** A view's place where the server asks who is there. @param {Shared} shared */
function keyForm(shared) {
  const field = /** @type {HTMLInputElement} */ (element("input", { id: "key", type: "password", autocomplete: "off", required: true }));
  const note = element("p", { role: "status" }, "Whoever runs it can give you one, or a link that opens your own account.");
  return element("section", { class: "state" },
    headingElement("This server asks for a key"),
    note,
    element("form", { class: "buttons", onsubmit: async (/** @type {Event} */ event) => {
      event.preventDefault();
      try {
        await shared.unlock(field.value.trim(), "/v1/model");
        shared.asked = shared.askModel();
        navigate(location.href, false);
      } catch (error) {
        const { status, message } = /** @type {ApiError} */ (error);
        note.textContent = status === 401 ? "It doesn't know the key that you gave." : message;
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
function isInternalClick(event, link) {
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  return plain && link.origin === location.origin && link.pathname === "/" && !link.hash && !link.hasAttribute("download");
}

/** A file beside every place for files is refused; the browser would leave the page to open it. @param {Event} event */
function refuseFile(event) {
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
    still = setTimeout(rememberScroll, SCROLL_PAUSE);
  });
  addEventListener("popstate", () => {
    if (location.pathname + location.search !== shared.address) navigate(location.href, false);
  });
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (!link || !isInternalClick(event, link)) return;
    event.preventDefault();
    navigate(link.href);
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target instanceof Element && event.target.closest("input:not([type=radio]), textarea, select");
    if (!typing && (event.ctrlKey || event.metaKey) && event.key === "z") undoLast(shared.history);
    if (!typing && event.key === "/") {
      event.preventDefault();
      byId("tools").querySelector("input")?.focus();
    }
  });
  for (const kind of ["dragover", "drop"]) document.addEventListener(kind, refuseFile);
  addEventListener("offline", () => showBanner(`You are offline: what you see is from before, and what you rate ${shared.history.account ? "can't reach your account" : "is kept"}.`));
  addEventListener("online", () => { showBanner(""); navigate(location.href, false); });
  shared.history.addEventListener("change", () => { refreshStars(); dismissOutdated(shared.history); });
  shared.history.addEventListener("failed", (event) => {
    const { status, message } = /** @type {CustomEvent<ApiError>} */ (event).detail;
    toast(`Not kept: ${status === 401 ? "your account can't be opened any more." : message}`);
    if (status !== 401 || !shared.history.account) return; // a view may have left the account already
    shared.dropCredentials();
    navigate(location.href, false);
  });
  shared.history.addEventListener("full", () => showBanner("Not kept: this browser lends the page no room, so what you say lasts as long as the page is open."));
}

async function start() {
  byId("views").append(...Object.entries(VIEWS).filter(([, view]) => view.label).map(([name, { label }]) =>
    element("a", { href: name === FIRST_VIEW ? "/" : `/?view=${name}`, "data-view": name }, label)));
  const choose = (/** @type {Movie} */ movie) => navigate(`/?${new URLSearchParams({ view: "film", movie: String(movie.movie) })}`);
  const submit = (/** @type {string} */ query) => navigate(`/?${new URLSearchParams({ view: "search", query })}`);
  byId("tools").append(combobox(shared.api, { label: "Search films", choose, submit }), themeSwitch());
  listen();
  const entered = shared.openAccount();
  shared.asked = shared.askModel();
  await entered;
  await navigate(location.href, false);
}

start();
