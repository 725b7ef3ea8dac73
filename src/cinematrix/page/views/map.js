/** Taste map: films as points on a canvas; films are close if the same people watch them. */

import { filmUrl, oneDecimal, shorten } from "../parts/cards.js";
import { genreName, words } from "../parts/language.js";
import { byExpectedStars, orderButtons } from "../parts/order.js";
import { isLimited } from "../parts/profiles.js";
import { emptyState } from "../parts/states.js";

export const title = words.views.map;

/**
 * @typedef {{model_version: string, movies: (number | string)[], titles: string[], years: (number | null)[], x: number[],
 *   y: number[], genre: number[], genres: string[], ratings: number[]}} TasteMap
 */

/** Limits of the zoom; 1 shows the whole map. */
const [MIN_ZOOM, MAX_ZOOM] = [1, 60];

/** Step of an arrow key, as a share of the visible map; zoom factor of +. */
const [MOVE, ZOOM] = [0.12, 1.5];

/** Maximum distance in pixels from the pointer to its film. */
const POINTER_RADIUS = 16;

/** Maximum movement of a click in pixels. */
const CLICK_TOLERANCE = 5;

/** Radius in pixels below which points are drawn as squares, which takes a tenth of the time. */
const SQUARE_RADIUS = 1.6;

/** Maximum films in the list beside the map. */
const LISTED = 20;

/** The cached map of the current model. @type {TasteMap | null} */
let cachedMap = null;

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const { element } = app;
  const head = element("div", { class: "head" }, element("h1", {}, words.map.title),
    element("p", { class: "lead" }, words.map.lead));
  if (!app.model.map) {
    return main.append(emptyState(words.map.none, words.map.noneWhy, element("a", { class: "primary", href: "/" }, words.trouble.toYourFilms)));
  }
  if (isLimited(app.history.limit)) {
    return main.append(emptyState(words.map.limited, words.map.limitedWhy, element("a", { class: "primary", href: "/" }, words.trouble.toYourFilms)));
  }
  const waiting = element("p", { class: "loading lead", role: "status" }, words.map.drawing);
  main.append(head, waiting);
  if (cachedMap?.model_version !== app.model.version || !cachedMap) cachedMap = await app.api.get("/v1/map", {}, app.signal);
  const map = /** @type {TasteMap} */ (cachedMap);
  waiting.remove();
  if (!map.movies.length) return main.append(emptyState(words.map.empty, words.map.emptyWhy));
  const chart = new Chart(app, map);
  main.append(chart.legend(), chart.frame, chart.beside);
  chart.begin();
}

/** The canvas and its visible part of the map. */
class Chart {
  /** @param {import("../app.js").App} app @param {TasteMap} map */
  constructor(app, map) {
    const { element } = app;
    this.app = app;
    this.map = map;
    /** Size of the canvas in CSS pixels. */
    this.size = { width: 1, height: 1 };
    /** Centre of the visible part, 0 to 1, and the zoom. */
    this.view = { x: 0.5, y: 0.5, zoom: 1 };
    /** The selected genre. @type {number | null} */
    this.genre = null;
    /** The film under the pointer. @type {number | null} */
    this.hovered = null;
    this.order = map.movies.map((_, at) => at).sort((a, b) => map.ratings[b] - map.ratings[a]);
    this.canvas = /** @type {HTMLCanvasElement} */ (element("canvas", {
      class: "map", tabindex: "0", role: "application", "aria-label": words.map.canvas,
    }));
    this.tip = element("div", { class: "map-tip", hidden: true });
    const button = (/** @type {string} */ label, /** @type {string} */ sign, /** @type {() => void} */ act) =>
      element("button", { type: "button", class: "ghost round", "aria-label": label, onclick: act }, sign);
    this.frame = element("figure", { class: "map-frame" }, this.canvas, this.tip, element("div", { class: "map-zoom" },
      button(words.map.zoomIn, "+", () => this.zoom(ZOOM)), button(words.map.zoomOut, "−", () => this.zoom(1 / ZOOM)), button(words.map.showAll, "○", () => this.showAll())));
    this.list = element("ul", { class: "map-list" });
    /** Expected stars by film, once they are there. @type {(number | null)[]} */
    this.stars = [];
    /** Whether the list is ordered by expected stars. */
    this.byStars = false;
    this.heading = element("div", { class: "list-head" }, element("h2", {}, words.map.bestKnown));
    const finder = app.finder({ label: words.map.find, placeholder: words.map.find, choose: (movie) => this.find(movie.movie) });
    this.beside = element("section", { class: "map-beside", "aria-busy": "true" }, finder, this.heading, this.list);
    this.frames = 0;
    this.timer = 0;
  }

