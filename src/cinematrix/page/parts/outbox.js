/**
 * The changes of an account's history on their way to the server. They are kept in this browser until the server has
 * them, and sent one after the other; an idempotency key makes each count once, however often it is sent.
 */

import { ApiError } from "./api.js";
import { words } from "./language.js";

/** Key in localStorage, and name of the lock that keeps two tabs from sending at once. */
export const OUTBOX = "cinematrix-outbox";

/** Statuses after which a change is sent again later. 0: the server can't be reached. */
const LATER = [0, 408, 425, 429, 502, 503, 504];

/** `time`: when the user made the change, in epoch seconds. @typedef {{movie: number | string, kind: string, rating?: number, gone?: boolean, time: number}} Change */
/** The changes of one film that belong together. `id`: their idempotency key. @typedef {{id: string, user: number | string, title: string, changes: Change[]}} Parcel */
/** @typedef {{parcel: Parcel, error: ApiError}} Refusal */

export class Outbox {
  constructor() {
    /** What localStorage couldn't hold. @type {Parcel[] | null} */
    this.memory = null;
    /** @type {Promise<unknown>} */
    this.sending = Promise.resolve();
    /** What became of the parcels that this page sent, by ID: null if the server has it, or its refusal. @type {Map<string, ApiError | null>} */
    this.outcomes = new Map();
  }

  /** The parcels of all accounts, the oldest first. @returns {Parcel[]} */
  get all() {
    if (this.memory) return this.memory;
    try {
      const stored = JSON.parse(localStorage.getItem(OUTBOX) ?? "[]");
      return Array.isArray(stored) ? stored.filter((each) => typeof each?.id === "string" && Array.isArray(each.changes)) : [];
    } catch {
      return [];
    }
  }

  /** @param {Parcel[]} parcels */
  store(parcels) {
    try {
      if (parcels.length) localStorage.setItem(OUTBOX, JSON.stringify(parcels));
      else localStorage.removeItem(OUTBOX);
      this.memory = null;
    } catch {
      this.memory = parcels;
    }
  }

  /** The parcels of one account. @param {number | string} user */
  of(user) {
    return this.all.filter((parcel) => parcel.user === user);
  }

  /** Add a parcel at the end, and return its ID. @param {number | string} user @param {string} title @param {Change[]} changes */
  add(user, title, changes) {
    const id = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    this.store([...this.all, { id, user, title, changes }]);
    return id;
  }

  /** Delete a parcel. @param {string} id */
  drop(id) {
    this.store(this.all.filter((parcel) => parcel.id !== id));
  }

  /** The error that keeps a parcel from the server for good; null if it arrived, or waits. @param {string} id @param {Refusal | null} stopped where the sending stopped */
  failure(id, stopped) {
    const outcome = this.outcomes.get(id);
    if (outcome !== undefined) return outcome;
    if (stopped?.parcel.id === id && stopped.error.status !== 0) return stopped.error;
    return this.all.some((parcel) => parcel.id === id) ? null : new ApiError(401, words.trouble.accountShut);
  }

  /** Delete all parcels of an account. @param {number | string} user */
  clear(user) {
    this.store(this.all.filter((parcel) => parcel.user !== user));
  }

  /**
   * Send the parcels of an account in order. Those that the server refuses are dropped.
   * @param {import("./api.js").Api} api @param {number | string} user
   * @returns {Promise<{refused: Refusal[], stopped: Refusal | null}>} `stopped`: the first that is to be sent again, and why
   */
  send(api, user) {
    const turn = this.sending.then(() => withLock(() => this.run(api, user)));
    this.sending = turn.catch(() => {});
    return turn;
  }

  /** @param {import("./api.js").Api} api @param {number | string} user */
  async run(api, user) {
    const path = `/v1/users/${encodeURIComponent(user)}/changes`;
    /** @type {Refusal[]} */
    const refused = [];
    for (let [parcel] = this.of(user); parcel; [parcel] = this.of(user)) {
      try {
        await api.request("POST", path, { changes: parcel.changes }, undefined, { "Idempotency-Key": parcel.id });
      } catch (caught) {
        const error = caught instanceof ApiError ? caught : new ApiError(0, String(caught));
        if (error.status === 401 || LATER.includes(error.status)) return { refused, stopped: { parcel, error } };
        refused.push({ parcel, error });
      }
      this.outcomes.set(parcel.id, refused.find((each) => each.parcel === parcel)?.error ?? null);
      this.drop(parcel.id);
    }
    return { refused, stopped: null };
  }
}

/** Do work while no other tab does it, where the browser has locks. @template T @param {() => Promise<T>} work @returns {Promise<T>} */
async function withLock(work) {
  return navigator.locks ? await navigator.locks.request(OUTBOX, () => work()) : work();
}
