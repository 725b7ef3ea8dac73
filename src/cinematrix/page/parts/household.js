/** The people of a household on the page: the button that switches profiles, and their list with names and limits. */

import { genreButtons } from "./dials.js";
import { element, icon } from "./dom.js";
import { isFair, knownFacts, selection } from "./fact-filters.js";
import { MAX_NAME, MAX_PROFILES } from "./profiles.js";
import { shorten } from "./cards.js";
import { genreName, words } from "./language.js";

/** @typedef {import("./profiles.js").Profiles} Profiles */
/** @typedef {import("./profiles.js").Profile} Profile */
/** @typedef {import("./profiles.js").Limit} Limit */

/** Controls that keep the list as it is while they have the focus. */
const EDITED = ["input", "select", ".chip"];

/** Ages offered as a limit, in years: those of the common certifications. */
const AGES = [0, 6, 8, 10, 12, 13, 14, 16];

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
  const follow = () => { if (!list.contains(document.activeElement) || !EDITED.some((name) => document.activeElement?.matches(name))) draw(); };
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
    element("details", { class: "why", open },
      element("summary", { onclick: toggled, "data-closed": words.household.change, "data-opened": words.film.close }, words.household.limit, summary), limitControls(app, profile, summary)));
}

/** `only Comedy, no Horror, up to age 12`; `all films` without a limit. @param {Limit} limit */
function limitText(limit) {
  const { only, no, upTo, allFilms } = words.household;
  const parts = [...limit.with.map((genre) => only(genreName(genre))), ...limit.without.map((genre) => no(genreName(genre))), ...(limit.age === null ? [] : [upTo(limit.age)])];
  return parts.join(", ") || allFilms;
}

/** The genres and the age of a limit. @param {import("../app.js").App} app @param {Profile} profile @param {HTMLElement} summary */
function limitControls(app, profile, summary) {
  let { limit } = profile;
  const update = (/** @type {Partial<Limit>} */ changes) => {
    limit = { ...limit, ...changes };
    summary.textContent = limitText(limit);
    app.history.profiles.update(profile.id, { limit });
  };
  const params = new URLSearchParams({ with: limit.with.join(","), without: limit.without.join(",") });
  const genres = genreButtons(/** @type {any} */ ({ model: app.model, params }), (changes) => {
    for (const [key, value] of Object.entries(changes)) params.set(key, value ?? "");
    const names = (/** @type {string} */ list) => (params.get(list) ?? "").split(",").filter(Boolean);
    update({ with: names("with"), without: names("without") });
  });
  return [genres, ageChoice(app, limit.age, (age) => update({ age }))];
}

/** The choice of an age, where the certifications of enough films are known, or to remove it. @param {import("../app.js").App} app @param {number | null} now @param {(age: number | null) => void} choose */
function ageChoice(app, now, choose) {
  const place = element("div", { class: "age-limit" });
  knownFacts(app).then((facts) => {
    if (now === null && !(facts && isFair(facts.certification, facts.movies))) return;
    const ages = [...new Set([...AGES, ...(now === null ? [] : [now])])].sort((one, other) => one - other);
    const options = ages.map((age) => ({ value: String(age), label: words.household.years(age) }));
    const select = selection(options, words.household.anyAge, now === null ? null : String(now), (age) => choose(age === null ? null : Number(age)));
    place.append(element("label", { class: "least" }, words.household.ageLimit, select,
      element("small", {}, words.household.unknownHidden(facts ? facts.movies - facts.certification : null))));
  });
  return place;
}
