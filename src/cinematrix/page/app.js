/** The page's frame: navigation, header, footer, and the state that all views share. */

import { answer } from "./parts/answers.js";
import { loadAges } from "./parts/ages.js";
import { Api, ApiError, connectionError } from "./parts/api.js";
import { card, titleText, shorten } from "./parts/cards.js";
import { combobox } from "./parts/combobox.js";
import { Delivery } from "./parts/delivery.js";
import { element, icon } from "./parts/dom.js";
import { History } from "./parts/history.js";
import { completeMovies } from "./parts/history-file.js";
import { profileSwitch } from "./parts/household.js";
import { LANGUAGES, format, language, switchLanguage, words } from "./parts/language.js";
import { mayOpen } from "./parts/other-account.js";
import { personUrl } from "./parts/people.js";
import { poster } from "./parts/posters.js";
import { allows, isLimited } from "./parts/profiles.js";
import { rematch } from "./parts/rematch.js";
import { Session, sessionLink } from "./parts/session.js";
import { refreshStars, stars } from "./parts/stars.js";
import { errorState, headingElement, loadingState } from "./parts/states.js";
import { clearTab } from "./parts/tab.js";
import { dismissOutdated, undoLast, toast, toastWithUndo } from "./parts/toast.js";

/** @typedef {import("./parts/history.js").Movie} Movie */
/**
 * `early`: the view is shown while `GET /v1/model` is pending; it awaits `app.asked` before it uses the model.
 * @typedef {{title: string, early?: boolean, show: (main: HTMLElement, app: App) => Promise<void>}} View
 */
/** @typedef {{version: string, model: string, trained: string | null, ratings: number, users?: number, movies?: number,
 *   scale: import("./parts/stars.js").Scale | null, map: boolean, posters: boolean, details?: boolean, facts?: boolean, sharing?: boolean, genres?: string[],
 *   metrics?: {on: string, figures: Record<string, number>}[], attribution?: string | null}} Model */

/**
 * The views, in the navigation's order. A view without `label` isn't in the navigation, one without `sign` isn't in the
 * phone's bar, one with `narrow` is in the bar only; `needs` is a required parameter, `part` the view in the navigation
 * that it is a part of.
 * @type {Record<string, {label?: string, sign?: Parameters<typeof icon>[0], narrow?: boolean, needs?: string, part?: string, load: () => Promise<View>}>}
 */
const VIEWS = {
  "for-you": { label: words.views.forYou, sign: "star", load: () => import("./views/for-you.js") },
  watchlist: { label: words.views.watchlist, sign: "bookmark", load: () => import("./views/watchlist.js") },
  search: { label: words.views.search, sign: "search", narrow: true, load: () => import("./views/search.js") },
  together: { label: words.views.together, sign: "people", load: () => import("./views/together.js") },
  map: { label: words.views.map, load: () => import("./views/map.js") },
  profile: { label: words.views.you, sign: "person", load: () => import("./views/profile.js") },
  films: { part: "profile", load: () => import("./views/films.js") },
  questions: { part: "profile", load: () => import("./views/questions.js") },
  bring: { part: "profile", load: () => import("./views/bring.js") },
  start: { load: () => import("./views/start.js") },
  row: { load: () => import("./views/row.js") },
  shared: { needs: "list", load: () => import("./views/shared.js") },
  signin: { load: () => import("./views/signin.js") },
  film: { needs: "movie", load: () => import("./views/film.js") },
  operator: { load: () => import("./views/operator.js") },
};

/** The view of an address without `view`. */
const FIRST_VIEW = "for-you";

/** Defaults, used until `GET /v1/model` has succeeded. @type {Model} */
const NO_MODEL = { version: "", model: "", trained: null, ratings: 0, scale: { low: 0.5, high: 5, step: 0.5 }, map: true, posters: false };

/** Milliseconds without scrolling before the position is stored. */
const SCROLL_PAUSE = 150;

