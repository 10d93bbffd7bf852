/** Section 7.7.4 of docs/format.md: strings of JSON, opened and closed. Written from the text alone, a byte at a time. */

const SHORT = new Map([
  ['b', 8],
  ['t', 9],
  ['n', 10],
  ['f', 12],
  ['r', 13],
  ['"', 0x22],
  ['\\', 0x5c],
]);
const LETTERS = new Map([...SHORT].map(([letter, byte]) => [byte, letter.charCodeAt(0)]));

export function openStrings(bytes: Buffer): { readonly plain: Buffer; readonly closedBytes: number } {
  const plain: number[] = [];
  let at = 0;
  for (;;) {
    at = openString(bytes, at, plain);
    let next = at;
    while (
      next < bytes.length &&
      next < at + 256 &&
      ' \t\n\r,nul'.includes(String.fromCharCode(bytes[next]!))
    )
      next++;
    if (bytes[next] !== 0x22) return { plain: Buffer.from(plain), closedBytes: at };
    plain.push(...bytes.subarray(at, next));
    at = next;
  }
}

/** Gives where the string at `start` ends. */
function openString(bytes: Buffer, start: number, plain: number[]): number {
  plain.push(0x22);
  for (let at = start + 1; ; at++) {
    if (!(bytes[at]! >= 0x20)) throw new Error('no string');
    if (bytes[at] === 0x22) {
      plain.push(0x1f);
      return at + 1;
    }
    if (bytes[at] !== 0x5c) plain.push(bytes[at]!);
    else {
      at++;
      if (!(bytes[at]! >= 0x20)) throw new Error('no string');
      const meant = SHORT.get(String.fromCharCode(bytes[at]!));
      plain.push(...(meant === undefined ? [0x1b, bytes[at]!] : [meant]));
    }
  }
}

export function closeStrings(plain: Buffer): Buffer {
  const closed: number[] = [];
  let isInside = false;
  for (const byte of plain) {
    const letter = LETTERS.get(byte);
    if (!isInside || (byte >= 0x20 && letter === undefined)) closed.push(byte);
    else if (byte === 0x1f) closed.push(0x22);
    else if (byte === 0x1b) closed.push(0x5c);
    else if (letter !== undefined) closed.push(0x5c, letter);
    else throw new Error('no string');
    isInside = isInside ? byte !== 0x1f : byte === 0x22;
  }
  if (isInside) throw new Error('a string without an end');
  return Buffer.from(closed);
}
