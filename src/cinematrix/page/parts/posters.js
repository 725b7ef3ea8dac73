/**
 * Drawn posters: the genre selects the picture, and the title seeds its variation and colours.
 * The same film always has the same poster.
 */

import { element, svg } from "./dom.js";
import { titleParts } from "./titles.js";

/** @typedef {import("./history.js").Movie} Movie */
/** @typedef {[ground: string, shape: string, second: string, type: string]} Palette */
/** @typedef {{next: () => number, pick: <T>(list: T[]) => T}} Dice */

/** Colours; each `type` has a contrast of at least 7 : 1 on its `ground`. @type {Palette[]} */
const PALETTES = [
  ["#1f2a44", "#e4572e", "#f3a712", "#f8f1e5"], ["#f2e8d5", "#c8412b", "#2b4162", "#1d1a16"],
  ["#0f3d3e", "#e2b13c", "#e9e3d2", "#f7f4ea"], ["#e9c46a", "#264653", "#d1495b", "#1c1917"],
  ["#2d1e2f", "#d36582", "#f1bf98", "#fbeee6"], ["#dfe7e3", "#29524a", "#e07a5f", "#16221f"],
  ["#10151f", "#4f86c6", "#f5f749", "#eef3fa"], ["#f6d8ce", "#8f2d56", "#218380", "#2a0f1c"],
  ["#3a0d12", "#e63946", "#f1c9a5", "#fdf0e9"], ["#cfe3ee", "#1d4e89", "#f26419", "#0d1f35"],
  ["#23331e", "#a3b18a", "#e9b44c", "#f3f6ea"], ["#efe6f2", "#5f4bb6", "#f2a541", "#20163f"],
];

const [WIDTH, HEIGHT] = [200, 250];