/** The interface that each view gets. */
export class App {
  /** @param {Shared} shared @param {URLSearchParams} params @param {AbortSignal} signal */
  constructor(shared, params, signal) {
    this.shared = shared;
    this.api = shared.api;
    /** API client with the tab's API key, also while an account is open. */
    this.operator = shared.operator;
    this.history = shared.history;
    this.session = shared.session;
    /** The address's parameters. */
    this.params = params;
    /** Aborts when the view is left; pass it to listeners and requests. */
    this.signal = signal;
    this.element = element;
  }

  /** The response of `GET /v1/model`. */
  get model() {
    return this.shared.model;
  }

  /** Resolves once `GET /v1/model` has succeeded or failed. */
  get asked() {
    return this.shared.asked;
  }

  /** Show another view. @param {string} view @param {Record<string, string>} [params] */
  go(view, params = {}) {
    return navigate(`/?${new URLSearchParams({ view, ...params })}`);
  }

  /** Make another profile the current one, and show its films. @param {import("./parts/profiles.js").Profile} profile */
  switchProfile(profile) {
    switchProfile(profile);
  }

  /** Whether the profile's limit allows a film. @param {Movie} movie */
  allows(movie) {
    return allows(this.history.limit, movie);
  }

  /** Keep the filters with the profile, for its next turn. @param {string} query */
  keepFilters(query) {
    const { history } = this;
    if (!history.account) history.profiles.update(history.profile, { filters: query });
  }

  /** Set parameters of the address without leaving the view; null removes one. @param {Record<string, string | null>} changes */
  keep(changes) {
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === "") this.params.delete(name);
      else this.params.set(name, value);
    }
    this.shared.address = this.params.size ? `/?${this.params}` : "/";
    history.replaceState(history.state, "", this.shared.address);
  }

  /** Create a film's card. @param {import("./parts/cards.js").Item} item @param {import("./parts/cards.js").Options} [options] */
  card(item, options) {
    return card(this, item, options);
  }

  /** Create a film's poster. @param {Movie} movie */
  poster(movie) {
    return poster(movie, this.model.posters);
  }

  /** Create a film's star rating, with the current rating set. @param {Movie} movie */
  stars(movie) {
    const name = shorten(movie.title ?? words.film.number(movie.movie), 80);
    return stars(name, () => this.history.rating(movie.movie), (rating) => this.rate(movie, rating), this.model.scale);
  }

  /** Rate a film, or delete the rating with null, and show a message with "Undo". @param {Movie} movie @param {number | null} rating */
  rate(movie, rating) {
    const { marks } = words;
    const name = titleText(movie, words.film.number(movie.movie));
    const change = this.history.rate(movie, rating);
    this.toast(rating === null ? marks.ratingDeleted(name) : this.history.plain ? marks.liked(name) : marks.rated(name, rating), true);
    return change;
  }

  /** Hide a film from recommendations, and show a message with "Undo". @param {Movie} movie @param {"seen" | "not_interested"} kind */
  hide(movie, kind) {
    const change = this.history.hide(movie, kind);
    this.toast(words.marks[kind === "seen" ? "nowSeen" : "refused"](titleText(movie, words.film.it)), true);
    return change;
  }

  /** Put a film on the watchlist, and show a message with "Undo". @param {Movie} movie */
  want(movie) {
    const change = this.history.want(movie);
    this.toast(words.marks.wanted(titleText(movie, words.film.it)), true);
    return change;
  }

  /** Create a film search field. @param {Parameters<typeof combobox>[1]} options */
  finder(options) {
    return combobox(this.api, { allowed: (movie) => this.allows(movie), ...options });
  }

  /** Show a message to screen readers. @param {string} text */
  announce(text) {
    byId("announcer").textContent = text;
  }

  /** Show a message for a while. @param {string} text @param {boolean} [undo] whether it is about the last change, and offers "Undo" */
  toast(text, undo = false) {
    if (undo) toastWithUndo(this.history, text);
    else toast(text);
  }

  /** Show the loading state. @param {HTMLElement} main @param {string} text @param {number} [n] */
  loading(main, text, n) {
    main.replaceChildren(loadingState(text, n));
  }

  /** The error state of a view: for 401 the form for an API key, else the message with "Try again". @param {unknown} error */
  failed(error, again = () => navigate(location.href, false)) {
    if (/** @type {{status?: number}} */ (error).status !== 401 || this.signal.aborted) return errorState(error, again);
    if (!this.shared.dropCredentials()) return keyForm(this.shared);
    navigate(location.href, false);
    return loadingState(words.account.withoutIt);
  }

  /** Test an API key on a path and store it if it is accepted. @param {string} key @param {string} path */
  unlock(key, path) {
    return this.shared.unlock(key, path);
  }

  /** Leave the account, or sign out. Returns why that failed. @param {boolean} [everywhere] sign out in all browsers */
  leave(everywhere = false) {
    return this.shared.signOut(everywhere);
  }

  /** Open the account of who has signed in, after signing in. */
  follow() {
    return this.shared.follow();
  }

  /** Report the model version of a response; a new version is announced. @param {string} version */
  async answeredBy(version) {
    const before = this.model.version;
    if (!version || version === before) return;
    await this.shared.askModel();
    if (this.model.version === before) return; // the list is by the candidate
    if (before) this.toast(words.frame.updated);
    this.shared.rematch();
  }
}

