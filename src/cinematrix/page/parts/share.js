/** The dialog that shares a list of films, or some of them: as a link, a picture or text. */

import { element, icon } from "./dom.js";
import { format, words } from "./language.js";
import { drawPicture } from "./share-picture.js";
import { makeShare, revokeShare, shareUrl } from "./shares.js";
import { shorten } from "./titles.js";

/** Maximum letters of a name and of a note, and films chosen at first. */
const [MAX_NAME, MAX_NOTE, CHOSEN] = [80, 500, 100];

/** @typedef {import("../app.js").App} App */
/** @typedef {import("./history.js").Movie} Movie */
/** @typedef {{name: string, note: string, films: Movie[]}} List */

/** The button that opens the dialog. @param {App} app @param {() => {name: string, films: Movie[]}} list what to share when it is pressed */
export function shareButton(app, list) {
  return element("button", { type: "button", class: "ghost share-button", "aria-haspopup": "dialog", onclick: () => openShare(app, list()) }, icon("share"), words.share.button);
}

/** A day as text. @param {number} seconds */
export const dayText = (seconds) => format.longDay(1000 * seconds);

/** The list as text: its name, note and films, and the link if there is one. @param {List} list @param {string} [url] */
export function listText({ name, note, films }, url) {
  const lines = films.map(({ title, year, movie }, at) => `${at + 1}. ${shorten(title ?? words.film.number(movie))}${year ? ` (${year})` : ""}`);
  return [[name, note].filter(Boolean).join("\n"), lines.join("\n"), url].filter(Boolean).join("\n\n");
}

/** @param {App} app @param {{name: string, films: Movie[]}} list */
function openShare(app, { name: title, films }) {
  const name = /** @type {HTMLInputElement} */ (element("input", { id: "share-name", type: "text", maxlength: MAX_NAME, autocomplete: "off", value: title.slice(0, MAX_NAME) }));
  const note = /** @type {HTMLTextAreaElement} */ (element("textarea", { id: "share-note", rows: 2, maxlength: MAX_NOTE }));
  const status = element("p", { class: "facts", role: "status" });
  const link = element("div", { class: "share-link", hidden: true });
  let url = "";
  const choice = filmChoice(films, () => { for (const each of ways) each.disabled = !choice.chosen().length; });
  /** @returns {List} */
  const list = () => ({ name: name.value.trim(), note: note.value.trim(), films: choice.chosen() });
  const way = (/** @type {string} */ label, /** @type {Parameters<typeof icon>[0]} */ sign, /** @type {() => Promise<string>} */ act, kind = "ghost") => {
    const button = /** @type {HTMLButtonElement} */ (element("button", { type: "button", class: kind, onclick: async () => {
      button.disabled = true;
      status.textContent = await act().catch((/** @type {Error} */ error) => (error.name === "AbortError" ? "" : error.message));
      button.disabled = false;
    } }, icon(sign), label));
    return button;
  };
  const ways = [
    app.model.sharing !== false && way(words.share.makeLink, "link", async () => {
      const { films: chosen, ...rest } = list();
      const made = await makeShare(app, { ...rest, movies: chosen.map(({ movie }) => movie) });
      url = shareUrl(made.share);
      link.replaceChildren(...linkParts(app, made, rest.name, (text) => { status.textContent = text; url = ""; link.hidden = true; }));
      link.hidden = false;
      link.querySelector("input")?.select();
      return made.films < chosen.length ? words.share.leftOut(chosen.length - made.films) : "";
    }, "primary"),
    way(words.share.picture, "down", async () => handOver(await drawPicture(list().name, list().films), list().name)),
    way(words.share.copyText, "check", async () => copy(listText(list(), url), sheet)),
  ].filter((each) => each !== false);
  const sheet = /** @type {HTMLDialogElement} */ (element("dialog", { class: "sheet share", "aria-labelledby": "share-title" },
    element("h2", { id: "share-title" }, words.share.title),
    element("div", {}, element("label", { class: "label", for: "share-name" }, words.share.name), name),
    element("div", {}, element("label", { class: "label", for: "share-note" }, words.share.note), note),
    choice.box,
    element("div", { class: "buttons" }, ways), link, status,
    element("button", { type: "button", class: "ghost", onclick: () => sheet.close() }, words.film.close)));
  sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });
  sheet.addEventListener("close", () => sheet.remove());
  app.signal.addEventListener("abort", () => sheet.close());
  document.body.append(sheet);
  sheet.showModal();
}