/** Pictures by genre. @type {Record<string, (palette: Palette, dice: Dice) => SVGElement[]>} */
const PICTURES = {
  Action: ([, shape, second], { pick }) => {
    const lean = pick([60, 90, 120]);
    return [0, 1, 2, 3].map((i) => path(`M${-40 + i * 70} ${HEIGHT} l${lean} -${HEIGHT} h34 l-${lean} ${HEIGHT}z`, i % 2 ? second : shape));
  },
  Adventure: ([, shape, second], { next }) => [
    circle(140, 62 + next() * 20, 26, second),
    path(`M-10 190 L60 ${70 + next() * 30} L115 165 L150 ${110 + next() * 20} L215 190 V260 H-10z`, shape),
    path("M-10 215 Q60 165 110 205 T215 195 V260 H-10z", second, 0.55),
  ],
  Animation: ([, shape, second], { pick }) => tiles((x, y, size) => quarter(x, y, size, pick([0, 1, 2, 3]), pick([shape, second, shape]))),
  Children: ([, shape, second], { next }) => [0, 1, 2, 3, 4].map((i) => circle(20 + i * 42, 60 + next() * 95, 18 + next() * 20, i % 2 ? second : shape)),
  Comedy: ([, shape, second], { next }) => [
    circle(100, 95, 66, shape),
    path(`M62 ${100 + next() * 10} a38 38 0 0 0 76 0z`, second),
    circle(80, 78, 6, second), circle(120, 78, 6, second),
  ],
  Crime: ([, shape, second]) => [circle(128, 88, 54, shape), ...[0, 1, 2, 3, 4, 5, 6].map((i) => rect(0, 22 + i * 22, WIDTH, 9, second, 0.85))],
  Documentary: ([, shape], { next }) => {
    const [x, y] = [60 + next() * 80, 60 + next() * 50];
    return grid(10, 8, (at, row) => circle(10 + at * 20, 12 + row * 20, Math.max(1.4, 9 - Math.hypot(at * 20 - x, row * 20 - y) / 14), shape));
  },
  Drama: ([, shape, second], { pick }) => {
    const side = pick([0, 1]);
    return [circle(100, 88, 58, shape), path(side ? "M0 0 H100 V160 H0z" : "M100 0 H200 V160 H100z", second, 0.28), rect(0, 158, WIDTH, 3, second)];
  },
  Fantasy: ([, shape, second], { next }) => [
    path("M128 34 a52 52 0 1 0 28 84 a42 42 0 1 1 -28 -84z", shape),
    ...[0, 1, 2, 3, 4, 5].map(() => star(14 + next() * 170, 16 + next() * 130, 3 + next() * 7, second)),
  ],
  "Film-Noir": ([, shape, second]) => [path("M150 -10 L20 170 H230 V60z", shape, 0.9), rect(92, 70, 30, 110, second), circle(107, 60, 16, second)],
  Horror: ([, shape, second], { next }) => [
    path(teeth(0, 12, next), shape),
    path(`M30 120 L100 ${70 + next() * 20} L170 120 L100 132z`, second), circle(100, 108, 12, shape),
  ],
  Musical: ([, shape, second], { next }) => [0, 1, 2, 3, 4].map((i) =>
    stroke(`M-10 ${40 + i * 24} q55 ${-50 - next() * 24} 110 0 t110 0`, i % 2 ? second : shape, 7)),
  Mystery: ([, shape, second]) => [circle(100, 84, 62, shape), circle(100, 72, 22, second), path("M91 84 h18 l11 44 h-40z", second)],
  Romance: ([, shape, second]) => [circle(74, 88, 52, shape, 0.92), circle(126, 88, 52, second, 0.82)],
  "Sci-Fi": ([, shape, second], { next }) => {
    const tilt = -28 + next() * 20;
    return [
      circle(100, 88, 40, shape),
      ...[62, 80].map((radius) => svg("ellipse", { cx: 100, cy: 88, rx: radius, ry: radius / 3.2, fill: "none", stroke: second, "stroke-width": 3, transform: `rotate(${tilt} 100 88)` })),
      circle(100 + 68 * Math.cos(tilt), 66 + 20 * Math.sin(tilt), 6, second),
    ];
  },
  Thriller: ([, shape, second], { next }) => {
    const [x, y] = [70 + next() * 60, 70 + next() * 30];
    return [0, 1, 2, 3, 4, 5, 6].map((i) => ring(x + i * 2, y + i, 10 + i * 15, i % 3 === 2 ? second : shape, 6));
  },
  War: ([, shape, second], { pick }) => [rect(0, 30, WIDTH, 34, shape), rect(0, 82, WIDTH, 18, second), rect(0, 118, WIDTH, 34, shape), path(pick(["M30 0 h40 l110 170 h-40z", "M170 0 h-40 l-110 170 h40z"]), second, 0.5)],
  Western: ([, shape, second]) => [circle(100, 118, 56, second), path("M-10 136 H40 V104 H66 V128 H120 V112 H150 V136 H210 V260 H-10z", shape)],
};

/** The picture of films without a known genre. */
const PLAIN = (/** @type {Palette} */ [, shape, second], /** @type {Dice} */ { next }) => [
  ring(100, 88, 58, shape, 10),
  stroke(`M-10 ${120 + next() * 30} L210 ${40 + next() * 30}`, second, 5),
];

/** Genres in order of priority: a poster shows the first one that the film has. */
const GENRE_PRIORITY = [
  "Film-Noir", "Western", "Horror", "Sci-Fi", "Musical", "Documentary", "War", "Animation", "Fantasy", "Mystery", "Romance",
  "Crime", "Thriller", "Children", "Adventure", "Comedy", "Action", "Drama",
];

/**
 * Create a film's poster. It repeats the text beside it, so it is hidden from screen readers.
 * @param {Movie} movie
 * @param {boolean} real whether the server may have the real poster, which covers the drawn one once it is loaded
 * @returns {HTMLElement}
 */
export function poster(movie, real) {
  const title = (movie.title ?? String(movie.movie)).slice(0, 120);
  const dice = seededDice(`${title} ${movie.year ?? ""}`);
  const palette = dice.pick(PALETTES);
  const genre = GENRE_PRIORITY.find((name) => movie.genres?.includes(name));
  const picture = genre ? PICTURES[genre](palette, dice) : PLAIN(palette, dice);
  const art = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "xMidYMin slice" },
    svg("rect", { width: WIDTH, height: HEIGHT, fill: palette[0] }), picture, rect(0, 160, WIDTH, 90, palette[0]));
  const { name } = titleParts(title);
  const container = element("div", { class: "poster", "aria-hidden": "true" }, art,
    element("div", { class: "poster-type", "data-size": titleSize(name) },
      element("span", { class: "poster-title" }, element("bdi", {}, name)),
      element("span", { class: "poster-year" }, movie.year ? String(movie.year) : "")),
    real && realPoster(movie));
  container.style.setProperty("--ground", palette[0]);
  container.style.setProperty("--type", palette[3]);
  return container;
}

