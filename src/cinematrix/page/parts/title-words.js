/** Words of a title, made equal for all ways to write it; the same as the server's search (`data/title_words.py`). */

const LETTERS = new Map(Object.entries({ æ: "ae", œ: "oe", ø: "o", ł: "l", đ: "d", ð: "d", þ: "th", ı: "i", "¢": "c", $: "s", ß: "ss", ς: "σ", "&": " and ", "+": " and " }));
const ARTICLES = "the|a|an|le|la|les|l'|un|une|una|der|die|das|ein|eine|il|lo|i|gli|el|los|las|o|os|as|de|den|det|het";
const TRAILING_ARTICLE = new RegExp(`^([^():]*[^\\s():]), (${ARTICLES})(?=\\s*(?:$|[:(]))`, "i");

/** Signs that are written over or under a letter. */
const ACCENTS = /[\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u064b-\u065f\u0670\u3099\u309a]/g;

/** Words before the number of a part. */
const SERIAL = new Set("part pt chapter ch episode ep volume vol no number teil parte partie".split(" "));

const ROMAN = "i ii iii iv v vi vii viii ix x xi xii xiii xiv xv xvi xvii".split(" ");
const UNITS = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty".split(" ");
const TENS = "thirty forty fifty sixty seventy eighty ninety".split(" ");
const OUR = "arm behavi col end fav flav glam harb hon hum lab neighb od parl rum sav savi splend val vap vig".split(" ");

/** The word that stands for another. */
const EQUAL = new Map([
  ...[...ROMAN.entries(), ...UNITS.entries()].map(([at, word]) => /** @type {[string, string]} */ ([word, String(at + 1)])),
  ...TENS.map((word, at) => /** @type {[string, string]} */ ([word, String(30 + 10 * at)])),
  ...OUR.flatMap((stem) => ["", "s", "ed", "ite", "able", "hood"].map((end) => /** @type {[string, string]} */ ([`${stem}our${end}`, `${stem}or${end}`]))),
  ...Object.entries({
    grey: "gray", greys: "grays", theatre: "theater", centre: "center", defence: "defense", n: "and", offence: "offense", programme: "program",
    traveller: "traveler", travellers: "travelers", catalogue: "catalog", pyjamas: "pajamas", jewellery: "jewelry", marvellous: "marvelous",
    vs: "5", versus: "5", dr: "doctor", mr: "mister", mrs: "missus", st: "saint", jr: "junior",
  }),
]);

/** The words of a title, with a leading article. @param {string} title @returns {string[]} */
export function titleWords(title) {
  const letters = title.replace(TRAILING_ARTICLE, "$2 $1").replace(/([¼½¾⅓⅔²³])/g, " $1").normalize("NFKD").replace(ACCENTS, "");
  const text = letters.toLowerCase().replace(/^l['’] ?(?=[\p{L}\p{N}_])/u, "l ").replace(/['’‘ʼ`´]/g, "").replace(/./gsu, (letter) => LETTERS.get(letter) ?? letter);
  const words = (text.match(/[\p{L}\p{N}]+/gu) ?? []).map((word) => EQUAL.get(word) ?? word);
  return words.length > 1 ? words.filter((word, at) => !(SERIAL.has(word) && /^\p{Nd}+$/u.test(words[at + 1] ?? ""))) : words;
}

const ARTICLE_WORDS = new Set(ARTICLES.replaceAll("'", "").split("|"));

/** The words without a leading article, by which titles are sorted. @param {string[]} words */
export const dropArticle = (words) => (words.length > 1 && ARTICLE_WORDS.has(words[0]) ? words.slice(1) : words);
