/** One list for two to eight people: each brings a history along, each gets a reason, and anybody has a veto. */

import { address, facts, shortened, title as titled } from "../cards.js";
import { icon } from "../dom.js";
import { poster } from "../posters.js";
import { stars, written } from "../stars.js";
import { loading } from "../states.js";

export const title = "Together";

/** How many people there may be, and how many films are shown. */
const [PEOPLE, FILMS] = [8, 12];

/** Where the friends of this tab are kept. */
const KEY = "cinematrix-friends";

/** @typedef {import("../history.js").Movie & {rating: number}} Rated */
/** @typedef {{name: string, ratings: Rated[], user?: string}} Friend */
/** @typedef {{name: string, stars: number, low: number | null, high: number | null, because: {title: string, share: number}[]}} Opinion */
/** @typedef {import("../history.js").Movie & {score: number, members: Opinion[]}} Line */

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const { element } = app;
  const evening = new Evening(app);
  main.append(
    element("div", { class: "head" }, element("h1", {}, "Together"),
      element("p", { class: "lead" }, "One list for two to eight people, with a reason for each. Films that one of you has seen don’t come up.")),
    evening.people, evening.adding(), evening.list);
  app.history.on("change", () => evening.refresh(), app.signal);
  await evening.refresh();
}

/** Who is there, what they won't have, and the list for them. */
class Evening {
  /** @param {import("../app.js").App} app */
  constructor(app) {
    this.app = app;
    /** @type {Friend[]} */
    this.friends = kept();
    /** @type {Map<number | string, import("../history.js").Movie>} */
    this.veto = new Map();
    this.how = "average";
    this.people = app.element("ul", { class: "people-here", "aria-label": "Who is there" });
    this.list = app.element("div", { class: "together" });
    /** @type {AbortController | null} */
    this.asking = null;
  }

  /** What is asked of the server. */
  body() {
    const me = { name: "You", ...this.app.history.body() };
    const members = this.friends.map(({ name, ratings, user }) => (user === undefined
      ? { name, ratings: ratings.map(({ movie, rating }) => ({ movie, rating })), hidden: [] }
      : { user: /^-?\d{1,15}$/.test(user) ? Number(user) : user }));
    return { members: [me, ...members], how: this.how, veto: [...this.veto.keys()], n: FILMS };
  }

  async refresh() {
    keep(this.friends);
    this.people.replaceChildren(...this.names());
    if (!this.friends.length) return this.list.replaceChildren(this.app.element("p", { class: "note" }, "Add one friend at least: by a file that she exported, or by a few films that she loves."));
    this.asking?.abort();
    this.asking = new AbortController();
    const signal = AbortSignal.any([this.asking.signal, this.app.signal]);
    if (!this.list.querySelector(".group")) this.list.replaceChildren(loading("Looking for films that suit all of you"));
    try {
      const { items } = await this.app.api.post("/v1/groups/recommendations", this.body(), signal);
      this.list.replaceChildren(...this.lines(items));
    } catch (error) {
      if (!signal.aborted) this.list.replaceChildren(this.app.failed(error, () => this.refresh()));
    }
  }

  /** You, and your friends, who may leave. */
  names() {
    const { element } = this.app;
    const mine = this.app.history.ratings.size;
    return [
      element("li", {}, element("strong", {}, "You"), element("span", { class: "facts" }, mine ? count(mine) : "nothing rated yet")),
      ...this.friends.map((friend) => element("li", {},
        element("strong", {}, element("bdi", {}, shortened(friend.name, 40))),
        element("span", { class: "facts" }, friend.user === undefined ? count(friend.ratings.length) : "an account here"),
        element("button", { type: "button", class: "ghost round small", "aria-label": `Take ${shortened(friend.name, 40)} off`, onclick: () => {
          this.friends = this.friends.filter((other) => other !== friend);
          this.refresh();
        } }, icon("close")))),
    ];
  }

