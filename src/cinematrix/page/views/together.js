/** Group view: one list for two to eight people, with a reason for each, and vetoes. */

import { loadAccount } from "../parts/account.js";
import { Api } from "../parts/api.js";
import { requestBody } from "../parts/body.js";
import { filmUrl, factsLine, oneDecimal, reasonParts, shorten, titleElement } from "../parts/cards.js";
import { dialParameters, dials } from "../parts/dials.js";
import { icon } from "../parts/dom.js";
import { format, words } from "../parts/language.js";
import { stars } from "../parts/stars.js";
import { loadingState } from "../parts/states.js";
import { writeTab, readTab } from "../parts/tab.js";

export const title = words.views.together;

/** Maximum people, maximum opinions shown unfolded, and films in the list. */
const [MAX_PEOPLE, MAX_OPINIONS, FILMS] = [8, 4, 12];

/** Tab-storage keys of the friends, and of the vetoes and the method. */
const [FRIENDS_KEY, GROUP_KEY] = ["friends", "evening"];

/** @typedef {import("../parts/history.js").Movie & {rating: number}} Rated */
/** @typedef {{movie: number | string, kind: import("../parts/history.js").Kind}} Hidden */
/** `user`: the ID of an account whose history the server has; `profile`: the ID of a profile in this browser. @typedef {{name: string, ratings: Rated[], hidden: Hidden[], user?: string, profile?: string}} Friend */
/** @typedef {{name: string, stars: number, low: number | null, high: number | null, because: import("../parts/cards.js").Reason[]}} Opinion */
/** @typedef {import("../parts/history.js").Movie & {score: number, members: Opinion[]}} GroupFilm */

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const { element } = app;
  const group = new Group(app);
  main.append(
    element("div", { class: "head" }, element("h1", {}, title),
      element("p", { class: "lead" }, words.together.lead)),
    group.people, group.household, group.friendForm(), dials(app, () => group.refresh()), group.list);
  app.history.on("change", () => group.refresh(), app.signal);
  app.api.get("/v1/me", {}, app.signal).then(({ role }) => group.allowIds(["read", "write", "admin"].includes(role)), () => {});
  await group.refresh();
}

