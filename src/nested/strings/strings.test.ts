import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesAccess } from '../../bytes/access.ts';
import { closeStrings } from './close-strings.ts';
import { MAX_BETWEEN_BYTES } from './letters.ts';
import { listStrings } from './list-strings.ts';
import { openStrings } from './open-strings.ts';

function open(text: string | Uint8Array, address = 0, mostBytes = 1 << 26) {
  const pieces: Buffer[] = [];
  const sink = (piece: Uint8Array) => pieces.push(Buffer.from(piece));
  const opened = openStrings(bytesAccess(Buffer.from(text)), address, mostBytes, sink);
  const plain = Buffer.concat(pieces);
  expect(opened.plainBytes).toBe(plain.length);
  return { plain, end: opened.end };
}

function close(plain: Uint8Array, step = 1 << 20): Buffer {
  const pieces: Buffer[] = [];
  const closer = closeStrings((piece) => pieces.push(Buffer.from(piece)));
  for (let at = 0; at < plain.length; at += step) closer.write(plain.subarray(at, at + step));
  closer.finish();
  return Buffer.concat(pieces);
}

/** What a file may have in a string: any character as JSON writes it, and escape sequences that it could do without. */
const piece = fc.oneof(
  fc.string({ unit: 'binary' }).map((text) => JSON.stringify(text).slice(1, -1)),
  fc.constantFrom('\\/', '\\u0041', '\\u000a', '\\"', '\\\\', '\\n', '\\x'),
);
const string = fc.array(piece, { maxLength: 8 }).map((pieces) => `"${pieces.join('')}"`);
const between = fc.constantFrom(',', ', ', ',\n  ', ',null,', ' ');
const run = fc
  .tuple(string, fc.array(fc.tuple(between, string), { maxLength: 6 }))
  .map(([first, more]) => first + more.flat().join(''));

describe('a run of strings', () => {
  it('comes back from its plain form, whatever is in it and around it', () => {
    fc.assert(
      fc.property(
        run,
        fc.constantFrom(']', '}', ':1', ',1', '\n', ''),
        fc.integer({ min: 1, max: 9 }),
        (text, after, step) => {
          const before = '{"k":';
          const { plain, end } = open(before + text + after, before.length);
          expect(end).toBe(Buffer.byteLength(before + text));
          expect(plain.length).toBeLessThanOrEqual(Buffer.byteLength(text));
          expect(close(plain, step).toString()).toBe(text);
        },
      ),
    );
  });

  it('is, opened, the text that its strings are of', () => {
    const sources = ['const a = "1";\n\tif (a) {}\n', 'x\\y\b\f\r', ''];
    const { plain } = open(JSON.stringify(sources).slice(1));
    expect(plain.toString()).toBe(sources.map((text) => `"${text}\x1f`).join(','));
    expect(open('"\\u00e9\\/"').plain.toString()).toBe('"\x1bu00e9\x1b/\x1f');
  });

  it('goes on over pieces of any size', () => {
    const text = JSON.stringify(
      Array.from({ length: 9000 }, (_, at) => `line ${at}\n\t"${at * at}"\n`),
    ).slice(1, -1);
    const { plain, end } = open(`${text}]`);
    expect(end).toBe(text.length);
    expect(close(plain).toString()).toBe(text);
  });

  it('ends where too much stands before the next string', () => {
    const room = ' '.repeat(MAX_BETWEEN_BYTES);
    expect(open(`"a",${room}"b"`).end).toBe(3);
    expect(open(`"a"${room}"b"`).end).toBe(6 + room.length);
  });

  it.each([
    ['no string', 'abc', /no string at 0/],
    ['nothing', '', /no string at 0/],
    ['a string without an end', '"abc', /cut short/],
    ['a string that ends in an escape sequence', '"abc\\', /cut short/],
    ['a second string without an end', '"a","b', /cut short/],
    ['a line end in a string', '"a\nb"', /the byte 10 at 2/],
    ['an escaped line end', '"a\\\nb"', /the byte 10 at 3/],
    ['a byte that plain forms have a meaning for', '"a\x1fb"', /the byte 31 at 2/],
  ])('is not opened when it is %s', (_, text, message) => {
    expect(() => open(text)).toThrow(message);
  });

  it('is not opened beyond what it may come to', () => {
    expect(() => open(`"${'a'.repeat(1 << 20)}"`, 0, 1000)).toThrow(/more than the 1000 bytes/);
  });

  it.each([
    ['ends in a string', '"abc', /end within a string/],
    ['has a byte that no string has', '"a\x00b\x1f', /have a byte 0/],
  ])('is not closed when its plain form %s', (_, plain, message) => {
    expect(() => close(Buffer.from(plain))).toThrow(message);
  });

  it('never does harm when it is closed: any bytes give bytes, or an error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        try {
          expect(close(bytes).length).toBeLessThanOrEqual(2 * bytes.length);
        } catch (error) {
          expect(error).toMatchObject({ code: 'CORRUPT_INPUT' });
        }
      }),
    );
  });
});

describe('the runs of a file', () => {
  const source = Array.from({ length: 60 }, (_, at) => `let x${at} = "${at}";\n`).join('');
  const found = (text: string) =>
    listStrings(bytesAccess(Buffer.from(text))).map(({ start, end }) =>
      Buffer.from(text).toString('utf8', start, end),
    );

  it('are those with much escaped text, of JSON', () => {
    const sources = JSON.stringify([source, source]).slice(1, -1);
    const map = JSON.stringify({
      version: 3,
      mappings: 'AAAA;'.repeat(999),
      sourcesContent: [source, source],
    });
    expect(found(map)).toEqual([sources]);
    expect(found(`[${sources}]`)).toEqual([sources]);
    expect(found(JSON.stringify({ a: source, b: [source] }, null, 2))).toHaveLength(2);
    for (const none of [
      '',
      '{}',
      `x = ${map}`,
      `{${'"'.repeat(3)}`,
      JSON.stringify({ short: 'a\nb' }),
      `{"cut":"${'\\n'.repeat(999)}`,
    ])
      expect(found(none)).toEqual([]);
  });

  it('are all opened as they are listed', () => {
    const text = JSON.stringify({ a: [source, null, source], b: source, c: { d: [source] } });
    const content = bytesAccess(Buffer.from(text));
    for (const { start, end } of listStrings(content)) {
      expect(openStrings(content, start, 1 << 20, () => {}).end).toBe(end);
    }
  });
});
