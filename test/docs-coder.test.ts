/** The decoder that was written from docs/coder.md reads what didiff codes, to the last byte. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { startMixer } from '../src/kernels/mix.ts';
import { decodeMix } from './docs/mix.ts';
import { seededBytes, seededText } from './fixtures/random.ts';

const mixer = startMixer();
const long = Buffer.concat([
  seededText(5, 3000),
  seededBytes(6, 500),
  seededText(5, 2500),
  Buffer.alloc(900),
]);

test.each([2, 3] as const)('what codec %d writes is read by the words of docs/coder.md', (codec) => {
  const plain = [long, long.subarray(0, 200)];
  for (const each of plain) {
    const coded = mixer.encode(codec === 2 ? 0 : 1, each)!;
    expect(Buffer.from(decodeMix(codec, coded, each.length)).equals(each)).toBe(true);
    expect(() => decodeMix(codec, coded.subarray(0, coded.length - 5), each.length)).toThrow(/coded size/);
  }
});

test('both make the same of any coded bytes', () => {
  fc.assert(
    fc.property(
      fc.constantFrom<2 | 3>(2, 3),
      fc.uint8Array({ minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 200 }),
      (codec, coded, size) => {
        const plain = new Uint8Array(size);
        const used = mixer.decode(codec === 2 ? 0 : 1, coded, plain);
        if (used !== coded.length) expect(() => decodeMix(codec, coded, size)).toThrow(/coded size/);
        else expect(decodeMix(codec, coded, size)).toEqual(plain);
      },
    ),
    { numRuns: 25 },
  );
});
