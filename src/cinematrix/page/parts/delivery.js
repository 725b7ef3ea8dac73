/** Bring an account's waiting changes to the server once it is there again, and say in the banner what waits. */

import { words } from "./language.js";
import { OUTBOX } from "./outbox.js";

/** Milliseconds until the first new try, and at most between two. */
const [FIRST, LONGEST] = [2000, 60_000];

/** @typedef {import("./history.js").History} History */
/** @typedef {Awaited<ReturnType<History["send"]>>} Answer */

export class Delivery {
  /**
   * @param {History} history
   * @param {{banner: (text: string) => void, refused: (title: string, why: string) => void, expired: () => void}} page what it says, and to whom
   */
  constructor(history, page) {
    this.history = history;
    this.page = page;
    /** Whether the shown account is the tab's copy. */
    this.copied = false;
    this.shown = "";
    this.delay = FIRST;
    this.timer = 0;
    history.addEventListener("sent", (event) => this.sent(/** @type {CustomEvent<Answer>} */ (event).detail));
    addEventListener("storage", ({ key }) => { if (key === OUTBOX) this.show(); }); // another tab has sent or kept something
    for (const kind of ["online", "offline"]) addEventListener(kind, () => this.connection(kind === "online"));
  }

  /** @param {boolean} online */
  connection(online) {
    this.delay = FIRST;
    if (online) this.retry();
    this.show();
  }

  /** The account is shown as the tab knows it; try until the server has answered. */
  showsCopy() {
    this.copied = true;
    this.plan();
    this.show();
  }

  /** @param {Answer} answer */
  sent({ refused, stopped }) {
    const { history, page } = this;
    const late = refused.filter(({ parcel }) => !history.live.has(parcel.id));
    for (const { parcel, error } of late) page.refused(parcel.title, error.message);
    if (stopped?.error.status === 401 && !history.live.has(stopped.parcel.id)) return page.expired();
    if (stopped) this.plan();
    else if (this.shown || late.length) this.reload();
    this.show();
  }

  /** Try again after a while, later each time. */
  plan() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.retry(), this.delay);
    this.delay = Math.min(2 * this.delay, LONGEST);
  }

  async retry() {
    const { account } = this.history;
    if (!account) return;
    if (this.history.waiting) await this.history.send(account);
    else if (this.copied) await this.reload();
    else this.show();
  }

  /** Load the account as the server has it. */
  async reload() {
    const { account } = this.history;
    this.delay = FIRST;
    if (!account) return;
    try {
      await this.history.follow(account.user);
      this.copied = false;
    } catch {
      this.plan();
    }
    this.show();
  }

  /** Say what waits, or that the browser is offline; nothing if neither is so. */
  show() {
    const { waiting, account } = this.history;
    const { trouble } = words;
    const text = waiting ? trouble.waiting(waiting) : !navigator.onLine ? (account ? trouble.offlineAccount : trouble.offline) : this.copied ? trouble.copy : "";
    if (text === this.shown) return;
    this.shown = text;
    this.page.banner(text);
  }
}
