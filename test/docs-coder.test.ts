/** The decoder that was written from docs/coder.md reads what didiff codes, to the last byte. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { startMixer } from '../src/kernels/mix.ts';
import { startRecallDecoder, startRecallEncoder } from '../src/kernels/recall.ts';
import { decodeMix } from './docs/mix.ts';
import { decodeRecall } from './docs/recall.ts';
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

function recall(plain: Uint8Array, windowBits: number): Buffer {
  const encoder = startRecallEncoder(windowBits);
  return Buffer.concat([encoder.encode(plain), encoder.finish()]);
}

const varied = Buffer.concat([
  long,
  Buffer.from('ñ12_$a '.repeat(30)),
  long.subarray(900),
  long.subarray(0, 2000),
]);

test('what codec 4 writes is read by the words of docs/coder.md', { timeout: 60_000 }, () => {
  for (const windowBits of [16, 23]) {
    const coded = recall(varied, windowBits);
    expect(Buffer.from(decodeRecall(coded, varied.length, windowBits)).equals(varied)).toBe(true);
  }
  const few = varied.subarray(0, 500);
  const coded = recall(few, 16);
  expect(() => decodeRecall(coded.subarray(0, coded.length - 5), few.length, 16)).toThrow(/coded size/);
});

test('both make the same of any bytes of codec 4', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 300 }),
      (coded, size) => {
        const decoder = startRecallDecoder(16);
        const { plain, usedBytes } = decoder.decode(coded, true, size);
        const isWhole = usedBytes === coded.length && decoder.missingBytes === 3;
        if (!isWhole) expect(() => decodeRecall(coded, size, 16)).toThrow(/coded size/);
        else expect(decodeRecall(coded, size, 16)).toEqual(Uint8Array.from(plain));
      },
    ),
    { numRuns: 25 },
  );
});
