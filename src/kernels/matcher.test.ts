import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededBytes, seededNoise, seededText } from '../../test/fixtures/random.ts';
import type { Region } from './match.ts';
import { type Matcher, type MatchSettings, openKernelMatcher, openPlainMatcher } from './matcher.ts';

/** One for all tests: what an earlier pair left in its memory must not show. */
const kernel = openKernelMatcher()!;

function find(
  matcher: Matcher,
  old: Uint8Array,
  next: Uint8Array,
  settings: MatchSettings,
): readonly Region[] {
  matcher.reserve(next.length, old.length);
  matcher.next.set(next);
  matcher.old.set(old);
  return matcher.find(settings);
}

function expectSame(old: Uint8Array, next: Uint8Array, settings: MatchSettings): void {
  expect(find(kernel, old, next, settings)).toEqual(find(openPlainMatcher(), old, next, settings));
}

const settings = fc.record({
  sampleBits: fc.nat(4),
  minimumGain: fc.nat(64),
  chain: fc.integer({ min: 1, max: 30 }),
});
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 400 }),
  // Of few values, so that windows repeat.
  fc.uint8Array({ max: 2, maxLength: 400 }),
  fc
    .uint8Array({ maxLength: 30 })
    .chain((piece) => fc.nat(20).map((count) => Buffer.concat(Array(count).fill(piece)))),
);

describe('the kernel finds what the reference finds', () => {
  test('in any two buffers', () => {
    fc.assert(fc.property(bytes, bytes, settings, expectSame), { numRuns: 1000 });
  });

  test('in buffers made of parts of each other, with bytes changed and bytes between', () => {
    const cuts = fc.array(
      fc.record({ from: fc.nat(20_000), length: fc.nat(4000), flips: fc.nat(40), more: fc.nat(60) }),
      { minLength: 1, maxLength: 12 },
    );
    fc.assert(
      fc.property(cuts, fc.nat(1000), fc.boolean(), settings, (parts, seed, isText, given) => {
        const old = isText ? seededText(seed, 20_000) : seededBytes(seed, 20_000);
        const pieces = parts.flatMap(({ from, length, flips, more }, at) => {
          const part = Uint8Array.from(old.subarray(from, from + length));
          for (let i = 0; i < flips && part.length > 0; i++) part[(i * 7919 + from) % part.length]! ^= 1;
          return [part, seededBytes(seed + at, more)];
        });
        expectSame(old, new Uint8Array(Buffer.concat(pieces)), given);
      }),
      { numRuns: 200 },
    );
  });

  test('in data that nearly repeats', () => {
    const period = seededBytes(9, 61);
    const old = new Uint8Array(100_000).map((_, at) => period[at % 61]! ^ (at % 997 === 0 ? 5 : 0));
    const next = new Uint8Array(100_000).map((_, at) => period[(at + 17) % 61]! ^ (at % 131 === 0 ? 9 : 0));
    for (const sampleBits of [0, 2]) expectSame(old, next, { sampleBits, minimumGain: 2 });
  });

  test('when there are more regions than one call gives', () => {
    const old = seededNoise(3, 300_000);
    const pieces = Array.from({ length: 6000 }, (_, i) => {
      const at = (i * 7907) % 290_000;
      return old.subarray(at, at + 30);
    });
    const next = new Uint8Array(Buffer.concat(pieces));
    expectSame(old, next, { sampleBits: 0 });
    expect(find(kernel, old, next, { sampleBits: 0 }).length).toBe(6000);
  });

  test('when far more windows are indexed than were expected', () => {
    const next = seededNoise(5, 300);
    const pieces = Array.from({ length: 12_000 }, (_, i) => {
      const at = (i * 7907) % 270;
      return next.subarray(at, at + 30);
    });
    expectSame(new Uint8Array(Buffer.concat(pieces)), next, { sampleBits: 0, minimumGain: 0 });
  });
});

test('what does not fit is refused, and leaves the matcher as it was', () => {
  expect(() => kernel.reserve(2 ** 31, 2 ** 31)).toThrow(/not enough memory to match/);
  expectSame(seededBytes(1, 500), seededBytes(1, 500), { sampleBits: 0 });
});

test.each([1, 7, 61, 1000])('data of nearly the period %d takes a time that grows with it', (period) => {
  const old = new Uint8Array(2 << 20).map((_, at) => 31 * (at % period) + (at % 1013 === 0 ? 1 : 0));
  const next = old.map((byte, at) => (at % 127 === 0 ? byte ^ 3 : byte));
  const start = performance.now();
  for (const minimumGain of [0, 8]) find(kernel, old, next, { sampleBits: 0, minimumGain });
  expect(performance.now() - start).toBeLessThan(5000);
});