/** The films to choose from, folded. @param {Movie[]} films @param {() => void} changed */
function filmChoice(films, changed) {
  const boxes = films.map((_, at) => /** @type {HTMLInputElement} */ (element("input", { type: "checkbox", checked: at < CHOSEN, onchange: () => show() })));
  const count = element("span", {});
  const chosen = () => films.filter((_, at) => boxes[at].checked);
  const show = () => {
    const n = chosen().length;
    count.textContent = words.film.of(n, films.length);
    changed();
  };
  const all = (/** @type {boolean} */ checked) => element("button", { type: "button", class: "ghost small", onclick: () => { for (const each of boxes) each.checked = checked; show(); } }, checked ? words.share.all : words.share.none);
  const box = element("details", { class: "share-films" }, element("summary", { "data-closed": words.share.choose, "data-opened": words.share.done }, count),
    element("div", { class: "buttons" }, all(true), all(false)),
    element("ul", {}, films.map(({ title, movie, year }, at) => element("li", {}, element("label", {}, boxes[at], element("bdi", {}, shorten(title ?? words.film.number(movie), 80)), year && element("span", { class: "facts" }, String(year)))))));
  queueMicrotask(show);
  return { box, chosen };
}

/** The link that was made, with what can be done with it. @param {App} app @param {import("./shares.js").Share} made @param {string} name @param {(text: string) => void} revoked */
function linkParts(app, made, name, revoked) {
  const url = shareUrl(made.share);
  const field = /** @type {HTMLInputElement} */ (element("input", { type: "text", readonly: true, value: url, "aria-label": words.share.link, onfocus: () => field.select() }));
  const trouble = (/** @type {Error} */ error) => { if (error.name !== "AbortError") app.toast(error.message); };
  return [
    field,
    element("p", { class: "facts" }, words.share.until(dayText(made.expires))),
    element("div", { class: "buttons" },
      element("button", { type: "button", class: "ghost", onclick: async () => app.toast(await copyText(url) ? words.share.linkCopied : words.share.copyByHand) }, icon("check"), words.share.copyLink),
      "share" in navigator && element("button", { type: "button", class: "ghost", onclick: () => navigator.share({ title: name || words.share.untitled, url }).catch(trouble) }, icon("share"), words.share.send),
      element("button", { type: "button", class: "ghost danger", onclick: () => revokeShare(app, made).then(() => revoked(words.share.revoked), trouble) }, words.share.revoke)),
  ].filter((each) => each instanceof Node);
}

/** Give a picture to the phone's share sheet, or save it. @param {Blob} blob @param {string} name */
async function handOver(blob, name) {
  const file = new File([blob], `${name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 60) || words.share.fileName}.png`, { type: blob.type });
  if (matchMedia("(pointer: coarse)").matches && navigator.canShare?.({ files: [file] })) {
    await navigator.share({ files: [file] });
    return "";
  }
  const url = URL.createObjectURL(file);
  element("a", { href: url, download: file.name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
  return words.share.savedAs(file.name);
}

/** Copy a text; without the right to, show it to be copied by hand. @param {string} text @param {HTMLElement} sheet */
async function copy(text, sheet) {
  sheet.querySelector(".share-text")?.remove();
  if (await copyText(text)) return words.share.copied;
  const field = /** @type {HTMLTextAreaElement} */ (element("textarea", { class: "share-text", readonly: true, rows: 6, "aria-label": words.share.asText }));
  field.value = text;
  sheet.querySelector("[role=status]")?.before(field);
  field.select();
  return words.share.copyTextByHand;
}

/** Copy a text; false without the right to. @param {string} text */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