/** State shared by all views. */
class Shared {
  constructor() {
    this.api = new Api();
    this.operator = new Api();
    this.history = new History();
    this.session = new Session();
    this.delivery = new Delivery(this.history, {
      banner: showBanner,
      refused: (title, why) => toast(words.trouble.refused(titleText({ movie: "", title }, ""), why)),
      expired: () => { if (this.dropCredentials(false)) navigate(location.href, false); },
    });
    this.model = NO_MODEL;
    /** @type {Promise<void>} */
    this.asked = Promise.resolve();
    /** @type {AbortController} */
    this.view = new AbortController();
    /** Whether the operator's view is open to this browser. */
    this.operates = false;
    /** The current address, without its fragment. */
    this.address = "";
  }

  /** Load the model's description and show it in the footer. */
  async askModel() {
    try {
      const answer = /** @type {Model} */ (await this.api.get("/v1/model"));
      this.model = { ...NO_MODEL, ...answer };
      keepModel(answer);
      this.askRole();
    } catch (error) {
      // The view's own request shows the error; until then the page uses what it knows, or the defaults.
      if (/** @type {ApiError} */ (error).status === 0) this.model = { ...NO_MODEL, ...keptModel() };
    }
    this.history.plain = this.model.scale === null;
    this.history.scale = this.model.scale;
    showMapLink(this.model, this.history);
    showFooter(this.model, this.history);
  }

  /** Link the operator's view for those who may use it: with an admin key, or on a server that is open on this machine. */
  async askRole() {
    const client = this.operator.credentials["X-API-Key"] ? this.operator : this.api;
    const { role } = await client.get("/v1/me").catch(() => ({ role: "page" }));
    this.operates = role === "admin";
    document.getElementById("for-operator")?.toggleAttribute("hidden", !this.operates);
  }

  /** Match films of earlier imports with a new model, and add the titles that the history lacks. */
  async rematch() {
    const { api, history, model } = this;
    const films = await rematch(api, history, model).catch(() => []);
    if (films.length === 1) toast(words.lacking.one(titleText(films[0], words.film.a)));
    if (films.length > 1) toast(words.lacking.found(films.length));
    if (![history.watchlist, history.hidden, history.likes].some((part) => [...part.values()].some(({ title }) => title === undefined))) return;
    await completeMovies(api, history, false);
    history.keepTitles();
  }

  /** Sign out, or else leave the account of the tab's token. Returns why that failed; "" if it didn't. @param {boolean} everywhere */
  async signOut(everywhere) {
    if (!this.api.signedIn) {
      this.leave();
      return "";
    }
    try {
      await this.session.leave(everywhere);
      this.leave();
      return "";
    } catch (error) {
      const problem = words.signIn.stillIn(/** @type {Error} */ (error).message);
      toast(problem);
      return problem;
    }
  }

