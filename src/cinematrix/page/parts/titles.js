/** Titles: shortened, inside a sentence, and in two parts, the name and what else the film is called. */

/** Names in brackets at the end of a title: `Men in Black II (a.k.a. MIIB)`. A word such as "or" before them belongs to the name. */
const ALSO = /(?<=[^\s:;,\-–&])(?<!\b(?:or|and|of|the))((?: \([^()]+\))+)$/i;

/** The parts of a title. @param {string} title @returns {{name: string, also: string}} */
export function titleParts(title) {
  const also = ALSO.exec(title.slice(0, 300))?.[1] ?? "";
  return { name: also ? title.slice(0, -also.length) : title, also };
}

/** Control characters, and characters that change the text direction. */
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g;

/** Shorten a text and remove invisible characters. @param {string} text */
export function shorten(text, most = 160) {
  const visible = text.slice(0, 2 * most).replace(INVISIBLE, "");
  return text.length > most ? `${visible.slice(0, most)}…` : visible;
}

/** A title inside a plain-text sentence, with its own text direction. @param {import("./history.js").Movie} movie @param {string} otherwise used if it has no title */
export function titleText(movie, otherwise) {
  return movie.title ? `\u2068${shorten(movie.title, 60)}\u2069` : otherwise;
}

/** Other names of a film: its original title, which stands in brackets, and what else it is called. @param {string} title @returns {{original: string[], also: string[]}} */
export function otherNames(title) {
  const names = [...titleParts(title).also.matchAll(/\(([^()]+)\)/g)].map(([, name]) => name.trim());
  const alias = /^a\.?k\.?a\.? /i;
  return { original: names.filter((name) => !alias.test(name)), also: names.filter((name) => alias.test(name)).map((name) => name.replace(alias, "")) };
}
