/** Random picks: a film that is expected to please more comes more often, and none twice before all others. */

/** Difference in expected stars that doubles the chance. */
const DOUBLING = 0.5;

/** @typedef {{movie: number | string, stars?: number | null}} Pickable */

export class PickOrder {
  /** @param {() => number} [random] returns a number from 0 to 1 */
  constructor(random = Math.random) {
    this.random = random;
    /** Films already picked. @type {Set<number | string>} */
    this.picked = new Set();
    /** @type {number | string | null} */
    this.last = null;
  }

  /** Pick a film; null if there is none. @template {Pickable} T @param {T[]} films @returns {T | null} */
  next(films) {
    const fresh = films.filter(({ movie }) => !this.picked.has(movie));
    if (!fresh.length) this.picked.clear();
    const others = films.filter(({ movie }) => movie !== this.last);
    const film = this.draw(fresh.length ? fresh : others.length ? others : films);
    this.last = film?.movie ?? null;
    if (film) this.picked.add(film.movie);
    return film;
  }

  /** Draw a film by its weight. @template {Pickable} T @param {T[]} films @returns {T | null} */
  draw(films) {
    const weights = films.map(({ stars }) => 2 ** ((stars ?? 0) / DOUBLING));
    let left = this.random() * weights.reduce((sum, weight) => sum + weight, 0);
    return films.find((_, at) => (left -= weights[at]) < 0) ?? films.at(-1) ?? null;
  }
}
