import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestText, FORM_BASE64URL, FORM_HEX } from '../predict/listed-digest.ts';
import { findDigestTokens } from './digest-tokens.ts';

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const word = fc.oneof(
  fc.tuple(fc.constantFrom(16, 20, 32, 64).chain(bytes), fc.constant(FORM_HEX)),
  fc.tuple(bytes(32), fc.constant(FORM_BASE64URL)),
);
const between = fc.constantFrom(
  '\n',
  '  usr/bin/x\n',
  ',sha256=',
  ',12\nsome/file,sha256=',
  ': "',
  '\0',
  ' é ',
);

test('every digest is found where it stands, whatever stands around it', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(between, word), { maxLength: 20 }), (parts) => {
      const expected: unknown[] = [];
      let text = Buffer.alloc(0);
      for (const [before, [digest, form]] of parts) {
        text = Buffer.concat([text, Buffer.from(before)]);
        const written = digestText(digest, form);
        expected.push({
          start: text.length,
          length: written.length,
          form,
          key: Buffer.from(digest).toString('latin1'),
        });
        text = Buffer.concat([text, written]);
      }
      expect([...findDigestTokens(text)]).toEqual(expected);
    }),
  );
});

test.each([
  ['a longer word', 'a'.repeat(33)],
  ['a word of capitals', 'A'.repeat(32)],
  ['a part of a name', `main-${'0123456789abcdef'.repeat(2)}`],
  ['base64 whose last letter says more than a digest has', `${'A'.repeat(42)}B`],
])('no digest is found in %s', (_, text) => {
  expect([...findDigestTokens(Buffer.from(`x ${text} y`))]).toEqual([]);
});
