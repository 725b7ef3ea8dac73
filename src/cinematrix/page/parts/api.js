/** HTTP client of the service: JSON requests and responses; problem details are thrown as `ApiError`. */

import { answerText } from "./answers.js";
import { words } from "./language.js";

/** Request timeout in milliseconds. */
const TIMEOUT = 20_000;

/** A failed request; `status` is 0 if there was no response. */
export class ApiError extends Error {
  /** @param {number} status @param {string} detail @param {Record<string, unknown>} [body] the problem details */
  constructor(status, detail, body = {}) {
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.detail = detail;
    this.body = body;
  }
}

/** The error of a request without a response. */
export const connectionError = () => new ApiError(0, words.trouble.unreachable);

/** Client that sends the page's token or API key, or the cookie of who has signed in, with each request. */
export class Api {
  /** @param {Record<string, string>} [credentials] headers @param {boolean} [signedIn] whether the cookie of who has signed in is sent */
  constructor(credentials = {}, signedIn = false) {
    this.credentials = credentials;
    this.signedIn = signedIn;
    /** Whether the last response was 401: the credentials are invalid. */
    this.unauthorized = false;
  }

  /** @param {string} path @param {Record<string, unknown>} [query] @param {AbortSignal} [signal] */
  get(path, query = {}, signal) {
    const set = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
    const search = new URLSearchParams(set.map(([name, value]) => [name, String(value)])).toString();
    return this.request("GET", search ? `${path}?${search}` : path, undefined, signal);
  }

  /** @param {string} path @param {unknown} body JSON, or a file's bytes as a Blob @param {AbortSignal} [signal] */
  post(path, body, signal) {
    return this.request("POST", path, body, signal);
  }

  /** @param {string} path @param {unknown} [body] */
  put(path, body) {
    return this.request("PUT", path, body);
  }

  /** @param {string} path */
  delete(path) {
    return this.request("DELETE", path);
  }

  /**
   * Send a request and return the parsed JSON, the text of another type, or null if the response is empty.
   * @param {string} method @param {string} path @param {unknown} [body] @param {AbortSignal} [signal] @param {Record<string, string>} [more] headers
   * @returns {Promise<any>}
   * @throws {ApiError} for error responses, and if the server can't be reached; an AbortError if `signal` aborts
   */
  async request(method, path, body, signal, more = {}) {
    const raw = body instanceof Blob;
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json", ...this.credentials, ...more };
    if (body !== undefined) headers["Content-Type"] = raw ? body.type || "application/octet-stream" : "application/json";
    const timeout = AbortSignal.timeout(TIMEOUT);
    let response;
    try {
      response = await fetch(path, {
        method,
        headers,
        body: raw ? body : body === undefined ? undefined : JSON.stringify(body),
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
        credentials: this.signedIn ? "same-origin" : "omit",
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw timeout.aborted ? new ApiError(0, words.trouble.tooSlow) : connectionError();
    }
    this.unauthorized = response.status === 401;
    return readResponse(response);
  }
}

/** Parse a response. @param {Response} response @throws {ApiError} for error responses */
async function readResponse(response) {
  const type = response.headers.get("Content-Type") ?? "";
  const value = response.status === 204 ? null : type.includes("json") ? await response.json() : await response.text();
  if (response.ok) return value;
  const detail = (typeof value?.detail === "string" && answerText(value.detail)) || words.trouble.answered(response.status);
  throw new ApiError(response.status, detail, typeof value === "object" && value ? value : {});
}
