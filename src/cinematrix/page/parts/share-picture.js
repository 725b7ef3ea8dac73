/** A list of films as a picture: their drawn posters on a canvas, in the size that other sites show of a link. */

import { words } from "./language.js";
import { poster } from "./posters.js";
import { shorten, titleParts } from "./titles.js";

/** Width and height of the picture. */
const [WIDTH, HEIGHT] = [1200, 630];

/** Margin, gap between posters, and height of the heading and of the line below. */
const [MARGIN, GAP, HEAD, FOOT] = [60, 22, 130, 70];

/** Maximum posters, and posters in a line. */
const [MOST, ABREAST] = [12, 6];

/** Width of a drawn poster by its height, and the share of its height that the picture has above the title. */
const [SHAPE, ART] = [0.8, 0.64];

/** Colours of the picture. */
const [PAPER, INK, MUTED, ACCENT] = ["#faf6f0", "#1d1915", "#675d53", "#b5390f"];

/** @typedef {import("./history.js").Movie} Movie */
/** @typedef {{x: number, y: number, width: number, height: number}} Place */

/** The places of posters: one line of up to five, or two; as large as there is room. @param {number} n @returns {Place[]} */
export function posterPlaces(n) {
  const lines = n <= 5 ? 1 : 2;
  const abreast = Math.min(ABREAST, Math.ceil(n / lines));
  const room = [(WIDTH - 2 * MARGIN - (abreast - 1) * GAP) / abreast, (HEIGHT - HEAD - FOOT - (lines - 1) * GAP) / lines];
  const width = Math.min(room[0], room[1] * SHAPE);
  const height = width / SHAPE;
  return Array.from({ length: n }, (_, at) => ({
    x: MARGIN + (at % abreast) * (width + GAP), y: HEAD + Math.floor(at / abreast) * (height + GAP), width, height,
  }));
}

/** Lines of words that fit a width; the last one ends with "…" if there are more. @param {string} text @param {number} most @param {(text: string) => boolean} fits @returns {string[]} */
export function wrapText(text, most, fits) {
  /** @type {string[]} */
  const lines = [];
  for (const word of text.split(/\s+/)) {
    const longer = lines.length ? `${lines[lines.length - 1]} ${word}` : word;
    if (lines.length && fits(longer)) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  const cut = (/** @type {string} */ line, rest = false) => {
    if (!rest && fits(line)) return line;
    let letters = [...line];
    while (letters.length > 1 && !fits(`${letters.join("")}…`)) letters = letters.slice(0, -1);
    return `${letters.join("")}…`;
  };
  return lines.slice(0, most).map((line, at) => cut(line, at === most - 1 && lines.length > most));
}

/** A list as a PNG. @param {string} name @param {Movie[]} films @returns {Promise<Blob>} */
export async function drawPicture(name, films) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [WIDTH, HEIGHT];
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const style = getComputedStyle(document.documentElement);
  const [display, sans] = [style.getPropertyValue("--display"), style.getPropertyValue("--sans")];
  const shown = films.slice(0, MOST);
  pen.fillStyle = PAPER;
  pen.fillRect(0, 0, WIDTH, HEIGHT);
  pen.fillStyle = INK;
  pen.font = `600 54px ${display}`;
  pen.fillText(wrapText(name || words.share.untitled, 1, (text) => pen.measureText(text).width <= WIDTH - 2 * MARGIN)[0], MARGIN, 88);
  for (const [at, place] of posterPlaces(shown.length).entries()) await drawPoster(pen, shown[at], place, display, sans);
  drawFoot(pen, films.length - shown.length, display, sans);
  return new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error(words.share.noPicture))), "image/png"));
}

/** The name of the page, and how many films aren't shown. @param {CanvasRenderingContext2D} pen @param {number} more @param {string} display @param {string} sans */
function drawFoot(pen, more, display, sans) {
  const y = HEIGHT - 26;
  for (const [x, colour] of /** @type {[number, string][]} */ ([[MARGIN + 9, ACCENT], [MARGIN + 19, INK]])) {
    pen.globalAlpha = colour === INK ? 0.82 : 1;
    pen.fillStyle = colour;
    pen.beginPath();
    pen.arc(x, y - 8, 10, 0, 7);
    pen.fill();
  }
  pen.globalAlpha = 1;
  pen.fillStyle = INK;
  pen.font = `600 24px ${display}`;
  pen.fillText("Cinematrix", MARGIN + 40, y);
  if (more <= 0) return;
  pen.fillStyle = MUTED;
  pen.font = `500 22px ${sans}`;
  pen.textAlign = "right";
  pen.fillText(words.share.more(more), WIDTH - MARGIN, y);
  pen.textAlign = "left";
}

/** Draw a poster as the page draws it. @param {CanvasRenderingContext2D} pen @param {Movie} film @param {Place} place @param {string} display @param {string} sans */
async function drawPoster(pen, film, { x, y, width, height }, display, sans) {
  const drawn = poster(film, false);
  const art = await loadImage(/** @type {SVGElement} */ (drawn.querySelector("svg")));
  const [ground, ink] = ["--ground", "--type"].map((name) => drawn.style.getPropertyValue(name));
  const margin = width * 0.07;
  const title = titleParts(shorten(film.title ?? words.film.number(film.movie), 120)).name;
  const size = width * (title.length <= 22 ? 0.115 : 0.09);
  pen.save();
  pen.beginPath();
  pen.roundRect(x, y, width, height, width * 0.07);
  pen.clip();
  pen.fillStyle = ground;
  pen.fillRect(x, y, width, height);
  pen.drawImage(art, x, y, width, height);
  pen.fillRect(x, y + ART * height, width, height);
  pen.fillStyle = ink;
  pen.font = `700 ${size}px ${display}`;
  const lines = wrapText(title, 3, (text) => pen.measureText(text).width <= width - 2 * margin);
  lines.forEach((line, at) => pen.fillText(line, x + margin, y + ART * height + margin + size * (0.75 + 1.08 * at)));
  pen.font = `600 ${width * 0.055}px ${sans}`;
  if (film.year) pen.fillText(String(film.year), x + margin, y + height - margin);
  pen.restore();
}

/** The picture of a poster as an image. @param {SVGElement} art @returns {Promise<HTMLImageElement>} */
async function loadImage(art) {
  for (const [name, value] of Object.entries({ width: 400, height: 500 })) art.setAttribute(name, String(value));
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(new XMLSerializer().serializeToString(art))}`;
  await image.decode();
  return image;
}
