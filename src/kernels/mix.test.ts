import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pushVarint } from '../bytes/varint.ts';
import { MAX_MIX_BYTES, type Mixer, startMixKernel } from './mix.ts';
import { MIX_BYTES, MIX_INTEGERS, type MixKind } from './mix-contexts.ts';
import { decodeMixPlain, encodeMixPlain, weighMixPlain } from './mix-plain.ts';

const kernel = startMixKernel()!;
const plainCoder: Mixer = { encode: encodeMixPlain, decode: decodeMixPlain, weigh: weighMixPlain };
const kinds = fc.constantFrom<MixKind>(MIX_BYTES, MIX_INTEGERS);

/** Bytes with something to learn: words from a small vocabulary, runs, integers of several bytes, noise. */
const learnable = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        ...['region', ' of the', '\x80\x01', '\0\0\0\0', 'ffff'].map((text) => Buffer.from(text)),
      ),
      fc.uint8Array({ maxLength: 9 }),
      fc.integer({ min: 0, max: 255 }).map((byte) => new Uint8Array(70).fill(byte)),
    ),
    { minLength: 1, maxLength: 120 },
  )
  .map((parts) => new Uint8Array(Buffer.concat([...parts, ...parts.slice(0, 40), Uint8Array.of(1)])));

function decode(mixer: Mixer, kind: MixKind, coded: Uint8Array, size: number): [number, Buffer] {
  const plain = new Uint8Array(size);
  return [mixer.decode(kind, coded, plain), Buffer.from(plain)];
}

test('the kernel and the plain coder write the same, and read it back', () => {
  fc.assert(
    fc.property(kinds, learnable, (kind, plain) => {
      const coded = kernel.encode(kind, plain);
      expect(coded).toEqual(encodeMixPlain(kind, plain));
      if (coded === undefined) return;
      expect(coded.length).toBeLessThan(plain.length);
      for (const mixer of [kernel, plainCoder])
        expect(decode(mixer, kind, coded, plain.length)).toEqual([coded.length, Buffer.from(plain)]);
    }),
    { numRuns: 30 },
  );
});

test('what bytes weigh is what they take, to the last byte, in the kernel and in plain code', () => {
  fc.assert(
    fc.property(kinds, learnable, (kind, plain) => {
      const bits = kernel.weigh(kind, plain);
      expect(bits).toEqual(weighMixPlain(kind, plain));
      const coded = kernel.encode(kind, plain);
      if (coded === undefined) return;
      const bytes = bits.reduce((sum, each) => sum + each, 0) / 8;
      expect(Math.abs(coded.length - bytes)).toBeLessThan(2);
    }),
    { numRuns: 30 },
  );
});

test('long streams are weighed in steps that nothing shows of', () => {
  const plain = new Uint8Array(133_000).map((_, at) => (at * at) >> 7);
  const bits = [kernel.weigh(MIX_BYTES, plain), weighMixPlain(MIX_BYTES, plain)] as const;
  expect(Buffer.compare(new Uint8Array(bits[0].buffer), new Uint8Array(bits[1].buffer))).toBe(0);
});

test('the kernel and the plain coder make the same of any bytes', () => {
  fc.assert(
    fc.property(
      kinds,
      fc.uint8Array({ maxLength: 400 }),
      fc.integer({ min: 1, max: 900 }),
      (kind, coded, size) => {
        expect(decode(kernel, kind, coded, size)).toEqual(decode(plainCoder, kind, coded, size));
      },
    ),
    { numRuns: 30 },
  );
});

test('a stream is coded alike whatever was coded before it', () => {
  const one = Buffer.from('a stream is coded as a whole, '.repeat(20));
  const other = Buffer.from('and nothing is left of it for the next. '.repeat(3000));
  const first = kernel.encode(MIX_BYTES, one);
  kernel.encode(MIX_INTEGERS, other);
  expect(kernel.encode(MIX_BYTES, one)).toEqual(first);
});

test('the longest stream there may be is coded and decoded', () => {
  const plain = new Uint8Array(MAX_MIX_BYTES);
  for (let at = 0; at < plain.length; at++) plain[at] = at % 251 === 0 ? at >> 8 : 7;
  const coded = kernel.encode(MIX_BYTES, plain)!;
  expect(coded.length).toBeLessThan(plain.length / 50);
  const [used, found] = decode(kernel, MIX_BYTES, coded, plain.length);
  expect(used).toBe(coded.length);
  expect(found.equals(plain)).toBe(true);
});

/** Numbers below 2^16 that nothing can guess. */
function draws(count: number): Uint16Array {
  const digests = Array.from({ length: count / 16 }, (_, at) =>
    createHash('sha256').update(`${at}`).digest(),
  );
  return new Uint16Array(Uint8Array.from(Buffer.concat(digests)).buffer);
}

test('noise is not coded: it would only get longer', () => {
  expect(kernel.encode(MIX_BYTES, new Uint8Array(draws(1600).buffer))).toBeUndefined();
});

test('integers are coded smaller as integers', () => {
  const bytes: number[] = [];
  // Lengths with a code in the low bits, as ops are: after one code always comes one other.
  for (const [at, draw] of draws(8000).entries())
    pushVarint(bytes, (draw % (at % 3 === 0 ? 4096 : 30)) * 8 + (at % 3));
  const plain = Uint8Array.from(bytes);
  const asBytes = kernel.encode(MIX_BYTES, plain)!.length;
  expect(kernel.encode(MIX_INTEGERS, plain)!.length).toBeLessThan(0.99 * asBytes);
});
