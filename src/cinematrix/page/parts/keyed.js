/** Update a list in place: what has the same key stays, with its focus, its place and its pictures. */

/**
 * Make the children of `parent` show `values`, in their order. A child of an unknown key is removed.
 * @template T
 * @param {Element} parent
 * @param {T[]} values
 * @param {{key: (value: T) => string, make: (value: T) => HTMLElement, update?: (child: HTMLElement, value: T) => void}} how
 */
export function updateChildren(parent, values, { key, make, update }) {
  const children = /** @type {HTMLElement[]} */ ([...parent.children]);
  const before = new Map(children.filter((child) => child.dataset.key).map((child) => [child.dataset.key, child]));
  const wanted = values.map((value) => {
    const child = before.get(key(value));
    if (child) update?.(child, value);
    return child ?? labelled(make(value), key(value));
  });
  const staying = new Set(wanted);
  for (const child of children) if (!staying.has(child)) child.remove();
  let next = parent.firstElementChild;
  for (const child of wanted) {
    if (child === next) next = next.nextElementSibling;
    else parent.insertBefore(child, next);
  }
}

/** @param {HTMLElement} child @param {string} key */
function labelled(child, key) {
  child.dataset.key = key;
  return child;
}
