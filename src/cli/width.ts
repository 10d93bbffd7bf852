/** How wide text is on a terminal, in columns: most characters take one, East Asian ones and emoji two, marks none. */

/** Wide and full-width blocks (Unicode East Asian Width), and the emoji planes; as code points, both ends included. */
const WIDE: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0xa4cf],
  [0xa960, 0xa97c],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1faff],
  [0x20000, 0x3fffd],
];
/** Marks stand on the character before. */
const MARK = /^\p{M}$/u;
/** So do joiners and variation selectors. */
const NO_WIDTH: typeof WIDE = [
  [0x200b, 0x200f],
  [0xfe00, 0xfe0f],
];

/** Columns that `text`, one line of it, takes. */
export function displayWidth(text: string): number {
  let width = 0;
  for (const character of text) width += widthOf(character);
  return width;
}

/** `text` with spaces behind it, or in front with `right`, up to `width` columns. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const space = ' '.repeat(Math.max(0, width - displayWidth(text)));
  return align === 'right' ? space + text : text + space;
}

/** Cuts `text` to `width` columns; the end of a name tells more than its start, so the middle goes. */
export function truncateMiddle(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  if (width <= 1) return '…'.slice(0, Math.max(width, 0));
  const characters = [...text];
  const end = takeWhileFits(characters.toReversed(), Math.floor((width - 1) / 2)).toReversed();
  const start = takeWhileFits(characters, width - 1 - displayWidth(end.join('')));
  return `${start.join('')}…${end.join('')}`;
}

/** A space, but for that between a number and its unit. */
const BREAK = / (?!k?B\b|[MGTP]B\b)/;

/** Breaks `text` at its spaces into lines of at most `width` columns, but for words that are longer; sizes stay whole. */
export function wrapText(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  let line: string | undefined;
  for (const word of text.split(BREAK)) {
    const longer: string = line === undefined ? word : `${line} ${word}`;
    if (line !== undefined && displayWidth(longer) > width) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line ?? ''];
}

function takeWhileFits(characters: readonly string[], width: number): readonly string[] {
  let left = width;
  const end = characters.findIndex((character) => {
    left -= widthOf(character);
    return left < 0;
  });
  return end < 0 ? characters : characters.slice(0, end);
}

function widthOf(character: string): number {
  const code = character.codePointAt(0)!;
  if (code < 0x300) return 1;
  if (isWithin(NO_WIDTH, code) || MARK.test(character)) return 0;
  return isWithin(WIDE, code) ? 2 : 1;
}

function isWithin(ranges: typeof WIDE, code: number): boolean {
  return ranges.some(([from, to]) => code >= from && code <= to);
}
