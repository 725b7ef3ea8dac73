/** The operator's list of people who sign in by name and password, with their invitations. */

import { shorten } from "./cards.js";
import { element, icon } from "./dom.js";
import { format, words } from "./language.js";

/** People shown. */
const MOST = 1000;

/** @typedef {{user: number | string, created: number, password: boolean, invited_until: number | null, sessions: number, used: number | null}} Person */

/** The section; it loads its list. @param {import("../app.js").App} app */
export function peopleSection(app) {
  const list = element("ul", { class: "people-list" });
  const status = element("p", { class: "facts", role: "status" });
  const link = element("div", { class: "new-link", hidden: true });
  const name = /** @type {HTMLInputElement} */ (element("input", { id: "new-person", type: "text", maxlength: 64, autocomplete: "off", autocapitalize: "none", spellcheck: "false", required: true }));
  const load = async () => {
    const { users } = await app.operator.get("/v1/admin/sign-ins", { n: MOST }, app.signal);
    list.replaceChildren(...users.map((/** @type {Person} */ person) => item(person, invite, remove)));
  };
  const act = (/** @type {() => Promise<void>} */ work) => async () => {
    try {
      status.textContent = "";
      await work();
      await load();
    } catch (error) {
      if (!app.signal.aborted) status.textContent = /** @type {Error} */ (error).message;
    }
  };
  const invite = (/** @type {number | string} */ user) => act(async () => {
    const made = await app.operator.post(`/v1/admin/users/${encodeURIComponent(user)}/invitation`, {});
    link.replaceChildren(...linkParts(made.user, new URL(made.link, location.href).href, made.expires));
    link.hidden = false;
  });
  const remove = (/** @type {number | string} */ user) => act(async () => {
    await app.operator.delete(`/v1/admin/users/${encodeURIComponent(user)}/sign-in`);
    link.hidden = true;
    app.toast(words.signIn.removed(user));
  });
  const form = element("form", { class: "buttons", onsubmit: (/** @type {Event} */ event) => {
    event.preventDefault();
    invite(name.value.trim())().then(() => { name.value = ""; });
  } }, element("label", { for: "new-person" }, words.signIn.name), name, element("button", { class: "ghost" }, icon("people"), words.signIn.invite));
  act(async () => {})();
  return element("section", { class: "people" }, element("h2", {}, words.signIn.people),
    element("p", { class: "facts" }, words.signIn.peopleWhy),
    list, form, status, link);
}

/** A person. @param {Person} person @param {(user: number | string) => () => void} invite @param {(user: number | string) => () => void} remove */
function item({ user, password, invited_until: until, used }, invite, remove) {
  const day = (/** @type {number} */ ms) => format.mediumDay(ms);
  const state = [password ? words.signIn.hasPassword : words.signIn.noPassword, until && words.signIn.invitedUntil(day(until)), used && words.signIn.lastHere(day(used))].filter(Boolean).join(" · ");
  const button = (/** @type {string} */ text, /** @type {() => void} */ onclick) => element("button", { type: "button", class: "ghost small", "aria-label": words.film.about(text, user), onclick }, text);
  return element("li", {}, element("div", {}, element("strong", {}, element("bdi", {}, shorten(String(user), 64))), " ", element("span", { class: "facts" }, state)),
    element("div", { class: "buttons" }, button(words.signIn.newInvitation, invite(user)), button(words.signIn.remove, remove(user))));
}

/** A new link, which is shown only now. @param {number | string} user @param {string} href @param {number} expires @returns {HTMLElement[]} */
function linkParts(user, href, expires) {
  const field = /** @type {HTMLInputElement} */ (element("input", { id: "new-link", type: "text", readonly: true, value: href, onfocus: () => field.select() }));
  const copy = element("button", { type: "button", class: "ghost", onclick: async () => {
    field.select();
    await navigator.clipboard?.writeText(href).then(() => { copy.textContent = words.signIn.copied; }, () => {});
  } }, words.signIn.copy);
  return [element("label", { class: "label", for: "new-link" }, words.signIn.linkOf(user, format.longDay(expires * 1000))),
    element("div", { class: "buttons" }, field, copy)];
}
