/**
 * Service worker: keeps the page's own files, so that the page opens without the server. Requests to the API pass by it.
 *
 * All files of one version of the page have that version in their addresses, and are kept in a cache of their own. So a
 * page never gets files of two versions. The page itself, `/`, is asked from the server first.
 */

/** The worker's scope, with its own types. */
const worker = /** @type {ServiceWorkerGlobalScope} */ (/** @type {unknown} */ (self));

const PREFIX = "cinematrix-page-";

/** Versions kept: that of the server, and the one before, for pages that are still open. */
const KEPT = 2;

/** Keep all files of the server's version, unless they are kept. The page comes last, so that a version is whole or unused. */
async function keep() {
  const { version, files } = await (await fetch("/page/files.json", { cache: "no-store" })).json();
  const name = PREFIX + version;
  const cache = await caches.open(name);
  if (!(await cache.match("/"))) {
    await cache.addAll(files);
    const index = await fetch("/", { cache: "no-store" });
    if (!index.ok || !(await index.clone().text()).includes(`/page/${version}/`)) throw new Error("The page changed meanwhile.");
    await cache.put("/", index);
  }
  const others = (await caches.keys()).filter((each) => each.startsWith(PREFIX.slice(0, -1)) && each !== name);
  await Promise.all(others.slice(0, Math.max(0, others.length - KEPT + 1)).map((each) => caches.delete(each)));
}

/** The page of the newest whole version; undefined if there is none. */
async function keptPage() {
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX)).reverse();
  for (const name of names) {
    const page = await (await caches.open(name)).match("/");
    if (page) return page;
  }
  return undefined;
}

/** The server's page; the kept one if the server can't be reached. @param {FetchEvent} event */
async function answerPage(event) {
  try {
    const response = await fetch(event.request);
    if (response.ok) event.waitUntil(keep().catch(() => { /* the next visit tries again */ }));
    return response;
  } catch {
    return (await keptPage()) ?? Response.error();
  }
}

/** A file of the page: kept, or else the server's. @param {Request} request */
async function answerFile(request) {
  return (await caches.match(request, { ignoreSearch: true })) ?? fetch(request);
}

worker.addEventListener("install", (event) => event.waitUntil(keep()));
// No navigation preload: in Firefox a failed one ends in an error page, whatever the worker answers.
worker.addEventListener("activate", (event) => event.waitUntil(worker.clients.claim()));
worker.addEventListener("fetch", (event) => {
  const { origin, pathname } = new URL(event.request.url);
  if (origin !== location.origin || event.request.method !== "GET") return;
  if (pathname === "/" && event.request.mode === "navigate") event.respondWith(answerPage(event));
  else if (/^\/page\/[0-9a-f]{16}\//.test(pathname)) event.respondWith(answerFile(event.request));
});
