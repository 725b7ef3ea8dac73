/** Split a CSV file into parts for several requests. It is split as bytes, so any encoding works. */

const [QUOTE, NEWLINE] = [34, 10];

/** Byte offsets of the records, and of the end of the last one; line breaks in quotes are part of a field. @param {Uint8Array} bytes */
function recordOffsets(bytes) {
  const offsets = [0];
  let quoted = false;
  bytes.forEach((byte, at) => {
    if (byte === QUOTE) quoted = !quoted;
    else if (byte === NEWLINE && !quoted) offsets.push(at + 1);
  });
  return offsets.at(-1) === bytes.length ? offsets : [...offsets, bytes.length];
}

/**
 * Split a file into parts of at most `most` records, each with the header.
 * @param {Blob} file @param {number} most
 * @returns {Promise<{blob: Blob, last: number}[]>} `last`: number of records up to the end of the part
 */
export async function splitCsv(file, most) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const [start, ...ends] = recordOffsets(bytes);
  const n = Math.max(1, Math.ceil((ends.length - 1) / most));
  return Array.from({ length: n }, (_, at) => {
    const last = Math.min((at + 1) * most, ends.length - 1);
    const parts = [bytes.subarray(start, ends[0]), bytes.subarray(ends[at * most], ends[last])];
    return { blob: new Blob(parts, { type: "text/csv" }), last };
  });
}
