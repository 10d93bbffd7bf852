/** Bytes of JSON strings (RFC 8259, section 7), and what stands for them when they are opened. */

export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
/** In the plain form: the end of a string, which has no such byte in it, as JSON's strings have no control characters. */
export const STRING_END = 0x1f;
/** In the plain form: a backslash whose escape sequence stays as it is. */
export const KEPT_BACKSLASH = 0x1b;
/** Bytes below this one are control characters. */
export const FIRST_PRINTED = 0x20;

/** Behind a backslash, and the one byte that the two are. */
const SHORT_ESCAPES: readonly (readonly [string, number])[] = [
  ['b', 8],
  ['t', 9],
  ['n', 10],
  ['f', 12],
  ['r', 13],
  ['"', QUOTE],
  ['\\', BACKSLASH],
];

/** By the byte behind a backslash: the byte they mean; 0 when there is no short escape of it. */
export const MEANING = tableOf((letter, byte) => [letter.charCodeAt(0), byte]);
/** By byte: what stands behind a backslash for it; 0 when it stands for itself. */
export const ESCAPE = tableOf((letter, byte) => [byte, letter.charCodeAt(0)]);

function tableOf(entry: (letter: string, byte: number) => readonly [number, number]): Uint8Array {
  const table = new Uint8Array(256);
  for (const [letter, byte] of SHORT_ESCAPES) {
    const [at, value] = entry(letter, byte);
    table[at] = value;
  }
  return table;
}

/** What may stand between two strings of a run: white space, commas, and the letters of `null`. */
const BETWEEN = new Set([...' \t\n\r,nul'].map((letter) => letter.charCodeAt(0)));

export function isBetween(byte: number): boolean {
  return BETWEEN.has(byte);
}

/** No more than so many bytes stand between two strings of a run. */
export const MAX_BETWEEN_BYTES = 256;