  /** Open the account of who has signed in now, in this tab or another. A tab with an account of its own keeps it. */
  async follow() {
    if (tabItem("cinematrix-token")) return;
    if (this.history.account) this.leave(false);
    await this.openAccount();
    this.asked = this.askModel();
    await this.asked;
  }

  /** Follow if the tab's account isn't that of who has signed in, as after signing in or out in another tab. */
  async catchUp() {
    if (tabItem("cinematrix-token") || this.session.user === (this.history.account?.user ?? null)) return;
    await this.follow();
    navigate(location.href, false);
  }

  /** Delete the token, since the server refuses every request with an invalid one. @param {boolean} [forget] whether changes that wait for the server are lost */
  leave(forget = true) {
    tabItem("cinematrix-token", "");
    this.identify();
    this.history.close(forget);
    this.delivery.copied = false;
    this.delivery.show();
    showFooter(this.model, this.history);
  }

  /** Set the credentials: the tab's token, or else the session, or else the tab's API key; for the operator's client the key. Returns whether there is an account. */
  identify() {
    const [token, key] = [tabItem("cinematrix-token"), tabItem("cinematrix-key")];
    this.operator.credentials = key ? { "X-API-Key": key } : {};
    this.api.signedIn = !token && this.session.user !== null;
    this.api.credentials = token ? { Authorization: `Bearer ${token}` } : this.api.signedIn ? {} : this.operator.credentials;
    return Boolean(token) || this.api.signedIn;
  }

  /** Test an API key on a path and store it if it is accepted. @param {string} key @param {string} path */
  async unlock(key, path) {
    const api = new Api({ "X-API-Key": key });
    await api.get(path);
    tabItem("cinematrix-key", key);
    this.operator.credentials = api.credentials;
    if (!this.api.credentials.Authorization && !this.api.signedIn) this.api.credentials = api.credentials;
    this.askRole();
  }

  /** Delete the invalid token, or else the invalid key. Returns whether there was one. @param {boolean} [forget] as in `leave` */
  dropCredentials(forget = true) {
    const { Authorization: token, "X-API-Key": key } = this.api.credentials;
    if (this.api.signedIn) {
      this.session.ended();
      this.leave(forget);
      showBanner(words.signIn.ended);
      return true;
    }
    if (token) {
      this.leave(forget);
      showBanner(words.account.gone);
    } else {
      tabItem("cinematrix-key", "");
      this.identify();
    }
    return Boolean(token || key);
  }

  /** Read the token from the address's fragment, or else from the tab, and load its user's history. */
  async openAccount() {
    const fragment = new URLSearchParams(location.hash.slice(1));
    const token = fragment.get("token");
    if (token) {
      history.replaceState(null, "", location.pathname + location.search);
      const before = tabItem("cinematrix-token");
      const may = await mayOpen(token, before, this.history.empty);
      if (may === null) showBanner(words.account.deadLink);
      if (may) {
        if (before && before !== token) clearTab();
        tabItem("cinematrix-token", token);
      }
    }
    if (this.session.user !== null && !tabItem("cinematrix-token")) {
      await this.session.asked;
      if (this.session.user === null) showBanner(words.signIn.ended);
    }
    if (!this.identify()) return;
    try {
      const { user } = await this.api.get("/v1/me");
      if (user === null || user === undefined) return;
      if (this.history.outbox.of(user).length) await this.history.send({ api: this.api, user });
      await this.history.open(this.api, user);
      showFooter(this.model, this.history);
    } catch (error) {
      if (this.api.unauthorized) this.dropCredentials();
      else if (/** @type {ApiError} */ (error).status === 0 && this.history.reopen(this.api)) this.delivery.showsCopy();
      else showBanner(words.account.closed(/** @type {Error} */ (error).message));
    }
  }
}

/** Read or write an item of sessionStorage; "" clears it. Returns the value, also without storage. @param {string} name @param {string} [value] */
function tabItem(name, value) {
  try {
    if (value !== undefined) sessionStorage.setItem(name, value);
    return sessionStorage.getItem(name);
  } catch {
    return value ?? null;
  }
}

