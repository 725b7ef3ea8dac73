/**
 * Drawn posters: the genres select some motifs, and the title picks one of them, its variation, its composition and its
 * colours. The same film always has the same poster.
 */

import { element, svg } from "./dom.js";
import { HEIGHT, MOTIFS, PLAIN, TITLE_TOP, WIDTH, rect, ring } from "./motifs.js";
import { titleParts } from "./titles.js";

/** @typedef {import("./history.js").Movie} Movie */
/** @typedef {import("./motifs.js").Palette} Palette */
/** @typedef {import("./motifs.js").Dice} Dice */

/** Colours; each `type` has a contrast of at least 7 : 1 on its `ground`. @type {Palette[]} */
const PALETTES = [
  ["#1f2a44", "#e4572e", "#f3a712", "#f8f1e5"], ["#f2e8d5", "#c8412b", "#2b4162", "#1d1a16"],
  ["#0f3d3e", "#e2b13c", "#e9e3d2", "#f7f4ea"], ["#e9c46a", "#264653", "#d1495b", "#1c1917"],
  ["#2d1e2f", "#d36582", "#f1bf98", "#fbeee6"], ["#dfe7e3", "#29524a", "#e07a5f", "#16221f"],
  ["#10151f", "#4f86c6", "#f5f749", "#eef3fa"], ["#f6d8ce", "#8f2d56", "#218380", "#2a0f1c"],
  ["#3a0d12", "#e63946", "#f1c9a5", "#fdf0e9"], ["#cfe3ee", "#1d4e89", "#f26419", "#0d1f35"],
  ["#23331e", "#a3b18a", "#e9b44c", "#f3f6ea"], ["#efe6f2", "#5f4bb6", "#f2a541", "#20163f"],
];

/**
 * Genres in order of priority, each with the motifs that it shares with others, besides its own: a poster shows one of
 * those of the first genre that the film has, or the second genre's own.
 */
const GENRES = Object.entries({
  "Film-Noir": ["panes", "stairs", "skyline", "beams", "doors"], Western: ["road", "hills", "rays", "columns", "stairs"], Horror: ["eye", "panes", "doors", "stairs", "skyline"],
  "Sci-Fi": ["arcs", "rays", "doors", "beams", "eye"], Musical: ["arcs", "beams", "cards", "flower", "columns"], Documentary: ["eye", "columns", "hills", "doors", "road"],
  War: ["zigzag", "rays", "skyline", "beams", "columns"], Animation: ["flower", "arcs", "hills", "cards", "road"], Fantasy: ["hills", "rays", "doors", "columns", "flower"],
  Mystery: ["eye", "stairs", "doors", "panes", "columns"], Romance: ["flower", "skyline", "hills", "cards", "arcs"], Crime: ["skyline", "panes", "stairs", "beams", "cards"],
  Thriller: ["stairs", "eye", "zigzag", "road", "doors"], Children: ["flower", "arcs", "hills", "cards", "road"], Adventure: ["road", "hills", "rays", "zigzag", "arcs"],
  Comedy: ["cards", "flower", "zigzag", "arcs", "panes"], Action: ["zigzag", "road", "beams", "rays", "skyline"], Drama: ["panes", "hills", "stairs", "doors", "columns"],
});

/** Compositions of a motif on a ground: as it is, close up, in a frame, as a band, through a porthole. @type {Record<string, (art: SVGElement[], palette: Palette) => SVGElement[]>} */
const COMPOSITIONS = {
  whole: (art) => art,
  close: (art) => [svg("g", { transform: "translate(-64 -34) scale(1.6)" }, art)],
  frame: (art, [, shape]) => [svg("svg", { x: 30, y: 20, width: 140, height: 120, viewBox: "0 8 200 152", preserveAspectRatio: "xMidYMid slice" }, art),
    svg("rect", { x: 30, y: 20, width: 140, height: 120, fill: "none", stroke: shape, "stroke-width": 4 })],
  letterbox: (art, [, , second]) => [svg("svg", { x: 0, y: 38, width: 200, height: 88, viewBox: "0 30 200 88", preserveAspectRatio: "xMidYMid slice" }, art), rect(0, 28, WIDTH, 5, second), rect(0, 131, WIDTH, 5, second)],
  porthole: (art, [ground, , second]) => [...art, ring(100, 82, 158, ground, 180), ring(100, 82, 68, second, 4)],
};

/** The motif and the composition of a film. @param {string[]} genres @param {Dice} dice */
function chooseArt(genres, { pick }) {
  const [first, second] = GENRES.filter(([name]) => genres.includes(name));
  const motif = first ? pick([first[0], ...first[1], ...(second ? [second[0]] : [])]) : "";
  return { motif, composition: pick(Object.keys(COMPOSITIONS)) };
}

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
  const { motif, composition } = chooseArt(movie.genres ?? [], dice);
  const picture = COMPOSITIONS[composition]((MOTIFS[motif] ?? PLAIN)(palette, dice), palette);
  const art = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "xMidYMin slice" },
    svg("rect", { width: WIDTH, height: HEIGHT, fill: palette[0] }), picture, rect(0, TITLE_TOP, WIDTH, HEIGHT - TITLE_TOP, palette[0]));
  const { name } = titleParts(title);
  const container = element("div", { class: "poster", "aria-hidden": "true", "data-art": `${motif} ${composition}` }, art,
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
