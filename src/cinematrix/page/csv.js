/** A CSV in pieces that the server takes at a time, cut as bytes, so that its letters are whatever they are. */

const [QUOTE, NEWLINE] = [34, 10];

/** Where each record begins, and where the last one ends; a line's end between quotes ends none. @param {Uint8Array} bytes */
function edges(bytes) {
  const found = [0];
  let quoted = false;
  bytes.forEach((byte, at) => {
    if (byte === QUOTE) quoted = !quoted;
    else if (byte === NEWLINE && !quoted) found.push(at + 1);
  });
  return found.at(-1) === bytes.length ? found : [...found, bytes.length];
}

/**
 * At most `most` records each, under the header of them all.
 * @param {Blob} file @param {number} most
 * @returns {Promise<{blob: Blob, last: number}[]>} with how many records there are up to the last one of each
 */
export async function pieces(file, most) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const [start, ...ends] = edges(bytes);
  const n = Math.max(1, Math.ceil((ends.length - 1) / most));
  return Array.from({ length: n }, (_, at) => {
    const last = Math.min((at + 1) * most, ends.length - 1);
    const parts = [bytes.subarray(start, ends[0]), bytes.subarray(ends[at * most], ends[last])];
    return { blob: new Blob(parts, { type: "text/csv" }), last };
  });
}