/** The real poster; removed if the server has none. @param {Movie} movie */
function realPoster(movie) {
  const image = element("img", { loading: "lazy", decoding: "async", alt: "", src: `/v1/movies/${encodeURIComponent(movie.movie)}/poster` });
  image.addEventListener("load", () => image.classList.add("loaded"));
  image.addEventListener("error", () => image.remove());
  return image;
}

/** Font size class of a title, by its length and its longest word. @param {string} title */
function titleSize(title) {
  const longest = Math.max(...title.split(/\s+/).map((word) => word.length));
  if (title.length <= 6) return "xl";
  if (title.length <= 22 && longest <= 8) return "l";
  if (title.length <= 40 && longest <= 11) return "m";
  return title.length <= 60 && longest <= 14 ? "s" : "xs";
}

/** Random numbers seeded by a text (FNV-1a, then mulberry32). @param {string} text @returns {Dice} */
function seededDice(text) {
  let state = 0x811c9dc5;
  for (const sign of text) state = Math.imul(state ^ /** @type {number} */ (sign.codePointAt(0)), 0x01000193);
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, pick: (list) => list[Math.floor(next() * list.length)] };
}

/** @param {number} cx @param {number} cy @param {number} r @param {string} fill */
const circle = (cx, cy, r, fill, opacity = 1) => svg("circle", { cx, cy, r, fill, opacity });

/** @param {number} cx @param {number} cy @param {number} r @param {string} colour @param {number} width */
const ring = (cx, cy, r, colour, width) => svg("circle", { cx, cy, r, fill: "none", stroke: colour, "stroke-width": width });

/** @param {number} x @param {number} y @param {number} width @param {number} height @param {string} fill */
const rect = (x, y, width, height, fill, opacity = 1) => svg("rect", { x, y, width, height, fill, opacity });

/** @param {string} d @param {string} fill */
const path = (d, fill, opacity = 1) => svg("path", { d, fill, opacity });

/** @param {string} d @param {string} colour @param {number} width */
const stroke = (d, colour, width) => svg("path", { d, fill: "none", stroke: colour, "stroke-width": width, "stroke-linecap": "round" });

/** @param {number} columns @param {number} rows @param {(column: number, row: number) => SVGElement} make */
const grid = (columns, rows, make) => Array.from({ length: columns * rows }, (_, at) => make(at % columns, Math.floor(at / columns)));

/** @param {(x: number, y: number, size: number) => SVGElement} make */
const tiles = (make) => grid(5, 4, (column, row) => make(column * 40, row * 40, 40));

/** A quarter of a disc in a tile. @param {number} x @param {number} y @param {number} size @param {number} turn @param {string} fill */
function quarter(x, y, size, turn, fill) {
  return svg("path", { d: `M${x} ${y} h${size} a${size} ${size} 0 0 1 -${size} ${size}z`, fill, transform: `rotate(${turn * 90} ${x + size / 2} ${y + size / 2})` });
}

/** A row of teeth along the top. @param {number} x @param {number} n @param {() => number} next */
function teeth(x, n, next) {
  const points = Array.from({ length: n }, (_, i) => `L${x + i * 18} 0 L${x + i * 18 + 9} ${26 + next() * 44}`);
  return `M${x} -1 ${points.join(" ")} L${WIDTH + 20} 0z`;
}

/** A star of four points. @param {number} x @param {number} y @param {number} r @param {string} fill */
const star = (x, y, r, fill) => path(`M${x} ${y - r} Q${x} ${y} ${x + r} ${y} Q${x} ${y} ${x} ${y + r} Q${x} ${y} ${x - r} ${y} Q${x} ${y} ${x} ${y - r}z`, fill);