  /** Request the expected stars of all films; the list offers to be ordered by them. */
  async askStars() {
    const { api, history, signal } = this.app;
    this.stars = (await api.post("/v1/map/stars", history.body(), signal).catch(() => ({ stars: [] }))).stars;
    if (signal.aborted) return;
    const choose = (/** @type {boolean} */ byStars) => {
      this.byStars = byStars;
      this.heading.firstElementChild?.replaceChildren(byStars ? words.map.bestForYou : words.map.bestKnown);
      this.listFilms();
    };
    if (this.heading.childElementCount < 2) this.heading.append(...[orderButtons(this.stars.map((stars) => ({ movie: 0, stars })), { first: words.filters.bestKnown, choose })].filter((each) => each !== null));
    this.listFilms();
    this.beside.removeAttribute("aria-busy");
  }

  /** Add listeners, and draw. */
  begin() {
    const { signal } = this.app;
    this.askStars();
    const resized = new ResizeObserver(() => this.resize());
    resized.observe(this.canvas);
    const recoloured = new MutationObserver(() => this.draw());
    recoloured.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
    signal.addEventListener("abort", () => { resized.disconnect(); recoloured.disconnect(); clearTimeout(this.timer); });
    this.app.history.on("change", () => this.askStars(), signal);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw(), { signal });
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    this.canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.002)), this.pointOf(event));
    }, { passive: false });
    this.listenToPointers();
    this.resize();
  }

  /** Drag, pinch, hover and click. The first tap of a finger names a film, the second one opens it. */
  listenToPointers() {
    /** @type {Map<number, {x: number, y: number}>} */
    const down = new Map();
    let moved = 0;
    const middle = () => {
      const all = [...down.values()];
      const [x, y] = [all.reduce((sum, p) => sum + p.x, 0) / all.length, all.reduce((sum, p) => sum + p.y, 0) / all.length];
      return { x, y, apart: all.length > 1 ? Math.hypot(all[0].x - all[1].x, all[0].y - all[1].y) : 0 };
    };
    this.canvas.addEventListener("pointerdown", (event) => {
      if (down.size === 0) moved = 0;
      down.set(event.pointerId, this.pointOf(event));
      this.canvas.setPointerCapture(event.pointerId);
    });
    this.canvas.addEventListener("pointermove", (event) => {
      if (!down.has(event.pointerId)) return this.hover(this.pointOf(event));
      const before = middle();
      down.set(event.pointerId, this.pointOf(event));
      const after = middle();
      moved += Math.hypot(after.x - before.x, after.y - before.y);
      this.move((before.x - after.x) / this.mapWidth(), (before.y - after.y) / this.mapHeight());
      if (before.apart && after.apart) this.zoom(after.apart / before.apart, after);
    });
    const up = (/** @type {PointerEvent} */ event) => {
      const clicked = down.size === 1 && moved < CLICK_TOLERANCE && event.type === "pointerup";
      down.delete(event.pointerId);
      if (!clicked) return;
      const point = this.pointOf(event);
      if (event.pointerType === "mouse" || this.filmAt(point) === this.hovered) this.open(this.filmAt(point));
      else this.hover(point);
    };
    this.canvas.addEventListener("pointerup", up);
    this.canvas.addEventListener("pointercancel", up);
    this.canvas.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") this.hover(null); });
  }

  /** Open a film's view; nothing for null. @param {number | null} film */
  open(film) {
    if (film !== null) this.app.go("film", { movie: String(this.map.movies[film]) });
  }

  /** Move, zoom or open by a key. @param {KeyboardEvent} event */
  key(event) {
    const step = MOVE / this.view.zoom;
    /** @type {Record<string, () => void>} */
    const acts = {
      ArrowLeft: () => this.move(-step, 0), ArrowRight: () => this.move(step, 0), ArrowUp: () => this.move(0, -step), ArrowDown: () => this.move(0, step),
      "+": () => this.zoom(ZOOM), "=": () => this.zoom(ZOOM), "-": () => this.zoom(1 / ZOOM), 0: () => this.showAll(), Enter: () => this.open(this.hovered),
    };
    if (event.ctrlKey || event.metaKey || !Object.hasOwn(acts, event.key)) return;
    event.preventDefault();
    acts[event.key]();
  }

  /** Width of the whole map in pixels, at the current zoom. */
  mapWidth() {
    return this.size.width * 0.9 * this.view.zoom;
  }

  /** Height of the whole map in pixels, at the current zoom. */
  mapHeight() {
    return this.size.height * 0.92 * this.view.zoom;
  }

  /** Position of a film on the canvas. @param {number} film */
  place(film) {
    return [this.size.width / 2 + (this.map.x[film] - this.view.x) * this.mapWidth(), this.size.height / 2 + (this.map.y[film] - this.view.y) * this.mapHeight()];
  }

  /** Position of the pointer on the canvas. @param {MouseEvent} event */
  pointOf(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  /** Move the visible part, within the map. @param {number} x @param {number} y */
  move(x, y) {
    this.view.x = Math.min(1, Math.max(0, this.view.x + x));
    this.view.y = Math.min(1, Math.max(0, this.view.y + y));
    this.draw();
  }

  /** Zoom around a point, by default the centre. @param {number} factor @param {{x: number, y: number}} [point] */
  zoom(factor, point = { x: this.size.width / 2, y: this.size.height / 2 }) {
    const before = this.view.zoom;
    this.view.zoom = Math.min(MAX_ZOOM, Math.max(MIN_ZOOM, this.view.zoom * factor));
    const gain = 1 - before / this.view.zoom;
    const [across, down] = [(this.mapWidth() * before) / this.view.zoom, (this.mapHeight() * before) / this.view.zoom];
    this.move(((point.x - this.size.width / 2) / across) * gain, ((point.y - this.size.height / 2) / down) * gain);
  }

  /** Show the whole map. */
  showAll() {
    this.view = { x: 0.5, y: 0.5, zoom: 1 };
    this.draw();
  }

  /** Centre the map on a film. @param {number | string} movie */
  find(movie) {
    const film = this.map.movies.indexOf(movie);
    if (film < 0) return this.app.toast(words.map.notOn);
    this.view = { x: this.map.x[film], y: this.map.y[film], zoom: 14 };
    this.hovered = film;
    this.draw();
    this.app.announce(words.map.found(shorten(this.map.titles[film], 80)));
  }

  /** The film nearest to a point, or null. @param {{x: number, y: number}} point */
  filmAt({ x, y }) {
    let [best, least] = [/** @type {number | null} */ (null), POINTER_RADIUS ** 2];
    for (const film of this.order) {
      if (!this.isShown(film)) continue;
      const [left, top] = this.place(film);
      const far = (left - x) ** 2 + (top - y) ** 2;
      if (far < least) [best, least] = [film, far];
    }
    return best;
  }

  /** Whether a film's genre is shown. @param {number} film */
  isShown(film) {
    return this.genre === null || this.map.genre[film] === this.genre;
  }

  /** Set the film under the pointer. @param {{x: number, y: number} | null} point */
  hover(point) {
    const film = point && this.filmAt(point);
    if (film === this.hovered) return;
    this.hovered = film;
    this.canvas.style.cursor = film === null ? "grab" : "pointer";
    this.draw();
  }

  /** Fit the canvas to its element. */
  resize() {
    const { width, height } = this.canvas.getBoundingClientRect();
    const scale = Math.min(devicePixelRatio || 1, 2);
    this.size = { width: width || 1, height: height || 1 };
    this.canvas.width = Math.round(this.size.width * scale);
    this.canvas.height = Math.round(this.size.height * scale);
    this.canvas.getContext("2d")?.setTransform(scale, 0, 0, scale, 0, 0);
    this.draw();
  }

  /** Schedule drawing in the next frame; repeated calls draw once. */
  draw() {
    if (this.frames) return;
    this.frames = requestAnimationFrame(() => {
      this.frames = 0;
      this.paint();
    });
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.listFilms(), 250);
  }

  /** Draw the map. */
  paint() {
    const pen = this.canvas.getContext("2d");
    if (!pen) return;
    const { width, height } = this.size;
    const style = getComputedStyle(this.canvas);
    const [ink, paper, accent] = ["--ink", "--paper", "--accent"].map((name) => style.getPropertyValue(name));
    const dark = style.colorScheme.includes("dark");
    pen.clearRect(0, 0, width, height);
    const radius = Math.min(6, 1.1 + 0.55 * Math.sqrt(this.view.zoom));
    const most = Math.log1p(this.map.ratings[this.order[0]]);
    const inside = this.order.filter((film) => {
      const [x, y] = this.place(film);
      return x > -9 && y > -9 && x < width + 9 && y < height + 9;
    });
    /** @type {number[][]} */
    const groups = Array.from({ length: this.map.genres.length + 1 }, () => []);
    for (const film of inside) groups[this.map.genre[film] + 1].push(film);
    for (let genre = -1; genre < this.map.genres.length; genre += 1) {
      const shown = this.genre === null || this.genre === genre;
      pen.fillStyle = shown ? colour(genre, this.map.genres.length, dark) : ink;
      pen.globalAlpha = shown ? 0.82 : 0.07;
      pen.beginPath();
      for (const film of groups[genre + 1]) {
        const [x, y] = this.place(film);
        const size = radius * (0.6 + (0.9 * Math.log1p(this.map.ratings[film])) / most);
        if (size < SQUARE_RADIUS) {
          pen.fillRect(x - size, y - size, 1.8 * size, 1.8 * size);
        } else {
          pen.moveTo(x + size, y);
          pen.arc(x, y, size, 0, 7);
        }
      }
      pen.fill();
    }
    pen.globalAlpha = 1;
    for (const film of inside) {
      if (!this.app.history.ratings.has(this.map.movies[film])) continue;
      const [x, y] = this.place(film);
      ring(pen, x, y, radius + 3.5, paper, 4.5);
      ring(pen, x, y, radius + 3.5, accent, 2.5);
    }
    this.drawTitles(pen, inside, ink, paper);
    this.drawTip(pen, ink);
  }

  /** Draw titles, the most rated films first, without overlaps. @param {CanvasRenderingContext2D} pen @param {number[]} inside @param {string} ink @param {string} paper */
  drawTitles(pen, inside, ink, paper) {
    /** @type {number[][]} */
    const boxes = [];
    pen.font = `500 12px ${getComputedStyle(document.body).fontFamily}`;
    pen.lineJoin = "round";
    const most = Math.min(60, (this.size.width * this.size.height) / 16_000);
    for (const film of inside.slice(0, 600)) {
      if (boxes.length >= most) break;
      if (!this.isShown(film)) continue;
      const [x, y] = this.place(film);
      const text = shorten(this.map.titles[film], 28);
      const width = pen.measureText(text).width;
      const left = x + 12 + width > this.size.width ? x - 8 - width : x + 8;
      const box = [left, y - 8, left + width + 8, y + 8];
      if (boxes.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) continue;
      boxes.push(box);
      pen.strokeStyle = paper;
      pen.lineWidth = 3.5;
      pen.strokeText(text, left, y + 4);
      pen.fillStyle = ink;
      pen.fillText(text, left, y + 4);
    }
  }

  /** Draw the film under the pointer and its tooltip. @param {CanvasRenderingContext2D} pen @param {string} ink */
  drawTip(pen, ink) {
    this.tip.hidden = this.hovered === null;
    if (this.hovered === null) return;
    const [x, y] = this.place(this.hovered);
    ring(pen, x, y, 9, ink, 2);
    const { titles, years, genre, genres, ratings } = this.map;
    const stars = this.stars[this.hovered] ?? null;
    const facts = [stars !== null && `${oneDecimal(stars)} ★`, years[this.hovered], genreName(genres[genre[this.hovered]] ?? ""), words.map.ratings(ratings[this.hovered], this.app.history.plain)].filter(Boolean).join(" · ");
    this.tip.replaceChildren(this.app.element("strong", {}, this.app.element("bdi", {}, shorten(titles[this.hovered], 80))), this.app.element("span", {}, facts));
    this.tip.style.setProperty("--x", `${Math.max(0, Math.min(x + 14, this.size.width - 250))}px`);
    this.tip.style.setProperty("--y", `${Math.max(0, y > this.size.height - 90 ? y - 80 : y + 14)}px`);
  }

  /** List the most rated visible films as links. */
  listFilms() {
    const { width, height } = this.size;
    const inside = this.order.filter((film) => {
      const [x, y] = this.place(film);
      return this.isShown(film) && x >= 0 && y >= 0 && x <= width && y <= height;
    });
    const ordered = this.byStars ? byExpectedStars(inside.map((film) => ({ film, stars: this.stars[film] }))).map(({ film }) => film) : inside;
    this.list.replaceChildren(...ordered.slice(0, LISTED).map((film) => this.listItem(film)));
  }

  /** @param {number} film */
  listItem(film) {
    const { element } = this.app;
    const [year, stars] = [this.map.years[film], this.stars[film] ?? null];
    return element("li", {}, element("a", { href: filmUrl(this.map.movies[film]) }, element("bdi", {}, shorten(this.map.titles[film], 80)), year ? ` (${year})` : ""),
      stars !== null && element("span", { class: "expected-stars" }, ` ${oneDecimal(stars)}`, element("span", { class: "one-star", role: "img", "aria-label": words.map.starsExpected })));
  }

  /** The genre buttons with their colours; a pressed one shows its genre alone. */
  legend() {
    const { element } = this.app;
    const used = this.map.genres.map((name, at) => ({ name, at })).filter(({ at }) => this.map.genre.includes(at));
    const buttons = used.map(({ name, at }) => {
      const dot = element("span", { class: "dot" });
      dot.style.setProperty("--light", colour(at, this.map.genres.length, false));
      dot.style.setProperty("--dark", colour(at, this.map.genres.length, true));
      return element("button", { type: "button", class: "ghost small", "aria-pressed": "false", onclick: (/** @type {Event} */ event) => {
        this.genre = this.genre === at ? null : at;
        for (const each of buttons) each.setAttribute("aria-pressed", String(each === event.currentTarget && this.genre !== null));
        this.draw();
      } }, dot, genreName(name));
    });
    const rated = this.app.history.ratings.size;
    return element("div", { class: "map-legend" }, element("div", { class: "map-genres", role: "group", "aria-label": words.map.genres }, buttons),
      element("p", { class: "facts" }, element("span", { class: "dot yours" }), rated ? words.map.ringed : words.map.rateToRing));
  }
}

/** Draw a ring. @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {number} radius @param {string} ink @param {number} width */
function ring(pen, x, y, radius, ink, width) {
  pen.strokeStyle = ink;
  pen.lineWidth = width;
  pen.beginPath();
  pen.arc(x, y, radius, 0, 7);
  pen.stroke();
}

/**
 * Colour of a genre. Alphabetical neighbours differ in hue; neighbours in hue differ in lightness.
 * @param {number} genre @param {number} n @param {boolean} dark
 */
function colour(genre, n, dark) {
  if (genre < 0) return dark ? "hsl(30 5% 60%)" : "hsl(30 5% 50%)";
  const at = (genre * (n % 5 ? 5 : 7)) % Math.max(n, 1), pale = at % 2;
  const lightness = dark ? (pale ? 0.82 : 0.64) : (pale ? 0.67 : 0.5);
  return `oklch(${lightness} ${pale ? 0.13 : 0.17} ${Math.round((360 * at) / Math.max(n, 1))})`;
}
