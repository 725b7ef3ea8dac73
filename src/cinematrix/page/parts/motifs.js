/** Motifs of drawn posters, and the shapes that they are made of. */

import { svg } from "./dom.js";

/** @typedef {[ground: string, shape: string, second: string, type: string]} Palette */
/** @typedef {{next: () => number, pick: <T>(list: T[]) => T}} Dice */

/** Width and height of a poster; its picture is above `TITLE_TOP`. */
export const [WIDTH, HEIGHT, TITLE_TOP] = [200, 250, 160];

/** Motifs by name: one for each genre, and such as several genres share. @type {Record<string, (palette: Palette, dice: Dice) => SVGElement[]>} */
export const MOTIFS = {
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
  arcs: ([, shape, second], { pick }) => {
    const x = pick([0, 200]);
    return [150, 122, 94, 66, 38].map((r, at) => circle(x, 160, r, at % 2 ? second : shape, at % 2 ? 0.9 : 1));
  },
  beams: ([, shape, second], { next }) => {
    const tip = 60 + next() * 80;
    return [path(`M-10 160 L${tip - 26} -10 H${tip + 26} L60 160z`, shape, 0.85), path(`M210 160 L${200 - tip + 26} -10 H${200 - tip - 26} L140 160z`, second, 0.7)];
  },
  cards: ([, shape, second, type], { next }) => [-16, 2, 19].map((turn, at) =>
    svg("rect", { x: 66, y: 34, width: 68, height: 100, rx: 8, fill: [shape, second, type][at], transform: `rotate(${turn + next() * 8} 100 180)` })),
  columns: ([, shape, second], { pick }) => {
    const lit = pick([1, 2, 3]);
    return [...[0, 1, 2, 3, 4].map((at) => rect(22 + at * 34, 46, 20, 114, at === lit ? second : shape)), rect(10, 30, 180, 12, shape)];
  },
  doors: ([ground, shape, second], { next }) => [86, 62, 38, 15].map((half, at) => rect(100 - half, 160 - half * (1.55 + next() * 0.1), 2 * half, 150, [shape, ground, second, ground][at])),
  eye: ([ground, shape, second], { next }) => [
    path("M14 84 Q100 4 186 84 Q100 164 14 84z", shape), circle(86 + next() * 28, 84, 31, second), circle(92 + next() * 16, 84, 13, ground),
  ],
  flower: ([, shape, second], { next }) => {
    const turn = next() * 60;
    return [...[0, 1, 2, 3, 4, 5].map((at) => svg("ellipse", { cx: 100, cy: 46, rx: 21, ry: 36, fill: shape, opacity: 0.9, transform: `rotate(${turn + at * 60} 100 84)` })), circle(100, 84, 19, second)];
  },
  hills: ([, shape, second, type], { next }) => [
    circle(46 + next() * 108, 52, 24, type),
    ...[0, 1, 2].map((at) => path(`M-10 ${92 + at * 26} Q${30 + next() * 60} ${48 + at * 32} 110 ${94 + at * 26} T215 ${84 + at * 26} V260 H-10z`, at === 1 ? second : shape, at === 2 ? 0.75 : 1)),
  ],
  panes: ([, shape, second], { pick }) => {
    const lit = pick([0, 1, 2, 3, 4, 5]);
    return grid(3, 2, (column, row) => rect(26 + column * 52, 16 + row * 70, 44, 60, column + 3 * row === lit ? second : shape));
  },
  rays: ([, shape, second], { next }) => {
    const start = next() * 12;
    return [...[0, 1, 2, 3, 4, 5, 6, 7].map((at) => svg("path", { d: "M100 160 L-90 140 L-90 182z", fill: shape, opacity: 0.9, transform: `rotate(${start + at * 24} 100 160)` })), circle(100, 160, 46, second)];
  },
  road: ([, shape, second, type]) => [circle(100, 66, 34, second), path("M94 66 H106 L176 170 H24z", shape), ...[0, 1, 2].map((at) => rect(99 - at, 84 + at * 26, 2 + 2 * at, 12 + 3 * at, type))],
  skyline: ([, shape, second], { next }) => [
    circle(40 + next() * 120, 42, 22, second), ...[0, 1, 2, 3, 4, 5, 6].map((at) => rect(at * 29, 62 + next() * 66, 27, 120, shape)),
  ],
  stairs: ([, shape, second], { pick }) => [circle(pick([46, 150]), 44, 24, second), ...[0, 1, 2, 3, 4].map((at) => rect(at * 40, 140 - at * 26, 41, 180, shape, 1 - at * 0.1))],
  zigzag: ([, shape, second], { next }) => [0, 1, 2].map((at) => {
    const y = 30 + at * 44 + next() * 12;
    return svg("path", { d: `M-10 ${y} l44 34 l44 -34 l44 34 l44 -34 l44 34`, fill: "none", stroke: at % 2 ? second : shape, "stroke-width": 15 });
  }),
};

/** The picture of films without a known genre. */
export const PLAIN = (/** @type {Palette} */ [, shape, second], /** @type {Dice} */ { next }) => [
  ring(100, 88, 58, shape, 10),
  stroke(`M-10 ${120 + next() * 30} L210 ${40 + next() * 30}`, second, 5),
];

/** @param {number} cx @param {number} cy @param {number} r @param {string} fill */
const circle = (cx, cy, r, fill, opacity = 1) => svg("circle", { cx, cy, r, fill, opacity });

/** @param {number} cx @param {number} cy @param {number} r @param {string} colour @param {number} width */
export const ring = (cx, cy, r, colour, width) => svg("circle", { cx, cy, r, fill: "none", stroke: colour, "stroke-width": width });

/** @param {number} x @param {number} y @param {number} width @param {number} height @param {string} fill */
export const rect = (x, y, width, height, fill, opacity = 1) => svg("rect", { x, y, width, height, fill, opacity });

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