  /** The form for one more person. */
  adding() {
    const { app, app: { element } } = this;
    const name = /** @type {HTMLInputElement} */ (element("input", { id: "friend-name", type: "text", maxlength: 60, autocomplete: "off", placeholder: "Name" }));
    const user = /** @type {HTMLInputElement} */ (element("input", { id: "friend-user", type: "text", maxlength: 200, autocomplete: "off" }));
    const file = /** @type {HTMLInputElement} */ (element("input", { id: "friend-file", type: "file", accept: ".zip,.csv,.xml,.json,.dat" }));
    const said = element("p", { class: "facts", role: "status" });
    const films = element("ul", { class: "friend-films" });
    /** @type {Map<number | string, Rated>} */
    let loved = new Map();
    const draw = () => films.replaceChildren(...[...loved.values()].map((film) => element("li", {},
      element("span", {}, titled(film)), stars(shortened(film.title ?? "", 60), () => loved.get(film.movie)?.rating ?? null, (/** @type {number | null} */ rating) => {
        if (rating === null) loved.delete(film.movie);
        else loved.set(film.movie, { ...film, rating });
        draw();
      }, app.model.scale))));
    const finder = app.finder({ label: "A film that your friend has an opinion of", placeholder: "A film your friend loves", choose: (movie) => {
      loved.set(movie.movie, { ...movie, rating: app.model.scale?.high ?? 5 });
      draw();
    } });
    const add = async () => {
      said.textContent = "";
      try {
        const ratings = [...loved.values()];
        const [given] = file.files ?? [];
        if (given) {
          const query = new URLSearchParams({ name: given.name.slice(0, 200) });
          ratings.push(...(await app.api.post(`/v1/imports?${query}`, given, app.signal)).ratings.map(({ movie, title: called, rating }) => ({ movie, title: called, rating })));
        }
        const id = user.value.trim();
        if (!ratings.length && !id) throw new Error("Choose a film or two, or a file, or name an account.");
        if (this.friends.length + 2 > PEOPLE) throw new Error("Eight people are the most.");
        this.friends.push({ name: name.value.trim() || id || `Friend ${this.friends.length + 1}`, ratings: id ? [] : ratings.slice(-5000), ...(id && { user: id }) });
        loved = new Map();
        draw();
        for (const field of [name, user, file]) field.value = "";
        app.announce("Added.");
        await this.refresh();
      } catch (error) {
        if (!app.signal.aborted) said.textContent = /** @type {Error} */ (error).message;
      }
    };
    return element("details", { class: "add", open: this.friends.length === 0 },
      element("summary", {}, "Add somebody"),
      element("div", { class: "add-body" },
        element("div", {}, element("label", { class: "label", for: "friend-name" }, "Name"), name),
        element("div", { class: "friend-taste" }, finder, films),
        element("div", {}, element("label", { class: "label", for: "friend-file" }, "Or a file: an export of Letterboxd, IMDb, Trakt, …"), file),
        element("div", {}, element("label", { class: "label", for: "friend-user" }, "Or the ID of an account here"), user),
        element("div", { class: "buttons" }, element("button", { type: "button", class: "primary", onclick: add }, "Add"), said)));
  }

  /** The list, how it is made, and what was vetoed. @param {Line[]} items */
  lines(items) {
    const { element } = this.app;
    const ways = /** @type {[string, string][]} */ ([["average", "Best on average"], ["least_misery", "Nobody unhappy"]]);
    const choice = element("div", { class: "buttons", role: "group", "aria-label": "How the list is made" }, ways.map(([how, words]) =>
      element("button", { type: "button", class: this.how === how ? "primary" : "ghost", "aria-pressed": String(this.how === how), onclick: () => { this.how = how; this.refresh(); } }, words)));
    const vetoed = this.veto.size > 0 && element("p", { class: "facts vetoed" }, "Vetoed: ", [...this.veto.values()].map((film) =>
      element("button", { type: "button", class: "ghost small", "aria-label": `Take back the veto on ${shortened(film.title ?? "", 60)}`, onclick: () => { this.veto.delete(film.movie); this.refresh(); } }, titled(film), icon("undo"))));
    return [choice, vetoed, element("ul", { class: "group" }, items.map((item) => element("li", {}, this.line(item))))].filter((each) => each instanceof Node);
  }

  /** @param {Line} item */
  line(item) {
    const { element } = this.app;
    return element("article", { class: "group-film", "data-movie": item.movie },
      element("a", { class: "group-poster", href: address(item.movie), tabindex: "-1", "aria-hidden": "true" }, poster(item)),
      element("div", { class: "group-words" },
        element("h2", {}, element("a", { href: address(item.movie) }, titled(item))),
        element("p", { class: "facts" }, facts(item)),
        element("dl", { class: "opinions" }, item.members.map((one) => element("div", {},
          element("dt", {}, element("bdi", {}, shortened(one.name, 30))),
          element("dd", {}, element("span", { class: "expected-stars" }, written(Math.round(one.stars * 10) / 10), element("span", { class: "one-star", "aria-label": "stars", role: "img" })),
            element("span", { class: "facts" }, one.because.length ? ["because of ", element("bdi", {}, shortened(one.because[0].title, 40))] : "what most people would say"))))),
        element("button", { type: "button", class: "ghost small", "aria-label": `Veto ${shortened(item.title ?? "", 60)}`, onclick: () => { this.veto.set(item.movie, item); this.refresh(); } }, icon("no"), "Veto")));
  }
}

/** @param {number} n */
function count(n) {
  return `${n.toLocaleString("en")} ${n === 1 ? "film" : "films"} rated`;
}

/** @returns {Friend[]} */
function kept() {
  try {
    const found = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter((friend) => typeof friend?.name === "string" && Array.isArray(friend.ratings)) : [];
  } catch {
    return [];
  }
}

/** @param {Friend[]} friends */
function keep(friends) {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(friends));
  } catch {
    // They last as long as the view does.
  }
}
