/** The people of a household on the page: the button that switches profiles, and their list with names and limits. */

import { genreButtons } from "./dials.js";
import { element, icon } from "./dom.js";
import { MAX_NAME, MAX_PROFILES } from "./profiles.js";
import { shorten } from "./cards.js";
import { genreName, words } from "./language.js";

/** @typedef {import("./profiles.js").Profiles} Profiles */
/** @typedef {import("./profiles.js").Profile} Profile */

/** The first letter of a name. @param {Profile} profile */
const initial = ({ name }) => [...name.trim()][0]?.toUpperCase() ?? "?";

/**
 * The button that opens the profiles; hidden while there is only one, or an account is open.
 * @param {import("./history.js").History} history @param {(profile: Profile) => void} choose
 */
export function profileSwitch(history, choose) {
  const { profiles } = history;
  const button = element("button", { type: "button", class: "ghost round who", "aria-haspopup": "dialog", onclick: () => openProfiles(profiles, choose) });
  const show = () => {
    const { current } = profiles;
    button.hidden = profiles.all.length < 2 || history.account !== null;
    button.textContent = initial(current);
    button.setAttribute("aria-label", words.household.current(current.name));
  };
  profiles.addEventListener("change", show);
  history.addEventListener("change", show);
  show();
  return button;
}

/** Open the list of profiles; a tap on one chooses it. @param {Profiles} profiles @param {(profile: Profile) => void} choose */
function openProfiles({ all, current }, choose) {
  const pick = (/** @type {Profile} */ profile) => () => {
    sheet.close();
    choose(profile);
  };
  const sheet = /** @type {HTMLDialogElement} */ (element("dialog", { class: "sheet whose", "aria-labelledby": "whose-title" },
    element("h2", { id: "whose-title" }, words.household.who),
    element("ul", { class: "whose-list" }, all.map((profile) => element("li", {},
      element("button", { type: "button", class: profile.id === current.id ? "primary" : "ghost", "aria-pressed": String(profile.id === current.id), onclick: pick(profile) },
        element("span", { class: "initial", "aria-hidden": "true" }, initial(profile)), element("bdi", {}, shorten(profile.name, MAX_NAME)))))),
    element("button", { type: "button", class: "ghost", onclick: () => sheet.close() }, words.film.close)));
  sheet.addEventListener("click", (event) => { if (event.target === sheet) sheet.close(); });
  sheet.addEventListener("close", () => sheet.remove());
  document.body.append(sheet);
  sheet.showModal();
}

/** The section of "You" with all profiles; null while an account is open. @param {import("../app.js").App} app */
export function householdSection(app) {
  const { history, history: { profiles } } = app;
  if (history.account) return null;
  const list = element("ul", { class: "household-list" });
  const name = /** @type {HTMLInputElement} */ (element("input", { id: "new-profile", type: "text", maxlength: MAX_NAME, autocomplete: "off", required: true, placeholder: words.household.name }));
  const form = element("form", { class: "buttons", onsubmit: (/** @type {Event} */ event) => {
    event.preventDefault();
    const added = profiles.add(name.value.trim() || words.household.someone);
    name.value = "";
    app.toast(words.household.added(added.name));
  } }, element("label", { for: "new-profile", class: "quiet" }, words.household.newName), name, element("button", { class: "ghost" }, icon("people"), words.household.add));
  let open = "";
  const draw = () => {
    const focus = /** @type {HTMLElement | null} */ (list.contains(document.activeElement) ? document.activeElement : null)?.dataset.control;
    list.replaceChildren(...profiles.all.map((profile) => profileItem(app, profile, open === profile.id, () => { open = open === profile.id ? "" : profile.id; })));
    form.hidden = profiles.all.length >= MAX_PROFILES;
    if (focus) /** @type {HTMLElement | null} */ (list.querySelector(`[data-control="${focus}"]`))?.focus();
  };
  const follow = () => { if (!list.contains(document.activeElement) || !document.activeElement?.matches("input, .chip")) draw(); };
  profiles.addEventListener("change", follow);
  app.signal.addEventListener("abort", () => profiles.removeEventListener("change", follow));
  draw();
  return element("section", { class: "household" },
    element("h2", {}, words.household.title),
    element("p", { class: "facts" }, words.household.why),
    list, form);
}

/** One profile: its name, whether it is chosen, and its limit. @param {import("../app.js").App} app @param {Profile} profile @param {boolean} open @param {() => void} toggled */
function profileItem(app, profile, open, toggled) {
  const { profiles } = app.history;
  const current = profile.id === profiles.current.id;
  const field = `profile-${profile.id}`;
  const summary = element("span", { class: "facts" }, limitText(profile.limit));
  return element("li", { "data-profile": profile.id },
    element("div", { class: "household-head" },
      element("span", { class: "initial", "aria-hidden": "true" }, initial(profile)),
      element("label", { class: "quiet", for: field }, words.household.name),
      element("input", { id: field, type: "text", maxlength: MAX_NAME, value: profile.name, autocomplete: "off", onchange: (/** @type {Event} */ event) => {
        profiles.update(profile.id, { name: /** @type {HTMLInputElement} */ (event.target).value.trim() || profile.name });
      } }),
      current ? element("span", { class: "here" }, icon("check"), words.household.now)
        : element("button", { type: "button", class: "ghost", "data-control": `switch-${profile.id}`, onclick: () => app.switchProfile(profile) }, words.household.switch, element("span", { class: "quiet" }, words.household.switchTo(profile.name)))),
    (app.model.genres ?? []).length > 0 && element("details", { class: "why", open, ontoggle: (/** @type {Event} */ event) => { if (/** @type {HTMLDetailsElement} */ (event.target).open !== open) toggled(); } },
      element("summary", { "data-closed": words.household.change, "data-opened": words.film.close }, words.household.limit, summary), limitButtons(app, profile, summary)));
}

/** `only Comedy, no Horror`; `all films` without a limit. @param {import("./profiles.js").Limit} limit */
function limitText(limit) {
  const { only, no, allFilms } = words.household;
  return [...limit.with.map((genre) => only(genreName(genre))), ...limit.without.map((genre) => no(genreName(genre)))].join(", ") || allFilms;
}

/** The genres of a limit. @param {import("../app.js").App} app @param {Profile} profile @param {HTMLElement} summary */
function limitButtons(app, profile, summary) {
  const params = new URLSearchParams({ with: profile.limit.with.join(","), without: profile.limit.without.join(",") });
  return genreButtons(/** @type {any} */ ({ model: app.model, params }), (changes) => {
    const names = (/** @type {string} */ list) => (changes[list] ?? "").split(",").filter(Boolean);
    for (const [key, value] of Object.entries(changes)) params.set(key, value ?? "");
    const limit = { with: names("with"), without: names("without") };
    summary.textContent = limitText(limit);
    app.history.profiles.update(profile.id, { limit });
  });
}