/** An element of the frame. @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

const shared = new Shared();

/**
 * Show the view of an address.
 * @param {string} url
 * @param {boolean} [push] whether to add it to the browser's history
 */
async function navigate(url, push = true) {
  const target = new URL(url, location.href);
  const stored = (!push && history.state) || {};
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
  const main = element("main", { id: "main", tabindex: "-1", "data-view": name, "aria-busy": "true" });
  byId("main").replaceWith(main);
  markInNavigation(name);
  scrollTo(0, 0);
  try {
    const view = await loadView(name, target);
    const { limit } = shared.history;
    if (!view.early || limit.age !== null) await shared.asked;
    if (limit.age !== null) await loadAges(shared.api, shared.model.version);
    if (signal.aborted) return;
    document.title = name === FIRST_VIEW ? "Cinematrix" : `${view.title} · Cinematrix`;
    const shown = view.show(main, app);
    if (push) main.focus({ preventScroll: true });
    await shown;
    if (!signal.aborted && scrollY === 0) restoreScroll(stored);
  } catch (error) {
    if (signal.aborted) return;
    document.title = "Cinematrix";
    main.replaceChildren();
    main.append(app.failed(error));
  } finally {
    main.removeAttribute("aria-busy");
  }
}

/** The rows of the view, by their names. @returns {[string, Element][]} */
const namedRows = () => [...document.querySelectorAll(".row[data-key] > .strip-of-cards")].map((strip) => [/** @type {HTMLElement} */ (strip.parentElement).dataset.key ?? "", strip]);

/** Store the scroll position of the page and of its rows in the browser's history. */
function rememberScroll() {
  const rows = namedRows().filter(([, strip]) => strip.scrollLeft > 0).map(([name, strip]) => [name, strip.scrollLeft]);
  history.replaceState({ scroll: scrollY, rows: Object.fromEntries(rows) }, "");
}

/** Scroll the page and its rows to a stored position. @param {{scroll?: number, rows?: Record<string, number>}} stored */
function restoreScroll({ scroll = 0, rows = {} }) {
  for (const [name, strip] of namedRows()) if (rows[name]) strip.scrollTo({ left: rows[name], behavior: "instant" });
  scrollTo(0, scroll);
}

/** Load the view of an address. @param {string} name @param {URL} address @returns {Promise<View>} */
async function loadView(name, { pathname, searchParams: params }) {
  if (pathname !== "/") throw new ApiError(404, words.trouble.noPath);
  const { load, needs } = Object.hasOwn(VIEWS, name) ? VIEWS[name] : {};
  if (!load) throw new ApiError(404, words.trouble.noView);
  if (needs && !params.get(needs)) throw new ApiError(404, needs === "movie" ? words.trouble.noFilm : words.trouble.incomplete);
  return load().catch(async () => {
    if (await isOutdated()) location.reload();
    throw connectionError();
  });
}

/** Whether the server has another version of the page, whose views don't fit this one. */
async function isOutdated() {
  const answer = await fetch("/page/files.json").then((response) => response.json(), () => null);
  return Boolean(answer) && !import.meta.url.includes(`/${answer.version}/`);
}

/** Make another profile the current one, and show its films with the filters that it had. @param {import("./parts/profiles.js").Profile} profile */
function switchProfile({ id, name, filters }) {
  shared.history.profiles.select(id);
  navigate(filters ? `/?${filters}` : "/");
  toast(words.household.nowWatching(shorten(name, 30)));
  shared.rematch();
}

/** Keep the model's description, for a start without the server. @param {Model} model */
function keepModel(model) {
  try {
    localStorage.setItem("cinematrix-model", JSON.stringify(model));
  } catch { /* without storage the page starts with the defaults */ }
}

/** The model's description as it was last answered; empty if there is none. @returns {Partial<Model>} */
function keptModel() {
  try {
    return JSON.parse(localStorage.getItem("cinematrix-model") ?? "{}");
  } catch {
    return {};
  }
}

