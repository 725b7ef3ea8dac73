/** What the server says in sentences, such as problems and skipped rows. The API speaks English; `words.answers` has the sentences in another language. */

import { element } from "./dom.js";
import { language, words } from "./language.js";

/** The sentences in another language, each with a pattern whose groups are its values. @type {[RegExp, string | ((...values: string[]) => string)][]} */
const ANSWERS = Object.entries(words.answers).map(([sentence, said]) => [new RegExp(`^${sentence.split("{}").map(literal).join("(.+)")}$`), said]);

/** @param {string} text */
function literal(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

/** A sentence of the server in the page's language; null if the language doesn't have it. @param {string} sentence @returns {string | null} */
export function answerText(sentence) {
  if (language === "en") return sentence;
  for (const [pattern, said] of ANSWERS) {
    const values = pattern.exec(sentence);
    if (values) return typeof said === "string" ? said : said(...values.slice(1));
  }
  return ofFile(sentence);
}

/** A sentence about a file of an archive, which begins with the file's name. @param {string} sentence */
function ofFile(sentence) {
  const [, file, rest] = /^(.+?): (.+)$/.exec(sentence) ?? [];
  const text = rest ? answerText(rest) : null;
  return text && `${file}: ${text}`;
}

/** A sentence of the server; in English if the page's language doesn't have it. @param {string} sentence */
export function answer(sentence) {
  return answerText(sentence) ?? element("span", { lang: "en" }, sentence);
}
