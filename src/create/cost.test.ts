import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededBytes } from '../../test/fixtures/random.ts';
import { bytesAccess, type RandomAccess } from '../bytes/access.ts';
import { costOf, costsMore } from './cost.ts';
import { type Match, residualOf } from './residual.ts';

/** Two versions, of which every `every`th byte differs. */
function versions(sizeBytes: number, every: number): readonly [Uint8Array, Uint8Array] {
  const old = seededBytes(sizeBytes, sizeBytes);
  const next = Uint8Array.from(old);
  for (let at = every >> 1; at < sizeBytes; at += every) next[at]! ^= 1 + (at % 251);
  return [old, next];
}

function plainCost(base: RandomAccess, content: RandomAccess, matches: readonly Match[]): number {
  return costOf(content, matches, residualOf(base, content, matches, undefined)!);
}

test('what costs more than a limit is told like by its cost', () => {
  const [old, next] = versions(40_000, 37);
  const [base, content] = [bytesAccess(old), bytesAccess(next)];
  fc.assert(
    fc.property(
      fc.array(fc.nat(9_000), { maxLength: 8 }),
      fc.double({ min: 0, max: 2, noNaN: true }),
      (skips, part) => {
        const matches: Match[] = [];
        let at = 0;
        for (const [i, skip] of skips.entries()) {
          const newStart = at + (i % 2) * (skip >> 3);
          const length = Math.min(skip, next.length - newStart);
          if (length <= 0) break;
          matches.push({ newStart, address: newStart, length });
          at = newStart + length;
        }
        const cost = plainCost(base, content, matches);
        const limit = Math.floor(cost * part);
        expect(costsMore(base, content, matches, limit)).toBe(cost > limit);
      },
    ),
    { numRuns: 60 },
  );
});

test('a file is looked at no further than its cost is in question', () => {
  const [old, next] = versions(1 << 21, 5);
  let furthest = 0;
  const content: RandomAccess = {
    sizeBytes: next.length,
    readAt(position, into) {
      furthest = Math.max(furthest, position + into.length);
      bytesAccess(next).readAt(position, into);
    },
  };
  const whole = [{ newStart: 0, address: 0, length: next.length }];
  expect(costsMore(bytesAccess(old), content, whole, 10_000)).toBe(true);
  expect(furthest).toBeLessThan(next.length / 2);
  expect(costsMore(bytesAccess(old), content, whole, next.length)).toBe(false);
  expect(furthest).toBe(next.length);
});