/** Mark the view in the navigation. @param {string} name */
function markInNavigation(name) {
  for (const link of byId("views").querySelectorAll("a")) {
    if (link.dataset.view === (VIEWS[name]?.part ?? name)) {
      link.setAttribute("aria-current", "page");
      byId("views").scrollLeft = link.offsetLeft - (byId("views").clientWidth - link.offsetWidth) / 2;
    } else link.removeAttribute("aria-current");
  }
}

/** Show the map in the navigation, if the model has one and the profile may see all of it. @param {Model} model @param {History} history */
function showMapLink(model, { limit }) {
  byId("views").querySelector("[data-view=map]")?.toggleAttribute("hidden", !model.map || isLimited(limit));
}

/** Show a banner at the top of the page; "" hides it. @param {string} text */
function showBanner(text) {
  byId("banner").textContent = text;
  byId("banner").hidden = !text;
}

/** Fill the footer. @param {Model} model @param {History} history */
function showFooter(model, history) {
  const trained = model.trained && format.longDay(new Date(model.trained));
  const where = history.account ? words.frame.storedInAccount(shorten(String(history.account.user), 40)) : words.frame.storedHere;
  byId("foot").replaceChildren(...[
    element("p", {}, model.version && words.frame.trainedOn(trained, model.ratings, history.plain), model.version && element("span", { class: "version" }, ` · ${model.model} ${model.version}`)),
    element("p", {}, where),
    element("p", {}, model.attribution && element("span", {}, answer(model.attribution), " "), words.frame.posters(model.posters)),
    (model.posters || model.details) && element("p", {}, words.frame.tmdb(element("a", { href: "https://www.themoviedb.org/", rel: "noreferrer noopener" }, "TMDB"))),
    element("p", { id: "for-operator", hidden: !shared.operates }, element("a", { href: "/?view=operator" }, words.frame.operator)),
    languageChoice(),
  ].filter((each) => each instanceof Node));
}

/** The choice of the page's language, each by its own name. */
function languageChoice() {
  const buttons = Object.entries(LANGUAGES).map(([code, name]) => element("button", { type: "button", class: "ghost small", lang: code, "aria-pressed": String(code === language), onclick: () => { rememberScroll(); switchLanguage(code); } }, name));
  return element("div", { class: "buttons languages", role: "group", "aria-label": words.frame.language }, buttons);
}

/** The form for an API key. @param {Shared} shared */
function keyForm(shared) {
  const field = /** @type {HTMLInputElement} */ (element("input", { id: "key", type: "password", autocomplete: "off", required: true }));
  const note = element("p", { role: "status" }, words.account.askForKey);
  const heading = headingElement(words.account.needsKey);
  const name = () => { if (shared.session.offered) heading.textContent = words.signIn.toSee; };
  name();
  shared.session.asked.then(name);
  return element("section", { class: "state" },
    heading, note,
    element("p", { class: "buttons" }, sessionLink(shared.session, shared.history)),
    element("form", { class: "buttons", onsubmit: async (/** @type {Event} */ event) => {
      event.preventDefault();
      try {
        await shared.unlock(field.value.trim(), "/v1/model");
        shared.asked = shared.askModel();
        navigate(location.href, false);
      } catch (error) {
        const { status, message } = /** @type {ApiError} */ (error);
        note.textContent = status === 401 ? words.account.badKey : message;
      }
    } }, element("label", { for: "key" }, words.account.key), field, element("button", { class: "primary" }, words.account.open)));
}

