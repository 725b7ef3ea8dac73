/** The keyboard's focus in lists whose cards change. */

/** Change a list; if the focused control goes, the same control of the card in its place gets the focus. @param {HTMLElement} list @param {() => void} change */
export function keepFocus(list, change) {
  const focus = focusedControl(list);
  change();
  restoreFocus(list, focus);
}

/** The control that has the focus, by its card and its place in the card. @param {HTMLElement} list */
function focusedControl(list) {
  const active = document.activeElement;
  const card = active?.closest("[data-movie]");
  if (!card || !list.contains(card)) return null;
  const controls = [...card.querySelectorAll("a, input, button")];
  return { active, movie: /** @type {HTMLElement} */ (card).dataset.movie, at: [...list.querySelectorAll("[data-movie]")].indexOf(card), control: controls.indexOf(/** @type {Element} */ (active)) };
}

/** Focus the same control of the same film, or of the card in its place. @param {HTMLElement} list @param {ReturnType<typeof focusedControl>} focus */
function restoreFocus(list, focus) {
  if (!focus || document.activeElement === focus.active) return;
  const cards = [...list.querySelectorAll("[data-movie]")];
  const card = cards.find((each) => /** @type {HTMLElement} */ (each).dataset.movie === focus.movie) ?? cards[Math.min(focus.at, cards.length - 1)];
  const controls = /** @type {HTMLElement[]} */ ([...(card?.querySelectorAll("a, input, button") ?? [])]);
  const target = controls[focus.control]?.checkVisibility() ? controls[focus.control] : controls.find((control) => control.checkVisibility());
  target?.focus({ preventScroll: true });
}
