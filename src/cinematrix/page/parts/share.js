/** The dialog that shares a list of films, or some of them: as a link, a picture or text. */

import { plural } from "./cards.js";
import { element, icon } from "./dom.js";
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
  return element("button", { type: "button", class: "ghost share-button", "aria-haspopup": "dialog", onclick: () => openShare(app, list()) }, icon("share"), "Share");
}

/** A day as text. @param {number} seconds */
export const dayText = (seconds) => new Date(1000 * seconds).toLocaleDateString("en", { dateStyle: "long" });

/** The list as text: its name, note and films, and the link if there is one. @param {List} list @param {string} [url] */
export function listText({ name, note, films }, url) {
  const lines = films.map(({ title, year, movie }, at) => `${at + 1}. ${shorten(title ?? `film ${movie}`)}${year ? ` (${year})` : ""}`);
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
  const way = (/** @type {string} */ words, /** @type {Parameters<typeof icon>[0]} */ sign, /** @type {() => Promise<string>} */ act, kind = "ghost") => {
    const button = /** @type {HTMLButtonElement} */ (element("button", { type: "button", class: kind, onclick: async () => {
      button.disabled = true;
      status.textContent = await act().catch((/** @type {Error} */ error) => (error.name === "AbortError" ? "" : error.message));
      button.disabled = false;
    } }, icon(sign), words));
    return button;
  };
  const ways = [
    app.model.sharing !== false && way("Make a link", "link", async () => {
      const { films: chosen, ...rest } = list();
      const made = await makeShare(app, { ...rest, movies: chosen.map(({ movie }) => movie) });
      url = shareUrl(made.share);
      link.replaceChildren(...linkParts(app, made, rest.name, (words) => { status.textContent = words; url = ""; link.hidden = true; }));
      link.hidden = false;
      link.querySelector("input")?.select();
      return made.films < chosen.length ? `${plural(chosen.length - made.films, "film")} left out, because the catalog lacks them.` : "";
    }, "primary"),
    way("Picture", "down", async () => handOver(await drawPicture(list().name, list().films), list().name)),
    way("Copy as text", "check", async () => copy(listText(list(), url), sheet)),
  ].filter((each) => each !== false);
  const sheet = /** @type {HTMLDialogElement} */ (element("dialog", { class: "sheet share", "aria-labelledby": "share-title" },
    element("h2", { id: "share-title" }, "Share a list"),
    element("div", {}, element("label", { class: "label", for: "share-name" }, "Name"), name),
    element("div", {}, element("label", { class: "label", for: "share-note" }, "Note, if you like"), note),
    choice.box,
    element("div", { class: "buttons" }, ways), link, status,
    element("button", { type: "button", class: "ghost", onclick: () => sheet.close() }, "Close")));
  sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });
  sheet.addEventListener("close", () => sheet.remove());
  app.signal.addEventListener("abort", () => sheet.close());
  document.body.append(sheet);
  sheet.showModal();
}

/** The films to choose from, folded. @param {Movie[]} films @param {() => void} changed */
function filmChoice(films, changed) {
  const boxes = films.map((_, at) => /** @type {HTMLInputElement} */ (element("input", { type: "checkbox", checked: at < CHOSEN, onchange: () => show() })));
  const words = element("span", {});
  const chosen = () => films.filter((_, at) => boxes[at].checked);
  const show = () => {
    const n = chosen().length;
    words.textContent = n === films.length ? plural(n, "film") : `${n.toLocaleString("en")} of ${plural(films.length, "film")}`;
    changed();
  };
  const all = (/** @type {boolean} */ checked) => element("button", { type: "button", class: "ghost small", onclick: () => { for (const each of boxes) each.checked = checked; show(); } }, checked ? "All" : "None");
  const box = element("details", { class: "share-films" }, element("summary", {}, words),
    element("div", { class: "buttons" }, all(true), all(false)),
    element("ul", {}, films.map(({ title, movie, year }, at) => element("li", {}, element("label", {}, boxes[at], element("bdi", {}, shorten(title ?? `film ${movie}`, 80)), year && element("span", { class: "facts" }, String(year)))))));
  queueMicrotask(show);
  return { box, chosen };
}

/** The link that was made, with what can be done with it. @param {App} app @param {import("./shares.js").Share} made @param {string} name @param {(words: string) => void} revoked */
function linkParts(app, made, name, revoked) {
  const url = shareUrl(made.share);
  const field = /** @type {HTMLInputElement} */ (element("input", { type: "text", readonly: true, value: url, "aria-label": "Link", onfocus: () => field.select() }));
  const trouble = (/** @type {Error} */ error) => { if (error.name !== "AbortError") app.toast(error.message); };
  return [
    field,
    element("p", { class: "facts" }, `Anybody with this link can see the list until ${dayText(made.expires)}. It doesn’t say who you are.`),
    element("div", { class: "buttons" },
      element("button", { type: "button", class: "ghost", onclick: async () => app.toast(await copyText(url) ? "The link is copied." : "Copy the link from its field.") }, icon("check"), "Copy the link"),
      "share" in navigator && element("button", { type: "button", class: "ghost", onclick: () => navigator.share({ title: name || "Films to watch", url }).catch(trouble) }, icon("share"), "Send"),
      element("button", { type: "button", class: "ghost danger", onclick: () => revokeShare(app, made).then(() => revoked("The link is revoked."), trouble) }, "Revoke")),
  ].filter((each) => each instanceof Node);
}

/** Give a picture to the phone's share sheet, or save it. @param {Blob} blob @param {string} name */
async function handOver(blob, name) {
  const file = new File([blob], `${name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-|-$/g, "").slice(0, 60) || "films"}.png`, { type: blob.type });
  if (matchMedia("(pointer: coarse)").matches && navigator.canShare?.({ files: [file] })) {
    await navigator.share({ files: [file] });
    return "";
  }
  const url = URL.createObjectURL(file);
  element("a", { href: url, download: file.name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
  return `Saved as ${file.name}.`;
}

/** Copy a text; without the right to, show it to be copied by hand. @param {string} text @param {HTMLElement} sheet */
async function copy(text, sheet) {
  sheet.querySelector(".share-text")?.remove();
  if (await copyText(text)) return "Copied.";
  const field = /** @type {HTMLTextAreaElement} */ (element("textarea", { class: "share-text", readonly: true, rows: 6, "aria-label": "The list as text" }));
  field.value = text;
  sheet.querySelector("[role=status]")?.before(field);
  field.select();
  return "Copy the text from its field.";
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