/** The people, their vetoes, and their list. */
class Group {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    this.app = app;
    /** @type {Friend[]} */
    this.friends = loadFriends();
    const { how = "average", veto = [] } = readTab(GROUP_KEY) ?? {};
    /** @type {Map<number | string, import("../parts/history.js").Movie>} */
    this.veto = new Map(veto.map((/** @type {import("../parts/history.js").Movie} */ film) => [film.movie, film]));
    /** @type {string} */
    this.method = how;
    this.people = app.element("ul", { class: "people-here", "aria-label": words.together.people });
    this.household = app.element("p", { class: "buttons at-home" });
    this.list = app.element("div", { class: "together" });
    this.idHint = app.element("span", { hidden: true }, words.together.orId);
    /** @type {AbortController | null} */
    this.request = null;
  }

  /** Show whether accounts may be named by ID. @param {boolean} allowed */
  allowIds(allowed) {
    this.idHint.hidden = !allowed;
  }

  /**
   * A friend with an account, by the account's token or link, or by ID. The history is read once; the token isn't stored.
   * @param {string} text @returns {Promise<Friend>}
   */
  async accountMember(text) {
    const [token] = /cmt_[\w-]+/.exec(text) ?? [];
    if (!token && this.idHint.hidden) throw new Error(words.together.noToken);
    if (!token) return { name: text, ratings: [], hidden: [], user: text };
    const api = new Api();
    api.credentials = { Authorization: `Bearer ${token}` };
    const { user } = await api.get("/v1/me", {}, this.app.signal).catch((error) => {
      throw error.status === 401 ? new Error(words.together.deadToken) : error;
    });
    const { ratings, hidden } = await loadAccount(api, user);
    return { name: String(user), ratings, hidden };
  }

  /** The name of the person at this browser: that of the profile, if there are several. */
  get me() {
    const { account, profiles } = this.app.history;
    return account || profiles.all.length === 1 ? words.together.you : profiles.current.name;
  }

  /** The films of a friend; those of a profile as they are now. @param {Friend} friend */
  filmsOf({ ratings, hidden, profile }) {
    const { history } = this.app;
    const stored = profile === undefined ? { ratings, hidden } : history.profiles.read("cinematrix-history", profile) ?? {};
    return requestBody(stored.ratings ?? [], [...(stored.hidden ?? []), ...(stored.likes ?? [])], history.plain);
  }

  /** The request body, with the filters and the limits of all who are here. */
  async body() {
    const { history } = this.app;
    const limits = [history.limit, ...history.profiles.all.filter(({ id }) => this.friends.some(({ profile }) => profile === id)).map(({ limit }) => limit)];
    const me = { name: this.me, ...history.body() };
    const members = this.friends.map((friend) => (friend.user === undefined
      ? { name: friend.name, ...this.filmsOf(friend) }
      : { user: /^-?\d{1,15}$/.test(friend.user) ? Number(friend.user) : friend.user }));
    return { members: [me, ...members], how: this.method, veto: [...this.veto.keys()], n: FILMS, ...(await dialParameters(this.app, limits)) };
  }

  /** Buttons that add the other profiles of this browser. */
  householdButtons() {
    const { account, profiles } = this.app.history;
    const absent = (account ? profiles.all : profiles.others).filter(({ id }) => !this.friends.some(({ profile }) => profile === id));
    if (account || this.friends.length + 2 > MAX_PEOPLE) return [];
    return absent.map(({ id, name }) => this.app.element("button", { type: "button", class: "ghost", onclick: () => {
      this.friends.push({ name, ratings: [], hidden: [], profile: id });
      /** @type {HTMLDetailsElement | null} */ (this.household.parentElement?.querySelector("details.add"))?.removeAttribute("open");
      this.app.announce(words.together.added);
      this.refresh();
    } }, icon("people"), words.together.addOf(this.app.element("bdi", {}, shorten(name, 30)))));
  }

  /** Store the group, and load the list. */
  async refresh() {
    writeTab(FRIENDS_KEY, this.friends);
    writeTab(GROUP_KEY, { how: this.method, veto: [...this.veto.values()].map(({ movie, title, year }) => ({ movie, title, year })) });
    this.friends = this.friends.filter(({ profile }) => profile === undefined || this.app.history.profiles.others.some(({ id }) => id === profile));
    this.people.replaceChildren(...this.peopleItems());
    this.household.replaceChildren(...this.householdButtons());
    if (!this.friends.length) return this.list.replaceChildren(this.app.element("p", { class: "note" }, this.household.childElementCount ? words.together.fromHome : words.together.atLeastOne));
    this.request?.abort();
    this.request = new AbortController();
    const signal = AbortSignal.any([this.request.signal, this.app.signal]);
    if (!this.list.querySelector(".group")) this.list.replaceChildren(loadingState(words.together.looking));
    try {
      const { items, below } = await this.app.api.post("/v1/groups/recommendations", await this.body(), signal);
      this.list.replaceChildren(...this.listParts(items, below));
    } catch (error) {
      if (!signal.aborted) this.list.replaceChildren(this.app.failed(error, () => this.refresh()));
    }
  }

  /** The list of people; friends can be removed. */
  peopleItems() {
    const { element } = this.app;
    const size = this.app.history.size;
    return [
      element("li", {}, element("strong", {}, element("bdi", {}, shorten(this.me, 40))), element("span", { class: "facts" }, size ? words.film.count(size) : words.together.noFilms)),
      ...this.friends.map((friend) => element("li", {},
        element("strong", {}, element("bdi", {}, shorten(friend.name, 40))),
        element("span", { class: "facts" }, friend.user === undefined ? words.film.count(this.filmsOf(friend).ratings.length) : words.together.account),
        element("button", { type: "button", class: "ghost round small", "aria-label": words.together.remove(shorten(friend.name, 40)), onclick: () => {
          this.friends = this.friends.filter((other) => other !== friend);
          this.refresh();
        } }, icon("close")))),
    ];
  }

  /** The form that adds a friend. */
  friendForm() {
    const { app, app: { element } } = this;
    const name = /** @type {HTMLInputElement} */ (element("input", { id: "friend-name", type: "text", maxlength: 60, autocomplete: "off", placeholder: words.together.name }));
    const user = /** @type {HTMLInputElement} */ (element("input", { id: "friend-user", type: "text", maxlength: 200, autocomplete: "off" }));
    const file = /** @type {HTMLInputElement} */ (element("input", { id: "friend-file", type: "file", accept: ".zip,.csv,.xml,.json,.tsv,.txt,.dat" }));
    const status = element("p", { class: "facts", role: "status" });
    const films = element("ul", { class: "friend-films" });
    /** @type {Map<number | string, Rated>} */
    let rated = new Map();
    const draw = () => films.replaceChildren(...[...rated.values()].map((film) => element("li", {},
      element("span", {}, titleElement(film)), stars(shorten(film.title ?? "", 60), () => rated.get(film.movie)?.rating ?? null, (/** @type {number | null} */ rating) => {
        if (rating === null) rated.delete(film.movie);
        else rated.set(film.movie, { ...film, rating });
        draw();
      }, app.model.scale))));
    const finder = app.finder({ label: words.together.lovedFilm, placeholder: words.together.lovedHint, choose: (movie) => {
      rated.set(movie.movie, { ...movie, rating: app.model.scale?.high ?? 1 });
      draw();
    } });
    const add = async () => {
      status.textContent = "";
      try {
        if (this.friends.length + 2 > MAX_PEOPLE) throw new Error(words.together.atMost);
        const account = user.value.trim();
        const [given] = file.files ?? [];
        const friend = account ? await this.accountMember(account) : given ? await importFriend(app, given) : { name: "", ratings: [], hidden: [] };
        friend.ratings.push(...rated.values());
        if (!friend.ratings.length && !friend.hidden.length && !account) throw new Error(words.together.nothingGiven);
        this.friends.push({ ...friend, name: name.value.trim() || friend.name || words.together.friend(this.friends.length + 1) });
        rated = new Map();
        draw();
        for (const field of [name, user, file]) field.value = "";
        form.open = false;
        summary.focus();
        app.announce(words.together.added);
        await this.refresh();
      } catch (error) {
        if (!app.signal.aborted) status.textContent = /** @type {Error} */ (error).message;
      }
    };
    const summary = element("summary", {}, words.together.addFriend);
    const form = /** @type {HTMLDetailsElement} */ (element("details", { class: "add", open: this.friends.length === 0 }, summary,
      element("div", { class: "add-body" },
        element("div", {}, element("label", { class: "label", for: "friend-name" }, words.together.name), name),
        element("div", { class: "friend-taste" }, finder, films),
        element("div", {}, element("label", { class: "label", for: "friend-file" }, words.together.file), file),
        element("div", {}, element("label", { class: "label", for: "friend-user" }, words.together.byAccount, this.idHint), user),
        element("div", { class: "buttons" }, element("button", { type: "button", class: "primary", onclick: add }, words.together.add), status))));
    return form;
  }

  /**
   * The elements of the list: method, vetoes, films.
   * @param {GroupFilm[]} items @param {number} below films that one of the people would rate below their own mean
   */
  listParts(items, below) {
    const { element } = this.app;
    const ways = /** @type {[string, string][]} */ ([["average", words.together.average], ["least_misery", words.together.leastMisery]]);
    const choice = element("div", { class: "buttons", role: "group", "aria-label": words.together.how }, ways.map(([how, label]) =>
      element("button", { type: "button", class: this.method === how ? "primary" : "ghost", "aria-pressed": String(this.method === how), onclick: () => { this.method = how; this.refresh(); } }, label)));
    const vetoed = this.veto.size > 0 && element("p", { class: "facts vetoed" }, words.together.vetoed, [...this.veto.values()].map((film) =>
      element("button", { type: "button", class: "ghost small", "aria-label": words.together.undoVeto(shorten(film.title ?? "", 60)), onclick: () => { this.veto.delete(film.movie); this.refresh(); } }, titleElement(film), icon("undo"))));
    const few = below > 0 && element("p", { class: "note" }, below === items.length ? words.together.none : words.together.few(items.length - below));
    return [choice, vetoed, few, element("ul", { class: "group" }, items.map((item) => element("li", {}, this.filmItem(item))))].filter((each) => each instanceof Node);
  }

  /** What orders the list, as exactly as it does: the mean of the stars shown, or the lowest. @param {GroupFilm} item */
  score({ score }) {
    return this.method === "average" ? format.oneOrTwo(score) : oneDecimal(score);
  }

  /** Each person's expected rating and reason. For many people, the lowest and the highest until unfolded. @param {GroupFilm} item */
  opinions({ members, title }) {
    const { element, history: { plain, size } } = this.app;
    const personal = [size > 0, ...this.friends.map((friend) => friend.user !== undefined || this.filmsOf(friend).ratings.length > 0)];
    const all = element("dl", { class: "opinions" }, members.map((one, at) => element("div", {},
      element("dt", {}, element("bdi", {}, shorten(one.name, 30))),
      element("dd", {}, !plain && element("span", { class: "expected-stars" }, expectation(one), element("span", { class: "one-star", "aria-label": words.film.starsSign, role: "img" })),
        element("span", { class: "facts" }, one.because.length ? reasonParts(words.because, one.because[0], this.app.model.scale, title) : !personal[at] && words.together.averageScore)))));
    if (members.length <= MAX_OPINIONS) return all;
    const [least, ...rest] = [...members].sort((one, other) => one.stars - other.stars);
    const end = (/** @type {Opinion} */ one) => [`${expectation(one)} (`, element("bdi", {}, shorten(one.name, 20)), ")"];
    return element("details", { class: "why" }, element("summary", {}, ...(plain ? [words.together.whyEach] : words.together.ends(end(least), end(rest[rest.length - 1])))), all);
  }

  /** One film of the list. @param {GroupFilm} item */
  filmItem(item) {
    const { element } = this.app;
    return element("article", { class: "group-film", "data-movie": item.movie },
      element("a", { class: "group-poster", href: filmUrl(item.movie), tabindex: "-1", "aria-hidden": "true" }, this.app.poster(item)),
      element("div", { class: "group-words" },
        element("h2", {}, element("a", { href: filmUrl(item.movie) }, titleElement(item))),
        element("p", { class: "facts" }, factsLine(item)),
        !this.app.history.plain && element("p", { class: "group-score" }, this.method === "average" ? words.together.onAverage : words.together.atLeast,
          element("span", { class: "expected-stars" }, this.score(item), element("span", { class: "one-star", "aria-label": words.film.starsSign, role: "img" }))),
        this.opinions(item),
        element("button", { type: "button", class: "ghost small", "aria-label": words.together.vetoOf(shorten(item.title ?? "", 60)), onclick: () => { this.veto.set(item.movie, item); this.refresh(); } }, icon("no"), words.together.veto)));
  }
}

/** A person's expected rating as text. @param {Opinion} opinion */
function expectation({ stars: expected }) {
  return oneDecimal(expected);
}

/** A friend from an exported file. @param {import("../app.js").App} app @param {File} file @returns {Promise<Friend>} */
async function importFriend(app, file) {
  const { ratings, events } = await app.api.post(`/v1/imports?${new URLSearchParams({ name: file.name.slice(0, 200) })}`, file, app.signal);
  const seen = (events.seen ?? []).map((/** @type {number | string} */ movie) => ({ movie, kind: "seen" }));
  return { name: "", ratings, hidden: seen };
}

/** The stored friends; invalid entries are ignored. @returns {Friend[]} */
function loadFriends() {
  const stored = readTab(FRIENDS_KEY);
  return Array.isArray(stored) ? stored.filter((friend) => typeof friend?.name === "string" && Array.isArray(friend.ratings) && Array.isArray(friend.hidden)) : [];
}
