/** Sign in by name and password, choose a password by an invitation, and change it. */

import { offerToJoin, ownFilms } from "../parts/join.js";
import { loadingState } from "../parts/states.js";

export const title = "Sign in";
export const early = true;

/** Limits of a password, as the server has them. */
const [MIN_LENGTH, MAX_LENGTH] = [8, 256];

/** The invitation of the link that was opened; it is taken out of the address at once. */
let invitation = "";

/** @param {HTMLElement} main @param {import("../app.js").App} app */
export async function show(main, app) {
  const draw = async () => {
    takeInvitation();
    main.replaceChildren(loadingState("Loading", 0));
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
  if (account) return [element("h1", {}, "Sign in"), element("p", { class: "lead" }, `This tab has the account of ${account.user}, which a link has opened. Leave it under “You” first.`)];
  if (!session.offered) return [element("h1", {}, "Sign in"), element("p", { class: "lead" }, "Nobody has an account on this server yet. Its operator can invite you.")];
  return [element("h1", {}, "Sign in"), signInForm(app),
    element("p", { class: "facts" }, "Password forgotten? The operator can send you a new invitation.")];
}

/** The form of name and password. @param {import("../app.js").App} app */
function signInForm(app) {
  const name = field(app, "name", "Name", { type: "text", autocomplete: "username", autocapitalize: "none", spellcheck: "false", maxlength: 200 });
  const password = field(app, "password", "Password", { type: "password", autocomplete: "current-password", maxlength: MAX_LENGTH });
  return form(app, [name, password], "Sign in", async () => {
    const own = ownFilms(app);
    await app.session.enter(name.input.value, password.input.value);
    await arrive(app, own);
  });
}

/** The form of an invitation. @param {import("../app.js").App} app @param {number | string} user @returns {HTMLElement[]} */
function invitationParts(app, user) {
  const { element } = app;
  const name = field(app, "name", "Name", { type: "text", autocomplete: "username", readonly: true, value: String(user) });
  const password = newPassword(app);
  return [element("h1", {}, `Welcome, ${user}`),
    element("p", { class: "lead" }, `Choose a password of ${MIN_LENGTH} characters or more. With your name and this password you open your account in any browser.`),
    form(app, [name, password], "Open my account", async () => {
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
  const current = field(app, "current", "Current password", { type: "password", autocomplete: "current-password", maxlength: MAX_LENGTH });
  const password = newPassword(app);
  return [element("h1", {}, "Your account"),
    element("p", { class: "lead" }, "You are signed in as ", element("bdi", {}, String(user)), "."),
    element("div", { class: "buttons account-buttons" },
      element("button", { type: "button", class: "primary", onclick: leave(false) }, "Sign out"),
      element("button", { type: "button", class: "ghost", onclick: leave(true) }, "Sign out everywhere")),
    note,
    element("section", {}, element("h2", {}, "Change your password"),
      element("p", { class: "facts" }, "Other browsers are signed out then."),
      form(app, [current, password], "Change it", async () => {
        await app.session.change(current.input.value, password.input.value);
        for (const each of [current, password]) each.input.value = "";
        app.toast("Your password is changed.");
      }, name))];
}

/** Open the account after signing in, offer to join the browser's films, and show the films. @param {import("../app.js").App} app @param {ReturnType<typeof ownFilms>} own */
async function arrive(app, own) {
  await app.follow();
  await offerToJoin(app, own);
  app.go("for-you");
}

/** A field with its label. @param {import("../app.js").App} app @param {string} id @param {string} words @param {Record<string, unknown>} more */
function field({ element }, id, words, more) {
  const input = /** @type {HTMLInputElement} */ (element("input", { id: `account-${id}`, name: id, required: true, "aria-describedby": "account-error", ...more }));
  return { input, row: element("div", {}, element("label", { class: "label", for: input.id }, words), input) };
}

/** The field of a new password, which can be shown. @param {import("../app.js").App} app */
function newPassword(app) {
  const { element } = app;
  const made = field(app, "new-password", "New password", { type: "password", autocomplete: "new-password", minlength: MIN_LENGTH, maxlength: MAX_LENGTH });
  made.row.append(element("label", { class: "show-password" }, element("input", { type: "checkbox", onchange: (/** @type {Event} */ event) => {
    made.input.type = /** @type {HTMLInputElement} */ (event.target).checked ? "text" : "password";
  } }), "Show it"));
  return made;
}

/**
 * A form that says what went wrong.
 * @param {import("../app.js").App} app @param {ReturnType<typeof field>[]} fields @param {string} words of the button @param {() => Promise<void>} send @param {...HTMLElement} more
 */
function form({ element }, fields, words, send, ...more) {
  const error = element("p", { class: "form-error", id: "account-error", role: "alert" });
  const button = /** @type {HTMLButtonElement} */ (element("button", { class: "primary" }, words));
  const [last] = fields.slice(-1);
  return element("form", { class: "account-form", onsubmit: async (/** @type {Event} */ event) => {
    event.preventDefault();
    error.textContent = "";
    button.disabled = true;
    try {
      await send();
    } catch (caught) {
      const { message } = /** @type {Error} */ (caught);
      error.textContent = `${message[0].toUpperCase()}${message.slice(1)}.`.replace("..", ".");
      last.input.focus();
      last.input.select();
    }
    button.disabled = false;
  } }, more, fields.map(({ row }) => row), error, button);
}
