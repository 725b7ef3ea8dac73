/** Finding a film by its title: a text field with a list under it (ARIA's combobox pattern). */

import { counted, facts, title } from "./cards.js";
import { element, fresh, icon } from "./dom.js";

/** Milliseconds that a typist may pause before the server is asked. */
const PAUSE = 120;

/**
 * A field that offers films as one types; `choose` gets the film.
 * @param {import("./api.js").Api} api
 * @param {{label: string, choose: (movie: import("./history.js").Movie) => void, submit?: (query: string) => void,
 *   placeholder?: string, value?: string, visible?: boolean}} options
 */
export function combobox(api, { label, choose, submit, placeholder = "Search films", value = "", visible = false }) {
  const [field, list] = [fresh("search"), fresh("found")];
  const input = /** @type {HTMLInputElement} */ (element("input", {
    id: field, type: "search", role: "combobox", autocomplete: "off", spellcheck: "false", placeholder, value, maxlength: 200,
    "aria-expanded": "false", "aria-controls": list, "aria-autocomplete": "list",
  }));
  const options = element("ul", { id: list, role: "listbox", class: "options", "aria-label": "Films found", hidden: true });
  const status = element("span", { class: "quiet", role: "status" });
  /** @type {import("./history.js").Movie[]} */
  let found = [];
  let at = -1;
  /** @type {AbortController | null} */
  let asking = null;
  let timer = 0;

  const close = () => {
    options.hidden = true;
    at = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const take = (/** @type {number} */ index) => {
    const movie = found[index];
    close();
    input.value = "";
    choose(movie);
  };
  const point = (/** @type {number} */ index) => {
    at = index;
    [...options.children].forEach((option, i) => option.setAttribute("aria-selected", String(i === at)));
    if (at < 0) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", options.children[at].id);
    options.children[at]?.scrollIntoView({ block: "nearest" });
  };
  const show = () => {
    options.replaceChildren(...found.map((movie, index) =>
      element("li", { id: fresh("option"), role: "option", "aria-selected": "false", onpointerdown: (/** @type {Event} */ event) => event.preventDefault(), onclick: () => take(index) },
        title(movie), element("span", { class: "facts" }, facts(movie)))));
    at = -1;
    options.hidden = found.length === 0;
    input.setAttribute("aria-expanded", String(found.length > 0));
    status.textContent = found.length ? `${counted(found.length, "film")} found` : "no film found";
  };
  const ask = async () => {
    asking?.abort();
    const query = input.value.trim();
    if (!query) return close();
    asking = new AbortController();
    try {
      found = (await api.get("/v1/movies", { query, n: 8 }, asking.signal)).items;
      if (document.activeElement === input) show();
    } catch (error) {
      if (/** @type {Error} */ (error).name !== "AbortError") status.textContent = /** @type {Error} */ (error).message;
    }
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(ask, PAUSE);
  });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const open = !options.hidden;
    if (event.key === "ArrowDown" && open) point(at + 1 < found.length ? at + 1 : -1);
    else if (event.key === "ArrowUp" && open) point(at < 0 ? found.length - 1 : at - 1);
    else if (event.key === "Escape" && open) close();
    else if (event.key === "Enter" && open && at >= 0) take(at);
    else return;
    event.preventDefault();
  });
  return element("form", {
    class: "combobox", role: "search", onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault();
      clearTimeout(timer);
      asking?.abort();
      close();
      if (input.value.trim()) submit?.(input.value.trim());
    },
  }, element("label", { for: field, class: visible ? "label" : "quiet" }, label), element("div", { class: "field" }, icon("search"), input), options, status);
}

