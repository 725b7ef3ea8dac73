/** Titles in two parts: the name, and what else the film is called. */

/** Names in brackets at the end of a title: `Men in Black II (a.k.a. MIIB)`. A word such as "or" before them belongs to the name. */
const ALSO = /(?<=[^\s:;,\-–&])(?<!\b(?:or|and|of|the))((?: \([^()]+\))+)$/i;

/** The parts of a title. @param {string} title @returns {{name: string, also: string}} */
export function titleParts(title) {
  const also = ALSO.exec(title.slice(0, 300))?.[1] ?? "";
  return { name: also ? title.slice(0, -also.length) : title, also };
}

/** Other names of a film: its original title, which stands in brackets, and what else it is called. @param {string} title @returns {{original: string[], also: string[]}} */
export function otherNames(title) {
  const names = [...titleParts(title).also.matchAll(/\(([^()]+)\)/g)].map(([, name]) => name.trim());
  const alias = /^a\.?k\.?a\.? /i;
  return { original: names.filter((name) => !alias.test(name)), also: names.filter((name) => alias.test(name)).map((name) => name.replace(alias, "")) };
}
