/** Sign in by name and password, choose a password by an invitation, and change it. */

import { offerToJoin, ownFilms } from "../parts/join.js";
import { words } from "../parts/language.js";
import { loadingState } from "../parts/states.js";

export const title = words.signIn.title;
export const early = true;

/** Limits of a password, as the server has them. */
const [MIN_LENGTH, MAX_LENGTH] = [8, 256];

/** The invitation of the link that was opened; it is taken out of the address at once. */
let invitation = "";

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const draw = async () => {
    takeInvitation();
    main.replaceChildren(loadingState(words.signIn.loading, 0));
    await app.session.asked;
    const parts = await viewParts(app).catch((error) => [app.failed(error)]);
    if (!app.signal.aborted) main.replaceChildren(...parts);
  };
  addEventListener("hashchange", draw, { signal: app.signal });
  await draw();
}

/** Move the invitation from the address into memory, so that no copied address and no history has it. */
function takeInvitation() {
  const found = new URLSearchParams(location.hash.slice(1)).get("invitation");
  if (!found) return;
  invitation = found;
  history.replaceState(history.state, "", location.pathname + location.search);
}

/** Forget an invitation that the server doesn't know, so that the view can be used without it. @param {unknown} error @returns {never} */
function forgetInvitation(error) {
  if (/** @type {{status?: number}} */ (error).status === 404) invitation = "";
  throw error;
}

/** @param {import("../app.js").App} app @returns {Promise<HTMLElement[]>} */
async function viewParts(app) {
  const { element, session, history: { account } } = app;
  if (invitation) return invitationParts(app, await session.invited(invitation).catch(forgetInvitation));
  if (session.user !== null) return signedInParts(app, session.user);
  if (account) return [element("h1", {}, title), element("p", { class: "lead" }, words.signIn.otherAccount(account.user))];
  if (!session.offered) return [element("h1", {}, title), element("p", { class: "lead" }, words.signIn.nobody)];
  return [element("h1", {}, title), signInForm(app),
    element("p", { class: "facts" }, words.signIn.forgotten)];
}

/** The form of name and password. @param {import("../app.js").App} app */
function signInForm(app) {
  const name = field(app, "name", words.signIn.name, { type: "text", autocomplete: "username", autocapitalize: "none", spellcheck: "false", maxlength: 200 });
  const password = field(app, "password", words.signIn.password, { type: "password", autocomplete: "current-password", maxlength: MAX_LENGTH });
  return form(app, [name, password], words.signIn.to, async () => {
    const own = ownFilms(app);
    await app.session.enter(name.input.value, password.input.value);
    await arrive(app, own);
  });
}

/** The form of an invitation. @param {import("../app.js").App} app @param {number | string} user @returns {HTMLElement[]} */
function invitationParts(app, user) {
  const { element } = app;
  const name = field(app, "name", words.signIn.name, { type: "text", autocomplete: "username", readonly: true, value: String(user) });
  const password = newPassword(app);
  return [element("h1", {}, words.signIn.welcome(user)),
    element("p", { class: "lead" }, words.signIn.choose(MIN_LENGTH)),
    form(app, [name, password], words.signIn.open, async () => {
      const own = ownFilms(app);
      await app.session.accept(invitation, password.input.value);
      invitation = "";
      await arrive(app, own);
    })];
}

/** What who has signed in can do. @param {import("../app.js").App} app @param {number | string} user @returns {HTMLElement[]} */
function signedInParts(app, user) {
  const { element } = app;
  const note = element("p", { role: "status" });
  const leave = (/** @type {boolean} */ everywhere) => async () => {
    note.textContent = await app.leave(everywhere);
    if (!note.textContent) app.go("signin");
  };
  const name = element("input", { type: "text", autocomplete: "username", value: String(user), hidden: true, readonly: true });
  const current = field(app, "current", words.signIn.currentPassword, { type: "password", autocomplete: "current-password", maxlength: MAX_LENGTH });
  const password = newPassword(app);
  return [element("h1", {}, words.signIn.account),
    element("p", { class: "lead" }, words.signIn.signedInAs(element("bdi", {}, String(user)))),
    element("div", { class: "buttons account-buttons" },
      element("button", { type: "button", class: "primary", onclick: leave(false) }, words.signIn.out),
      element("button", { type: "button", class: "ghost", onclick: leave(true) }, words.signIn.outEverywhere)),
    note,
    element("section", {}, element("h2", {}, words.signIn.change),
      element("p", { class: "facts" }, words.signIn.changeWhy),
      form(app, [current, password], words.signIn.changeIt, async () => {
        await app.session.change(current.input.value, password.input.value);
        for (const each of [current, password]) each.input.value = "";
        app.toast(words.signIn.changed);
      }, name))];
}

/** Open the account after signing in, offer to join the browser's films, and show the films. @param {import("../app.js").App} app @param {ReturnType<typeof ownFilms>} own */
async function arrive(app, own) {
  await app.follow();
  await offerToJoin(app, own);
  app.go("for-you");
}

/** A field with its label. @param {import("../app.js").App} app @param {string} id @param {string} label @param {Record<string, unknown>} more */
function field({ element }, id, label, more) {
  const input = /** @type {HTMLInputElement} */ (element("input", { id: `account-${id}`, name: id, required: true, "aria-describedby": "account-error", ...more }));
  return { input, row: element("div", {}, element("label", { class: "label", for: input.id }, label), input) };
}

/** The field of a new password, which can be shown. @param {import("../app.js").App} app */
function newPassword(app) {
  const { element } = app;
  const made = field(app, "new-password", words.signIn.newPassword, { type: "password", autocomplete: "new-password", minlength: MIN_LENGTH, maxlength: MAX_LENGTH });
  made.row.append(element("label", { class: "show-password" }, element("input", { type: "checkbox", onchange: (/** @type {Event} */ event) => {
    made.input.type = /** @type {HTMLInputElement} */ (event.target).checked ? "text" : "password";
  } }), words.signIn.show));
  return made;
}

/**
 * A form that says what went wrong.
 * @param {import("../app.js").App} app @param {ReturnType<typeof field>[]} fields @param {string} label of the button @param {() => Promise<void>} send @param {...HTMLElement} more
 */
function form({ element }, fields, label, send, ...more) {
  const error = element("p", { class: "form-error", id: "account-error", role: "alert" });
  const button = /** @type {HTMLButtonElement} */ (element("button", { class: "primary" }, label));
  return element("form", { class: "account-form", onsubmit: async (/** @type {Event} */ event) => {
    event.preventDefault();
    error.textContent = "";
    button.disabled = true;
    try {
      await send();
    } catch (caught) {
      const { message, status } = /** @type {import("../parts/api.js").ApiError} */ (caught);
      error.textContent = `${message[0].toUpperCase()}${message.slice(1)}.`.replace("..", ".");
      const { input } = fields[status === 403 ? 0 : fields.length - 1]; // 403: the current password is wrong
      input.focus();
      input.select();
    }
    button.disabled = false;
  } }, more, fields.map(({ row }) => row), error, button);
}
