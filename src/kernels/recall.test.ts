import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededText } from '../../test/fixtures/random.ts';
import { startRecallDecoderKernel, startRecallEncoderKernel } from './recall.ts';
import {
  type RecallDecoder,
  type RecallEncoder,
  startPlainRecallDecoder,
  startPlainRecallEncoder,
} from './recall-plain.ts';

const BITS = 16;

/** Words that come again, with changes in between, runs and noise. */
const learnable = fc
  .array(
    fc.oneof(
      fc
        .constantFrom('export const ', 'version: 1.2.', 'lorem ipsum dolor sit amet, consectetur ', '\n')
        .map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 9 }),
      fc.integer({ min: 0, max: 255 }).map((byte) => new Uint8Array(90).fill(byte)),
    ),
    { minLength: 1, maxLength: 120 },
  )
  .map((parts) => new Uint8Array(Buffer.concat([...parts, ...parts.slice(0, 60), ...parts.slice(20)])));

/** Given in pieces of so many bytes. */
function encode(encoder: RecallEncoder, plain: Uint8Array, pieceBytes: number): Buffer {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < plain.length; at += pieceBytes)
    pieces.push(encoder.encode(plain.subarray(at, at + pieceBytes)));
  return Buffer.concat([...pieces, encoder.finish()]);
}

/** Gives what came out, how many bytes were not used, and how many were missing. */
function decode(decoder: RecallDecoder, coded: Uint8Array, size: number, pieceBytes: number) {
  const made: Uint8Array[] = [];
  let count = 0;
  let held = coded.subarray(0, pieceBytes);
  let given = held.length;
  while (count < size) {
    const isLast = given === coded.length;
    const { plain, usedBytes } = decoder.decode(held, isLast, Math.min(size - count, 1000));
    made.push(plain);
    count += plain.length;
    held = coded.subarray(given - held.length + usedBytes, isLast ? given : given + pieceBytes);
    if (!isLast) given = Math.min(coded.length, given + pieceBytes);
  }
  return { plain: Buffer.concat(made), left: held.length, missing: decoder.missingBytes };
}

test('the kernel and the plain coder write the same, and read it back, however it is cut', () => {
  fc.assert(
    fc.property(learnable, fc.integer({ min: 1, max: 5000 }), (plain, pieceBytes) => {
      const coded = encode(startRecallEncoderKernel(BITS)!, plain, pieceBytes);
      expect(encode(startPlainRecallEncoder(BITS), plain, 777).equals(coded)).toBe(true);
      for (const decoder of [startRecallDecoderKernel(BITS)!, startPlainRecallDecoder(BITS)]) {
        const found = decode(decoder, coded, plain.length, pieceBytes);
        expect(found).toEqual({ plain: Buffer.from(plain), left: 0, missing: 3 });
      }
    }),
    { numRuns: 40 },
  );
});

test('the kernel and the plain coder make the same of any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.integer({ min: 1, max: 3000 }), (coded, size) => {
      expect(decode(startRecallDecoderKernel(BITS)!, coded, size, 100)).toEqual(
        decode(startPlainRecallDecoder(BITS), coded, size, 100),
      );
    }),
    { numRuns: 40 },
  );
});

test('a stream that is longer than its window is coded alike, and comes back', { timeout: 60_000 }, () => {
  const text = seededText(1, 100_000);
  const plain = Buffer.concat([text, text.subarray(40_000), text.subarray(0, 30_000), text]);
  const coded = encode(startRecallEncoderKernel(BITS)!, plain, 1 << 16);
  expect(coded.length).toBeLessThan(plain.length / 2);
  expect(encode(startPlainRecallEncoder(BITS), plain, 1 << 16).equals(coded)).toBe(true);
  for (const decoder of [startRecallDecoderKernel(BITS)!, startPlainRecallDecoder(BITS)])
    expect(decode(decoder, coded, plain.length, 1 << 14).plain.equals(plain)).toBe(true);
});

test('a stream is made, whose window moves in memory', { timeout: 60_000 }, () => {
  const text = seededText(1, 50_000);
  // Over a megabyte: what the kernel keeps besides the window.
  const plain = Buffer.concat(Array.from({ length: 30 }, (_, at) => text.subarray(at * 100)));
  const coded = encode(startRecallEncoderKernel(BITS)!, plain, 1 << 16);
  expect(decode(startRecallDecoderKernel(BITS)!, coded, plain.length, 1 << 14).plain.equals(plain)).toBe(
    true,
  );
  expect(encode(startPlainRecallEncoder(BITS), plain, 1 << 16).equals(coded)).toBe(true);
});

test('what is just within the window is found, what is just outside is not', () => {
  const coded = (distance: number) => {
    const found = seededText(1, 2000);
    const plain = Buffer.concat([found, seededText(2, distance - 2000), found]);
    return encode(startRecallEncoderKernel(BITS)!, plain, 1 << 16).length;
  };
  const within = coded(2 ** BITS - 100);
  expect(coded(2 ** BITS + 2000)).toBeGreaterThan(within + 300);
});
