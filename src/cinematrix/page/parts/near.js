/** Build elements only when they come near the visible part of the page. */

/** Distance at which an element is built: below the screen, and beside the visible part of a row. */
const [BELOW, BESIDE] = ["600px", "600px"];

/** What builds an element that isn't built yet. @type {WeakMap<Element, () => void>} */
const BUILDERS = new WeakMap();

const observer = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) if (isIntersecting) buildNow(target);
}, /** @type {IntersectionObserverInit} */ ({ rootMargin: `${BELOW} 0px`, scrollMargin: `0px ${BESIDE}` }));

addEventListener("beforeprint", () => { // paper has no "near": all films of a row are printed
  for (const place of document.querySelectorAll("main li")) buildNow(place);
});

/** Build an element when it comes near. @template {Element} T @param {T} place @param {(place: T) => void} build @returns {T} */
export function whenNear(place, build) {
  BUILDERS.set(place, () => build(place));
  observer.observe(place);
  return place;
}

/** Build an element now, unless it is built. @param {Element} place */
export function buildNow(place) {
  const build = BUILDERS.get(place);
  BUILDERS.delete(place);
  observer.unobserve(place);
  build?.();
}
