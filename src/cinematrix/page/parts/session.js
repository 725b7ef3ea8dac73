/**
 * Who has signed in with this browser. The session itself is in a cookie that no script can read; what is kept here is
 * the last answer about it, so that the page starts with the right header, and the other tabs follow.
 */

import { Api } from "./api.js";
import { shorten } from "./cards.js";
import { element, icon } from "./dom.js";
import { words } from "./language.js";

/** Key in localStorage. */
const KEY = "cinematrix-sign-in";

/** `offered`: somebody can sign in on this server. @typedef {{user: number | string | null, offered: boolean}} Answer */

/** Fires `change` when the answer changes, and `elsewhere` when another tab has changed it. @extends EventTarget */
export class Session extends EventTarget {
  constructor() {
    super();
    this.api = new Api({}, true);
    /** @type {Answer} */
    this.last = kept();
    /** Resolves once the server has answered or failed. @type {Promise<unknown>} */
    this.asked = Promise.resolve();
    addEventListener("storage", ({ key }) => {
      if (key !== KEY && key !== null) return;
      this.take(kept());
      this.dispatchEvent(new CustomEvent("elsewhere"));
    });
  }

  /** The user who has signed in, or null. */
  get user() {
    return this.last.user;
  }

  /** Whether somebody can sign in on this server. */
  get offered() {
    return this.last.offered;
  }

  /** Ask the server who has signed in. Without an answer the last one stays. */
  ask() {
    this.asked = this.api.get("/v1/session").then((answer) => this.keep(answer), () => {});
    return this.asked;
  }

  /** Sign in. @param {string} name @param {string} password */
  async enter(name, password) {
    this.keep(await this.api.post("/v1/session", { name, password }));
  }

  /** Whom an invitation is for. @param {string} invitation @returns {Promise<number | string>} */
  async invited(invitation) {
    return (await this.api.request("GET", "/v1/invitation", undefined, undefined, { "X-Invitation": invitation })).user;
  }

  /** Choose a password by an invitation, and sign in. @param {string} invitation @param {string} password */
  async accept(invitation, password) {
    this.keep(await this.api.request("POST", "/v1/invitation", { password }, undefined, { "X-Invitation": invitation }));
  }

  /** Change the password; other browsers are signed out. @param {string} current @param {string} password */
  async change(current, password) {
    this.keep(await this.api.put("/v1/session/password", { current, password }));
  }

  /** Sign out. @param {boolean} [everywhere] in all browsers */
  async leave(everywhere = false) {
    await this.api.delete(`/v1/session${everywhere ? "?everywhere=true" : ""}`);
    this.ended();
  }

  /** Note that the session has ended. */
  ended() {
    this.keep({ user: null, offered: true });
  }

  /** Keep an answer. @param {Answer} answer */
  keep({ user, offered }) {
    try {
      if (offered) localStorage.setItem(KEY, JSON.stringify({ user, offered }));
      else localStorage.removeItem(KEY);
    } catch { /* without storage it lasts as long as the page, and the cookie as long as the browser keeps it */ }
    this.take({ user, offered });
  }

  /** @param {Answer} answer */
  take(answer) {
    this.last = answer;
    this.dispatchEvent(new CustomEvent("change"));
  }
}

/** The last answer, as this browser kept it. @returns {Answer} */
function kept() {
  try {
    const { user = null, offered = false } = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return { user: ["string", "number"].includes(typeof user) ? user : null, offered: offered === true };
  } catch {
    return { user: null, offered: false };
  }
}

/** The header's link: "Sign in", or the initial of who has signed in. Hidden where nobody can, and while a link's account is open. @param {Session} session @param {import("./history.js").History} history */
export function sessionLink(session, history) {
  const link = element("a", { class: "ghost session", href: "/?view=signin" });
  const show = () => {
    const name = session.user === null ? null : String(session.user);
    link.hidden = !session.offered || (name === null && history.account !== null);
    link.classList.toggle("round", name !== null);
    link.classList.toggle("who", name !== null);
    if (name === null) link.replaceChildren(icon("person"), words.signIn.to);
    else link.replaceChildren([...name.trim()][0]?.toUpperCase() ?? "?");
    if (name === null) link.removeAttribute("aria-label");
    else link.setAttribute("aria-label", words.signIn.as(shorten(name, 40)));
  };
  session.addEventListener("change", show);
  history.addEventListener("change", show);
  show();
  return link;
}
