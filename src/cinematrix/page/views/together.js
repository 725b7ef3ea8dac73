/** Group view: one list for two to eight people, with a reason for each, and vetoes. */

import { loadAccount } from "../parts/account.js";
import { Api } from "../parts/api.js";
import { requestBody } from "../parts/body.js";
import { filmUrl, factsLine, oneDecimal, plural, reasonParts, shorten, titleElement } from "../parts/cards.js";
import { dialParameters, dials } from "../parts/dials.js";
import { icon } from "../parts/dom.js";
import { stars } from "../parts/stars.js";
import { loadingState } from "../parts/states.js";
import { writeTab, readTab } from "../parts/tab.js";

export const title = "Together";

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
    element("div", { class: "head" }, element("h1", {}, "Together"),
      element("p", { class: "lead" }, "One list for two to eight people, with a reason for each. Films that one of you has seen are left out.")),
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
    this.people = app.element("ul", { class: "people-here", "aria-label": "People" });
    this.household = app.element("p", { class: "buttons at-home" });
    this.list = app.element("div", { class: "together" });
    this.idHint = app.element("span", { hidden: true }, ", or its ID");
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
    if (!token && this.idHint.hidden) throw new Error("This is no link or token of an account.");
    if (!token) return { name: text, ratings: [], hidden: [], user: text };
    const api = new Api();
    api.credentials = { Authorization: `Bearer ${token}` };
    const { user } = await api.get("/v1/me", {}, this.app.signal).catch((error) => {
      throw error.status === 401 ? new Error("This token opens no account, or it has expired.") : error;
    });
    const { ratings, hidden } = await loadAccount(api, user);
    return { name: String(user), ratings, hidden };
  }

  /** The name of the person at this browser: that of the profile, if there are several. */
  get me() {
    const { account, profiles } = this.app.history;
    return account || profiles.all.length === 1 ? "You" : profiles.current.name;
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
      this.app.announce("Added.");
      this.refresh();
    } }, icon("people"), "Add ", this.app.element("bdi", {}, shorten(name, 30))));
  }

  /** Store the group, and load the list. */
  async refresh() {
    writeTab(FRIENDS_KEY, this.friends);
    writeTab(GROUP_KEY, { how: this.method, veto: [...this.veto.values()].map(({ movie, title, year }) => ({ movie, title, year })) });
    this.friends = this.friends.filter(({ profile }) => profile === undefined || this.app.history.profiles.others.some(({ id }) => id === profile));
    this.people.replaceChildren(...this.peopleItems());
    this.household.replaceChildren(...this.householdButtons());
    if (!this.friends.length) return this.list.replaceChildren(this.app.element("p", { class: "note" }, this.household.childElementCount ? "Add somebody from your home, or a friend: by a file that they exported, or by a few films that they love." : "Add at least one friend: by a file that they exported, or by a few films that they love."));
    this.request?.abort();
    this.request = new AbortController();
    const signal = AbortSignal.any([this.request.signal, this.app.signal]);
    if (!this.list.querySelector(".group")) this.list.replaceChildren(loadingState("Looking for films that suit all of you"));
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
      element("li", {}, element("strong", {}, element("bdi", {}, shorten(this.me, 40))), element("span", { class: "facts" }, size ? plural(size, "film") : "no films yet")),
      ...this.friends.map((friend) => element("li", {},
        element("strong", {}, element("bdi", {}, shorten(friend.name, 40))),
        element("span", { class: "facts" }, friend.user === undefined ? plural(this.filmsOf(friend).ratings.length, "film") : "an account here"),
        element("button", { type: "button", class: "ghost round small", "aria-label": `Remove ${shorten(friend.name, 40)}`, onclick: () => {
          this.friends = this.friends.filter((other) => other !== friend);
          this.refresh();
        } }, icon("close")))),
    ];
  }

  /** The form that adds a friend. */
  friendForm() {
    const { app, app: { element } } = this;
    const name = /** @type {HTMLInputElement} */ (element("input", { id: "friend-name", type: "text", maxlength: 60, autocomplete: "off", placeholder: "Name" }));
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
    const finder = app.finder({ label: "A film that your friend loves", placeholder: "A film your friend loves", choose: (movie) => {
      rated.set(movie.movie, { ...movie, rating: app.model.scale?.high ?? 1 });
      draw();
    } });
    const add = async () => {
      status.textContent = "";
      try {
        if (this.friends.length + 2 > MAX_PEOPLE) throw new Error("At most eight people.");
        const account = user.value.trim();
        const [given] = file.files ?? [];
        const friend = account ? await this.accountMember(account) : given ? await importFriend(app, given) : { name: "", ratings: [], hidden: [] };
        friend.ratings.push(...rated.values());
        if (!friend.ratings.length && !friend.hidden.length && !account) throw new Error("Choose a film or two, or a file, or name an account.");
        this.friends.push({ ...friend, name: name.value.trim() || friend.name || `Friend ${this.friends.length + 1}` });
        rated = new Map();
        draw();
        for (const field of [name, user, file]) field.value = "";
        form.open = false;
        summary.focus();
        app.announce("Added.");
        await this.refresh();
      } catch (error) {
        if (!app.signal.aborted) status.textContent = /** @type {Error} */ (error).message;
      }
    };
    const summary = element("summary", {}, "Add a friend");
    const form = /** @type {HTMLDetailsElement} */ (element("details", { class: "add", open: this.friends.length === 0 }, summary,
      element("div", { class: "add-body" },
        element("div", {}, element("label", { class: "label", for: "friend-name" }, "Name"), name),
        element("div", { class: "friend-taste" }, finder, films),
        element("div", {}, element("label", { class: "label", for: "friend-file" }, "Or a file: an export of Letterboxd, IMDb, Trakt, …"), file),
        element("div", {}, element("label", { class: "label", for: "friend-user" }, "Or an account here: the link or the token that opens it", this.idHint), user),
        element("div", { class: "buttons" }, element("button", { type: "button", class: "primary", onclick: add }, "Add"), status))));
    return form;
  }

  /**
   * The elements of the list: method, vetoes, films.
   * @param {GroupFilm[]} items @param {number} below films that one of the people would rate below their own mean
   */
  listParts(items, below) {
    const { element } = this.app;
    const ways = /** @type {[string, string][]} */ ([["average", "Best on average"], ["least_misery", "Nobody unhappy"]]);
    const choice = element("div", { class: "buttons", role: "group", "aria-label": "How the list is made" }, ways.map(([how, words]) =>
      element("button", { type: "button", class: this.method === how ? "primary" : "ghost", "aria-pressed": String(this.method === how), onclick: () => { this.method = how; this.refresh(); } }, words)));
    const vetoed = this.veto.size > 0 && element("p", { class: "facts vetoed" }, "Vetoed: ", [...this.veto.values()].map((film) =>
      element("button", { type: "button", class: "ghost small", "aria-label": `Undo the veto on ${shorten(film.title ?? "", 60)}`, onclick: () => { this.veto.delete(film.movie); this.refresh(); } }, titleElement(film), icon("undo"))));
    const few = below > 0 && element("p", { class: "note" }, below === items.length ? "No film is left that all of you should like. These come nearest." : `Only ${plural(items.length - below, "film")} of these should please all of you. The others come nearest.`);
    return [choice, vetoed, few, element("ul", { class: "group" }, items.map((item) => element("li", {}, this.filmItem(item))))].filter((each) => each instanceof Node);
  }

  /** What orders the list, as exactly as it does: the mean of the stars shown, or the lowest. @param {GroupFilm} item */
  score({ score }) {
    return this.method === "average" ? score.toLocaleString("en", { minimumFractionDigits: 1, maximumFractionDigits: 2 }) : oneDecimal(score);
  }

  /** Each person's expected rating and reason. For many people, the lowest and the highest until unfolded. @param {GroupFilm} item */
  opinions({ members, title }) {
    const { element, history: { plain, size } } = this.app;
    const personal = [size > 0, ...this.friends.map((friend) => friend.user !== undefined || this.filmsOf(friend).ratings.length > 0)];
    const all = element("dl", { class: "opinions" }, members.map((one, at) => element("div", {},
      element("dt", {}, element("bdi", {}, shorten(one.name, 30))),
      element("dd", {}, !plain && element("span", { class: "expected-stars" }, expectation(one), element("span", { class: "one-star", "aria-label": "stars", role: "img" })),
        element("span", { class: "facts" }, one.because.length ? reasonParts("", one.because[0], title) : !personal[at] && "average score")))));
    if (members.length <= MAX_OPINIONS) return all;
    const [least, ...rest] = [...members].sort((one, other) => one.stars - other.stars);
    const ends = [least, rest[rest.length - 1]].flatMap((one, at) => [at ? " to " : "", `${expectation(one)} (`, element("bdi", {}, shorten(one.name, 20)), ")"]);
    return element("details", { class: "why" }, element("summary", {}, ...(plain ? ["Why, for each of you"] : [...ends, " stars"])), all);
  }

  /** One film of the list. @param {GroupFilm} item */
  filmItem(item) {
    const { element } = this.app;
    return element("article", { class: "group-film", "data-movie": item.movie },
      element("a", { class: "group-poster", href: filmUrl(item.movie), tabindex: "-1", "aria-hidden": "true" }, this.app.poster(item)),
      element("div", { class: "group-words" },
        element("h2", {}, element("a", { href: filmUrl(item.movie) }, titleElement(item))),
        element("p", { class: "facts" }, factsLine(item)),
        !this.app.history.plain && element("p", { class: "group-score" }, this.method === "average" ? "On average " : "At least ",
          element("span", { class: "expected-stars" }, this.score(item), element("span", { class: "one-star", "aria-label": "stars", role: "img" }))),
        this.opinions(item),
        element("button", { type: "button", class: "ghost small", "aria-label": `Veto ${shorten(item.title ?? "", 60)}`, onclick: () => { this.veto.set(item.movie, item); this.refresh(); } }, icon("no"), "Veto")));
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
