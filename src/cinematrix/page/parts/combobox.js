/** Film search field with a list of results (ARIA combobox pattern). */

import { factsLine, titleElement } from "./cards.js";
import { element, uniqueId, icon } from "./dom.js";
import { words } from "./language.js";
import { personWords } from "./people.js";

/** Milliseconds without typing before the search request. */
const DEBOUNCE = 120;

/**
 * Create a search field; `choose` receives the selected film, `submit` the text.
 * @param {import("./api.js").Api} api
 * @param {{label: string, choose: (movie: import("./history.js").Movie) => void, choosePerson?: (name: string) => void, submit?: (query: string) => void,
 *   placeholder?: string, value?: string, visible?: boolean, allowed?: (movie: import("./history.js").Movie) => boolean}} options `allowed`: whether a film may be found
 */
export function combobox(api, { label, choose, choosePerson, submit, placeholder = words.search.films, value = "", visible = false, allowed = () => true }) {
  const [field, list] = [uniqueId("search"), uniqueId("found")];
  const input = /** @type {HTMLInputElement} */ (element("input", {
    id: field, type: "search", role: "combobox", autocomplete: "off", spellcheck: "false", placeholder, value, maxlength: 200,
    "aria-expanded": "false", "aria-controls": list, "aria-autocomplete": "list",
  }));
  const options = element("ul", { id: list, role: "listbox", class: "options", "aria-label": words.search.options, hidden: true });
  const status = element("span", { class: "quiet", role: "status" });
  const report = (/** @type {string} */ text, trouble = false) => {
    status.className = trouble ? "options" : "quiet";
    status.textContent = text;
  };
  /** Films, and people after them. @type {(import("./history.js").Movie & {person?: import("./people.js").Person})[]} */
  let movies = [];
  let active = -1;
  /** @type {AbortController | null} */
  let request = null;
  let timer = 0;

  const close = () => {
    if (status.className !== "quiet") report("");
    options.hidden = true;
    active = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const select = (/** @type {number} */ index) => {
    const { person, ...movie } = movies[index];
    close();
    input.value = "";
    if (person) choosePerson?.(person.name);
    else choose(movie);
  };
  const highlight = (/** @type {number} */ index) => {
    active = index;
    [...options.children].forEach((option, i) => option.setAttribute("aria-selected", String(i === active)));
    if (active < 0) input.removeAttribute("aria-activedescendant");
    else input.setAttribute("aria-activedescendant", options.children[active].id);
    options.children[active]?.scrollIntoView({ block: "nearest" });
  };
  const show = () => {
    options.replaceChildren(...movies.map((movie, index) =>
      element("li", { id: uniqueId("option"), role: "option", "aria-selected": "false", onpointerdown: (/** @type {Event} */ event) => event.preventDefault(), onclick: () => select(index) },
        movie.person ? personWords(movie.person) : [titleElement(movie), element("span", { class: "facts" }, factsLine(movie))])));
    active = -1;
    options.hidden = movies.length === 0;
    input.setAttribute("aria-expanded", String(movies.length > 0));
    report(movies.length ? words.search.found(movies.length) : words.search.none, movies.length === 0);
  };
  const search = async () => {
    request?.abort();
    const query = input.value.trim();
    if (!query) return close();
    request = new AbortController();
    try {
      const { items, people } = await api.get("/v1/movies", { query, n: 8 }, request.signal);
      const found = choosePerson ? people.map((/** @type {import("./people.js").Person} */ person) => ({ movie: "", person })) : [];
      movies = [...items.filter(allowed).slice(0, 8 - found.length), ...found];
      if (document.activeElement === input) show();
    } catch (error) {
      if (/** @type {Error} */ (error).name === "AbortError") return;
      movies = [];
      close();
      report(/** @type {Error} */ (error).message, true);
    }
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = window.setTimeout(search, DEBOUNCE);
  });
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const open = !options.hidden;
    if (event.key === "ArrowDown" && open) highlight(active + 1 < movies.length ? active + 1 : -1);
    else if (event.key === "ArrowUp" && open) highlight(active < 0 ? movies.length - 1 : active - 1);
    else if (event.key === "Escape" && open) close();
    else if (event.key === "Enter" && open && active >= 0) select(active);
    else return;
    event.preventDefault();
  });
  return element("form", {
    class: "combobox", role: "search", onsubmit: (/** @type {Event} */ event) => {
      event.preventDefault();
      clearTimeout(timer);
      request?.abort();
      close();
      if (input.value.trim()) submit?.(input.value.trim());
    },
  }, element("label", { for: field, class: visible ? "label" : "quiet" }, label), element("div", { class: "field" }, icon("search"), input), options, status);
}

