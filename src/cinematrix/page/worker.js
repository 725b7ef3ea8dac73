/** Service worker: keeps the page's own files, so that the page opens without the server. Requests to the API pass by it. */

const CACHE = "cinematrix-page";

/** The module that names all views; if it has changed, all files are stored again. */
const FRAME = "/page/app.js";

/** Store the page and all its files. */
async function store() {
  const read = async (/** @type {string} */ path) => (await fetch(path)).text();
  const [index, frame] = await Promise.all([read("/"), read(FRAME)]);
  const files = [...index.matchAll(/"(\/page\/[\w./-]+)"/g)].map(([, path]) => path);
  const views = [...frame.matchAll(/"\.\/(views\/[\w-]+\.js)"/g)].map(([, path]) => `/page/${path}`);
  await (await caches.open(CACHE)).addAll(["/", ...new Set([...files, ...views])]);
}

/** The server's answer; the stored file if the server can't be reached. @param {FetchEvent} event @param {string} path */
async function answer(event, path) {
  const cache = await caches.open(CACHE);
  const stored = await cache.match(path);
  try {
    const response = (await event.preloadResponse) ?? (await fetch(event.request));
    if (!response.ok || response.headers.get("ETag") === stored?.headers.get("ETag")) return response;
    event.waitUntil(path === FRAME ? store() : cache.put(path, response.clone()));
    return response;
  } catch {
    return stored ?? Response.error();
  }
}

addEventListener("install", (event) => event.waitUntil(store()));
addEventListener("activate", (event) => event.waitUntil(registration.navigationPreload?.enable()));
addEventListener("fetch", (event) => {
  const { origin, pathname } = new URL(event.request.url);
  const own = origin === location.origin && (pathname === "/" || pathname.startsWith("/page/"));
  if (own && event.request.method === "GET") event.respondWith(answer(event, pathname));
});
