/** The one way to the server: JSON there and back, and errors as the problems that it tells of. */

/** How long an answer may take, in milliseconds. */
const PATIENCE = 20_000;

/** What went wrong: `status` is 0 where no answer came at all. */
export class ApiError extends Error {
  /** @param {number} status @param {string} detail @param {Record<string, unknown>} [body] the whole problem */
  constructor(status, detail, body = {}) {
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.detail = detail;
    this.body = body;
  }
}

/** That no answer came. */
export const unreached = () => new ApiError(0, "The server can't be reached.");

/** Asks the server in the name of who holds the page's token or key. */
export class Api {
  /** @param {Record<string, string>} [credentials] headers */
  constructor(credentials = {}) {
    this.credentials = credentials;
    /** Whether the last answer was that these open nothing. */
    this.refused = false;
  }

  /** @param {string} path @param {Record<string, unknown>} [query] @param {AbortSignal} [signal] */
  get(path, query = {}, signal) {
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
    const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
    return this.ask("GET", search ? `${path}?${search}` : path, undefined, signal);
  }

  /** @param {string} path @param {unknown} body JSON, or a file's bytes as a Blob @param {AbortSignal} [signal] */
  post(path, body, signal) {
    return this.ask("POST", path, body, signal);
  }

  /** @param {string} path @param {unknown} [body] */
  put(path, body) {
    return this.ask("PUT", path, body);
  }

  /** @param {string} path */
  delete(path) {
    return this.ask("DELETE", path);
  }

  /**
   * The answer: what its JSON says, its text where it is something else, null where it is empty.
   * @param {string} method @param {string} path @param {unknown} [body] @param {AbortSignal} [signal]
   * @returns {Promise<any>}
   * @throws {ApiError} also where the server can't be reached; but an AbortError if `signal` says so
   */
  async ask(method, path, body, signal) {
    const raw = body instanceof Blob;
    /** @type {Record<string, string>} */
    const headers = { Accept: "application/json", ...this.credentials };
    if (body !== undefined) headers["Content-Type"] = raw ? body.type || "application/octet-stream" : "application/json";
    const late = AbortSignal.timeout(PATIENCE);
    let answer;
    try {
      answer = await fetch(path, {
        method,
        headers,
        body: raw ? body : body === undefined ? undefined : JSON.stringify(body),
        signal: signal ? AbortSignal.any([signal, late]) : late,
        credentials: "omit",
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      throw late.aborted ? new ApiError(0, "The server takes too long.") : unreached();
    }
    this.refused = answer.status === 401;
    return read(answer);
  }
}

/** @param {Response} answer */
async function read(answer) {
  const type = answer.headers.get("Content-Type") ?? "";
  const value = answer.status === 204 ? null : type.includes("json") ? await answer.json() : await answer.text();
  if (answer.ok) return value;
  const detail = typeof value?.detail === "string" ? value.detail : `The server answered ${answer.status}.`;
  throw new ApiError(answer.status, detail, typeof value === "object" && value ? value : {});
}