/** The button that switches between light and dark. */
function themeSwitch() {
  const root = document.documentElement;
  const dark = () => (root.dataset.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const button = element("button", { type: "button", class: "ghost round" });
  const show = () => {
    button.replaceChildren(icon(dark() ? "sun" : "moon"));
    button.setAttribute("aria-label", dark() ? words.frame.light : words.frame.dark);
  };
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try {
      localStorage.setItem("cinematrix-theme", root.dataset.theme);
    } catch { /* without storage it lasts until a reload */ }
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
  show();
  return button;
}

/** Whether a click opens a view of this page in this tab. @param {MouseEvent} event @param {HTMLAnchorElement} link */
function isInternalClick(event, link) {
  const plain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
  return plain && link.origin === location.origin && link.pathname === "/" && !link.hash && !link.hasAttribute("download");
}

/** Refuse a file dropped outside a file field, which the browser would open instead of the page. @param {Event} event */
function refuseFile(event) {
  const { dataTransfer } = /** @type {DragEvent} */ (event);
  const place = event.target instanceof Element && event.target.closest("input[type=file]");
  if (event.defaultPrevented || place || !dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  dataTransfer.dropEffect = "none";
}

/** Add the page's listeners. */
function listen() {
  history.scrollRestoration = "manual"; // the browser would restore it before the view is shown
  let still = 0;
  addEventListener("scroll", () => {
    clearTimeout(still);
    still = setTimeout(rememberScroll, SCROLL_PAUSE);
  }, { capture: true });
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
  shared.delivery.show();
  addEventListener("online", () => navigate(location.href, false));
  shared.history.addEventListener("change", () => { refreshStars(); dismissOutdated(shared.history); });
  let limit = JSON.stringify(shared.history.limit);
  shared.history.profiles.addEventListener("change", (event) => {
    showMapLink(shared.model, shared.history);
    const before = limit;
    limit = JSON.stringify(shared.history.limit);
    const { detail } = /** @type {CustomEvent} */ (event);
    if (detail === "elsewhere" && limit !== before) navigate(location.href, false);
  });
  shared.session.addEventListener("elsewhere", () => shared.catchUp());
  shared.history.addEventListener("failed", (event) => {
    const { status, message } = /** @type {CustomEvent<ApiError>} */ (event).detail;
    toast(words.trouble.notSaved(status === 401 ? words.trouble.accountShut : message));
    if (status !== 401 || !shared.history.account) return; // a view may already have left the account
    shared.dropCredentials();
    navigate(location.href, false);
  });
  shared.history.addEventListener("full", () => showBanner(words.trouble.noStorage));
}

/** Say a text of `index.html` in the page's language: its own, or its label. @param {HTMLElement} place */
function sayInFrame(place) {
  const text = /** @type {Record<string, any>} */ (words.frame)[place.dataset.words ?? ""];
  if (place.hasAttribute("aria-label")) place.setAttribute("aria-label", text);
  else place.textContent = text;
}

/** Start the page: header, account, first view. */
async function start() {
  for (const place of document.querySelectorAll("[data-words]")) sayInFrame(/** @type {HTMLElement} */ (place));
  byId("views").append(...Object.entries(VIEWS).filter(([, view]) => view.label).map(([name, { label, sign, narrow }]) =>
    element("a", { href: name === FIRST_VIEW ? "/" : `/?view=${name}`, class: [sign && "in-bar", narrow && "only-bar"].filter(Boolean).join(" ") || null, "data-view": name }, sign && icon(sign), label)));
  const choose = (/** @type {Movie} */ movie) => navigate(`/?${new URLSearchParams({ view: "film", movie: String(movie.movie) })}`);
  const submit = (/** @type {string} */ query) => navigate(`/?${new URLSearchParams({ view: "search", query })}`);
  byId("tools").append(combobox(shared.api, { label: words.search.films, choose, choosePerson: (name) => navigate(personUrl(name)), submit, allowed: (movie) => allows(shared.history.limit, movie) }), profileSwitch(shared.history, switchProfile), sessionLink(shared.session, shared.history), themeSwitch());
  listen();
  shared.session.ask();
  const entered = shared.openAccount();
  shared.asked = shared.askModel();
  await entered;
  await navigate(location.href, false);
  shared.session.asked.then(() => shared.catchUp());
  shared.asked.then(() => shared.rematch());
  navigator.serviceWorker?.register("/page/worker.js", { scope: "/" }).catch(() => { /* the page works without it while the server does */ });
}

start();
