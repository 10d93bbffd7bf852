import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hasColours, renderLines } from './styled.ts';
import { sentenceLines, tableLines } from './table.ts';
import { displayWidth } from './width.ts';

const COLUMNS = [{}, { align: 'right' }, { gives: true }, {}] as const;
const plain = (lines: ReturnType<typeof tableLines>) => renderLines(lines, false).split('\n');

describe('a table', () => {
  const rows = [
    [{ text: 'added', colour: 'green' }, '1 B', '/a/long/path/to/日本.txt', 'new'],
    ['removed', '1.00 kB', '/b', ''],
    ['moved', '', '/c'],
  ] as const;

  test('stands in columns, with nothing behind the last cell', () => {
    expect(plain(tableLines(COLUMNS, rows))).toEqual([
      '  added        1 B  /a/long/path/to/日本.txt  new',
      '  removed  1.00 kB  /b',
      '  moved             /c',
    ]);
  });

  test('gives way in one column where the terminal is narrow', () => {
    expect(plain(tableLines(COLUMNS, rows, 40))).toEqual([
      '  added        1 B  /a/long/…本.txt  new',
      '  removed  1.00 kB  /b',
      '  moved             /c',
    ]);
  });

  test('goes on in further lines below its last column, in its colour', () => {
    const columns = [{ align: 'right' }, { wraps: true }] as const;
    const wrapped = [
      ['1', 'new'],
      ['10', { text: 'as it was before 1.00 kB', colour: 'dim' }],
    ] as const;
    expect(plain(tableLines(columns, wrapped))).toEqual(['   1  new', '  10  as it was before 1.00 kB']);
    const narrow = tableLines(columns, wrapped, 24);
    expect(plain(narrow)).toEqual(['   1  new', '  10  as it was before', '      1.00 kB']);
    expect(renderLines(narrow, true).split('\n')[2]).toBe('      \x1b[2m1.00 kB\x1b[0m');
  });

  test('keeps to the width as long as its other columns do', () => {
    const cell = fc.string({ unit: 'grapheme', maxLength: 60 });
    fc.assert(
      fc.property(fc.array(cell, { maxLength: 8 }), fc.integer({ min: 20, max: 80 }), (names, width) => {
        const lines = plain(
          tableLines(
            [{}, { gives: true }],
            names.map((name) => ['x', name]),
            width,
          ),
        );
        for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
      }),
    );
  });

  test('has no row that names can add, and no colour that they can set', () => {
    const lines = tableLines([{}], [[{ text: 'a\nadded  /b\x1b[31m', colour: 'red' }]]);
    expect(renderLines(lines, true)).toBe('  \x1b[31ma\ufffdadded  /b\ufffd[31m\x1b[0m');
  });

  test('drops columns that are empty in every row', () => {
    expect(plain(tableLines([{}, {}, {}], [['a', '', 'c']]))).toEqual(['  a  c']);
  });
});

test.each<[boolean, Record<string, string>, boolean]>([
  [true, {}, true],
  [false, {}, false],
  [true, { NO_COLOR: '1' }, false],
  [true, { TERM: 'dumb' }, false],
  [false, { FORCE_COLOR: '1' }, true],
  [false, { FORCE_COLOR: '' }, true],
  [true, { FORCE_COLOR: '0' }, false],
  [true, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
])('colours where it is a terminal: %s, with %o: %s', (isTTY, env, expected) => {
  expect(hasColours({ isTTY }, env)).toBe(expected);
});

describe('a sentence', () => {
  const text = 'app.didiff: 39.2 kB, from app:1.0 to app:1.1';

  test('is one line where no width is known', () => {
    expect(plain(sentenceLines(text, undefined, 2))).toEqual([`  ${text}`]);
  });

  test('goes on further in', () => {
    expect(plain(sentenceLines(text, 22, 1))).toEqual([
      ' app.didiff: 39.2 kB,',
      '   from app:1.0 to',
      '   app:1.1',
    ]);
  });

  test('loses no word, and keeps to the width where words do', () => {
    const word = fc.string({ unit: fc.constantFrom('a', '日', '7'), minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), fc.integer({ min: 24, max: 90 }), (words, width) => {
        const lines = plain(sentenceLines(words.join(' '), width, 2));
        expect(lines.map((line) => line.trim()).join(' ')).toBe(words.join(' '));
        for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(width);
      }),
    );
  });
});
